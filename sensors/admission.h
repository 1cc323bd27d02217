// The door: frames in, rows of a group out. Finds the source by topic, decodes, checks and corrects
// the time, knows duplicates. What becomes no reading is kept with its reason; nothing stops the
// rest. Owned by the loop thread.
//
// Reasons: no_source, malformed_publish, too_large, bad_json, bad_protobuf and so on, not_born,
// wrong_type, no_time, bad_time, too_far_in_future, no_key, long_key, wrong_identity,
// unknown_device, blocked_device.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sensors/decoder.h"
#include "sensors/frame.h"
#include "sensors/group.h"
#include "sensors/options.h"
#include "sensors/redelivery.h"
#include "sensors/registry.h"
#include "sensors/topic.h"

namespace wayside {

// The columns of a source, or what is wrong with them.
Result<Schema> make_schema(const SourceOptions& source);

struct AdmissionOptions {
  std::vector<SourceOptions> sources;
  std::vector<std::string> connections;  // by number; see Chunk::connection
  // Sources with the same number here keep their common order of arrival, since some block reads
  // several of them. By default each is alone.
  std::vector<uint32_t> order_groups;
  size_t topic_cache = 8 << 20;      // bytes of topics whose source is remembered, a connection
  size_t recent_readings = 10'000;   // a source, with `deduplicate`
  size_t quarantine_payload = 4096;  // bytes kept of a rejected payload
};

class Admission {
 public:
  // Any connection: for dumps, in which topics alone decide.
  static constexpr uint32_t kAnyConnection = UINT32_MAX;

  static Result<std::unique_ptr<Admission>> make(AdmissionOptions options);

  Group make_group() const;
  // Opens a turn in `group`; the chunks that follow belong to it.
  void begin_turn(Now now, Group& group);
  void admit(const Chunk& chunk, Group& group);

  // What a group of the past teaches about duplicates; called for the journal's tail before the
  // first admit().
  void remember(const Group& group);
  // Readings of a source without times of their own come at or after `time_ms`: its event time has
  // come so far.
  void begin_arrivals_at(size_t source, int64_t time_ms);
  // Our time was set: arrivals that are ahead of it by more than max_future come back to that.
  void clock_was_set(int64_t wall_ms);

  // What devices need to get, since the last call; of the frames of this connection.
  struct ToDevice {
    uint32_t connection = kAnyConnection;
    Outgoing message;
  };
  std::vector<ToDevice> take_outgoing() { return std::exchange(outgoing_, {}); }

  const std::vector<Schema>& schemas() const { return schemas_; }
  const std::vector<SourceOptions>& sources() const { return options_.sources; }

 private:
  struct Equal {  // what a payload says of itself, and the level that says the same
    size_t field;
    size_t level;
  };
  struct SourceState {
    TopicPattern pattern;
    uint32_t connection = kAnyConnection;
    std::unique_ptr<Decoder> decoder;
    Readings readings;  // of the message at hand
    std::vector<Equal> equals;
    const Registry* devices = nullptr;       // of its options; null: all may come in
    std::unique_ptr<RecentReadings> recent;  // null: off
    size_t recent_field = 0;                 // the message id; beyond the schema: the whole content
    int64_t last_arrival_ms = kTimeMin;      // as an event time
  };
  // What a topic says: its source and the texts of its {…} levels.
  struct Binding {
    uint32_t source = Rejected::kNoSource;
    uint64_t topic_hash = 0;
    std::vector<std::string> levels;
    uint32_t device =
        Registry::kUnknown;     // where one of them is the key, and devices are looked at
    std::vector<uint32_t> ids;  // of the levels, in the source's batch
    uint64_t generation = 0;    // of that batch, 0: none yet
  };

  explicit Admission(AdmissionOptions options) : options_(std::move(options)) {}
  Binding& bind(uint32_t connection, std::string_view topic);
  void admit_frame(const Chunk& chunk, const Frame& frame, Group& group);
  void admit_readings(const Chunk& chunk, const Frame& frame, const Now& arrival, Binding& binding,
                      Group& group);
  // The reading of this number in the message; false: its refusal says why it is none.
  bool admit_reading(const Chunk& chunk, const Frame& frame, const Now& arrival, Binding& binding,
                     size_t number, Group& group);
  bool is_redelivery(uint32_t connection, const Frame& frame, uint64_t topic_hash, Group& group);
  bool set_time(const SourceOptions& options, SourceState& source, const Now& arrival, Row& row,
                Refusal& refusal);
  bool check_time(const SourceOptions& options, const Now& arrival, Row& row, Refusal& refusal);
  void take_reply(const Chunk& chunk, const Frame& frame, Row& row);
  bool check_key(const Schema& schema, const Binding& binding, const Row& row, bool is_answered,
                 Refusal& refusal) const;
  bool check_identity(const SourceState& source, const Schema& schema, const Binding& binding,
                      const Row& row, Refusal& refusal) const;
  bool check_device(const SourceState& source, const SourceOptions& options, const Schema& schema,
                    const Binding& binding, const Row& row, Refusal& refusal) const;
  void append(Binding& binding, const Row& row, Group& group);
  bool is_repeated(SourceState& source, const ReadingBatch& batch, size_t row);
  void note_rollover(uint32_t source, int64_t time_ms, Group& group) const;
  void add_to_slice(uint32_t source, uint32_t row, Group& group);
  void reject(uint32_t source, const Frame& frame, Refusal refusal, Group& group);
  uint64_t content_hash(const ReadingBatch& batch, size_t row, size_t field) const;

  AdmissionOptions options_;
  std::vector<Schema> schemas_;
  std::vector<SourceState> states_;
  std::vector<Redelivery> redelivery_;  // one a connection
  struct Bindings {
    std::unordered_map<std::string, Binding, TextHash, std::equal_to<>> by_topic;
    size_t bytes = 0;
  };
  // One a connection, since two of them may use the same topics; the last for any connection.
  std::vector<Bindings> bindings_;
  std::vector<ToDevice> outgoing_;
  // Of the reading at hand.
  std::string correlation_;                // in hex digits
  std::optional<int64_t> rolled_from_ms_;  // what the device said instead of its time
};

}  // namespace wayside
