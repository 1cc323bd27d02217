// The state as a checkpoint left it, kept aside for as long as the journal goes on from there: what
// recycled entries led to. A snapshot is a store with nothing in its outbox. docs/architecture.md
// says when there is one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "storage/journal.h"
#include "storage/options.h"
#include "storage/store.h"

namespace wayside {

// Behind which journal entries there is one, rising.
Result<std::vector<uint64_t>> snapshot_entries(Disk& disk, const std::string& state_dir);
std::string snapshot_path(const std::string& state_dir, uint64_t entry);

// The oldest one from which a journal goes on that has the entries from `oldest` to `newest`; 0:
// none does.
Result<uint64_t> first_snapshot(Disk& disk, const std::string& state_dir, uint64_t oldest,
                                uint64_t newest);

// What it holds, read only; rows of the state go to `take`.
Result<Store::Recovered> read_snapshot(Disk& disk, const std::string& state_dir, uint64_t entry,
                                       const std::function<Status(StateRow)>& take);

// Makes it the store of a folder that has none. Until its first checkpoint that is not complete.
Status begin_with_snapshot(Disk& disk, const std::string& state_dir, uint64_t entry);

// Tables of one attached database, with their rows, in another one.
Status copy_tables(Database& db, const std::string& from, const std::string& to,
                   const std::function<bool(std::string_view table)>& with_rows);

// Makes them, and takes away those that the journal does not go on from. Owned by the loop thread.
class Snapshots {
 public:
  Snapshots(Disk& disk, std::string state_dir, const StorageOptions& options);

  // At start: those behind what the journal has are another journal's.
  Status open(const Journal& journal);
  // A new journal file was begun, and by the limit it is time for another one.
  bool due(const Journal& journal) const;
  // Behind a checkpoint of the journal's last entry: takes away what is of no use any more, and
  // makes one if it is due. On an error there is none, and the next one is due when the journal
  // begins another file.
  Status keep(Store& store, const Journal& journal);

 private:
  Status forget(const Journal& journal);
  Status write(Store& store, uint64_t entry);

  Disk& disk_;
  const std::string state_dir_;
  const StorageOptions& options_;
  uint64_t last_entry_ = 0;  // of the last one, or of the last attempt
  uint64_t bytes_ = 0;       // of the last one
};

}  // namespace wayside
