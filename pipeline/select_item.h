// The small grammar of a `select` item: name(arguments) [FILTER (WHERE condition)]. Arguments and
// condition are SQL. What is no aggregate call is SQL over the other aliases.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/aggregate.h"

namespace wayside {

struct SelectItem {
  struct Text {
    std::string text;
    size_t offset = 0;  // where it begins in the item
  };
  const AggregateFunction* aggregate = nullptr;  // null: the item is SQL over the aliases
  std::vector<Text> columns;                     // arguments over the fields
  std::vector<double> parameters;                // constants, behind them
  Text filter;                                   // empty: none
};

// `error` is empty, or says what is wrong with the call, at `offset`.
struct SelectError {
  std::string message;
  size_t offset = 0;
};
SelectItem parse_select_item(std::string_view text, SelectError& error);

}  // namespace wayside
