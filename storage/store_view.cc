#include "storage/store_view.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/sqlite.h"
#include "storage/store_rows.h"

namespace wayside {
namespace {

Result<bool> is_there(Disk& disk, const std::string& dir) {
  WS_ASSIGN(const std::vector<std::string> names, disk.list(dir));
  return std::find(names.begin(), names.end(), "wayside.db") != names.end();
}

Result<std::unique_ptr<Database>> open_store(Disk& disk, const std::string& dir) {
  return Database::open(dir + "/wayside.db", Database::Mode::kReadOnly, disk.sqlite_vfs());
}

template <class Take>
Status for_each_row(Database& db, const char* sql, Take take) {
  WS_ASSIGN(Statement select, db.prepare(sql));
  while (true) {
    WS_ASSIGN(const bool row, select.step());
    if (!row) return {};
    take(select);
  }
}

}  // namespace

Result<StoreView> view_store(Disk& disk, const std::string& dir) {
  WS_ASSIGN(const bool there, is_there(disk, dir));
  if (!there) return Error{ErrorCode::kUnavailable, "there is no wayside.db in " + dir};
  WS_ASSIGN(auto db, open_store(disk, dir));
  StoreView view;
  WS_TRY(for_each_row(*db, "SELECT bit, name FROM uplinks", [&](Statement& row) {
    const auto bit = static_cast<size_t>(row.column_int(0)) & 31;
    view.uplinks.resize(std::max(view.uplinks.size(), bit + 1));
    view.uplinks[bit] = row.column_text(1);
  }));
  WS_TRY(for_each_row(*db, "SELECT uplink, mark FROM marks", [&](Statement& row) {
    if (auto mark = Mark::from_text(row.column_text(1))) {
      view.marks[std::string(row.column_text(0))] = *mark;
    }
  }));
  WS_TRY(
      for_each_row(*db, "SELECT component, bytes FROM state WHERE key = ''", [&](Statement& row) {
        ByteReader bytes(row.column_text(1));
        view.state_parts[std::string(row.column_text(0))] = bytes.fixed<uint64_t>();
      }));
  for (size_t bit = 0; bit < view.uplinks.size(); ++bit) {
    WS_ASSIGN(const int64_t n, db->number("SELECT count(*) FROM outbox WHERE targets >> " +
                                          std::to_string(bit) + " & 1"));
    view.outbox.push_back(as_u64(n));
  }
  const char* said = "SELECT value, ifnull(crc, -1) FROM meta WHERE name = 'outbox'";
  WS_TRY(for_each_row(*db, said, [&](Statement& row) {
    const std::string_view bytes = row.column_text(0);
    ByteReader in(bytes);
    if (is_sound(row.column_int(1), row_crc({"outbox", bytes}))) view.said = read_reached(in);
  }));
  WS_ASSIGN(const int64_t quarantined, db->number("SELECT count(*) FROM quarantine"));
  view.quarantined = as_u64(quarantined);
  WS_ASSIGN(const int64_t pages, db->number("PRAGMA page_count"));
  WS_ASSIGN(const int64_t page_bytes, db->number("PRAGMA page_size"));
  view.bytes = as_u64(pages * page_bytes);
  return view;
}

Result<std::string> check_store(Disk& disk, const std::string& dir) {
  WS_ASSIGN(const bool there, is_there(disk, dir));
  if (!there) return std::string();
  std::string answer;
  const auto check = [&]() -> Status {
    WS_ASSIGN(auto db, open_store(disk, dir));
    return for_each_row(*db, "PRAGMA quick_check(1)",
                        [&](Statement& row) { answer = row.column_text(0); });
  };
  if (Status checked = check(); !checked.ok()) {
    if (checked.error().code != ErrorCode::kBadData) return checked.error();
    answer = checked.error().message;
  }
  return answer == "ok" ? std::string() : "wayside.db: " + answer;
}

}  // namespace wayside
