#include "base/sql_session.h"

#include <sqlite3.h>

#include <algorithm>
#include <deque>

#include "base/sql_module.h"
#include "base/text.h"
#include "base/time.h"

namespace wayside {
namespace {

using std::chrono::steady_clock;

constexpr size_t kNamesTold = 50;
constexpr int kLookEvery = 1'000;    // SQLite's steps between two looks at the time and the memory
constexpr uint64_t kValueShare = 4;  // of the memory, for one value

int64_t session_now(sqlite3_context* context) {
  return *static_cast<const int64_t*>(sqlite3_user_data(context));
}

std::string text_of(sqlite3_value* value) {
  const auto text = static_cast<const char*>(sqlite3_value_blob(value));
  return {text ? text : "", static_cast<size_t>(sqlite3_value_bytes(value))};
}

void refuse(sqlite3_context* context, const std::string& message) {
  sqlite3_result_error(context, message.c_str(), static_cast<int>(message.size()));
}

void sql_ms(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  const std::string text = text_of(values[0]);
  if (const auto ms = parse_rfc3339_ms(text)) return sqlite3_result_int64(context, *ms);
  refuse(context, "ms('" + text + "'): expected a time like 2026-03-01T12:00:00Z");
}

void sql_rfc3339(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  const int64_t ms = sqlite3_value_int64(values[0]);
  if (ms < kPossibleMin || ms > kPossibleMax) return;
  const std::string text = format_rfc3339(ms);
  sqlite3_result_text(context, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

void sql_ago(sqlite3_context* context, int, sqlite3_value** values) {
  const std::string text = text_of(values[0]);
  if (const auto ms = parse_duration_ms(text)) {
    return sqlite3_result_int64(context, session_now(context) - *ms);
  }
  refuse(context, "ago('" + text + "'): expected a duration like 90s, 15m, 2h or 7d");
}

// "no such column: c.temp" → "c.temp"
std::optional<std::string> name_behind(std::string_view message, std::string_view prefix) {
  if (!message.starts_with(prefix)) return std::nullopt;
  return std::string(message.substr(prefix.size()));
}

// With what was meant, or with all that there is if that is not much.
std::string wrong_name(const char* kind, const std::string& name, std::vector<std::string> known) {
  std::string message = std::string("there is no ") + kind + " '" + name + "'";
  const std::string last = name.substr(name.rfind('.') + 1);
  if (auto close = nearest(last, known)) return message + "; did you mean '" + *close + "'?";
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  if (known.size() > kNamesTold) return message;
  for (const std::string& n : known) message += (&n == &known.front() ? "; there are " : ", ") + n;
  return message;
}

}  // namespace

struct SqlSession::State {
  sqlite3* db = nullptr;
  SqlLimits limits;
  int64_t now_ms = 0;
  std::deque<SqlTableShown> tables;
  std::optional<Error> failed;
  steady_clock::time_point end = steady_clock::time_point::max();

  uint64_t memory_before = 0;  // of all SQLite of the process
  bool is_too_large = false;

  ~State() { sqlite3_close_v2(db); }
  bool expired() const { return steady_clock::now() >= end; }
  // A limit of SQLite's own would be one for the whole process, which may have a store to write.
  bool must_end() {
    const auto used = static_cast<uint64_t>(sqlite3_memory_used());
    is_too_large |= used > memory_before + limits.memory_bytes;
    return is_too_large || expired();
  }

  static int authorize(void*, int action, const char*, const char*, const char*, const char*) {
    const bool reads = action == SQLITE_SELECT || action == SQLITE_READ ||
                       action == SQLITE_FUNCTION || action == SQLITE_RECURSIVE;
    return reads ? SQLITE_OK : SQLITE_DENY;
  }

  // All columns, or all tables, or all functions.
  std::vector<std::string> known(char what) {
    std::vector<std::string> names;
    for (const SqlTableShown& t : tables) {
      if (what == 't') names.push_back(t.name);
      if (what != 'c') continue;
      for (const SqlColumn& c : t.table->columns()) names.push_back(c.name);
    }
    if (what != 'f') return names;
    sqlite3_set_authorizer(db, nullptr, nullptr);
    sqlite3_stmt* list = nullptr;
    sqlite3_prepare_v2(db, "SELECT DISTINCT name FROM pragma_function_list()", -1, &list, nullptr);
    while (list && sqlite3_step(list) == SQLITE_ROW)
      names.push_back(text_of(sqlite3_column_value(list, 0)));
    sqlite3_finalize(list);
    sqlite3_set_authorizer(db, authorize, nullptr);
    return names;
  }

  Error error(int rc) {
    if (failed) return *failed;
    const std::string message = sqlite3_errmsg(db);
    switch (is_too_large ? SQLITE_NOMEM : rc & 0xff) {
      case SQLITE_INTERRUPT:
        return {ErrorCode::kUnavailable,
                "the question was ended after " + format_duration(limits.time.count()) +
                    "; ask for less, by time, key or entry, or give it longer with " +
                    limits.time_key};
      case SQLITE_TOOBIG:
      case SQLITE_NOMEM:
        return {ErrorCode::kUnavailable,
                "the question needs more than " + format_bytes(limits.memory_bytes) +
                    " of memory; ask for less, by time, key or entry, or give it more with " +
                    limits.memory_key};
      case SQLITE_AUTH:
        return {ErrorCode::kUsage, "only reading is possible here, with one SELECT"};
      default:
        break;
    }
    if (message.ends_with(" may not be modified")) return error(SQLITE_AUTH);
    if (auto name = name_behind(message, "no such column: "))
      return {ErrorCode::kUsage, wrong_name("column", *name, known('c'))};
    if (auto name = name_behind(message, "no such table: "))
      return {ErrorCode::kUsage, wrong_name("table", *name, known('t'))};
    if (auto name = name_behind(message, "no such function: "))
      return {ErrorCode::kUsage, wrong_name("function", *name, known('f'))};
    return {ErrorCode::kUsage, "SQL: " + message};
  }

  // Null with an error in `why`.
  sqlite3_stmt* prepare(std::string_view sql, std::optional<Error>& why) {
    sqlite3_stmt* statement = nullptr;
    const char* rest = nullptr;
    const char* end = sql.data() + sql.size();
    int rc = sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &statement, &rest);
    if (rc != SQLITE_OK) {
      why = error(rc);
      return nullptr;
    }
    sqlite3_stmt* second = nullptr;
    rc = sqlite3_prepare_v2(db, rest, static_cast<int>(end - rest), &second, nullptr);
    sqlite3_finalize(second);
    if (statement && rc == SQLITE_OK && !second) return statement;
    sqlite3_finalize(statement);
    why = Error{ErrorCode::kUsage,
                statement ? "one SELECT at a time" : "there is no question; expected a SELECT"};
    return nullptr;
  }
};

SqlSession::SqlSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqlSession::~SqlSession() = default;

Result<std::unique_ptr<SqlSession>> SqlSession::open(const SqlLimits& limits, int64_t now_ms) {
  auto state = std::make_unique<State>();
  state->limits = limits;
  state->now_ms = now_ms;
  const int rc =
      sqlite3_open_v2(":memory:", &state->db,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (rc != SQLITE_OK) return Error{ErrorCode::kInternal, "SQLite: no memory"};
  sqlite3* db = state->db;
  // Without this "trukc-17" in double quotes would silently be a text.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_exec(db, "PRAGMA temp_store = MEMORY", nullptr, nullptr, nullptr);
  constexpr int kPure = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  int64_t* now = &state->now_ms;
  sqlite3_create_function_v2(db, "ms", 1, kPure, now, sql_ms, nullptr, nullptr, nullptr);
  sqlite3_create_function_v2(db, "rfc3339", 1, kPure, now, sql_rfc3339, nullptr, nullptr, nullptr);
  sqlite3_create_function_v2(db, "ago", 1, kPure, now, sql_ago, nullptr, nullptr, nullptr);
  sqlite3_progress_handler(
      db, kLookEvery, [](void* s) { return int(static_cast<State*>(s)->must_end()); }, state.get());
  // One value is made in one step.
  const uint64_t value_bytes = std::min<uint64_t>(limits.memory_bytes / kValueShare, INT32_MAX);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, static_cast<int>(value_bytes));
  return std::unique_ptr<SqlSession>(new SqlSession(std::move(state)));
}

Status SqlSession::add(const std::string& name, SqlTable& table) {
  State& state = *state_;
  sqlite3_set_authorizer(state.db, nullptr, nullptr);
  SqlTableShown& shown = state.tables.emplace_back();
  shown = {name, &table, [&state] { return state.expired(); }, &state.failed};
  const int rc = add_sql_table(state.db, shown);
  sqlite3_set_authorizer(state.db, State::authorize, nullptr);
  if (rc == SQLITE_OK) return {};
  return Error{ErrorCode::kInternal, "table " + name + ": " + sqlite3_errmsg(state.db)};
}

Result<std::vector<std::string>> SqlSession::ask(std::string_view sql, const Take& take,
                                                 std::span<const std::string> texts) {
  State& state = *state_;
  state.failed.reset();
  state.end = steady_clock::now() + state.limits.time;
  state.memory_before = static_cast<uint64_t>(sqlite3_memory_used());
  state.is_too_large = false;
  std::optional<Error> why;
  sqlite3_stmt* statement = state.prepare(sql, why);
  if (!statement) return *why;
  for (size_t i = 0; i < texts.size(); ++i) {
    sqlite3_bind_text(statement, static_cast<int>(i) + 1, texts[i].data(),
                      static_cast<int>(texts[i].size()), SQLITE_STATIC);
  }
  std::vector<std::string> names;
  for (int i = 0; i < sqlite3_column_count(statement); ++i) {
    const char* name = sqlite3_column_name(statement, i);
    names.emplace_back(name ? name : "");
  }
  int rc = SQLITE_ROW;
  const SqlRow row(statement);
  while ((rc = sqlite3_step(statement)) == SQLITE_ROW && take(names, row)) {
  }
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) why = state.error(rc);
  sqlite3_finalize(statement);
  if (why) return *why;
  return names;
}

SqlRow::Type SqlRow::type(size_t column) const {
  switch (sqlite3_column_type(statement_, static_cast<int>(column))) {
    case SQLITE_NULL:
      return Type::kNull;
    case SQLITE_INTEGER:
      return Type::kInteger;
    case SQLITE_FLOAT:
      return Type::kReal;
    default:
      return Type::kText;
  }
}
int64_t SqlRow::integer(size_t column) const {
  return sqlite3_column_int64(statement_, static_cast<int>(column));
}
double SqlRow::real(size_t column) const {
  return sqlite3_column_double(statement_, static_cast<int>(column));
}
std::string_view SqlRow::text(size_t column) const {
  const int i = static_cast<int>(column);
  const auto text = static_cast<const char*>(sqlite3_column_blob(statement_, i));
  return {text ? text : "", static_cast<size_t>(sqlite3_column_bytes(statement_, i))};
}

}  // namespace wayside
