// Aggregates, and the small grammar of a `select` item: name(arguments) [FILTER (WHERE condition)].
// Arguments and condition are SQL. What is no aggregate call is SQL over the other aliases.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/value.h"

namespace wayside {

// Where rows meet panes: row `rows[i]` goes into the accumulators at `pool + panes[i]`.
struct RowsIntoPanes {
  double* pool = nullptr;
  const uint32_t* panes = nullptr;
  const uint32_t* rows = nullptr;
  size_t count = 0;
};

// An accumulator is `slots` doubles. NULL arguments do not count, as in SQL; nothing but NULLs
// gives NULL, or 0 for count. Sums are compensated (Neumaier 1974) and added in order of arrival,
// so that they repeat to the bit.
struct AggregateFunction {
  std::string_view name;
  bool takes_argument;  // else it may
  uint32_t slots;
  void (*reset)(double* accumulator);
  // `argument` null: every row counts. `mask` null: no FILTER.
  void (*add)(const RowsIntoPanes& target, uint32_t offset, const double* argument,
              const double* mask);
  Value (*result)(const double* accumulator);
};

std::span<const AggregateFunction> aggregate_functions();
const AggregateFunction* find_aggregate(std::string_view name);

struct SelectItem {
  const AggregateFunction* aggregate = nullptr;  // null: `argument` is SQL over the aliases
  std::string argument;                          // empty: none
  std::string filter;                            // empty: none
  size_t argument_offset = 0;                    // where they begin in the item's text
  size_t filter_offset = 0;
};

SelectItem parse_select_item(std::string_view text);

}  // namespace wayside
