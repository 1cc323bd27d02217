// var, stddev, var_pop and stddev_pop.
#pragma once

#include <span>

#include "pipeline/aggregate.h"

namespace wayside {

std::span<const AggregateFunction> spread_functions();

}  // namespace wayside
