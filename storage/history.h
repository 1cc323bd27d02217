// The readings of a journal, for questions: by time, key and entry. Reads only, beside a gateway
// that may be running. Owned by one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/disk.h"
#include "base/time.h"
#include "storage/group_codec.h"
#include "storage/history_index.h"

namespace wayside {

class History {
 public:
  // `sources` are those of the configuration; of others, and of fields that they do not name,
  // nothing is shown. `last_entry`: what lies behind it is not looked at.
  History(Disk& disk, std::string state_dir, std::vector<NamedSchema> sources,
          uint64_t last_entry = UINT64_MAX)
      : disk_(disk),
        state_dir_(std::move(state_dir)),
        sources_(std::move(sources)),
        last_entry_(last_entry) {}

  const std::vector<NamedSchema>& sources() const { return sources_; }

  // What is asked for; all ends are included.
  struct Range {
    int64_t from_ms = kTimeMin;
    int64_t to_ms = kTimeMax;
    uint64_t first_entry = 1;
    uint64_t last_entry = UINT64_MAX;
    std::optional<std::string> key;
    std::optional<size_t> source;  // its index; none: all
  };

  struct Reading {
    uint32_t source = 0;  // of sources()
    uint32_t row = 0;     // of the batch
    uint32_t place = 0;   // among all readings of the entry, see reading_id()
    int64_t arrived_ms = 0;
  };

  class Scan {
   public:
    // The next one, in order of the journal. kUnavailable: it has `expired`.
    Result<bool> next();
    const Reading& reading() const { return found_[at_]; }
    const ReadingBatch& batch() const { return group_.batches[reading().source - first_source_]; }
    uint64_t entry() const { return entry_.sequence; }

   private:
    friend class History;
    Scan(History& history, Range range, std::function<bool()> expired);
    Result<bool> next_entry();
    bool end_at(uint64_t entry);
    Result<bool> read(const JournalPlace& place);
    void find_readings();

    History& history_;
    const Range range_;
    const std::function<bool()> expired_;
    std::vector<NamedSchema> decoded_;  // the sources that are
    uint32_t first_source_ = 0;         // of them, in sources()
    size_t file_ = 0;                   // of the journal's, and of its entries the next
    size_t listed_ = 0;
    uint64_t expected_ = 0;
    JournalReader reader_;
    JournalEntry entry_;  // read last
    Group group_;
    std::vector<Reading> found_;
    size_t at_ = 0;
  };
  Result<std::unique_ptr<Scan>> scan(Range range, std::function<bool()> expired);

  // Entries that no scan could read, each range once, by its first one.
  const std::map<uint64_t, uint64_t>& damaged() const { return damaged_; }

 private:
  Status list_files();
  // Of the journal's files by number; made now if there is none yet. Null: the file is gone.
  Result<const HistoryIndex*> index_of(size_t file, const std::function<bool()>& expired);
  void note_gap(uint64_t from, uint64_t to) {
    if (from <= to) damaged_[from] = std::max(damaged_[from], to);
  }

  Disk& disk_;
  const std::string state_dir_;
  const std::vector<NamedSchema> sources_;
  const uint64_t last_entry_;
  std::vector<uint64_t> files_;  // of the journal when it was first asked
  std::vector<std::optional<HistoryIndex>> indexes_;
  std::map<uint64_t, uint64_t> damaged_;
};

}  // namespace wayside
