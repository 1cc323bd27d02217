// The readings that an uplink forwards, in their order: from the journal, and where that has made
// room for others, from what thinning left. Owned by the uplink's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "storage/group_codec.h"
#include "storage/journal.h"
#include "storage/mark.h"
#include "storage/thinned.h"
#include "uplink/message.h"

namespace wayside {

// Where they are, and which of them count.
struct RawOptions {
  std::string journal_dir;
  std::string thinned_dir;
  std::vector<NamedSchema> sources;  // all of the configuration
  std::vector<bool> forwarded;       // by source

  bool any() const;
  Result<Group> decode(const JournalEntry& entry) const;
  uint64_t forwarded_before(const Group& group) const;
  // Behind so many readings of the entry.
  uint64_t seen_at(const Group& group, uint64_t rows) const;
};

// Counts anew how many readings the position has seen; where nobody knows, it stays.
Status count_seen(Disk& disk, const RawOptions& options, uint64_t committed_entry, RawPosition& at);

// How many of what is kept the mark has not come to.
uint64_t waiting_in(const ThinnedReadings& thinned, const std::vector<bool>& forwarded,
                    const Mark& mark);

class RawCursor {
 public:
  struct Row : ReadingPlace {
    uint64_t entry = 0;
  };
  enum class Found { kNothing, kRows, kGap };

  RawCursor(Disk& disk, const RawOptions& options)
      : disk_(disk), options_(options), reader_(disk, options.journal_dir) {}

  // Loads the readings of the entry that follows `at`, unless they are; `at` then knows how many it
  // has seen. kGap: that entry is gone, and `behind` is where there is something again, at most
  // `end`. kNothing: there is nothing (yet) up to `end`.
  Result<Found> load(RawPosition& at, const RawPosition& end, uint64_t committed_entry,
                     RawPosition& behind);
  // Of what is loaded the first reading behind `at`.
  std::vector<Row>::const_iterator row_behind(const RawPosition& at) const;
  std::vector<Row>::const_iterator rows_end() const { return rows_.end(); }
  const Group& group() const { return group_; }
  // Behind what is loaded, at most `end`. Says how many readings were thinned out meanwhile.
  uint64_t pass(RawPosition& at, const RawPosition& end);

 private:
  bool has(uint64_t entry) const { return first_ <= entry && entry <= last_; }
  Result<bool> goes_on_thinned(RawPosition& at);
  Result<bool> read_journal(uint64_t wanted, JournalEntry& entry, Group& group);
  uint64_t seen_by_end_of(const ThinnedReadings& thinned) const;
  void take(const JournalEntry& entry, Group group, RawPosition& at);
  void take(ThinnedReadings thinned, uint64_t last, uint64_t seen_after, RawPosition& at);

  Disk& disk_;
  const RawOptions& options_;
  JournalReader reader_;
  uint64_t first_ = 1;  // the entries whose readings are loaded; none at first
  uint64_t last_ = 0;
  Group group_;
  std::vector<Row> rows_;               // all of them, forwarded or not
  std::optional<uint64_t> seen_after_;  // of what was thinned: at the end of last_
};

}  // namespace wayside
