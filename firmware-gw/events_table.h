// What the gateway said, as a table of SQL: made again from the journal by the configuration of
// today, so that nothing has to be kept for it. A scan costs a replay up to the last entry that is
// asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/sql_table.h"
#include "config/config.h"
#include "firmware-gw/journal_replay.h"

namespace wayside {

const std::vector<SqlColumn>& events_columns();

class EventsTable : public SqlTable {
 public:
  // `config` outlives it. `last_entry`: of the journal, no later one is shown.
  EventsTable(const Config& config, std::string state_dir, uint64_t last_entry)
      : config_(config), state_dir_(std::move(state_dir)), last_entry_(last_entry) {}

  const std::vector<SqlColumn>& columns() const override { return events_columns(); }
  std::vector<size_t> key() const override { return {kId}; }
  double share_with(size_t column, SqlBound::Compare compare) const override;
  Result<std::unique_ptr<SqlScan>> scan(const std::vector<SqlBound>& bounds,
                                        const std::function<bool()>& expired) override;

 private:
  class Scan;
  enum Column { kId, kType, kBlock, kKey, kTime, kLane, kEntry, kCommitted, kEvent };
  const Config& config_;
  const std::string state_dir_;
  const uint64_t last_entry_;
  std::optional<JournalReplay::Past> past_;  // once somebody has asked
};

// In its place where such a replay, a second engine in the same process, would be too much: it says
// so to whoever asks.
class EventsElsewhere : public SqlTable {
 public:
  const std::vector<SqlColumn>& columns() const override { return events_columns(); }
  std::vector<size_t> key() const override { return {0}; }
  double share_with(size_t, SqlBound::Compare) const override { return 1; }
  Result<std::unique_ptr<SqlScan>> scan(const std::vector<SqlBound>&,
                                        const std::function<bool()>&) override;
};

}  // namespace wayside
