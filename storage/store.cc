#include "storage/store.h"

#include <algorithm>

#include "base/bytes.h"
#include "storage/store_rows.h"

namespace wayside {

bool has_epoch(const std::vector<Epoch>& epochs, std::string_view name) {
  return std::any_of(epochs.begin(), epochs.end(), [&](const Epoch& e) { return e.name == name; });
}

std::string epoch_at(const std::vector<Epoch>& epochs, uint64_t Epoch::*first, uint64_t number) {
  std::string name;
  for (const Epoch& e : epochs) {
    if (e.*first <= number) name = e.name;
  }
  return name;
}

Status Store::set_meta(const char* name, std::string_view value) {
  WS_ASSIGN(Statement put, db_->prepare("INSERT OR REPLACE INTO meta VALUES(?, ?, ?)"));
  put.bind(1, std::string_view(name));
  put.bind_blob(2, value);
  put.bind(3, row_crc({name, value}));
  return put.run();
}

Result<Store::Recovered> Store::recover(const std::function<Status(StateRow)>& take) {
  WS_ASSIGN(Recovered r, read_recovered(*db_, take));
  outbox_sequence_ = r.outbox.last_sequence;
  state_entry_ = r.checkpoint.at.entry;
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
      if (bit >= bits.names.size() || !is_sound(list.column_int(2), row_crc({name}, {bit}))) {
        return damaged_row("uplinks");
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
      put.bind(3, row_crc({name}, {bits.fresh.back()}));
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
    WS_TRY(insert_emissions(changes.emissions, changes.said));
    if (!changes.quarantine.empty()) WS_TRY(insert_quarantine(changes.quarantine, quarantine_rows));
    for (const auto& [uplink, mark] : changes.marks) {
      WS_ASSIGN(Statement put, db_->prepare("INSERT OR REPLACE INTO marks VALUES(?, ?, ?)"));
      const std::string text = mark.to_text();
      put.bind(1, std::string_view(uplink));
      put.bind(2, std::string_view(text));
      put.bind(3, row_crc({uplink, text}));
      WS_TRY(put.run());
    }
    if (changes.new_epoch) {
      WS_ASSIGN(Statement put, db_->prepare("INSERT OR IGNORE INTO epochs VALUES(?, ?, ?, ?)"));
      put.bind(1, as_i64(changes.new_epoch->first_sequence));
      put.bind(2, as_i64(changes.new_epoch->first_entry));
      put.bind(3, std::string_view(changes.new_epoch->name));
      put.bind(4, row_crc({changes.new_epoch->name},
                          {changes.new_epoch->first_sequence, changes.new_epoch->first_entry}));
      WS_TRY(put.run());
    }
    if (changes.checkpoint) WS_TRY(write_checkpoint(*changes.checkpoint));
    if (changes.views) WS_TRY(views_.apply(*changes.views, changes.said.entry));
    if (changes.told) WS_TRY(set_meta("told", *changes.told));
    return db_->exec("COMMIT");
  };
  if (Status status = write(); !status.ok()) {
    (void)db_->exec("ROLLBACK").ok();
    return status;
  }
  if (!changes.emissions.empty()) {
    outbox_sequence_ = std::max(outbox_sequence_, changes.emissions.back().sequence);
  }
  if (changes.checkpoint) state_entry_ = changes.checkpoint->at.entry;
  if (changes.views) views_.committed();
  return {};
}

Status Store::set_views(const std::vector<ViewShape>& shapes) {
  WS_TRY(db_->begin());
  Status set = views_.set(shapes);
  if (set.ok()) set = db_->exec("COMMIT");
  if (!set.ok()) (void)db_->exec("ROLLBACK").ok();
  if (set.ok()) views_.committed();
  // A full disk keeps no gateway from starting: what it writes first waits for room, too.
  if (!set.ok() && set.error().code == ErrorCode::kFull) {
    views_.put_off(shapes);
    return {};
  }
  return set;
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

Result<std::string> Store::read_state(const std::string& component, const std::string& key) {
  WS_ASSIGN(Statement get, db_->prepare("SELECT bytes, ifnull(crc, -1) FROM state WHERE key = ? "
                                        "AND component = ?"));
  get.bind(1, std::string_view(key));
  get.bind(2, std::string_view(component));
  WS_ASSIGN(const bool row, get.step());
  if (!row) return std::string();
  std::string bytes(get.column_text(0));
  if (!is_sound(get.column_int(1), row_crc({key, component, bytes}))) return damaged_row("state");
  return bytes;
}

Status Store::apply_rows(const std::vector<StateRow>& rows) {
  WS_TRY(db_->begin());
  Status written = write_rows(rows);
  if (written.ok()) written = db_->exec("COMMIT");
  if (!written.ok()) (void)db_->exec("ROLLBACK").ok();
  return written;
}

Status Store::write_rows(const std::vector<StateRow>& rows) {
  WS_ASSIGN(Statement forget, db_->prepare("DELETE FROM state WHERE key = ?"));
  WS_ASSIGN(Statement remove, db_->prepare("DELETE FROM state WHERE key = ? AND component = ?"));
  WS_ASSIGN(Statement put, db_->prepare("INSERT OR REPLACE INTO state VALUES(?, ?, ?, ?)"));
  for (const StateRow& row : rows) {
    Statement& statement = row.component.empty() ? forget : row.bytes.empty() ? remove : put;
    statement.bind(1, std::string_view(row.key));
    if (!row.component.empty()) statement.bind(2, std::string_view(row.component));
    if (!row.bytes.empty()) {
      statement.bind_blob(3, row.bytes);
      statement.bind(4, row_crc({row.key, row.component, row.bytes}));
    }
    WS_TRY(statement.run());
  }
  return {};
}

Status Store::write_checkpoint(const Checkpoint& checkpoint) {
  WS_TRY(write_rows(checkpoint.rows));
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
  WS_TRY(db_->exec("DELETE FROM meta WHERE name = 'snapshot'"));  // it was one, and is complete
  return set_meta("checkpoint", position);
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
  WS_ASSIGN(const int64_t n, db_->number(std::string("SELECT count(*) FROM ") + table));
  return as_u64(n);
}

}  // namespace wayside
