// In a build without WAYSIDE_BLOCKS.
#include <algorithm>

#include "base/text.h"
#include "pipeline/aggregate.h"
#include "pipeline/aggregate_ends.h"
#include "pipeline/aggregate_stats.h"

namespace wayside {
namespace {

constexpr std::string_view kLeftOut[] = {
    "var",    "stddev", "var_pop",        "stddev_pop", "arg_min",  "arg_max",  "quantile",
    "median", "top_k",  "count_distinct", "histogram",  "time_avg", "integral", "distance_m"};

}  // namespace

std::vector<const AggregateFunction*> aggregate_functions() {
  std::vector<const AggregateFunction*> all;
  for (const auto functions : {stats_functions(), ends_functions()}) {
    for (const AggregateFunction& f : functions) all.push_back(&f);
  }
  return all;
}

bool is_aggregate_left_out(std::string_view name) {
  return std::any_of(std::begin(kLeftOut), std::end(kLeftOut),
                     [&](std::string_view other) { return same_name(name, other); });
}

}  // namespace wayside
