// What the limits of blocks say of each other.
#pragma once

#include "config/findings.h"

namespace wayside {

void check_bounds(const Config& config, Findings& found);

}  // namespace wayside
