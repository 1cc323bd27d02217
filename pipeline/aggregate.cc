#include "pipeline/aggregate.h"

#include "base/text.h"
#include "pipeline/aggregate_stats.h"

namespace wayside {

std::vector<const AggregateFunction*> aggregate_functions() {
  std::vector<const AggregateFunction*> all;
  for (const auto functions : {stats_functions()}) {
    for (const AggregateFunction& f : functions) all.push_back(&f);
  }
  return all;
}

const AggregateFunction* find_aggregate(std::string_view name) {
  for (const AggregateFunction* f : aggregate_functions()) {
    if (same_word(name, f->name)) return f;
  }
  return nullptr;
}

}  // namespace wayside
