#include "base/sqlite.h"

#include <sqlite3.h>

#include <cerrno>

namespace wayside {
namespace {

constexpr auto kPatience = std::chrono::seconds(5);
constexpr int kStepsBetweenLooks = 1'000;  // SQLite's steps

// kBadData: the file itself is no sound database. kInternal: no memory. Anything else may go away
// by itself.
ErrorCode code_of(sqlite3* db) {
  const int rc = sqlite3_errcode(db) & 0xff;
  if (rc == SQLITE_NOMEM) return ErrorCode::kInternal;
  const int cause = rc == SQLITE_IOERR || rc == SQLITE_CANTOPEN ? sqlite3_system_errno(db) : 0;
  if (rc == SQLITE_FULL || cause == ENOSPC || cause == EDQUOT) return ErrorCode::kFull;
  const bool bad = rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB || rc == SQLITE_FORMAT ||
                   sqlite3_extended_errcode(db) == SQLITE_IOERR_SHORT_READ;
  if (bad) return ErrorCode::kBadData;
  return sqlite3_extended_errcode(db) == SQLITE_IOERR_READ ? ErrorCode::kUnreadable
                                                           : ErrorCode::kIo;
}

}  // namespace

std::string sql_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Error Statement::error(const char* operation) const {
  sqlite3* db = sqlite3_db_handle(statement_);
  const char* path = sqlite3_db_filename(db, "main");
  return {code_of(db),
          std::string(operation) + " " + (path ? path : "database") + ": " + sqlite3_errmsg(db)};
}

void Statement::bind(int index, int64_t value) { sqlite3_bind_int64(statement_, index, value); }
void Statement::bind(int index, double value) { sqlite3_bind_double(statement_, index, value); }
void Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text(statement_, index, text.data() ? text.data() : "",
                    static_cast<int>(text.size()), SQLITE_STATIC);
}
void Statement::bind_blob(int index, std::string_view bytes) {
  sqlite3_bind_blob64(statement_, index, bytes.data() ? bytes.data() : "", bytes.size(),
                      SQLITE_STATIC);
}

Result<bool> Statement::step() {
  int rc = sqlite3_step(statement_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  Error failed = error("query");
  sqlite3_reset(statement_);
  return failed;
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Status Statement::run() {
  Result<bool> more = true;
  while (more.ok() && *more) more = step();
  reset();
  if (!more.ok()) return more.error();
  return {};
}

bool Statement::is_null(int index) const {
  return sqlite3_column_type(statement_, index) == SQLITE_NULL;
}

int64_t Statement::column_int(int index) const { return sqlite3_column_int64(statement_, index); }

double Statement::column_double(int index) const {
  return sqlite3_column_double(statement_, index);
}

std::string_view Statement::column_text(int index) const {
  auto data = static_cast<const char*>(sqlite3_column_blob(statement_, index));
  return data ? std::string_view(data, sqlite3_column_bytes(statement_, index))
              : std::string_view();
}

bool Statement::is_number(int index) const {
  const int type = sqlite3_column_type(statement_, index);
  return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Mode mode,
                                                 const char* vfs) {
  int flags =
      SQLITE_OPEN_NOMUTEX |
      (mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  sqlite3* handle = nullptr;
  int rc = sqlite3_open_v2(path.c_str(), &handle, flags, vfs);
  std::unique_ptr<Database> database(new Database(handle));
  if (rc != SQLITE_OK) {
    return Error{handle ? code_of(handle) : ErrorCode::kInternal,
                 "open " + path + ": " + (handle ? sqlite3_errmsg(handle) : "no memory")};
  }
  database->set_patience(kPatience);
  return database;
}

Database::~Database() { sqlite3_close(handle_); }

Status Database::exec(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  const char* path = sqlite3_db_filename(handle_, "main");
  return Error{code_of(handle_), std::string(path ? path : "database") + ": " +
                                     sqlite3_errmsg(handle_) + " in: " + sql};
}

Status Database::begin() {
  if (!sqlite3_get_autocommit(handle_)) WS_TRY(exec("ROLLBACK"));
  return exec("BEGIN IMMEDIATE");
}

Status Database::begin_read() {
  if (!sqlite3_get_autocommit(handle_)) WS_TRY(exec("ROLLBACK"));
  return exec("BEGIN");
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  int rc = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                              SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (rc != SQLITE_OK) {
    // SQL that does not fit: the tables are not those that it was written for.
    return Error{rc == SQLITE_ERROR ? ErrorCode::kBadData : code_of(handle_),
                 std::string(sqlite3_errmsg(handle_)) + " in: " + std::string(sql)};
  }
  return Statement(statement);
}

Result<int64_t> Database::number(std::string_view sql) {
  WS_ASSIGN(Statement select, prepare(sql));
  WS_ASSIGN(const bool row, select.step());
  return row ? select.column_int(0) : 0;
}

void Database::set_patience(std::chrono::milliseconds time) {
  sqlite3_busy_timeout(handle_, static_cast<int>(time.count()));
}

void Database::end_when(const std::function<bool()>* expired) {
  const auto look = [](void* asked) {
    return static_cast<int>((*static_cast<const std::function<bool()>*>(asked))());
  };
  sqlite3_progress_handler(handle_, expired ? kStepsBetweenLooks : 0, look,
                           const_cast<std::function<bool()>*>(expired));
}

void Database::keep_log() {
  int on = 1;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
}

Status Database::attach(const std::string& path, const std::string& name) {
  WS_ASSIGN(Statement attach, prepare("ATTACH ? AS " + name));
  attach.bind(1, std::string_view(path));
  return attach.run();
}

int64_t Database::changes() const { return sqlite3_changes64(handle_); }

}  // namespace wayside
