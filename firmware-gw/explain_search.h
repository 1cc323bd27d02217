// Which journal entry has said an event, and what is known of it there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "firmware-gw/journal_replay.h"

namespace wayside {

struct EventId {
  std::string epoch;
  uint64_t number = 0;
};

// gateway/epoch/number of this gateway; usage: it is something else.
Result<EventId> parse_event_id(const std::string& id, const std::string& gateway);

struct EventPlace {
  uint64_t entry = 0;
  uint64_t index = 0;  // among what the entry has said
  Digest said{};       // of all that it has said
  uint64_t engine_stamp = 0;
};

// Looks for an event while a journal is read, entry by entry.
class EventSearch {
 public:
  EventSearch(std::string id, EventId event) : id_(std::move(id)), event_(std::move(event)) {}

  void visit(const JournalEntry& entry, const Group& group);
  // At the end. `state_dir`: whose store knows what the newest entry said, as the next one does of
  // each before it. Unavailable: this journal cannot tell of it.
  Result<EventPlace> found(const std::string& state_dir, const JournalReplay::Past& past) const;
  // Did this configuration say it? kConfig: the error names the one that did.
  Status check_version(uint32_t version) const;
  // Others that ran before it, "1a2b3c4d up to entry 17"; "" for none.
  std::string ran_before(uint32_t version) const;

 private:
  bool is_behind(const JournalEntry& entry) const { return entry.said_before >= event_.number; }
  Error unavailable(const std::string& why) const {
    return {ErrorCode::kUnavailable, "'" + id_ + "': " + why};
  }

  const std::string id_;
  const EventId event_;
  EventPlace place_;
  std::optional<bool> known_;              // whether the entry behind it tells what it said
  uint32_t version_ = 0;                   // of the configuration that has said it; 0: not known
  bool is_unrecorded_ = false;             // a recovery has said it in place of what is recorded
  std::map<uint32_t, uint64_t> versions_;  // before it: the last entry of each
};

}  // namespace wayside
