// The way of a reading up to the edge of the disk: admission, group, pipeline. Live running,
// recovery and replay differ only in where chunks or groups come from. Owned by one thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "sensors/admission.h"
#include "storage/group_codec.h"

namespace wayside {

class Engine {
 public:
  // `uplinks`: names by bit, "" for none. The configuration has been checked; the error is then
  // ours.
  static Result<std::unique_ptr<Engine>> make(const Config& config,
                                              std::vector<std::string> uplinks,
                                              Witness* witness = nullptr);

  // What became of our clock between the last turn and the one that begins next; `first`: of this
  // life. Called before each turn of a live engine.
  void tell_clock(const Now& last, const Now& next, bool first);
  // After state or journal were loaded, before the first live turn.
  void resume();
  // A group that becomes this journal entry begins: it notes our configuration. Without a call
  // nobody knows where what is said comes from.
  void begin_group(uint64_t entry);
  // A turn over chunks: admitted to the group, then through the pipeline.
  void turn(Now now, std::span<const std::unique_ptr<Chunk>> chunks);
  // Ends the group: its ledger entries are made; digest() is that of its emissions.
  void end_group();
  // After the group and its emissions are safe.
  void next_group();
  // What the last group has made the pipeline say.
  void clear_said();

  // A group from the journal, of this entry, as if its turns happened now. Ends it, too.
  void replay(Group& group, uint64_t entry);

  uint32_t config_version() const { return config_version_; }
  Group& group() { return group_; }
  EmissionBuffer& emissions() { return emissions_; }
  Pipeline& pipeline() { return *pipeline_; }
  Admission& admission() { return *admission_; }
  const Digest& digest() const { return digest_; }
  void set_digest(const Digest& digest) { digest_ = digest; }
  // Whether the group's emissions, which are still there, are those that an entry recorded so, also
  // one of before, where digests had the uplinks in them.
  bool has_said(const Digest& recorded) const;

  const std::vector<NamedSchema>& schemas() const { return schemas_; }
  const std::vector<std::string>& connections() const { return connections_; }
  const std::vector<std::string>& uplinks() const { return uplinks_; }
  // Which sources an uplink forwards, by source.
  const std::vector<bool>& forwarded(size_t bit) const { return forwarded_[bit]; }

 private:
  explicit Engine(const Config& config) : config_(config) {}
  std::vector<bool> forwarded_by(const std::string& uplink) const;
  void finish_group(const Group& group);
  void note_decisions();

  const Config& config_;
  uint32_t config_version_ = 0;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<Pipeline> pipeline_;
  Group group_;
  EmissionBuffer emissions_;
  Digest digest_{};
  std::vector<NamedSchema> schemas_;
  std::vector<std::string> connections_;
  std::vector<std::string> uplinks_;
  std::vector<std::vector<bool>> forwarded_;  // by bit
};

// What determinism depends on: the same build, compiler and SQLite.
uint64_t engine_stamp();
std::string version_text();

}  // namespace wayside
