// What a window's `where` and `select` need: expressions over the rows, accumulators, results.
// Items that ask for stats of the same argument and filter share an accumulator.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/aggregate.h"
#include "pipeline/columns.h"
#include "pipeline/options.h"
#include "pipeline/select_item.h"
#include "pipeline/window_results.h"

namespace wayside {

struct WindowPlan {
  static constexpr size_t kNo = SIZE_MAX;
  struct Accumulator {
    std::unique_ptr<Aggregate> aggregate;
    std::vector<size_t> columns;  // items
    size_t filter = kNo;          // an item
    Stat stat = Stat::kNone;      // what it was made for, where others may share it
  };

  std::vector<ColumnExpressions::Item> items;
  size_t where = kNo;  // an item
  std::vector<Accumulator> accumulators;
  std::vector<ResultItem> results;

  // False: `error` (without its block) says why.
  bool make(const WindowOptions& options, const Schema& schema, BlockError& error);

 private:
  bool add(const std::string& alias, const std::string& text, const Schema& schema,
           BlockError& error);
  bool add_aggregate(const std::string& alias, const SelectItem& item, const Schema& schema,
                     BlockError& error);
  size_t item_of(ColumnExpressions::Item wanted);
  size_t share(size_t column, size_t filter, Stat stat);
};

}  // namespace wayside
