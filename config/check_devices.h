// The devices of the configuration, and what sources take of them.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/findings.h"

namespace wayside {

// `not_judged` gets the sources whose readers cannot be judged either.
void check_devices(const Config& config, Findings& found, std::set<std::string>& not_judged);

// What is wrong with it; else empty.
std::string wrong_scale(double scale);
std::string wrong_offset(double offset);
// The same of the field that is calibrated.
std::string wrong_calibrated(const Config& config, const std::string& field);

}  // namespace wayside
