// count, sum, min, max and avg.
#pragma once

#include <span>

#include "pipeline/aggregate.h"

namespace wayside {

std::span<const AggregateFunction> stats_functions();

}  // namespace wayside
