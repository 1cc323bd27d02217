// What sources are: names and paths of their fields, and what their readings can be told apart by.
#pragma once

#include <set>
#include <string>

#include "config/findings.h"

namespace wayside {

// `not_judged` gets the sources whose readers cannot be judged either.
void check_sources(const Config& config, Findings& found, std::set<std::string>& not_judged);

}  // namespace wayside
