// A table that SQL reads and somebody else holds. Implementations know nothing of SQLite.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

struct sqlite3_context;

namespace wayside {

struct SqlColumn {
  std::string name;
  std::string type;  // as SQL declares it: "INT", "REAL", "TEXT", or "" for any
};

using SqlValue = std::variant<std::monostate, int64_t, double, std::string>;

// A comparison that each row asked for passes.
struct SqlBound {
  enum class Compare { kEqual, kLess, kAtMost, kGreater, kAtLeast };
  size_t column = 0;
  Compare compare = Compare::kEqual;
  SqlValue value;
};

// Where a scan puts a value; NULL if it puts none.
class SqlCell {
 public:
  explicit SqlCell(sqlite3_context* context) : context_(context) {}
  void set(int64_t value);
  void set(double value);
  void set(std::string_view text);  // copied

 private:
  sqlite3_context* context_;
};

class SqlScan {
 public:
  virtual ~SqlScan() = default;
  // The next row; false: there is none.
  virtual Result<bool> next() = 0;
  virtual void column(size_t column, SqlCell& cell) const = 0;  // of the row
};

// Outlives the session that it is added to.
class SqlTable {
 public:
  virtual ~SqlTable() = default;
  virtual const std::vector<SqlColumn>& columns() const = 0;
  // The columns that tell a row from all others; none of them is ever NULL. SQLite looks at a table
  // more than once for an OR, and knows by them which rows it has shown.
  virtual std::vector<size_t> key() const = 0;
  // Roughly what share of a scan is left with a bound on this column; 1: it makes no use of it.
  virtual double share_with(size_t column, SqlBound::Compare compare) const = 0;
  // Rows that pass the bounds, and maybe others: whoever asks looks again. `expired` is to be asked
  // where much is read without a row to show; once it is true the scan ends.
  virtual Result<std::unique_ptr<SqlScan>> scan(const std::vector<SqlBound>& bounds,
                                                const std::function<bool()>& expired) = 0;
};

}  // namespace wayside
