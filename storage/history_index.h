// Which times the entries of a journal file hold, so that a question about one hour reads that hour
// only. A view of the journal in the folder `history` beside it: written once for each file that is
// complete, and made again when it is lost. docs/architecture.md draws the format.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/disk.h"
#include "storage/journal.h"

namespace wayside {

struct TimeRange {
  int64_t from_ms = 0;
  int64_t to_ms = 0;  // included
  bool operator==(const TimeRange&) const = default;
};

// The times in a few ranges, rising: one device that is years off must not make an entry look as
// if it held everything between. Sorts `times`.
std::vector<TimeRange> ranges_of(std::vector<int64_t>& times);

struct HistoryIndex {
  struct Entry {
    uint64_t sequence = 0;
    uint64_t offset = 0;
    size_t ranges_end = 0;  // its own begin where those of the entry before end
    bool operator==(const Entry&) const = default;
  };
  uint64_t file = 0;           // its first sequence
  uint64_t chain = 0;          // of its last entry, see chain_of(); 0: it has none
  std::vector<Entry> entries;  // that can be read
  std::vector<TimeRange> ranges;
  bool unreadable = false;  // something of the file was: such an index is not kept

  // Whether the entry may hold a reading of these times; both ends are included.
  bool may_hold(size_t entry, int64_t from_ms, int64_t to_ms) const;
  std::string encode() const;
  // Nothing: damaged, or of another version.
  static std::optional<HistoryIndex> decode(std::string_view bytes);
};

std::string history_dir(const std::string& state_dir);

// Reads a file of the journal. Nothing: it is gone, or `go_on` said so.
Result<std::optional<HistoryIndex>> index_file(Disk& disk, const std::string& journal_dir,
                                               uint64_t file, const std::function<bool()>& go_on);

// Of a file of the journal; nothing: there is none yet, or it is not of this journal.
Result<std::optional<HistoryIndex>> load_index(Disk& disk, const std::string& state_dir,
                                               uint64_t file);

// Of journal files; kept by the caller of index_some() from call to call.
struct KnownIndexes {
  std::set<uint64_t> there;    // and looked at
  std::set<uint64_t> put_off;  // what the medium does not give back may be there in another life
};

// Makes one index that is missing and takes away those whose files are gone. False: there is
// nothing to do for now. Nothing is written that would leave less than `min_free` on the disk.
Result<bool> index_some(Disk& disk, const std::string& state_dir, uint64_t min_free,
                        KnownIndexes& known, const std::function<bool()>& go_on);

}  // namespace wayside
