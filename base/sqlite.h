// A thin SQLite: a connection, its prepared statements, and errors as values. sqlite3.h stays
// behind it, but for pipeline/expression.cc, which registers a virtual table.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace wayside {

// SQLite knows signed numbers only.
inline uint64_t as_u64(int64_t n) { return static_cast<uint64_t>(n); }
inline int64_t as_i64(uint64_t n) { return static_cast<int64_t>(n); }

// A name as it stands in SQL, whatever is in it.
std::string sql_name(std::string_view name);

// Owned by one thread, as is the Database it came from, which must outlive it.
class Statement {
 public:
  Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(statement_, other.statement_);
    return *this;
  }
  ~Statement();

  // Parameters count from 1; text and blobs are borrowed until reset().
  void bind(int index, int64_t value);
  void bind(int index, double value);
  void bind(int index, std::string_view text);
  void bind_blob(int index, std::string_view bytes);

  Result<bool> step();  // true: a row is there
  void reset();
  // Binds nothing more, runs to the end, resets.
  Status run();

  // Columns count from 0; views live until the next step or reset.
  bool is_null(int index) const;
  int64_t column_int(int index) const;
  double column_double(int index) const;
  std::string_view column_text(int index) const;  // also for blobs
  bool is_number(int index) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Error error(const char* operation) const;

  sqlite3_stmt* statement_;
};

class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  static Result<std::unique_ptr<Database>> open(const std::string& path, Mode mode,
                                                const char* vfs = nullptr);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Status exec(const char* sql);
  // BEGIN IMMEDIATE; first undoes what is still open, since a ROLLBACK can fail, too.
  Status begin();
  Status begin_read();  // the same, for a view that does not change
  Result<Statement> prepare(std::string_view sql);
  Result<int64_t> number(std::string_view sql);  // of its first row and column; 0: no row
  int64_t changes() const;
  // Another file, as a schema of this name, until it is detached.
  Status attach(const std::string& path, const std::string& name);
  // How long a statement waits for one that writes from elsewhere; seconds by default.
  void set_patience(std::chrono::milliseconds time);
  // While it is set, steps end with an error once it says so; null: none. Outlives them.
  void end_when(const std::function<bool()>* expired);
  // Leaves the log and its index where they are when the last connection closes.
  void keep_log();
  sqlite3* handle() { return handle_; }

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  sqlite3* handle_;
};

}  // namespace wayside
