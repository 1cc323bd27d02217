#include "pipeline/aggregate.h"

#include "pipeline/aggregate_arg.h"
#include "pipeline/aggregate_distinct.h"
#include "pipeline/aggregate_ends.h"
#include "pipeline/aggregate_histogram.h"
#include "pipeline/aggregate_quantile.h"
#include "pipeline/aggregate_spread.h"
#include "pipeline/aggregate_stats.h"
#include "pipeline/aggregate_top.h"
#include "pipeline/aggregate_track.h"

namespace wayside {

std::vector<const AggregateFunction*> aggregate_functions() {
  std::vector<const AggregateFunction*> all;
  for (const auto functions : {stats_functions(), spread_functions(), ends_functions(),
                               arg_functions(), quantile_functions(), distinct_functions(),
                               top_functions(), track_functions(), histogram_functions()}) {
    for (const AggregateFunction& f : functions) all.push_back(&f);
  }
  return all;
}

bool is_aggregate_left_out(std::string_view) { return false; }

}  // namespace wayside
