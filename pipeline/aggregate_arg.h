// arg_min and arg_max.
#pragma once

#include <span>

#include "pipeline/aggregate.h"

namespace wayside {

std::span<const AggregateFunction> arg_functions();

}  // namespace wayside
