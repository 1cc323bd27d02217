// count_distinct.
#pragma once

#include <span>

#include "pipeline/aggregate.h"

namespace wayside {

std::span<const AggregateFunction> distinct_functions();

}  // namespace wayside
