// A read model as a table of SQL, over a read-only connection. It is the store that says which
// there are, so that one can be asked whatever the configuration says by now.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/sql_table.h"
#include "base/sqlite.h"

namespace wayside {

class ViewTable : public SqlTable {
 public:
  // All of a state folder, by name; none without a store. They share one connection, are used by
  // one thread, and stay as they are now, all of one commit, as long as one of them is there.
  static Result<std::vector<std::unique_ptr<ViewTable>>> open_all(Disk& disk,
                                                                  const std::string& state_dir);

  const std::string& name() const { return name_; }
  size_t keys() const { return keys_; }  // of the columns, the first so many name a row
  uint64_t rows() const { return rows_; }
  uint64_t evicted() const { return evicted_; }  // over its max_rows

  const std::vector<SqlColumn>& columns() const override { return columns_; }
  std::vector<size_t> key() const override;
  double share_with(size_t column, SqlBound::Compare compare) const override;
  Result<std::unique_ptr<SqlScan>> scan(const std::vector<SqlBound>& bounds,
                                        const std::function<bool()>& expired) override;

 private:
  class Scan;
  Status find_columns();

  std::shared_ptr<Database> db_;
  std::string name_;
  size_t keys_ = 0;
  uint64_t rows_ = 0;
  uint64_t evicted_ = 0;
  std::vector<SqlColumn> columns_;
};

}  // namespace wayside
