// History as tables of SQL: `readings` with the fields of all sources, and one for each source.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sql_table.h"
#include "storage/history.h"

namespace wayside {

// Of a time that is compared with a text.
Error time_is_no_text(const std::string& text);

class HistoryTable : public SqlTable {
 public:
  // Of one source, or of all. `history` outlives it.
  HistoryTable(History& history, std::optional<size_t> source);

  const std::vector<SqlColumn>& columns() const override { return columns_; }
  std::vector<size_t> key() const override { return {kEntry, kPlace}; }
  double share_with(size_t column, SqlBound::Compare compare) const override;
  Result<std::unique_ptr<SqlScan>> scan(const std::vector<SqlBound>& bounds,
                                        const std::function<bool()>& expired) override;

 private:
  class Scan;
  enum Common { kSource, kKey, kTime, kEntry, kPlace, kArrived, kCommon };

  void add_field(size_t source, size_t field);
  // Whether an equal value there means that the key is equal.
  bool is_key(size_t column) const;
  Status narrow(const SqlBound& bound, History::Range& range) const;
  void narrow_to_source(const std::string& name, History::Range& range) const;

  History& history_;
  const std::optional<size_t> source_;
  std::vector<SqlColumn> columns_;
  // By column behind the common ones, by source: which field it is.
  static constexpr size_t kNoField = SIZE_MAX;
  std::vector<std::vector<size_t>> fields_;
};

}  // namespace wayside
