#include "pipeline/expression.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "base/text.h"
#include "pipeline/column_table.h"

namespace wayside {
namespace {

// The function that takes the values of a row: cheaper than a result row of the statement.
constexpr const char* kTakeRow = "wayside_row";

// What would make the output depend on more than the journal, or reach beyond the expression.
constexpr std::string_view kDenied[] = {"random",
                                        "randomblob",
                                        "date",
                                        "time",
                                        "datetime",
                                        "julianday",
                                        "unixepoch",
                                        "strftime",
                                        "timediff",
                                        "current_date",
                                        "current_time",
                                        "current_timestamp",
                                        "load_extension",
                                        "last_insert_rowid",
                                        "changes",
                                        "total_changes",
                                        "sqlite_version",
                                        "sqlite_source_id",
                                        "sqlite_compileoption_get",
                                        "sqlite_compileoption_used",
                                        "sqlite_log",
                                        "sqlite_offset",
                                        "readfile",
                                        "writefile",
                                        "edit",
                                        "zeroblob",
                                        "fts3_tokenizer",
                                        kTakeRow};

// The line break ends a `--` comment of the expression, the comment one that it leaves open.
constexpr const char* kSuffix = "\n/**/) FROM ";

// "no such column: spede" → the name that is wrong.
std::string wrong_name(std::string_view message, std::string_view prefix) {
  if (!message.starts_with(prefix)) return "";
  return std::string(message.substr(prefix.size()));
}

// What the authorizer saw in the statement that is being compiled.
struct Watched {
  int selects = 0;
  std::string denied;  // the function that was refused
  bool row_number = false;
  bool may_name_rowid = false;  // a field has this name
  bool may_take_row = false;    // the statement is ours
};

}  // namespace

// One evaluation.
struct ExpressionRun {
  const TableShown& shown;
  const std::function<void(size_t, const ExpressionSet::RowValues&)>& row;
  std::exception_ptr thrown;

  // Its answer is NULL: as a condition it lets no row through.
  static void take_row(sqlite3_context* context, int, sqlite3_value** values) {
    ExpressionRun& run = **static_cast<ExpressionRun**>(sqlite3_user_data(context));
    try {
      run.row(run.shown.at, ExpressionSet::RowValues(values));
    } catch (...) {
      run.thrown = std::current_exception();  // not through SQLite
      sqlite3_result_error(context, "", 0);
    }
  }
};

struct ExpressionEngine::State {
  sqlite3* db = nullptr;
  int next_table = 0;
  ExpressionRun* run = nullptr;  // the innermost that goes on
};

struct ExpressionSet::State {
  sqlite3* db;
  std::string table_name;
  std::vector<std::string> expressions;
  sqlite3_stmt* statement = nullptr;  // over all of them
  std::vector<sqlite3_stmt*> alone;   // over each, once it was needed
  TableShown shown;
  ExpressionRun** run = nullptr;  // the engine's
  ~State() {
    sqlite3_finalize(statement);
    for (sqlite3_stmt* s : alone) sqlite3_finalize(s);
    drop_column_table(db, table_name);
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
    case SQLITE_SELECT:
      return ++watched.selects > 1 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_FUNCTION:
      if (watched.may_take_row && std::strcmp(second, kTakeRow) == 0) return SQLITE_OK;
      if (std::find(std::begin(kDenied), std::end(kDenied), second) == std::end(kDenied)) {
        return SQLITE_OK;
      }
      watched.denied = second;
      return SQLITE_DENY;
    default:
      return SQLITE_DENY;
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

// Compiles expressions one by one, to tell what is wrong with each, and then all into one
// statement.
class Compiler {
 public:
  Compiler(sqlite3* db, const std::vector<Field>& columns, const std::string& table,
           sqlite3_stmt*& statement)
      : db_(db), columns_(columns), table_(table), statement_(statement) {}

  bool check(const std::string& expression, ExpressionError& error) {
    const std::string prefix = "SELECT (";
    if (!prepare(prefix + expression + kSuffix + table_)) {
      const int at = sqlite3_error_offset(db_);
      const size_t offset = at > static_cast<int>(prefix.size()) ? size_t(at) - prefix.size() : 0;
      error.offset = std::min(offset, expression.size());
      error.message = why_refused();
    } else if (trailing_) {
      error.message = "one expression, not a statement";
    } else if (sqlite3_bind_parameter_count(statement_) > 0) {
      error.message = "a parameter (?, :name, @name, $name) has no value here";
    } else if (sqlite3_column_count(statement_) != 1) {
      error.message = "one expression, not a list";
    } else if (const int rc = sqlite3_step(statement_); need_memory(rc), rc == SQLITE_ROW) {
      // Over no rows an expression yields no row, an aggregate one.
      error.message = "an aggregate is not allowed here";
    }
    return error.message.empty();
  }

  bool compile_all(const std::vector<std::string>& expressions, ExpressionError& error) {
    std::string all = "SELECT 1 FROM " + table_ + " WHERE " + kTakeRow;
    for (const std::string& e : expressions) {
      all += (&e == &expressions.front() ? "((" : ", (") + e + "\n/**/)";
    }
    if (!prepare(all + ")", true)) error.message = sqlite3_errmsg(db_);
    return error.message.empty();
  }

 private:
  bool prepare(const std::string& sql, bool may_take_row = false) {
    watched_ = {};
    watched_.may_take_row = may_take_row;
    watched_.may_name_rowid = std::any_of(columns_.begin(), columns_.end(),
                                          [](const Field& f) { return f.name == "ROWID"; });
    sqlite3_finalize(std::exchange(statement_, nullptr));
    const char* rest = nullptr;  // behind the first statement
    sqlite3_set_authorizer(db_, authorize, &watched_);
    const int rc = sqlite3_prepare_v3(db_, sql.c_str(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement_, &rest);
    sqlite3_set_authorizer(db_, nullptr, nullptr);
    need_memory(rc);
    trailing_ = rest && *rest != '\0';
    return rc == SQLITE_OK;
  }

  std::string why_refused() const {
    if (!watched_.denied.empty()) {
      return "function " + watched_.denied + "() is not allowed: its answer changes";
    }
    if (watched_.row_number) return "unknown field 'rowid'";
    if (watched_.selects > 1) return "only an expression is allowed, not a query";
    std::string message = sqlite3_errmsg(db_);
    if (std::string name = wrong_name(message, "no such column: "); !name.empty()) {
      std::vector<std::string> names;
      for (const Field& f : columns_) names.push_back(f.name);
      return unknown("field", name, names);
    }
    if (std::string name = wrong_name(message, "no such function: "); !name.empty()) {
      return unknown("function", name, function_names(db_));
    }
    return message;
  }

  static std::string unknown(const char* kind, const std::string& name,
                             const std::vector<std::string>& names) {
    std::string message = std::string("unknown ") + kind + " '" + name + "'";
    if (auto close = nearest(name, names)) message += "; did you mean '" + *close + "'?";
    return message;
  }

  sqlite3* db_;
  const std::vector<Field>& columns_;
  const std::string& table_;
  sqlite3_stmt*& statement_;
  Watched watched_;
  bool trailing_ = false;
};

}  // namespace

ExpressionEngine::ExpressionEngine() : state_(std::make_unique<State>()) {
  need_memory(sqlite3_open_v2(":memory:", &state_->db,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                              nullptr));
  // Without this "closd" in double quotes would silently be a text.
  sqlite3_db_config(state_->db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_limit(state_->db, SQLITE_LIMIT_LENGTH, 1 << 20);
  need_memory(sqlite3_create_function_v2(state_->db, kTakeRow, -1, SQLITE_UTF8, &state_->run,
                                         ExpressionRun::take_row, nullptr, nullptr, nullptr));
}

ExpressionEngine::~ExpressionEngine() { sqlite3_close_v2(state_->db); }

std::unique_ptr<ExpressionSet> ExpressionEngine::compile(
    const std::vector<Field>& columns, const std::vector<std::string>& expressions,
    ExpressionError& error) {
  std::unique_ptr<ExpressionSet> set(new ExpressionSet);
  set->state_ = std::make_unique<ExpressionSet::State>();
  ExpressionSet::State& state = *set->state_;
  state.db = state_->db;
  state.run = &state_->run;
  state.expressions = expressions;
  state.table_name = "batch" + std::to_string(state_->next_table++);
  state.shown.declaration = declare_table(columns);
  state.shown.table.columns.resize(columns.size());
  make_column_table(state.db, state.table_name, state.shown);

  Compiler compiler(state.db, columns, state.table_name, state.statement);
  for (size_t i = 0; i < expressions.size(); ++i) {
    error = {i, 0, ""};
    if (!compiler.check(expressions[i], error)) return nullptr;
  }
  error = {kMaxExpressions, 0, ""};
  if (expressions.size() > kMaxExpressions) {
    error.message = fmt::format("at most {} expressions are possible here", kMaxExpressions);
    return nullptr;
  }
  error = {};
  return compiler.compile_all(expressions, error) ? std::move(set) : nullptr;
}

ExpressionSet::~ExpressionSet() = default;

double ExpressionSet::RowValues::number(size_t expression) const {
  bool mistyped = false;
  return number(expression, mistyped);
}

double ExpressionSet::RowValues::number(size_t expression, bool& mistyped) const {
  sqlite3_value* value = values_[expression];
  const int type = sqlite3_value_type(value);
  if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) return sqlite3_value_double(value);
  mistyped |= type != SQLITE_NULL;
  return kNull;
}

int ExpressionSet::RowValues::truth(size_t expression) const {
  double n = number(expression);
  return is_null(n) ? -1 : n != 0;
}

Value ExpressionSet::RowValues::value(size_t expression) const {
  sqlite3_value* value = values_[expression];
  switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
      return std::monostate();
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
      return sqlite3_value_double(value);
    default: {
      auto text = static_cast<const char*>(sqlite3_value_blob(value));
      return std::string(text ? text : "", static_cast<size_t>(sqlite3_value_bytes(value)));
    }
  }
}

namespace {

// Copies, for as long as no statement holds them.
struct OwnedValues {
  std::vector<sqlite3_value*> values;
  ~OwnedValues() {
    for (sqlite3_value* value : values) sqlite3_value_free(value);
  }
};

}  // namespace

// One expression after the other: each has the value that it has alone, NULL where it fails. What
// SQLite returned last.
int ExpressionSet::evaluate_alone(size_t row, ExpressionRun& run, Faults& faults) {
  State& state = *state_;
  state.alone.resize(state.expressions.size());
  OwnedValues owned;
  bool fault = false;
  for (size_t i = 0; i < state.alone.size(); ++i) {
    sqlite3_stmt*& statement = state.alone[i];
    if (!statement) {
      const std::string sql = "SELECT (" + state.expressions[i] + kSuffix + state.table_name;
      const int rc = sqlite3_prepare_v3(state.db, sql.c_str(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
      if (rc != SQLITE_OK) return rc;
    }
    state.shown.first = row;
    const int rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) {
      faults.message = sqlite3_errmsg(state.db);
      fault = true;
    }
    owned.values.push_back(sqlite3_value_dup(sqlite3_column_value(statement, 0)));  // or of NULL
    sqlite3_reset(statement);
    if ((rc & 0xff) == SQLITE_NOMEM || !owned.values.back()) return SQLITE_NOMEM;
  }
  if (fault) faults.rows.push_back(row);
  try {
    run.row(row, RowValues(owned.values.data()));
  } catch (...) {
    run.thrown = std::current_exception();
  }
  return SQLITE_OK;
}

ExpressionSet::Faults ExpressionSet::evaluate(
    const Table& table, const std::function<void(size_t, const RowValues&)>& row) {
  if (table.rows == 0) return {};
  state_->shown.table = table;
  const TableShown& shown = state_->shown;
  ExpressionRun run{shown, row, {}};
  ExpressionRun* outer = std::exchange(*state_->run, &run);
  Faults faults;
  int rc = SQLITE_OK;
  for (size_t next = table.begin; next < table.rows && !run.thrown; ++next) {
    if (table.present && !table.present[next]) continue;
    state_->shown.first = state_->shown.at = next;  // a constant can fail before any row
    rc = sqlite3_step(state_->statement);
    next = shown.at;  // the row that failed, or behind them all
    sqlite3_reset(state_->statement);
    if (rc == SQLITE_DONE || run.thrown) break;
    if ((rc & 0xff) != SQLITE_NOMEM) rc = evaluate_alone(next, run, faults);
    if ((rc & 0xff) == SQLITE_NOMEM) break;
  }
  *state_->run = outer;
  state_->shown.table.rows = 0;
  if (run.thrown) std::rethrow_exception(run.thrown);
  need_memory(rc);
  return faults;
}

}  // namespace wayside
