// Thins readings out before a limit takes them: while the journal is at its size, it reads the
// files that go next, a little at a time, and keeps of each device one reading in a stretch of
// time. Owned by the loop thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/damage.h"
#include "storage/journal.h"
#include "storage/options.h"
#include "storage/store.h"
#include "storage/thinned.h"

namespace wayside {

class Thinner {
 public:
  static constexpr size_t kPieceRows = 20'000;  // kept, in memory and in a file

  // `sources` outlive it; those that are `wanted` are what some uplink forwards.
  Thinner(Disk& disk, const std::string& state_dir, const StorageOptions& options,
          const std::vector<NamedSchema>& sources, std::vector<bool> wanted,
          size_t piece_rows = kPieceRows);

  // Before uplinks look into the files: those that belong to no epoch of the store, or lie behind
  // the journal's end, are another store's and set aside.
  Status open(const Journal& journal, const std::vector<Epoch>& epochs);
  // Reads entries of so many bytes of the journal. `needed`: from this entry on some uplink needs
  // readings; files before it go. What fails is tried again with the next call, for as long as the
  // journal has the readings.
  Status work(const Journal& journal, uint64_t needed, uint64_t bytes);

  // Readings that are only here had to go, since files have more than `thin_bytes`.
  std::function<void(const ThinnedReadings&)> lost;
  std::function<void(Damage)> damaged;       // a file that cannot be read
  uint64_t bytes() const { return bytes_; }  // of all files
  // What has to stay free on the disk for its next steps, beside `min_free`.
  uint64_t reserve() const;

 private:
  struct FileInfo {
    uint64_t last = 0;
    uint64_t bytes = 0;
  };
  // The last stretches of time of which a reading was kept, by device: some, since what waited in
  // the device may come mixed with what is new.
  struct Kept {
    Interner keys;
    std::vector<std::array<int64_t, 4>> stretches;
  };
  bool is_on() const { return options_.thin_to_ms != 0 && wants_any_; }
  Status look_at(uint64_t first, const Journal& journal, const std::vector<Epoch>& epochs);
  Status thin(const Journal& journal, uint64_t needed, uint64_t bytes);
  Result<bool> begin(const Journal& journal, uint64_t needed);
  Result<bool> read_next(const Journal& journal, uint64_t& bytes);
  void add(const JournalEntry& entry, const Group& group);
  void add_turn(uint64_t entry, const Turn& turn, const Group& from);
  bool is_first_of_its_time(uint32_t source, const ReadingBatch& batch, uint32_t row);
  void make_room(const Journal& journal, uint64_t bytes);
  Status end_piece(const Journal& journal);
  Status write(const std::string& bytes, uint64_t first);
  void drop_oldest(bool is_needed);

  Disk& disk_;
  const std::string dir_;
  const std::string state_dir_;
  const StorageOptions& options_;
  const std::vector<NamedSchema>& sources_;
  const std::vector<bool> wanted_;
  const size_t piece_rows_;
  bool wants_any_ = false;
  std::string epoch_;                   // of today
  uint64_t done_ = 0;                   // entries up to here are thinned, or need not be
  std::map<uint64_t, FileInfo> files_;  // by first entry
  uint64_t bytes_ = 0;
  bool folder_made_ = false;

  // The journal file under way.
  std::unique_ptr<JournalReader> reader_;
  uint64_t upto_ = 0;                     // its last entry
  std::optional<ThinnedReadings> piece_;  // what will be the next file
  uint64_t piece_bytes_ = 0;              // of the blocks it is made from
  std::vector<Kept> kept_;                // by source
};

}  // namespace wayside
