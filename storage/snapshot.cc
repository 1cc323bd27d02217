#include "storage/snapshot.h"

#include <algorithm>

#include "base/log.h"
#include "storage/store_rows.h"

namespace wayside {
namespace {

constexpr std::string_view kSnapshotSuffix = ".wss";
constexpr size_t kCopyBytes = 1 << 20;

std::string folder_of(const std::string& state_dir) { return state_dir + "/snapshots"; }
std::string unfinished_path(const std::string& state_dir) {
  return folder_of(state_dir) + "/unfinished";
}

// What is delivered, dropped or looked at is not what readings led to.
bool is_state(std::string_view table) {
  return table != "outbox" && table != "gaps" && table != "quarantine";
}

Result<uint64_t> size_of(Disk& disk, const std::string& path) {
  WS_ASSIGN(const auto file, disk.open(path, Disk::Mode::kRead));
  return file->size();
}

Status copy_and_sync(Disk& disk, const std::string& from, const std::string& to) {
  WS_ASSIGN(const auto in, disk.open(from, Disk::Mode::kRead));
  WS_ASSIGN(const auto out, disk.open(to, Disk::Mode::kCreate));
  WS_TRY(out->truncate(0));
  std::string piece(kCopyBytes, '\0');
  for (uint64_t at = 0;;) {
    WS_ASSIGN(const size_t n, in->read_at(at, piece.data(), piece.size()));
    if (n == 0) return out->sync_data();
    WS_TRY(out->write_at(at, std::string_view(piece).substr(0, n)));
    at += n;
  }
}

}  // namespace

std::string snapshot_path(const std::string& state_dir, uint64_t entry) {
  return folder_of(state_dir) + '/' + numbered_name(entry, kSnapshotSuffix);
}

Result<std::vector<uint64_t>> snapshot_entries(Disk& disk, const std::string& state_dir) {
  WS_ASSIGN(const std::vector<std::string> names, disk.list(folder_of(state_dir)));
  std::vector<uint64_t> entries;
  for (const std::string& name : names) {
    if (const uint64_t entry = number_of_name(name, kSnapshotSuffix)) entries.push_back(entry);
  }
  return entries;
}

Result<uint64_t> first_snapshot(Disk& disk, const std::string& state_dir, uint64_t oldest,
                                uint64_t newest) {
  WS_ASSIGN(const std::vector<uint64_t> entries, snapshot_entries(disk, state_dir));
  const auto at = std::find_if(entries.begin(), entries.end(),
                               [&](uint64_t entry) { return entry + 1 >= oldest; });
  return at == entries.end() || *at > newest ? 0 : *at;
}

Result<Store::Recovered> read_snapshot(Disk& disk, const std::string& state_dir, uint64_t entry,
                                       const std::function<Status(StateRow)>& take) {
  WS_ASSIGN(const auto db, Database::open(snapshot_path(state_dir, entry),
                                          Database::Mode::kReadOnly, disk.sqlite_vfs()));
  return read_recovered(*db, take);
}

Status begin_with_snapshot(Disk& disk, const std::string& state_dir, uint64_t entry) {
  const std::string unfinished = unfinished_path(state_dir);
  WS_TRY(copy_and_sync(disk, snapshot_path(state_dir, entry), unfinished));
  WS_TRY(disk.rename(unfinished, db_path(state_dir)));
  return disk.sync_dir(state_dir);
}

Status copy_tables(Database& db, const std::string& from, const std::string& to,
                   const std::function<bool(std::string_view table)>& with_rows) {
  constexpr std::string_view kCreate = "CREATE TABLE ";  // so SQLite has them, however they came
  std::vector<std::pair<std::string, std::string>> tables;
  {
    WS_ASSIGN(Statement list,
              db.prepare("SELECT name, sql FROM " + from + ".sqlite_master WHERE type = 'table'"));
    while (true) {
      WS_ASSIGN(const bool more, list.step());
      if (!more) break;
      tables.emplace_back(list.column_text(0), list.column_text(1));
    }
  }
  for (const auto& [name, sql] : tables) {
    WS_TRY(
        db.exec(("CREATE TABLE IF NOT EXISTS " + to + '.' + sql.substr(kCreate.size())).c_str()));
    if (!with_rows(name)) continue;
    const std::string table = '.' + sql_name(name);
    WS_TRY(db.exec(("INSERT INTO " + to + table + " SELECT * FROM " + from + table).c_str()));
  }
  return {};
}

Snapshots::Snapshots(Disk& disk, std::string state_dir, const StorageOptions& options)
    : disk_(disk), state_dir_(std::move(state_dir)), options_(options) {}

Status Snapshots::open(const Journal& journal) {
  WS_ASSIGN(const std::vector<uint64_t> entries, snapshot_entries(disk_, state_dir_));
  for (const uint64_t entry : entries) {
    if (entry > journal.last_sequence()) {
      WS_TRY(disk_.remove(snapshot_path(state_dir_, entry)));
      continue;
    }
    last_entry_ = entry;
    WS_ASSIGN(bytes_, size_of(disk_, snapshot_path(state_dir_, entry)));
  }
  return {};
}

// All together they have at most `snapshot_bytes`, and one more: the larger they are, the more
// journal lies between them.
bool Snapshots::due(const Journal& journal) const {
  if (options_.snapshot_bytes == 0 || journal.newest_file() <= 1) return false;
  const uint64_t files = std::max<uint64_t>(1, options_.max_bytes / options_.file_bytes);
  const uint64_t apart = std::max<uint64_t>(1, files * bytes_ / options_.snapshot_bytes);
  return journal.files_behind(last_entry_) >= apart;
}

Status Snapshots::keep(Store& store, const Journal& journal) {
  WS_TRY(forget(journal));
  if (!due(journal)) return {};
  last_entry_ = journal.last_sequence();
  const Status written = write(store, last_entry_);
  if (!written.ok()) (void)disk_.remove(unfinished_path(state_dir_)).ok();
  return written;
}

Status Snapshots::forget(const Journal& journal) {
  WS_ASSIGN(const std::vector<uint64_t> entries, snapshot_entries(disk_, state_dir_));
  for (const uint64_t entry : entries) {
    if (entry + 1 >= journal.oldest_sequence()) break;
    WS_TRY(disk_.remove(snapshot_path(state_dir_, entry)));
  }
  return {};
}

Status Snapshots::write(Store& store, uint64_t entry) {
  const std::string unfinished = unfinished_path(state_dir_);
  WS_ASSIGN(const uint64_t free_bytes, disk_.free_bytes(state_dir_));
  if (free_bytes < options_.min_free + bytes_) {
    return Error{ErrorCode::kFull, "less than storage.min_free would stay free"};
  }
  WS_TRY(disk_.make_dirs(folder_of(state_dir_)));
  WS_ASSIGN(const std::vector<std::string> names, disk_.list(folder_of(state_dir_)));
  if (std::binary_search(names.begin(), names.end(), "unfinished")) {
    WS_TRY(disk_.remove(unfinished));
  }
  WS_TRY(store.copy_state(unfinished, is_state));
  {
    WS_ASSIGN(const auto file, disk_.open(unfinished, Disk::Mode::kReadWrite));
    WS_ASSIGN(bytes_, file->size());
    WS_TRY(file->sync_data());
  }
  if (bytes_ > options_.snapshot_bytes) {
    log_warn(
        "the state has {} bytes, more than storage.snapshot_bytes: no snapshot of it is kept, "
        "and the past begins where the journal does",
        bytes_);
    return disk_.remove(unfinished);
  }
  WS_TRY(disk_.rename(unfinished, snapshot_path(state_dir_, entry)));
  return disk_.sync_dir(folder_of(state_dir_));
}

}  // namespace wayside
