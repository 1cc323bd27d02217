// What windows are, and when they speak.
#pragma once

#include <set>
#include <string>

#include "config/findings.h"

namespace wayside {

// `not_judged` gets the blocks that are not clear enough to compile.
void check_windows(const Config& config, Findings& found, std::set<std::string>& not_judged);

}  // namespace wayside
