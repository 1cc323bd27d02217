// first, last, delta and rate.
#pragma once

#include <span>

#include "pipeline/aggregate.h"

namespace wayside {

std::span<const AggregateFunction> ends_functions();

}  // namespace wayside
