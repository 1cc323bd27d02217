// Thins readings out before a limit takes them: while the journal is at its size, it reads the
// files that go next, a few entries at a time, and keeps of each device one reading in a stretch of
// time. Entries are read once, as they are; what uplinks have already does not matter. Owned by the
// loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/journal.h"
#include "storage/options.h"
#include "storage/thinned.h"

namespace wayside {

class Thinner {
 public:
  // `sources` outlive it; those that are `wanted` are what some uplink forwards.
  Thinner(Disk& disk, const std::string& state_dir, const StorageOptions& options,
          const std::vector<NamedSchema>& sources, std::vector<bool> wanted);

  // Reads at most so many entries. `needed`: from this entry on some uplink needs readings; files
  // before it go. On an error what was read of the file under way is not kept.
  Status work(const Journal& journal, uint64_t needed, size_t entries);

  // A file has to go, since they have more than `thin_bytes`; not those before `needed`.
  std::function<void(const ThinnedReadings&)> lost;
  uint64_t bytes() const { return bytes_; }  // of all files

 private:
  // The last stretch of time of which a reading was kept, by device.
  struct Kept {
    Interner keys;
    std::vector<int64_t> stretch;
  };
  Status open(const Journal& journal);
  Status thin(const Journal& journal, uint64_t needed, size_t entries);
  Result<bool> begin(const Journal& journal, uint64_t needed);
  Result<bool> read_next();
  void add(const JournalEntry& entry, const Group& group);
  void add_turn(uint64_t entry, const Turn& turn, const Group& from);
  bool is_first_of_its_time(uint32_t source, const ReadingBatch& batch, uint32_t row);
  Status end_piece();
  Status write(const std::string& bytes, uint64_t first);
  Status forget(uint64_t needed);

  Disk& disk_;
  const std::string dir_;
  const std::string state_dir_;
  const StorageOptions& options_;
  const std::vector<NamedSchema>& sources_;
  const std::vector<bool> wanted_;
  bool wants_any_ = false;
  bool open_ = false;
  uint64_t done_ = 0;  // entries up to here are thinned, or need not be
  struct FileInfo {
    uint64_t last = 0;
    uint64_t bytes = 0;
  };
  std::map<uint64_t, FileInfo> files_;  // by first entry
  uint64_t bytes_ = 0;

  // The journal file under way.
  std::unique_ptr<JournalReader> reader_;
  uint64_t upto_ = 0;                     // its last entry
  std::optional<ThinnedReadings> piece_;  // what will be the next file
  std::vector<Kept> kept_;                // by source
};

}  // namespace wayside
