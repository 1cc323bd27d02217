// A gateway's journal through an engine of our own, entry by entry: what it made the gateway say,
// or with another configuration, what that would have said. Reads only. Owned by one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firmware-gw/engine.h"
#include "firmware-gw/moment.h"
#include "storage/journal.h"
#include "storage/store.h"

namespace wayside {

class JournalReplay {
 public:
  // What of a journal all its replays need. Looking for it reads the whole journal.
  struct Past {
    uint64_t oldest = 0;  // entry; 0: it is empty
    // An epoch may begin before the entry that tells of it.
    std::vector<Epoch> epochs;
  };
  using Expired = std::function<bool()>;
  // Of the gateway whose folder `state_dir` is, up to this entry.
  static Result<Past> look_at(const std::string& state_dir, uint64_t last_entry,
                              const Expired& expired);
  // What is said about gaps goes to the log.
  static Result<std::unique_ptr<JournalReplay>> open(const Config& config,
                                                     const std::string& state_dir, Past past,
                                                     Moment until, Expired expired);

  // The next entry, through the engine; false: there is none, up to the end. What it said is in the
  // engine's emissions. kUnavailable: it has `expired`.
  Result<bool> next();
  uint64_t entry() const { return entry_.sequence; }
  int64_t committed_ms() const { return entry_.wall_ms; }
  const Group& group() const { return group_; }
  Engine& engine() { return *engine_; }

  // gateway/epoch/number of an emission, as it was given.
  std::string id_of(const Emission& emission) const;
  std::string id_of_reading(size_t place) const;

 private:
  JournalReplay(const Config& config, const std::string& state_dir, Past past, Moment until,
                Expired expired);
  Result<bool> read();
  std::string epoch_of(uint64_t Epoch::*first, uint64_t number) const;

  const std::string gateway_;
  Past past_;
  const Moment until_;
  const Expired expired_;
  std::unique_ptr<Engine> engine_;
  JournalReader reader_;
  uint64_t expected_ = 0;
  JournalEntry entry_;
  Group group_;
};

}  // namespace wayside
