// Questions in SQL over tables that others hold: one SELECT at a time, read-only, within limits of
// time and memory. sqlite3.h stays behind it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/sql_table.h"

struct sqlite3_stmt;

namespace wayside {

struct SqlLimits {
  std::chrono::milliseconds time{60'000};
  uint64_t memory_bytes = 64 << 20;  // beside what SQLite has in this process when it is asked
  // Where people give it more of them.
  const char* time_key = "--timeout";
  const char* memory_key = "--memory";
};

// One row of an answer. Texts live until the next one.
class SqlRow {
 public:
  enum class Type { kNull, kInteger, kReal, kText };
  explicit SqlRow(sqlite3_stmt* statement) : statement_(statement) {}
  Type type(size_t column) const;
  int64_t integer(size_t column) const;
  double real(size_t column) const;
  std::string_view text(size_t column) const;

 private:
  sqlite3_stmt* statement_;
};

// Owned by one thread. Beside SQLite's own there are these functions: ms(text), the time in ms of
// an RFC 3339 text; rfc3339(ms), the way back; ago(duration), the time in ms that was so long
// before the session began.
class SqlSession {
 public:
  static Result<std::unique_ptr<SqlSession>> open(const SqlLimits& limits, int64_t now_ms);
  ~SqlSession();

  Status add(const std::string& name, SqlTable& table);

  // `names` are the columns of the answer; false: no more rows are wanted.
  using Take = std::function<bool(const std::vector<std::string>& names, const SqlRow& row)>;
  // Runs one SELECT, with `texts` for its parameters. Also when there is no row, `names` are given.
  // kUsage: the question is wrong, kUnavailable: it takes more than it may.
  Result<std::vector<std::string>> ask(std::string_view sql, const Take& take,
                                       std::span<const std::string> texts = {});

 private:
  struct State;
  explicit SqlSession(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wayside
