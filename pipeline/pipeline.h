// Everything behind the journal: a deterministic function from turns to emissions. It reads no
// clock, no file and no random number; the same turns give the same emissions, byte for byte. Owned
// by one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pipeline/command_options.h"
#include "pipeline/emission.h"
#include "pipeline/key_limit.h"
#include "pipeline/ledger.h"
#include "pipeline/lingering_keys.h"
#include "pipeline/lookup.h"
#include "pipeline/options.h"
#include "pipeline/paged_block.h"
#include "pipeline/processing_time.h"
#include "pipeline/quality.h"
#include "pipeline/view.h"
#include "pipeline/watch.h"
#include "pipeline/window.h"
#include "sensors/group.h"

namespace wayside {

struct PipelineOptions {
  EngineOptions engine;
  std::vector<SourceOptions> sources;
  std::vector<WindowOptions> windows;
  std::vector<RuleOptions> rules;
  std::vector<DetectorOptions> detectors;
  std::vector<JoinOptions> joins;
  std::vector<PatternOptions> patterns;
  std::vector<std::string> uplinks;  // names, in the order of their bits
  std::vector<MapOptions> maps;
  std::vector<RouteOptions> routes;
  std::vector<StateOptions> states;
  std::vector<OrderOptions> orders;
  std::vector<LookupOptions> lookups;
  std::vector<ViewOptions> views;
  std::vector<CommandOptions> commands;  // whose sources are among the others
  Witness* witness = nullptr;            // outlives the pipeline; null: none
};

// One piece of saved state. `key` is empty for what belongs to no key.
struct StateRow {
  std::string component;  // "source:climate", "window:cold_5m", …
  std::string key;
  std::string bytes;  // empty: delete
};

class Pipeline {
 public:
  // Null: `errors` says what is wrong, all at once.
  static std::unique_ptr<Pipeline> make(PipelineOptions options, std::vector<BlockError>& errors);
  ~Pipeline();

  // Sources that some block reads together get the same number; see AdmissionOptions::order_groups.
  const std::vector<uint32_t>& order_groups() const { return order_groups_; }

  // One turn of a group, with the notes that come before it.
  void turn(Group& group, size_t turn, EmissionBuffer& out);
  // What of the group belongs to no turn: rejected and duplicate messages.
  void end_group(const Group& group);
  // The end of recorded input: all that is open fires for the last time. False: there is more than
  // fits into a turn; to be called again.
  bool finish(EmissionBuffer& out);

  // What a look-up's table holds as far as the journal told, encoded; "" for nothing yet.
  const std::string& lookup_contents(const std::string& name) const;
  void set_lookup_contents(const std::string& name, std::string_view bytes);

  // On the timer clock: when a turn is due though nothing came; kTimeMax for never.
  int64_t next_timer();

  // State: rows that changed since the last save; loads what an earlier save gave, in any order.
  std::vector<StateRow> save_changes();
  // An error: a row is damaged; the pipeline must not be used.
  Status load(const std::vector<StateRow>& rows);
  // The same row by row, for more of them than memory holds.
  Status load_row(const StateRow& row);
  void loaded();

  // Keys of blocks with `state = "sqlite"` may leave memory from here on; what is loaded then is of
  // these pages, which outlive the pipeline.
  void set_pages(StatePages& pages);
  // What was learnt elsewhere, and is not saved yet.
  Status learn(const std::vector<StateRow>& rows);
  // The rows that save_changes() gave last are in the pages. Called before the next turn.
  void saved();
  // Memory holds more than it should until then.
  bool wants_saving() const;
  // Not ok: a page could not be read, and what was said since must not leave.
  Status page_status() const;

  // Of what the state consists, "window:cold_5m" say. With another fingerprint what was saved means
  // something else, and is not loaded.
  struct StatePart {
    std::string name;
    uint64_t fingerprint = 0;
    bool of_commands = false;  // it rests on all that was decided since the first command
  };
  std::vector<StatePart> state_parts() const;
  // The read models, in the order in which ViewChanges has them.
  std::vector<ViewShape> view_shapes() const;

  // For status.
  struct SourceStatus {
    std::string name;
    Ledger ledger;
    uint64_t out_of_range = 0;
    uint64_t rolled_over = 0;  // readings whose time was from another 1,024 weeks of GPS
    uint64_t waiting = 0;      // readings that wait for their order
    size_t keys = 0;
    struct Cleaned {
      std::string field;
      Reason reason;
      uint64_t readings;
    };
    std::vector<Cleaned> cleaned{};           // what cleaning has changed or doubts
    std::optional<QualityFigures> quality{};  // none: it has no expect_every
  };
  std::vector<SourceStatus> source_status() const;
  const Ledger& unrouted() const { return unrouted_; }  // messages that matched no source
  // How often the broker of a connection had forgotten our session.
  uint64_t sessions_lost(const std::string& connection) const;
  Ledger total() const;
  // What waits for rules and detectors, and what of it is late, faulty or evicted, is counted for
  // all of a stream together.
  std::vector<BlockStatus> block_status() const;
  struct KeyLag {
    std::string key;
    int64_t newest_ms;     // of all its sources
    int64_t watermark_ms;  // the lowest of its sources that are not idle; of all, if they all are
    std::optional<QualityFigures> quality{};  // in all its sources that have expect_every
  };
  // The largest event time of a source's keys; kTimeMin for none.
  int64_t newest_ms(size_t source) const;
  // How far event time is at each key, at most `limit` of them, by name.
  std::vector<KeyLag> key_times(size_t limit) const;

 private:
  struct Source;
  struct Reach;
  explicit Pipeline(PipelineOptions options);
  bool add_sources(std::vector<BlockError>& errors);
  struct Graph;  // while it is made
  std::unique_ptr<Block> bounded(const StateBounds& bounds, std::unique_ptr<Block> block);
  uint32_t bits(const std::vector<std::string>& uplinks, bool all_when_empty) const;
  size_t source_index(const std::string& name) const;
  void take_notes(const Group& group, size_t turn, EmissionBuffer& out);
  void on_clock(const Note& note, int64_t wall_ms, EmissionBuffer& out);
  void begin_anew_what_is_ahead(int64_t wall_ms, EmissionBuffer& out);
  void on_rollover(const Note& note, int64_t wall_ms, EmissionBuffer& out);
  void tell(const char* incident, const std::string& key, int64_t wall_ms,
            std::vector<NamedValue> fields, EmissionBuffer& out);
  void tell_anchor(const Note& note, int64_t wall_ms, EmissionBuffer& out);
  void advance_timers(int64_t timer_ms, EmissionBuffer& out);
  void process_slice(Source& source, ReadingBatch& batch, const Slice& slice, int64_t timer_ms,
                     EmissionBuffer& out);
  uint32_t key_of(Source& source, const ReadingBatch& batch, size_t row);
  void process_rows(Source& source, ReadingBatch& batch, const Slice& slice, const uint32_t* keys,
                    int64_t timer_ms, EmissionBuffer& out);
  static void refuse(const Source& source, const ReadingBatch& batch, uint32_t row, uint32_t place,
                     bool is_long, EmissionBuffer& out);
  void keep_limits(int64_t timer_ms, EmissionBuffer& out);
  void expire_derived_keys(int64_t timer_ms, EmissionBuffer& out);
  void go_idle(const Reach& reach, uint32_t key, EmissionBuffer& out);
  void begin_anew(const std::vector<Block*>& blocks, const std::vector<uint32_t>& keys,
                  int64_t limit_ms, EmissionBuffer& out);
  void forget(Reach& reach, uint32_t key, EmissionBuffer& out);
  void expire(Reach& reach, uint32_t key, int64_t timer_ms, EmissionBuffer& out);
  void expire_lingering_keys(int64_t timer_ms, EmissionBuffer& out);
  void let_go(uint32_t key, int64_t timer_ms, EmissionBuffer& out);
  void end_key(Block& block, uint32_t key, int64_t newest_ms, EmissionBuffer& out);
  void release_if_unknown(uint32_t key);
  bool is_known(uint32_t key, const Block* block) const;
  bool is_known(uint32_t key) const;
  std::vector<const Reach*> all_reaches() const;
  // A part of the state under its own name: how to save it (false: nothing to save) and how to load
  // it. Without functions for keys it has nothing by key.
  struct Component {
    std::string name;
    uint64_t fingerprint;  // another number: saved bytes mean something else and are dropped
    std::function<bool(uint32_t, ByteWriter&)> save_key;
    std::function<void(uint32_t, ByteReader&)> load_key;
    std::function<void(ByteWriter&)> save_totals;
    std::function<void(ByteReader&)> load_totals;
    std::function<bool(uint32_t)> is_loaded = nullptr;  // null: always
    uint64_t saved = 0;                                 // hash of the totals that were saved last
  };
  void list_components();
  void list_judged(Source& source);
  void list_limits();
  uint64_t faults_of(const Block& block) const;
  void save_faults(ByteWriter& out) const;
  void load_faults(ByteReader& in);
  void list_lingering();
  void save_sessions(ByteWriter& out) const;
  void load_sessions(ByteReader& in);
  template <class Part>
  void add_component(const char* kind, Part& part, uint64_t meaning);

  PipelineOptions options_;
  ExpressionEngine expressions_;
  KeyTable keys_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::unique_ptr<Block>> blocks_;   // each behind those it reads
  std::vector<uint64_t> meanings_;               // of the blocks and what is before them
  std::set<std::string> of_commands_;            // names of blocks, see StatePart
  std::map<std::string, uint64_t> streams_;      // what each of them means, by name
  std::vector<std::unique_ptr<Reach>> reaches_;  // of blocks
  LingeringKeys lingering_{1};
  std::vector<Block*> keeping_;             // who may keep a key: each is behind those it reads
  std::vector<std::string> keeping_names_;  // of those
  std::vector<std::pair<KeyLimit*, size_t>> limits_;  // and their places among the blocks
  std::vector<PagedBlock*> paged_;                    // within them
  int64_t turn_ms_ = 0;                               // timer clock: of the last turn
  int64_t turn_wall_ms_ = 0;                          // wall clock: of that
  size_t finished_ = 0;                               // blocks
  int64_t measured_ms_ = kTimeMin;                    // timer clock: when they were looked at last
  std::vector<ProcessingTime*> processing_;           // of blocks_
  std::vector<std::pair<const ProcessingTime*, const Window*>> by_processing_time_;
  std::map<std::string, Lookup*> lookups_;       // of blocks_
  std::vector<std::unique_ptr<Watch>> watches_;  // of streams with rules or detectors
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<std::unique_ptr<RobustZDetector>> detectors_;
  std::vector<uint32_t> order_groups_;  // by source
  Ledger unrouted_;
  std::map<std::string, uint64_t> sessions_;  // by connection: how many were begun
  struct Faults {
    const Block* block;
    std::string name;  // of its component
    uint64_t meaning;
    uint64_t before = 0;  // of former lives
  };
  std::vector<Faults> faults_;
  std::vector<Component> components_;
  std::vector<std::string> forgotten_;                 // keys that are gone since the last save
  std::vector<std::pair<const View*, size_t>> views_;  // and their places among the blocks
};

}  // namespace wayside
