// What the gateway said, as a table of SQL: made again from the journal by the configuration of
// today, so that nothing has to be kept for it. A scan costs a replay up to the last entry that is
// asked for.
#pragma once

#include <string>
#include <vector>

#include "base/sql_table.h"
#include "config/config.h"

namespace wayside {

class EventsTable : public SqlTable {
 public:
  // `config` outlives it.
  EventsTable(const Config& config, std::string state_dir)
      : config_(config), state_dir_(std::move(state_dir)) {}

  const std::vector<SqlColumn>& columns() const override { return columns_; }
  double share_with(size_t column, SqlBound::Compare compare) const override;
  Result<std::unique_ptr<SqlScan>> scan(const std::vector<SqlBound>& bounds,
                                        const std::function<bool()>& expired) override;

 private:
  class Scan;
  enum Column { kId, kType, kBlock, kKey, kTime, kLane, kEntry, kCommitted, kEvent };
  const Config& config_;
  const std::string state_dir_;
  const std::vector<SqlColumn> columns_{{"id", "TEXT"},   {"type", "TEXT"},     {"block", "TEXT"},
                                        {"key", "TEXT"},  {"time", "INT"},      {"lane", "TEXT"},
                                        {"entry", "INT"}, {"committed", "INT"}, {"event", "TEXT"}};
};

}  // namespace wayside
