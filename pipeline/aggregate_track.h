// time_avg, integral and distance_m.
#pragma once

#include <span>

#include "pipeline/aggregate.h"

namespace wayside {

std::span<const AggregateFunction> track_functions();

}  // namespace wayside
