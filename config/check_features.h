// What a configuration asks for that this build has not.
#pragma once

#include <string>

#include "base/features.h"
#include "config/findings.h"

namespace wayside {

// Why a section is unknown that other builds know; "": it is not that.
std::string absent_section(std::string_view section, const Features& built = {});

// In sections that every build knows.
void check_features(const Config& config, Findings& found, const Features& built = {});

}  // namespace wayside
