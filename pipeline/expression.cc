#include "pipeline/expression.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace wayside {
namespace {

// What the virtual table of one set shows at the moment.
struct TableShown {
  std::string declaration;
  Table table;
  size_t first = 0;  // the row that a scan begins at
};

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
int cursor_filter(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value**) {
  static_cast<Cursor*>(cursor)->row = shown_by(cursor).first;
  return SQLITE_OK;
}
int cursor_next(sqlite3_vtab_cursor* cursor) {
  ++static_cast<Cursor*>(cursor)->row;
  return SQLITE_OK;
}
int cursor_eof(sqlite3_vtab_cursor* cursor) {
  return static_cast<Cursor*>(cursor)->row >= table_of(cursor).rows;
}
int cursor_rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* id) {
  *id = static_cast<sqlite3_int64>(static_cast<Cursor*>(cursor)->row);
  return SQLITE_OK;
}
int cursor_column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int index) {
  const Table& table = table_of(cursor);
  const TableColumn& column = table.columns[static_cast<size_t>(index)];
  const size_t row = static_cast<Cursor*>(cursor)->row;
  if (column.numbers) {
    if (!is_null(column.numbers[row])) sqlite3_result_double(context, column.numbers[row]);
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

// What would make the output depend on more than the journal, or reach beyond the expression.
constexpr std::string_view kDenied[] = {
    "random", "randomblob", "date", "time", "datetime", "julianday", "unixepoch", "strftime",
    "timediff", "current_date", "current_time", "current_timestamp", "load_extension",
    "last_insert_rowid", "changes", "total_changes", "sqlite_version", "sqlite_source_id",
    "sqlite_compileoption_get", "sqlite_compileoption_used", "sqlite_log", "sqlite_offset",
    "readfile", "writefile", "edit", "zeroblob", "fts3_tokenizer"};

std::string declare(const std::vector<Field>& columns) {
  std::string sql = "CREATE TABLE x(";
  for (size_t i = 0; i < columns.size(); ++i) {
    static constexpr const char* kTypes[] = {"REAL", "TEXT", "INT"};
    sql += (i ? ", \"" : "\"") + columns[i].name + "\" " + kTypes[size_t(columns[i].type)];
  }
  return sql + ")";
}

// The line break ends a `--` comment of the expression, the comment one that it leaves open.
constexpr const char* kSuffix = "\n/**/) FROM ";

// "no such column: spede" → the name that is wrong.
std::string wrong_name(std::string_view message, std::string_view prefix) {
  if (!message.starts_with(prefix)) return "";
  return std::string(message.substr(prefix.size()));
}

}  // namespace

namespace {

// What the authorizer saw in the statement that is being compiled.
struct Watched {
  int selects = 0;
  std::string denied;    // the function that was refused
  bool row_number = false;
  bool may_name_rowid = false;  // a field has this name
};

}  // namespace

struct ExpressionEngine::State {
  sqlite3* db = nullptr;
  Watched watched;
  int next_table = 0;
};

struct ExpressionSet::State {
  sqlite3* db;
  std::string table_name;
  sqlite3_stmt* statement = nullptr;
  TableShown shown;
  ~State() {
    sqlite3_finalize(statement);
    sqlite3_create_module_v2(db, table_name.c_str(), nullptr, nullptr, nullptr);  // drops it
  }
};

namespace {

int authorize(void* user, int action, const char*, const char* second, const char*, const char*) {
  auto& watched = *static_cast<Watched*>(user);
  switch (action) {
    case SQLITE_READ:
      // SQLite's own name for a row's number, which depends on how readings were cut into batches.
      if (std::strcmp(second, "ROWID") != 0 || watched.may_name_rowid) return SQLITE_OK;
      watched.row_number = true;
      return SQLITE_DENY;
    case SQLITE_SELECT: return ++watched.selects > 1 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_FUNCTION:
      if (std::find(std::begin(kDenied), std::end(kDenied), second) == std::end(kDenied)) {
        return SQLITE_OK;
      }
      watched.denied = second;
      return SQLITE_DENY;
    default: return SQLITE_DENY;
  }
}

std::vector<std::string> function_names(sqlite3* db) {
  std::vector<std::string> names;
  sqlite3_stmt* list = nullptr;
  sqlite3_prepare_v2(db, "SELECT DISTINCT name FROM pragma_function_list", -1, &list, nullptr);
  while (sqlite3_step(list) == SQLITE_ROW) {
    names.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(list, 0)));
  }
  sqlite3_finalize(list);
  return names;
}

}  // namespace

ExpressionEngine::ExpressionEngine() : state_(std::make_unique<State>()) {
  sqlite3_open_v2(":memory:", &state_->db,
                  SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  // Without this "closd" in double quotes would silently be a text.
  sqlite3_db_config(state_->db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_limit(state_->db, SQLITE_LIMIT_LENGTH, 1 << 20);
}

ExpressionEngine::~ExpressionEngine() { sqlite3_close_v2(state_->db); }

std::unique_ptr<ExpressionSet> ExpressionEngine::compile(const std::vector<Field>& columns,
                                                         const std::vector<std::string>& expressions,
                                                         ExpressionError& error) {
  sqlite3* db = state_->db;
  std::unique_ptr<ExpressionSet> set(new ExpressionSet);
  set->state_ = std::make_unique<ExpressionSet::State>();
  TableShown& shown = set->state_->shown;
  shown.declaration = declare(columns);
  shown.table.columns.resize(columns.size());
  const std::string table = "batch" + std::to_string(state_->next_table++);
  set->state_->db = db;
  set->state_->table_name = table;
  sqlite3_create_module_v2(db, table.c_str(), &kModule, &shown, nullptr);

  // The table connects before the authorizer watches, since that runs a CREATE TABLE of its own.
  sqlite3_exec(db, ("SELECT 1 FROM " + table).c_str(), nullptr, nullptr, nullptr);

  Watched& watched = state_->watched;
  const char* rest = nullptr;  // of the text, behind the first statement
  auto prepare = [&](const std::string& sql) {
    watched = {};
    watched.may_name_rowid = std::any_of(columns.begin(), columns.end(),
                                         [](const Field& f) { return f.name == "ROWID"; });
    sqlite3_finalize(std::exchange(set->state_->statement, nullptr));
    sqlite3_set_authorizer(db, authorize, &watched);
    int rc = sqlite3_prepare_v3(db, sql.c_str(), static_cast<int>(sql.size()),
                                SQLITE_PREPARE_PERSISTENT, &set->state_->statement, &rest);
    sqlite3_set_authorizer(db, nullptr, nullptr);
    return rc == SQLITE_OK;
  };
  auto fail = [&](size_t index, size_t offset, std::string message) {
    error = {index, std::min(offset, expressions[index].size()), std::move(message)};
    return nullptr;
  };

  std::string all = "SELECT ";
  for (size_t i = 0; i < expressions.size(); ++i) {
    const std::string prefix = "SELECT (";
    if (!prepare(prefix + expressions[i] + kSuffix + table)) {
      std::string message = sqlite3_errmsg(db);
      int at = sqlite3_error_offset(db);
      size_t offset = at > static_cast<int>(prefix.size()) ? size_t(at) - prefix.size() : 0;
      if (!watched.denied.empty()) {
        return fail(i, offset, "function " + watched.denied + "() is not allowed: its answer changes");
      }
      if (watched.row_number) return fail(i, offset, "unknown field 'rowid'");
      if (watched.selects > 1) return fail(i, offset, "only an expression is allowed, not a query");
      if (std::string name = wrong_name(message, "no such column: "); !name.empty()) {
        std::vector<std::string> names;
        for (const Field& f : columns) names.push_back(f.name);
        message = "unknown field '" + name + "'";
        if (auto close = nearest(name, names)) message += "; did you mean '" + *close + "'?";
      } else if (name = wrong_name(message, "no such function: "); !name.empty()) {
        message = "unknown function '" + name + "'";
        if (auto close = nearest(name, function_names(db))) {
          message += "; did you mean '" + *close + "'?";
        }
      }
      return fail(i, offset, std::move(message));
    }
    if (*rest != '\0') return fail(i, 0, "one expression, not a statement");
    if (sqlite3_bind_parameter_count(set->state_->statement) > 0) {
      return fail(i, 0, "a parameter (?, :name, @name, $name) has no value here");
    }
    if (sqlite3_column_count(set->state_->statement) != 1) return fail(i, 0, "one expression, not a list");
    // Over no rows an expression yields no row, an aggregate one.
    if (sqlite3_step(set->state_->statement) == SQLITE_ROW) {
      return fail(i, 0, "an aggregate is not allowed here");
    }
    all += (i ? ", (" : "(") + expressions[i] + "\n/**/)";
  }
  if (!prepare(all + " FROM " + table)) return fail(0, 0, sqlite3_errmsg(db));
  return set;
}

ExpressionSet::~ExpressionSet() = default;

double ExpressionSet::RowValues::number(size_t expression) const {
  sqlite3_stmt* s = set_.state_->statement;
  int type = sqlite3_column_type(s, static_cast<int>(expression));
  bool numeric = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
  return numeric ? sqlite3_column_double(s, static_cast<int>(expression)) : kNull;
}

int ExpressionSet::RowValues::truth(size_t expression) const {
  double n = number(expression);
  return is_null(n) ? -1 : n != 0;
}

Value ExpressionSet::RowValues::value(size_t expression) const {
  sqlite3_stmt* s = set_.state_->statement;
  const int i = static_cast<int>(expression);
  switch (sqlite3_column_type(s, i)) {
    case SQLITE_NULL: return std::monostate();
    case SQLITE_INTEGER:
    case SQLITE_FLOAT: return sqlite3_column_double(s, i);
    default: {
      auto text = static_cast<const char*>(sqlite3_column_blob(s, i));
      return std::string(text ? text : "", static_cast<size_t>(sqlite3_column_bytes(s, i)));
    }
  }
}

Status ExpressionSet::evaluate(const Table& table,
                               const std::function<void(size_t, const RowValues&)>& row) {
  if (table.rows == 0) return {};
  state_->shown.table = table;
  RowValues values(*this);
  Status status;
  for (size_t i = 0; i < table.rows; ++i) {
    state_->shown.first = i;
    for (; sqlite3_step(state_->statement) == SQLITE_ROW; ++i) row(i, values);
    if (i < table.rows) status = Error{ErrorCode::kBadData, sqlite3_errmsg(state_->db)};
    sqlite3_reset(state_->statement);
  }
  state_->shown.table.rows = 0;
  return status;
}

}  // namespace wayside
