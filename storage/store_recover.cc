// What a store remembers, its own or as a snapshot.
#include "base/bytes.h"
#include "storage/store_rows.h"

namespace wayside {
namespace {

Result<std::string> meta(Database& db, const char* name) {
  WS_ASSIGN(Statement get, db.prepare("SELECT value, ifnull(crc, -1) FROM meta WHERE name = ?"));
  get.bind(1, std::string_view(name));
  WS_ASSIGN(bool row, get.step());
  if (!row) return std::string();
  std::string value(get.column_text(0));
  if (!is_sound(get.column_int(1), row_crc({name, value}))) return damaged_row("meta");
  return value;
}

Status read_meta(Database& db, Store::Recovered& r) {
  WS_ASSIGN(const std::string checkpoint, meta(db, "checkpoint"));
  WS_ASSIGN(const std::string outbox, meta(db, "outbox"));
  WS_ASSIGN(r.told, meta(db, "told"));
  WS_ASSIGN(r.checkpoint.flash, meta(db, "flash"));
  WS_ASSIGN(r.checkpoint.losses, meta(db, "losses"));
  WS_ASSIGN(const std::string accounts, meta(db, "accounts"));
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
  if (!in.ok() || !said.ok() || !kept.ok()) return damaged_row("meta");
  return {};
}

Status read_state(Database& db, const std::function<Status(StateRow)>& take,
                  std::vector<StateRow>& rows) {
  WS_ASSIGN(Statement state,
            db.prepare("SELECT component, key, bytes, ifnull(crc, -1) FROM state"));
  while (true) {
    WS_ASSIGN(const bool more, state.step());
    if (!more) return {};
    StateRow row{std::string(state.column_text(0)), std::string(state.column_text(1)),
                 std::string(state.column_text(2))};
    if (!is_sound(state.column_int(3), row_crc({row.key, row.component, row.bytes}))) {
      return damaged_row("state");
    }
    if (take) {
      WS_TRY(take(std::move(row)));
    } else {
      rows.push_back(std::move(row));
    }
  }
}

Status read_marks(Database& db, std::map<std::string, Mark>& into) {
  WS_ASSIGN(Statement marks, db.prepare("SELECT uplink, mark, ifnull(crc, -1) FROM marks"));
  while (true) {
    WS_ASSIGN(const bool more, marks.step());
    if (!more) return {};
    const std::string uplink(marks.column_text(0));
    const std::string text(marks.column_text(1));
    const auto mark = Mark::from_text(text);
    if (!mark || !is_sound(marks.column_int(2), row_crc({uplink, text})))
      return damaged_row("marks");
    into[uplink] = *mark;
  }
}

}  // namespace

Result<Store::Recovered> read_recovered(Database& db, const std::function<Status(StateRow)>& take) {
  Store::Recovered r;
  WS_TRY(read_meta(db, r));
  WS_TRY(read_state(db, take, r.checkpoint.rows));
  WS_TRY(read_marks(db, r.marks));
  WS_ASSIGN(r.epochs, read_epochs(db));
  return r;
}

}  // namespace wayside
