#include "pipeline/column_table.h"

#include <charconv>
#include <cmath>
#include <new>

namespace wayside {
namespace {

struct Cursor : sqlite3_vtab_cursor {
  size_t row = 0;
};
struct TableObject : sqlite3_vtab {
  TableShown* shown = nullptr;
};

const TableShown& shown_by(sqlite3_vtab_cursor* cursor) {
  return *static_cast<TableObject*>(cursor->pVtab)->shown;
}
const Table& table_of(sqlite3_vtab_cursor* cursor) { return shown_by(cursor).table; }

int table_connect(sqlite3* db, void* shown, int, const char* const*, sqlite3_vtab** out, char**) {
  int rc = sqlite3_declare_vtab(db, static_cast<TableShown*>(shown)->declaration.c_str());
  if (rc != SQLITE_OK) return rc;
  auto* object = new TableObject;
  object->shown = static_cast<TableShown*>(shown);
  *out = object;
  return SQLITE_OK;
}
int table_disconnect(sqlite3_vtab* object) {
  delete static_cast<TableObject*>(object);
  return SQLITE_OK;
}
int table_plan(sqlite3_vtab*, sqlite3_index_info*) { return SQLITE_OK; }
int cursor_open(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  *out = new Cursor;
  return SQLITE_OK;
}
int cursor_close(sqlite3_vtab_cursor* cursor) {
  delete static_cast<Cursor*>(cursor);
  return SQLITE_OK;
}
void go_to(sqlite3_vtab_cursor* cursor, size_t row) {
  TableShown& shown = *static_cast<TableObject*>(cursor->pVtab)->shown;
  const Table& table = shown.table;
  while (table.present && row < table.rows && !table.present[row]) ++row;
  static_cast<Cursor*>(cursor)->row = shown.at = row;
}
int cursor_filter(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value**) {
  go_to(cursor, shown_by(cursor).first);
  return SQLITE_OK;
}
int cursor_next(sqlite3_vtab_cursor* cursor) {
  go_to(cursor, static_cast<Cursor*>(cursor)->row + 1);
  return SQLITE_OK;
}
int cursor_eof(sqlite3_vtab_cursor* cursor) {
  return static_cast<Cursor*>(cursor)->row >= table_of(cursor).rows;
}
int cursor_rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* id) {
  *id = static_cast<sqlite3_int64>(static_cast<Cursor*>(cursor)->row);
  return SQLITE_OK;
}
// As an integer, where it is one.
void whole_result(sqlite3_context* context, double number, std::string_view digits) {
  constexpr double kExact = 9007199254740992;  // 2^53
  int64_t whole = 0;
  if (digits.empty()) {
    const bool is_whole = std::abs(number) < kExact && std::trunc(number) == number;
    is_whole ? sqlite3_result_int64(context, static_cast<int64_t>(number))
             : sqlite3_result_double(context, number);
  } else if (std::from_chars(digits.data(), digits.data() + digits.size(), whole).ec ==
             std::errc()) {
    sqlite3_result_int64(context, whole);
  } else {
    sqlite3_result_text(context, digits.data(), static_cast<int>(digits.size()), SQLITE_TRANSIENT);
  }
}

int cursor_column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int index) {
  const Table& table = table_of(cursor);
  const TableColumn& column = table.columns[static_cast<size_t>(index)];
  const size_t at = static_cast<Cursor*>(cursor)->row;
  const size_t row = column.places ? column.places[at] : at;
  if (column.numbers && (!column.texts || !is_null(column.numbers[row]))) {
    if (is_null(column.numbers[row])) return SQLITE_OK;
    if (!column.whole) {
      sqlite3_result_double(context, column.numbers[row]);
    } else {
      const uint32_t digits = column.texts[row];
      whole_result(context, column.numbers[row],
                   digits == Interner::kNone ? "" : table.dictionary->text(digits));
    }
  } else if (column.integers) {
    sqlite3_result_int64(context, column.integers[row]);
  } else if (column.values) {
    const Value& value = column.values[row];
    if (const double* number = std::get_if<double>(&value)) sqlite3_result_double(context, *number);
    if (const std::string* text = std::get_if<std::string>(&value)) {
      sqlite3_result_text(context, text->data(), static_cast<int>(text->size()), SQLITE_TRANSIENT);
    }
  } else {
    std::string_view text;
    if (column.strings) {
      text = column.strings[row];
    } else if (column.texts[row] != Interner::kNone) {
      text = table.dictionary->text(column.texts[row]);
    } else {
      return SQLITE_OK;
    }
    sqlite3_result_text(context, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  }
  return SQLITE_OK;
}

const sqlite3_module kModule = [] {
  sqlite3_module m{};
  m.xConnect = table_connect;  // no xCreate: the table exists by its module's name alone
  m.xDisconnect = table_disconnect;
  m.xBestIndex = table_plan;
  m.xOpen = cursor_open;
  m.xClose = cursor_close;
  m.xFilter = cursor_filter;
  m.xNext = cursor_next;
  m.xEof = cursor_eof;
  m.xColumn = cursor_column;
  m.xRowid = cursor_rowid;
  return m;
}();

}  // namespace

std::string declare_table(const std::vector<Field>& columns) {
  std::string sql = "CREATE TABLE x(";
  for (size_t i = 0; i < columns.size(); ++i) {
    static constexpr const char* kTypes[] = {"REAL", "TEXT", "INT"};
    sql += (i ? ", \"" : "\"") + columns[i].name + "\" " + kTypes[size_t(columns[i].type)];
  }
  return sql + ")";
}

void need_memory(int rc) {
  if ((rc & 0xff) == SQLITE_NOMEM) throw std::bad_alloc();
}

void make_column_table(sqlite3* db, const std::string& name, TableShown& shown) {
  need_memory(sqlite3_create_module_v2(db, name.c_str(), &kModule, &shown, nullptr));
  // It connects now, before any authorizer watches, since that runs a CREATE TABLE of its own.
  need_memory(sqlite3_exec(db, ("SELECT 1 FROM " + name).c_str(), nullptr, nullptr, nullptr));
}

void drop_column_table(sqlite3* db, const std::string& name) {
  sqlite3_create_module_v2(db, name.c_str(), nullptr, nullptr, nullptr);
}

}  // namespace wayside
