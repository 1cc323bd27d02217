// quantile and median.
#pragma once

#include <span>

#include "pipeline/aggregate.h"

namespace wayside {

std::span<const AggregateFunction> quantile_functions();

}  // namespace wayside
