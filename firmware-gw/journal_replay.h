// A gateway's journal through an engine of our own, entry by entry: what it made the gateway say,
// or with another configuration, what that would have said. Reads only. Owned by one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "firmware-gw/engine.h"
#include "firmware-gw/moment.h"
#include "storage/journal.h"
#include "storage/store.h"

namespace wayside {

// Of the configuration that made an entry; 0: it does not say.
uint32_t version_noted(const Group& group);

// In the order of the configuration.
std::vector<std::string> uplink_names(const Config& config);

class JournalReplay {
 public:
  // What of a journal all its replays need. Looking for it reads the whole journal.
  struct Past {
    uint64_t oldest = 0;  // entry; 0: it is empty
    // An epoch may begin before the entry that tells of it.
    std::vector<Epoch> epochs;
    std::vector<std::string> uplinks;  // by bit, as the store has them; empty: there is none
    // Where the beginning is gone a replay begins with what it led to, if that is known.
    bool with_snapshot = true;
  };
  using Expired = std::function<bool()>;
  using Visit = std::function<void(const JournalEntry&, const Group&)>;
  // Of the gateway whose folder `state_dir` is, up to this entry. Each one is shown to `visit`,
  // with its notes.
  static Result<Past> look_at(const std::string& state_dir, uint64_t last_entry,
                              const Expired& expired, const Visit& visit = nullptr);
  // What is said about gaps goes to the log.
  static Result<std::unique_ptr<JournalReplay>> open(const Config& config,
                                                     const std::string& state_dir, Past past,
                                                     Moment until, Expired expired,
                                                     Witness* witness = nullptr);

  // The next entry, through the engine; false: there is none, up to the end. What it said is in the
  // engine's emissions. kUnavailable: it has `expired`.
  Result<bool> next();
  uint64_t entry() const { return entry_.sequence; }
  int64_t committed_ms() const { return entry_.wall_ms; }
  const Group& group() const { return group_; }
  // What of the entries so far this configuration has left out, or misses, a line each.
  std::vector<std::string> left_out() const;
  Engine& engine() { return *engine_; }
  // The snapshot that it begins with, 0: with nothing.
  uint64_t snapshot() const { return snapshot_; }
  // Nothing before this entry is seen.
  uint64_t first_entry() const { return snapshot_ > 0 ? snapshot_ + 1 : past_.oldest; }

  // gateway/epoch/number of an emission, as it was given; with "replay" for the epoch where the
  // entry does not say what was sent: then nobody was given one.
  std::string id_of(const Emission& emission) const;
  std::string id_of_reading(size_t place) const;
  // Of any entry so far; without a reading it is the entry's.
  std::string id_of(const Cause& cause) const;

 private:
  JournalReplay(const Config& config, const std::string& state_dir, Past past, Moment until,
                Expired expired);
  Status load_snapshot(const Config& config, const std::string& state_dir);
  Result<bool> read();
  void compare(const std::vector<JournaledSource>& journaled);
  void find_epochs();
  bool says_what_was_sent() const;
  std::string epoch_of(uint64_t Epoch::*first, uint64_t number) const;

  const std::string gateway_;
  Past past_;
  const Moment until_;
  const Expired expired_;
  std::unique_ptr<Engine> engine_;
  JournalReader reader_;
  uint64_t snapshot_ = 0;
  uint64_t expected_ = 0;
  JournalEntry entry_;
  JournalEntry behind_;  // the next one, which knows what this one said
  bool has_behind_ = false;
  Group group_;
  std::map<std::string, uint64_t> unknown_;  // readings by source, which is not configured
  std::map<std::pair<std::string, std::string>, uint64_t> lacking_;  // by source and field
  uint64_t first_sequence_ = 0;                                      // of what the entry says
  uint64_t told_ = 0;  // emissions of the entries before it
  bool as_sent_ = false;
};

}  // namespace wayside
