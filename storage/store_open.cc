// Opening the store: made, of an older format, damaged, or somebody else's.
#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "storage/snapshot.h"
#include "storage/store_rows.h"

namespace wayside {
namespace {

constexpr int64_t kFormat = 2;
constexpr int64_t kCheckBytesMax = 64 << 20;  // a second or two from a slow card
constexpr uint64_t kPageBytes = 4096;
constexpr const char* kSchema = R"(
  CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL, crc INTEGER) WITHOUT ROWID;
  CREATE TABLE epochs(first_sequence INTEGER NOT NULL, first_entry INTEGER NOT NULL,
                      name TEXT NOT NULL UNIQUE, crc INTEGER);
  CREATE TABLE uplinks(bit INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, crc INTEGER);
  CREATE TABLE outbox(lane INTEGER NOT NULL, sequence INTEGER NOT NULL, targets INTEGER NOT NULL,
                      message BLOB NOT NULL, crc INTEGER, PRIMARY KEY(lane, sequence)) WITHOUT ROWID;
  CREATE TABLE state(key TEXT NOT NULL, component TEXT NOT NULL, bytes BLOB NOT NULL, crc INTEGER,
                     PRIMARY KEY(key, component)) WITHOUT ROWID;
  CREATE TABLE marks(uplink TEXT PRIMARY KEY, mark TEXT NOT NULL, crc INTEGER) WITHOUT ROWID;
  CREATE TABLE quarantine(entry INTEGER NOT NULL, number INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
                          source TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
                          topic TEXT NOT NULL, payload BLOB NOT NULL,
                          PRIMARY KEY(entry, number)) WITHOUT ROWID;
)";
constexpr const char* kUpgrade = R"(
  ALTER TABLE meta ADD COLUMN crc INTEGER;
  ALTER TABLE epochs ADD COLUMN crc INTEGER;
  ALTER TABLE uplinks ADD COLUMN crc INTEGER;
  ALTER TABLE outbox ADD COLUMN crc INTEGER;
  ALTER TABLE state ADD COLUMN crc INTEGER;
  ALTER TABLE marks ADD COLUMN crc INTEGER;
)";
// A flipped bit in user_version looks like a newer format; this row tells them apart.
constexpr const char* kSetFormat =
    "PRAGMA user_version = 2; INSERT OR REPLACE INTO meta(name, value) VALUES('format', 2)";
// What was taken out of the outbox: sequences and targets, as encode_gap() has them.
constexpr const char* kGaps = R"(
  CREATE TABLE IF NOT EXISTS gaps(lane INTEGER NOT NULL, last INTEGER NOT NULL, first INTEGER NOT NULL,
                                  targets INTEGER NOT NULL, taken BLOB NOT NULL, crc INTEGER NOT NULL,
                                  PRIMARY KEY(lane, last)) WITHOUT ROWID;
)";

// What SQLite's files are named behind the name of the database.
constexpr const char* kSuffixes[] = {"", "-wal", "-shm"};

std::string with_suffix(std::string name, const char* suffix) {
  name += suffix;
  return name;
}

// A folder in the place of a file, which SQLite would only call a failure to open.
Status check_files(Disk& disk, const std::string& dir) {
  WS_ASSIGN(const std::vector<std::string> names, disk.list(dir));
  for (const char* rest : kSuffixes) {
    const std::string name = with_suffix("wayside.db", rest);
    if (!std::binary_search(names.begin(), names.end(), name)) continue;
    WS_ASSIGN(const auto file, disk.open(with_suffix(db_path(dir), rest), Disk::Mode::kRead));
    char byte = 0;
    if (auto read = file->read_at(0, &byte, 1); !read.ok()) {
      Error error = read.error();
      if (error.code == ErrorCode::kIo) error.code = ErrorCode::kUnreadable;
      return error;
    }
  }
  return {};
}

// Why SQLite could not use it: damage, if the first page says so. It says nothing as long as all
// goes well: after a power cut the log may have a better one.
Error explain(Disk& disk, const std::string& dir, Error error) {
  if (error.code == ErrorCode::kInternal) return error;  // no memory
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  const auto file = disk.open(db_path(dir), Disk::Mode::kRead);
  std::string head(20, '\0');
  if (!file.ok()) return error;
  const auto read = (*file)->read_at(0, head.data(), head.size());
  if (!read.ok() || *read == 0) return error;
  // Versions of the format for writing and for reading: 2 is WAL, 1 it is before that is set.
  const auto known = [&](size_t at) { return head[at] == 1 || head[at] == 2; };
  if (*read < head.size() || !head.starts_with(kMagic) || !known(18) || !known(19)) {
    error.code = ErrorCode::kBadData;
  }
  return error;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(Disk& disk, const std::string& dir, uint64_t wal_bytes) {
  WS_TRY(check_files(disk, dir));
  auto store = open_database(disk, dir, wal_bytes);
  // What fails only once, a read, say, is no damage.
  if (!store.ok()) store = open_database(disk, dir, wal_bytes);
  if (!store.ok()) return explain(disk, dir, store.error());
  return store;
}

Result<std::unique_ptr<Store>> Store::open_database(Disk& disk, const std::string& dir,
                                                    uint64_t wal_bytes) {
  WS_ASSIGN(auto db, Database::open(db_path(dir), Database::Mode::kReadWrite, disk.sqlite_vfs()));
  // NORMAL: after a power cut the last transactions may be missing, never half there; the journal
  // brings them back.
  WS_TRY(
      db->exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
               "PRAGMA journal_size_limit = 4194304; "
               "PRAGMA cache_size = -512; PRAGMA temp_store = MEMORY"));
  const std::string pages = std::to_string(wal_bytes / kPageBytes);
  WS_TRY(db->exec(("PRAGMA wal_autocheckpoint = " + pages).c_str()));
  // The log stays when the store is closed: on a full disk there would be no room for a new one.
  db->keep_log();
  std::unique_ptr<Store> store(new Store(disk, dir, std::move(db)));
  WS_TRY(store->create());
  if (store->new_) return store;
  WS_TRY(store->db_->exec(kGaps));
  WS_TRY(store->db_->exec(ViewTables::schema()));
  WS_TRY(store->check());
  return store;
}

Result<std::string> Store::set_aside(Disk& disk, const std::string& dir, uint32_t keep) {
  static const std::string kStem = "wayside.db.bad-";
  WS_ASSIGN(const std::vector<std::string> names, disk.list(dir));
  std::vector<uint64_t> numbers;
  for (const std::string& name : names) {
    uint64_t number = 0;
    const char* end = name.data() + name.size();
    if (!name.starts_with(kStem)) continue;
    const auto parsed = std::from_chars(name.data() + kStem.size(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  const std::string aside = kStem + std::to_string(numbers.empty() ? 1 : numbers.back() + 1);
  for (const char* rest : kSuffixes) {
    if (!std::binary_search(names.begin(), names.end(), with_suffix("wayside.db", rest))) continue;
    WS_TRY(disk.rename(with_suffix(db_path(dir), rest), dir + '/' + with_suffix(aside, rest)));
  }
  for (size_t i = 0; i + std::max<uint32_t>(keep, 1) <= numbers.size(); ++i) {
    const std::string old = kStem + std::to_string(numbers[i]);
    log_warn("{} is removed: storage.damaged_files are kept", old);
    for (const char* rest : kSuffixes) (void)disk.remove(dir + '/' + with_suffix(old, rest)).ok();
  }
  return aside;
}

Status Store::remove(Disk& disk, const std::string& dir) {
  WS_ASSIGN(const std::vector<std::string> names, disk.list(dir));
  for (const char* rest : kSuffixes) {
    if (!std::binary_search(names.begin(), names.end(), with_suffix("wayside.db", rest))) continue;
    WS_TRY(disk.remove(with_suffix(db_path(dir), rest)));
  }
  return {};
}

Status Store::create() {
  WS_ASSIGN(const int64_t version, db_->number("PRAGMA user_version"));
  WS_ASSIGN(const int64_t tables, db_->number("SELECT count(*) FROM sqlite_master"));
  if (version == kFormat) return {};
  new_ = version == 0 && tables == 0;
  if (!new_ && version != 1) return check_format(version);
  WS_TRY(db_->begin());
  Status made = db_->exec(new_ ? kSchema : kUpgrade);
  if (made.ok()) made = db_->exec(kGaps);
  if (made.ok()) made = db_->exec(ViewTables::schema());
  if (made.ok()) made = db_->exec(kSetFormat);
  if (made.ok()) made = db_->exec("COMMIT");
  if (!made.ok()) (void)db_->exec("ROLLBACK").ok();
  return made;
}

// Rows that cannot be found any more are missed by nobody else. A store that is too large for a
// quick start is not looked through.
Status Store::check() {
  WS_TRY(db_->begin());  // may it be written at all?
  WS_TRY(db_->exec("COMMIT"));
  WS_ASSIGN(
      Statement tables,
      db_->prepare("SELECT meta.crc, epochs.crc, uplinks.crc, outbox.crc, state.crc, marks.crc, "
                   "payload FROM meta, epochs, uplinks, outbox, state, marks, quarantine"));
  WS_ASSIGN(const int64_t bytes, db_->number("SELECT page_count * page_size FROM "
                                             "pragma_page_count(), pragma_page_size()"));
  if (bytes > kCheckBytesMax) return {};
  WS_ASSIGN(Statement check, db_->prepare("PRAGMA quick_check(1)"));
  WS_ASSIGN(const bool row, check.step());
  if (row && check.column_text(0) == "ok") return {};
  const std::string answer(check.column_text(0));
  // SQLITE_IOERR_READ as text: the medium may give it back the next time.
  const bool unread = answer.find("error code=266") != std::string::npos;
  return Error{unread ? ErrorCode::kUnreadable : ErrorCode::kBadData, "wayside.db: " + answer};
}

// Neither new nor of a format that we know.
Status Store::check_format(int64_t version) {
  WS_ASSIGN(Statement get, db_->prepare("SELECT value FROM meta WHERE name = 'format'"));
  WS_ASSIGN(bool row, get.step());
  if (!row || version < kFormat || get.column_int(0) != version) return damaged_row("meta");
  return Error{ErrorCode::kConfig, "the store was written by a newer version of wayside (format " +
                                       std::to_string(version) +
                                       "); this one reads formats 1 and 2"};
}

Result<bool> Store::is_complete() {
  WS_ASSIGN(const int64_t complete,
            db_->number("SELECT (EXISTS(SELECT 1 FROM meta WHERE name = 'checkpoint') OR "
                        "EXISTS(SELECT 1 FROM marks)) AND "
                        "NOT EXISTS(SELECT 1 FROM meta WHERE name = 'snapshot')"));
  return complete != 0;
}

Status Store::clear() {
  WS_TRY(db_->begin());
  Status cleared = db_->exec(
      "DELETE FROM meta WHERE name != 'format'; DELETE FROM epochs; DELETE FROM uplinks; "
      "DELETE FROM outbox; DELETE FROM gaps; DELETE FROM state; DELETE FROM marks; "
      "DELETE FROM quarantine");
  if (cleared.ok()) cleared = views_.clear();
  if (cleared.ok()) cleared = db_->exec("COMMIT");
  if (!cleared.ok()) (void)db_->exec("ROLLBACK").ok();
  new_ = cleared.ok();
  return cleared;
}

Status Store::copy_state(const std::string& path,
                         const std::function<bool(std::string_view table)>& with_rows) {
  WS_TRY(db_->attach(path, "copy"));
  // Who wants it whole syncs the file once.
  Status copied = db_->exec("PRAGMA copy.journal_mode = OFF; PRAGMA copy.synchronous = OFF");
  if (copied.ok()) copied = copy_tables(*db_, "main", "copy", with_rows);
  if (copied.ok()) {
    copied = db_->exec(
        "INSERT OR REPLACE INTO copy.meta(name, value) VALUES('snapshot', 1); "
        "PRAGMA copy.user_version = 2");
  }
  const Status detached = db_->exec("DETACH copy");
  return copied.ok() ? detached : copied;
}

}  // namespace wayside
