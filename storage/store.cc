#include "storage/store.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/log.h"
#include "pipeline/emission_codec.h"

namespace wayside {
namespace {

constexpr int64_t kFormat = 2;
constexpr int64_t kCheckBytesMax = 64 << 20;  // a second or two from a slow card
// SQLite notices when its own structures are damaged, but not when what is in a row is. So each row
// that counts has a CRC-32C of its columns. Null, in rows of format 1: not known.
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

std::string db_path(const std::string& dir) { return dir + "/wayside.db"; }

Error damaged(const char* table) {
  return {ErrorCode::kBadData, std::string("wayside.db: a row of table ") + table + " is damaged"};
}

int64_t crc_of(std::initializer_list<std::string_view> texts,
               std::initializer_list<uint64_t> numbers = {}) {
  uint32_t crc = 0;
  const auto add = [&](uint64_t n) {
    crc = crc32c({reinterpret_cast<const char*>(&n), sizeof n}, crc);
  };
  for (uint64_t n : numbers) add(n);
  for (std::string_view text : texts) {
    add(text.size());
    crc = crc32c(text, crc);
  }
  return crc;
}
// As a statement reads it: ifnull(crc, -1).
constexpr int64_t kNoCrc = -1;
bool is_sound(int64_t kept, int64_t crc) { return kept == kNoCrc || kept == crc; }

uint64_t as_u64(int64_t n) { return static_cast<uint64_t>(n); }
int64_t as_i64(uint64_t n) { return static_cast<int64_t>(n); }

Result<std::vector<Epoch>> read_epochs(Database& db) {
  WS_ASSIGN(Statement select,
            db.prepare("SELECT name, first_sequence, first_entry, ifnull(crc, -1) FROM epochs "
                       "ORDER BY 2, 3, rowid"));
  std::vector<Epoch> epochs;
  while (true) {
    WS_ASSIGN(bool more, select.step());
    if (!more) return epochs;
    epochs.push_back({std::string(select.column_text(0)), as_u64(select.column_int(1)),
                      as_u64(select.column_int(2))});
    const Epoch& e = epochs.back();
    if (!is_sound(select.column_int(3), crc_of({e.name}, {e.first_sequence, e.first_entry}))) {
      return damaged("epochs");
    }
  }
}

void write_reached(const Reached& at, ByteWriter& out) {
  out.varint(at.entry);
  out.varint(at.last_sequence);
  out.varint(at.emitted.size());
  for (uint64_t n : at.emitted) out.varint(n);
  out.fixed(at.emissions);
}

Reached read_reached(ByteReader& in) {
  Reached at;
  at.entry = in.varint();
  at.last_sequence = in.varint();
  for (size_t n = in.count(); n > 0; --n) at.emitted.push_back(in.varint());
  at.emissions = in.fixed<Digest>();
  return at;
}

// A folder in the place of a file, which SQLite would only call a failure to open.
Status check_files(Disk& disk, const std::string& dir) {
  WS_ASSIGN(const std::vector<std::string> names, disk.list(dir));
  for (const char* rest : {"", "-wal", "-shm"}) {
    const std::string name = std::string("wayside.db") + rest;
    if (!std::binary_search(names.begin(), names.end(), name)) continue;
    WS_ASSIGN(const auto file, disk.open(dir + '/' + name, Disk::Mode::kRead));
    char byte = 0;
    WS_ASSIGN([[maybe_unused]] const size_t n, file->read_at(0, &byte, 1));
  }
  return {};
}

// Why SQLite could not use it: damage, if the first page says so. It says nothing as long as all
// goes well: after a power cut the log may have a better one.
Error explain(Disk& disk, const std::string& dir, Error error) {
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

std::string epoch_at(const std::vector<Epoch>& epochs, uint64_t Epoch::*first, uint64_t number) {
  std::string name;
  for (const Epoch& e : epochs) {
    if (e.*first <= number) name = e.name;
  }
  return name;
}

Result<std::unique_ptr<Store>> Store::open(Disk& disk, const std::string& dir, uint64_t wal_bytes) {
  WS_TRY(check_files(disk, dir));
  auto store = open_database(disk, dir, wal_bytes);
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
  WS_TRY(store->db_->exec(kGaps));
  if (!store->new_) WS_TRY(store->check());
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
  for (const char* rest : {"", "-wal", "-shm"}) {
    if (!std::binary_search(names.begin(), names.end(), std::string("wayside.db") + rest)) continue;
    WS_TRY(disk.rename(db_path(dir) + rest, dir + '/' + aside + rest));
  }
  for (size_t i = 0; i + std::max<uint32_t>(keep, 1) <= numbers.size(); ++i) {
    const std::string old = kStem + std::to_string(numbers[i]);
    log_warn("{} is removed: storage.damaged_files are kept", old);
    for (const char* rest : {"", "-wal", "-shm"}) (void)disk.remove(dir + '/' + old + rest).ok();
  }
  return aside;
}

Status Store::create() {
  int64_t version = 0;
  int64_t tables = 0;
  {
    WS_ASSIGN(Statement pragma, db_->prepare("PRAGMA user_version"));
    WS_ASSIGN(bool row, pragma.step());
    if (row) version = pragma.column_int(0);
  }
  {
    WS_ASSIGN(Statement list, db_->prepare("SELECT count(*) FROM sqlite_master"));
    WS_ASSIGN(bool row, list.step());
    if (row) tables = list.column_int(0);
  }
  if (version == kFormat) return {};
  new_ = version == 0 && tables == 0;
  if (!new_ && version != 1) return check_format(version);
  WS_TRY(db_->begin());
  Status made = db_->exec(new_ ? kSchema : kUpgrade);
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
  WS_ASSIGN(Statement size, db_->prepare("SELECT page_count * page_size FROM "
                                         "pragma_page_count(), pragma_page_size()"));
  WS_ASSIGN(bool row, size.step());
  if (!row || size.column_int(0) > kCheckBytesMax) return {};
  WS_ASSIGN(Statement check, db_->prepare("PRAGMA quick_check(1)"));
  WS_ASSIGN(row, check.step());
  if (row && check.column_text(0) == "ok") return {};
  return Error{ErrorCode::kBadData, "wayside.db: " + std::string(check.column_text(0))};
}

// Neither new nor of a format that we know.
Status Store::check_format(int64_t version) {
  WS_ASSIGN(Statement get, db_->prepare("SELECT value FROM meta WHERE name = 'format'"));
  WS_ASSIGN(bool row, get.step());
  if (!row || version < kFormat || get.column_int(0) != version) return damaged("meta");
  return Error{ErrorCode::kIo, "the store was written by a newer version of wayside (format " +
                                   std::to_string(version) + "); this one reads formats 1 and 2"};
}

Result<bool> Store::is_complete() {
  WS_ASSIGN(Statement select,
            db_->prepare("SELECT EXISTS(SELECT 1 FROM meta WHERE name = 'checkpoint') OR "
                         "EXISTS(SELECT 1 FROM marks)"));
  WS_ASSIGN(const bool row, select.step());
  return row && select.column_int(0) != 0;
}

Status Store::clear() {
  WS_TRY(db_->begin());
  Status cleared = db_->exec(
      "DELETE FROM meta WHERE name != 'format'; DELETE FROM epochs; DELETE FROM uplinks; "
      "DELETE FROM outbox; DELETE FROM gaps; DELETE FROM state; DELETE FROM marks; "
      "DELETE FROM quarantine");
  if (cleared.ok()) cleared = db_->exec("COMMIT");
  if (!cleared.ok()) (void)db_->exec("ROLLBACK").ok();
  new_ = cleared.ok();
  return cleared;
}

Status Store::set_meta(const char* name, std::string_view value) {
  WS_ASSIGN(Statement put, db_->prepare("INSERT OR REPLACE INTO meta VALUES(?, ?, ?)"));
  put.bind(1, std::string_view(name));
  put.bind_blob(2, value);
  put.bind(3, crc_of({name, value}));
  return put.run();
}

Result<std::string> Store::meta(const char* name) {
  WS_ASSIGN(Statement get, db_->prepare("SELECT value, ifnull(crc, -1) FROM meta WHERE name = ?"));
  get.bind(1, std::string_view(name));
  WS_ASSIGN(bool row, get.step());
  if (!row) return std::string();
  std::string value(get.column_text(0));
  if (!is_sound(get.column_int(1), crc_of({name, value}))) return damaged("meta");
  return value;
}

Result<Store::Recovered> Store::recover() {
  Recovered r;
  WS_ASSIGN(const std::string checkpoint, meta("checkpoint"));
  WS_ASSIGN(const std::string outbox, meta("outbox"));
  WS_ASSIGN(r.told, meta("told"));
  WS_ASSIGN(r.checkpoint.flash, meta("flash"));
  WS_ASSIGN(r.checkpoint.losses, meta("losses"));
  WS_ASSIGN(const std::string accounts, meta("accounts"));
  ByteReader in(checkpoint);
  if (!checkpoint.empty()) {
    r.checkpoint.at = read_reached(in);
    r.checkpoint.clock = in.text();
  }
  ByteReader said(outbox);
  if (!outbox.empty()) r.outbox = read_reached(said);
  ByteReader kept(accounts);
  for (size_t n = accounts.empty() ? 0 : kept.count(3); n > 0; --n) {
    Account& account = r.checkpoint.accounts[std::string(kept.text())];
    account.settled = kept.fixed<uint8_t>() != 0;
    account.sources = kept.text();
  }
  if (!accounts.empty()) r.checkpoint.scrubbed = kept.varint();
  if (!in.ok() || !said.ok() || !kept.ok()) return damaged("meta");
  outbox_sequence_ = r.outbox.last_sequence;
  state_entry_ = r.checkpoint.at.entry;

  WS_ASSIGN(Statement state,
            db_->prepare("SELECT component, key, bytes, ifnull(crc, -1) FROM state"));
  while (true) {
    WS_ASSIGN(bool more, state.step());
    if (!more) break;
    r.checkpoint.rows.push_back({std::string(state.column_text(0)),
                                 std::string(state.column_text(1)),
                                 std::string(state.column_text(2))});
    const StateRow& row = r.checkpoint.rows.back();
    if (!is_sound(state.column_int(3), crc_of({row.key, row.component, row.bytes}))) {
      return damaged("state");
    }
  }
  WS_ASSIGN(Statement marks, db_->prepare("SELECT uplink, mark, ifnull(crc, -1) FROM marks"));
  while (true) {
    WS_ASSIGN(bool more, marks.step());
    if (!more) break;
    const std::string uplink(marks.column_text(0));
    const std::string text(marks.column_text(1));
    const auto mark = Mark::from_text(text);
    if (!mark || !is_sound(marks.column_int(2), crc_of({uplink, text}))) return damaged("marks");
    r.marks[uplink] = *mark;
  }
  WS_ASSIGN(r.epochs, read_epochs(*db_));
  return r;
}

Status Store::remove_uplink(size_t bit, const std::string& name, uint64_t& removed) {
  WS_ASSIGN(Statement unmark, db_->prepare("UPDATE outbox SET targets = targets & ~(1 << ?1), "
                                           "crc = NULL WHERE targets >> ?1 & 1"));
  unmark.bind(1, static_cast<int64_t>(bit));
  WS_TRY(unmark.run());
  removed += as_u64(db_->changes());
  WS_TRY(db_->exec("DELETE FROM outbox WHERE targets = 0"));
  WS_TRY(forget_in_gaps(bit));
  WS_ASSIGN(Statement free, db_->prepare("DELETE FROM uplinks WHERE bit = ?"));
  free.bind(1, static_cast<int64_t>(bit));
  WS_TRY(free.run());
  WS_ASSIGN(Statement forget, db_->prepare("DELETE FROM marks WHERE uplink = ?"));
  forget.bind(1, std::string_view(name));
  return forget.run();
}

Result<Store::Bits> Store::assign_bits(const std::vector<std::string>& uplinks,
                                       const std::vector<std::string>& former) {
  Bits bits;
  bits.names.resize(32);
  if (uplinks.size() > bits.names.size()) return Error{ErrorCode::kConfig, "more than 32 uplinks"};
  {
    WS_ASSIGN(Statement list, db_->prepare("SELECT bit, name, ifnull(crc, -1) FROM uplinks"));
    while (true) {
      WS_ASSIGN(bool more, list.step());
      if (!more) break;
      const auto bit = static_cast<size_t>(list.column_int(0));
      const std::string name(list.column_text(1));
      if (bit >= bits.names.size() || !is_sound(list.column_int(2), crc_of({name}, {bit}))) {
        return damaged("uplinks");
      }
      bits.names[bit] = name;
    }
  }
  WS_TRY(db_->begin());
  auto write = [&]() -> Status {
    for (size_t bit = 0; bit < bits.names.size(); ++bit) {
      std::string& name = bits.names[bit];
      if (name.empty() || std::find(uplinks.begin(), uplinks.end(), name) != uplinks.end())
        continue;
      WS_TRY(remove_uplink(bit, name, bits.removed));
      name.clear();
    }
    for (const std::string& name : uplinks) {
      if (std::find(bits.names.begin(), bits.names.end(), name) != bits.names.end()) continue;
      auto free = std::find(bits.names.begin(), bits.names.end(), std::string());
      const auto had =
          static_cast<size_t>(std::find(former.begin(), former.end(), name) - former.begin());
      if (had < std::min(former.size(), bits.names.size()) && bits.names[had].empty()) {
        free = bits.names.begin() + static_cast<ptrdiff_t>(had);
      }
      *free = name;
      bits.fresh.push_back(static_cast<size_t>(free - bits.names.begin()));
      WS_ASSIGN(Statement put, db_->prepare("INSERT INTO uplinks VALUES(?, ?, ?)"));
      put.bind(1, static_cast<int64_t>(bits.fresh.back()));
      put.bind(2, std::string_view(name));
      put.bind(3, crc_of({name}, {bits.fresh.back()}));
      WS_TRY(put.run());
    }
    return db_->exec("COMMIT");
  };
  if (Status status = write(); !status.ok()) {
    (void)db_->exec("ROLLBACK").ok();
    return status.error();
  }
  while (!bits.names.empty() && bits.names.back().empty()) bits.names.pop_back();
  return bits;
}

Status Store::apply(const Changes& changes, uint64_t quarantine_rows) {
  if (changes.empty()) return {};
  WS_TRY(db_->begin());
  auto write = [&]() -> Status {
    if (changes.emissions) WS_TRY(insert_emissions(*changes.emissions, changes.said));
    if (!changes.quarantine.empty()) WS_TRY(insert_quarantine(changes.quarantine, quarantine_rows));
    for (const auto& [uplink, mark] : changes.marks) {
      WS_ASSIGN(Statement put, db_->prepare("INSERT OR REPLACE INTO marks VALUES(?, ?, ?)"));
      const std::string text = mark.to_text();
      put.bind(1, std::string_view(uplink));
      put.bind(2, std::string_view(text));
      put.bind(3, crc_of({uplink, text}));
      WS_TRY(put.run());
    }
    if (changes.new_epoch) {
      WS_ASSIGN(Statement put, db_->prepare("INSERT OR IGNORE INTO epochs VALUES(?, ?, ?, ?)"));
      put.bind(1, as_i64(changes.new_epoch->first_sequence));
      put.bind(2, as_i64(changes.new_epoch->first_entry));
      put.bind(3, std::string_view(changes.new_epoch->name));
      put.bind(4, crc_of({changes.new_epoch->name},
                         {changes.new_epoch->first_sequence, changes.new_epoch->first_entry}));
      WS_TRY(put.run());
    }
    if (changes.checkpoint) WS_TRY(write_checkpoint(*changes.checkpoint));
    if (changes.told) WS_TRY(set_meta("told", *changes.told));
    return db_->exec("COMMIT");
  };
  if (Status status = write(); !status.ok()) {
    (void)db_->exec("ROLLBACK").ok();
    return status;
  }
  if (changes.emissions && !changes.emissions->empty()) {
    outbox_sequence_ = std::max(outbox_sequence_, changes.emissions->back().sequence);
  }
  if (changes.checkpoint) state_entry_ = changes.checkpoint->at.entry;
  return {};
}

Status Store::insert_emissions(const std::vector<Emission>& emissions, const Reached& said) {
  if (emissions.empty() || emissions.back().sequence <= outbox_sequence_) return {};
  WS_ASSIGN(Statement put, db_->prepare("INSERT OR IGNORE INTO outbox VALUES(?, ?, ?, ?, ?)"));
  std::string message;
  for (const Emission& e : emissions) {
    if (e.sequence <= outbox_sequence_) continue;
    message.clear();
    encode_emission(e, message);
    put.bind(1, static_cast<int64_t>(e.lane));
    put.bind(2, as_i64(e.sequence));
    put.bind(3, static_cast<int64_t>(e.targets));
    put.bind_blob(4, message);
    put.bind(5, crc_of({message}, {static_cast<uint64_t>(e.lane), e.sequence, e.targets}));
    WS_TRY(put.run());
  }
  std::string position;
  ByteWriter out(position);
  write_reached(said, out);
  return set_meta("outbox", position);
}

Status Store::insert_quarantine(const std::vector<QuarantineRow>& rows, uint64_t keep) {
  WS_ASSIGN(Statement put,
            db_->prepare("INSERT OR IGNORE INTO quarantine VALUES(?,?,?,?,?,?,?,?)"));
  for (const QuarantineRow& q : rows) {
    put.bind(1, as_i64(q.entry));
    put.bind(2, as_i64(q.index));
    put.bind(3, q.wall_ms);
    put.bind(4, std::string_view(q.source));
    put.bind(5, std::string_view(q.reason));
    put.bind(6, std::string_view(q.detail));
    put.bind(7, std::string_view(q.topic));
    put.bind_blob(8, q.payload);
    WS_TRY(put.run());
  }
  WS_ASSIGN(uint64_t there, count("quarantine"));
  if (there <= keep) return {};
  WS_ASSIGN(Statement drop,
            db_->prepare("DELETE FROM quarantine WHERE (entry, number) IN (SELECT entry, "
                         "number FROM quarantine ORDER BY 1, 2 LIMIT ?)"));
  drop.bind(1, as_i64(there - keep));
  return drop.run();
}

Status Store::write_checkpoint(const Checkpoint& checkpoint) {
  WS_ASSIGN(Statement forget, db_->prepare("DELETE FROM state WHERE key = ?"));
  WS_ASSIGN(Statement remove, db_->prepare("DELETE FROM state WHERE key = ? AND component = ?"));
  WS_ASSIGN(Statement put, db_->prepare("INSERT OR REPLACE INTO state VALUES(?, ?, ?, ?)"));
  for (const StateRow& row : checkpoint.rows) {
    Statement& statement = row.component.empty() ? forget : row.bytes.empty() ? remove : put;
    statement.bind(1, std::string_view(row.key));
    if (!row.component.empty()) statement.bind(2, std::string_view(row.component));
    if (!row.bytes.empty()) {
      statement.bind_blob(3, row.bytes);
      statement.bind(4, crc_of({row.key, row.component, row.bytes}));
    }
    WS_TRY(statement.run());
  }
  std::string position;
  ByteWriter out(position);
  write_reached(checkpoint.at, out);
  out.text(checkpoint.clock);
  if (!checkpoint.flash.empty()) WS_TRY(set_meta("flash", checkpoint.flash));
  if (!checkpoint.losses.empty()) WS_TRY(set_meta("losses", checkpoint.losses));
  std::string accounts;
  ByteWriter kept(accounts);
  kept.varint(checkpoint.accounts.size());
  for (const auto& [uplink, account] : checkpoint.accounts) {
    kept.text(uplink);
    kept.fixed<uint8_t>(account.settled);
    kept.text(account.sources);
  }
  kept.varint(checkpoint.scrubbed);
  WS_TRY(set_meta("accounts", accounts));
  return set_meta("checkpoint", position);
}

Status Store::trim_outbox(const std::vector<std::string>& uplinks,
                          const std::map<std::string, Mark>& marks) {
  for (size_t lane = 0; lane < 2; ++lane) {
    auto upto = [&](const std::string& uplink) {
      auto mark = marks.find(uplink);
      if (mark == marks.end()) return uint64_t{0};
      return lane == 0 ? mark->second.delivered_upto[0] : mark->second.results_upto();
    };
    std::string wanted;  // by an uplink that has not come so far
    for (size_t bit = 0; bit < uplinks.size(); ++bit) {
      if (uplinks[bit].empty()) continue;
      wanted += (wanted.empty() ? "" : " OR ") + ("(targets >> " + std::to_string(bit)) +
                " & 1 AND sequence > " + std::to_string(upto(uplinks[bit])) + ")";
    }
    if (wanted.empty()) continue;
    std::string gaps_wanted = wanted;
    for (size_t at; (at = gaps_wanted.find("sequence")) != std::string::npos;)
      gaps_wanted.replace(at, 8, "last");
    WS_ASSIGN(Statement close,
              db_->prepare("DELETE FROM gaps WHERE lane = ? AND NOT (" + gaps_wanted + ")"));
    close.bind(1, static_cast<int64_t>(lane));
    WS_TRY(close.run());
    WS_ASSIGN(Statement drop, db_->prepare("DELETE FROM outbox WHERE lane = ? AND sequence > ? AND "
                                           "sequence <= ? AND NOT (" +
                                           wanted + ")"));
    for (const std::string& uplink : uplinks) {
      // Only what the uplink has passed since the last time can have become free: an uplink that is
      // far behind must not make this slow.
      uint64_t& trimmed = trimmed_[lane][uplink];
      if (uplink.empty() || upto(uplink) <= trimmed) continue;
      drop.bind(1, static_cast<int64_t>(lane));
      drop.bind(2, as_i64(trimmed));
      drop.bind(3, as_i64(upto(uplink)));
      WS_TRY(drop.run());
      trimmed = upto(uplink);
    }
  }
  return {};
}

Status Store::make_durable() {
  // A commit under FULL syncs the log, with all that was written to it before. It has to change
  // something: SQLite does not write a page that stays as it is, and then it syncs nothing.
  WS_TRY(db_->exec("PRAGMA synchronous = FULL"));
  Status synced = db_->exec(
      "INSERT INTO meta(name, value) VALUES('synced', 1) ON CONFLICT(name) DO UPDATE SET value = "
      "value + 1");
  WS_TRY(db_->exec("PRAGMA synchronous = NORMAL"));
  if (!synced.ok()) return synced;
  durable_entry_ = state_entry_;
  return {};
}

Result<uint64_t> Store::count(const char* table) {
  WS_ASSIGN(Statement select, db_->prepare(std::string("SELECT count(*) FROM ") + table));
  WS_ASSIGN(bool row, select.step());
  return row ? as_u64(select.column_int(0)) : 0;
}

Result<uint64_t> Store::pending(uint32_t bit, const Mark& mark) {
  WS_ASSIGN(Statement select,
            db_->prepare("SELECT count(*) FROM outbox WHERE lane = ? AND sequence > ? AND "
                         "sequence <= ? AND targets >> ? & 1"));
  const auto count = [&](Lane lane, uint64_t after, uint64_t upto) -> Result<uint64_t> {
    select.bind(1, static_cast<int64_t>(lane));
    select.bind(2, as_i64(after));
    select.bind(3, as_i64(std::min<uint64_t>(upto, INT64_MAX)));
    select.bind(4, static_cast<int64_t>(bit));
    WS_ASSIGN(const bool row, select.step());
    const uint64_t n = row ? as_u64(select.column_int(0)) : 0;
    select.reset();
    return n;
  };
  WS_ASSIGN(uint64_t all, count(Lane::kAlarm, mark.delivered_upto[0], UINT64_MAX));
  WS_ASSIGN(const uint64_t results, count(Lane::kResult, mark.delivered_upto[1], UINT64_MAX));
  all += results;
  for (const BacklogPart& part : mark.backlog) {
    WS_ASSIGN(const uint64_t waiting, count(Lane::kResult, part.result_upto, part.result_end));
    all += waiting;
  }
  return all;
}

Result<std::unique_ptr<OutboxReader>> OutboxReader::open(Disk& disk, const std::string& dir) {
  WS_ASSIGN(auto db, Database::open(db_path(dir), Database::Mode::kReadOnly, disk.sqlite_vfs()));
  WS_TRY(db->exec("PRAGMA cache_size = -256"));
  WS_ASSIGN(Statement select,
            db->prepare("SELECT sequence, targets, message, ifnull(crc, -1) FROM outbox "
                        "WHERE lane = ? AND sequence > ? AND sequence <= ? ORDER BY sequence"));
  return std::unique_ptr<OutboxReader>(new OutboxReader(std::move(db), std::move(select)));
}

Result<std::vector<OutboxReader::Row>> OutboxReader::next(Lane lane, uint64_t after, uint64_t upto,
                                                          uint32_t bit, size_t limit) {
  select_.bind(1, static_cast<int64_t>(lane));
  select_.bind(2, as_i64(after));
  select_.bind(3, as_i64(std::min<uint64_t>(upto, INT64_MAX)));
  std::vector<Row> rows;
  Result<bool> more = true;
  bool sound = true;
  while (sound && rows.size() < limit && (more = select_.step()).ok() && *more) {
    const uint64_t sequence = as_u64(select_.column_int(0));
    const uint64_t targets = as_u64(select_.column_int(1));
    const std::string_view message = select_.column_text(2);
    // Those of others are checked, too: a damaged row does not know for whom it is.
    sound = is_sound(select_.column_int(3),
                     crc_of({message}, {static_cast<uint64_t>(lane), sequence, targets}));
    if (targets >> bit & 1) rows.push_back({sequence, std::string(message)});
  }
  select_.reset();  // ends the read transaction
  if (!more.ok()) return more.error();
  if (!sound) return damaged("outbox");
  return rows;
}

Result<std::vector<Epoch>> OutboxReader::epochs() { return read_epochs(*db_); }

}  // namespace wayside
