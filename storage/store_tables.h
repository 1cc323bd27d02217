// What the store holds, as tables of SQL, over a read-only connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/sql_table.h"
#include "base/sqlite.h"

namespace wayside {

// Messages that became no reading.
class QuarantineTable : public SqlTable {
 public:
  // Without a store it is empty.
  static Result<std::unique_ptr<QuarantineTable>> open(Disk& disk, const std::string& state_dir);

  const std::vector<SqlColumn>& columns() const override { return columns_; }
  std::vector<size_t> key() const override { return {0, 1}; }  // the entry and the place in it
  double share_with(size_t, SqlBound::Compare) const override { return 1; }
  Result<std::unique_ptr<SqlScan>> scan(const std::vector<SqlBound>& bounds,
                                        const std::function<bool()>& expired) override;

 private:
  class Scan;
  std::unique_ptr<Database> db_;
  const std::vector<SqlColumn> columns_{{"entry", "INT"},   {"place", "INT"},   {"arrived", "INT"},
                                        {"source", "TEXT"}, {"reason", "TEXT"}, {"detail", "TEXT"},
                                        {"topic", "TEXT"},  {"payload", "TEXT"}};
};

}  // namespace wayside
