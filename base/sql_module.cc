#include "base/sql_module.h"

#include <new>

#include "base/sqlite.h"

namespace wayside {
namespace {

constexpr double kRows = 1e8;  // of a table, for the planner: many

struct TableObject : sqlite3_vtab {
  SqlTableShown* shown = nullptr;
};
struct Cursor : sqlite3_vtab_cursor {
  std::unique_ptr<SqlScan> scan;
  bool there = false;
};

SqlTableShown& shown_by(sqlite3_vtab* object) { return *static_cast<TableObject*>(object)->shown; }
Cursor& as_cursor(sqlite3_vtab_cursor* cursor) { return *static_cast<Cursor*>(cursor); }

int fail(sqlite3_vtab* object, const Error& error) {
  SqlTableShown& shown = shown_by(object);
  if (shown.expired()) return SQLITE_INTERRUPT;
  *shown.failed = error;
  sqlite3_free(object->zErrMsg);
  object->zErrMsg = sqlite3_mprintf("%s", error.message.c_str());
  return SQLITE_ERROR;
}

std::string declaration(const SqlTable& table) {
  std::string sql = "CREATE TABLE x(";
  for (const SqlColumn& c : table.columns()) {
    if (sql.back() != '(') sql += ", ";
    sql += sql_name(c.name) + ' ' + c.type;
  }
  sql += ", PRIMARY KEY(";
  for (size_t column : table.key()) {
    if (sql.back() != '(') sql += ", ";
    sql += sql_name(table.columns()[column].name);
  }
  return sql + ")) WITHOUT ROWID";
}

std::optional<SqlBound::Compare> comparison(unsigned char op) {
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
      return SqlBound::Compare::kEqual;
    case SQLITE_INDEX_CONSTRAINT_LT:
      return SqlBound::Compare::kLess;
    case SQLITE_INDEX_CONSTRAINT_LE:
      return SqlBound::Compare::kAtMost;
    case SQLITE_INDEX_CONSTRAINT_GT:
      return SqlBound::Compare::kGreater;
    case SQLITE_INDEX_CONSTRAINT_GE:
      return SqlBound::Compare::kAtLeast;
    default:
      return std::nullopt;
  }
}

int table_connect(sqlite3* db, void* shown, int, const char* const*, sqlite3_vtab** out, char**) {
  auto* table = static_cast<SqlTableShown*>(shown);
  if (int rc = sqlite3_declare_vtab(db, declaration(*table->table).c_str()); rc != SQLITE_OK)
    return rc;
  auto* object = new TableObject;
  object->shown = table;
  *out = object;
  return SQLITE_OK;
}
int table_disconnect(sqlite3_vtab* object) {
  delete static_cast<TableObject*>(object);
  return SQLITE_OK;
}

// Bounds that the table makes use of come to cursor_filter() as values, and in the plan's text as
// pairs of a column and a comparison.
int table_plan(sqlite3_vtab* object, sqlite3_index_info* plan) {
  const SqlTable& table = *shown_by(object).table;
  std::string text;
  double share = 1;
  int values = 0;
  for (int i = 0; i < plan->nConstraint; ++i) {
    const auto& constraint = plan->aConstraint[i];
    const auto compare = comparison(constraint.op);
    if (!constraint.usable || !compare || constraint.iColumn < 0) continue;
    // Texts that are equal by another rule, like NOCASE, are not for the table to find.
    if (std::string_view(sqlite3_vtab_collation(plan, i)) != "BINARY") continue;
    const double left = table.share_with(static_cast<size_t>(constraint.iColumn), *compare);
    if (left >= 1) continue;
    share *= left;
    plan->aConstraintUsage[i].argvIndex = ++values;
    text +=
        std::to_string(constraint.iColumn) + ' ' + std::to_string(static_cast<int>(*compare)) + ' ';
  }
  plan->idxStr = sqlite3_mprintf("%s", text.c_str());
  if (!plan->idxStr) return SQLITE_NOMEM;
  plan->needToFreeIdxStr = 1;
  plan->estimatedCost = kRows * share;
  plan->estimatedRows = static_cast<sqlite3_int64>(kRows * share);
  return SQLITE_OK;
}

SqlValue value_of(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
      return std::monostate();
    case SQLITE_INTEGER:
      return static_cast<int64_t>(sqlite3_value_int64(value));
    case SQLITE_FLOAT:
      return sqlite3_value_double(value);
    default: {
      const auto text = static_cast<const char*>(sqlite3_value_blob(value));
      return std::string(text ? text : "", static_cast<size_t>(sqlite3_value_bytes(value)));
    }
  }
}

int cursor_open(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  *out = new Cursor;
  return SQLITE_OK;
}
int cursor_close(sqlite3_vtab_cursor* cursor) {
  delete static_cast<Cursor*>(cursor);
  return SQLITE_OK;
}
int cursor_next(sqlite3_vtab_cursor* of) {
  Cursor& cursor = as_cursor(of);
  auto there = cursor.scan->next();
  if (!there.ok()) return fail(of->pVtab, there.error());
  cursor.there = *there;
  return SQLITE_OK;
}
int cursor_filter(sqlite3_vtab_cursor* of, int, const char* plan, int count,
                  sqlite3_value** values) {
  Cursor& cursor = as_cursor(of);
  std::vector<SqlBound> bounds;
  for (int i = 0; i < count; ++i) {
    char* end = nullptr;
    SqlBound bound;
    bound.column = std::strtoul(plan, &end, 10);
    bound.compare = static_cast<SqlBound::Compare>(std::strtoul(end, &end, 10));
    plan = end;
    // All texts are less than each blob; SQLite looks at the rows again.
    if (sqlite3_value_type(values[i]) == SQLITE_BLOB) continue;
    bound.value = value_of(values[i]);
    bounds.push_back(std::move(bound));
  }
  const SqlTableShown& shown = shown_by(of->pVtab);
  auto scan = shown.table->scan(bounds, shown.expired);
  if (!scan.ok()) return fail(of->pVtab, scan.error());
  cursor.scan = std::move(*scan);
  return cursor_next(of);
}
int cursor_eof(sqlite3_vtab_cursor* of) { return !as_cursor(of).there; }
int cursor_column(sqlite3_vtab_cursor* of, sqlite3_context* context, int column) {
  SqlCell cell(context);
  as_cursor(of).scan->column(static_cast<size_t>(column), cell);
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
  m.xColumn = cursor_column;  // no xRowid: rows are told apart by their key
  return m;
}();

}  // namespace

void SqlCell::set(int64_t value) { sqlite3_result_int64(context_, value); }
void SqlCell::set(double value) { sqlite3_result_double(context_, value); }
void SqlCell::set(std::string_view text) {
  sqlite3_result_text64(context_, text.data() ? text.data() : "", text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
}

int add_sql_table(sqlite3* db, SqlTableShown& shown) {
  const int rc = sqlite3_create_module_v2(db, shown.name.c_str(), &kModule, &shown, nullptr);
  if (rc != SQLITE_OK) return rc;
  // It connects now, before any authorizer watches, since that runs a CREATE TABLE of its own.
  const std::string sql = "SELECT 1 FROM " + sql_name(shown.name);
  sqlite3_stmt* connect = nullptr;
  const int connected = sqlite3_prepare_v2(db, sql.c_str(), -1, &connect, nullptr);
  sqlite3_finalize(connect);
  return connected;
}

}  // namespace wayside
