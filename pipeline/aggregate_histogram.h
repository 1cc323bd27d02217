// histogram.
#pragma once

#include <span>

#include "pipeline/aggregate.h"

namespace wayside {

std::span<const AggregateFunction> histogram_functions();

}  // namespace wayside
