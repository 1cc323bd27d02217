// What a source's cleaning says of its fields.
#pragma once

#include <set>
#include <string>

#include "config/findings.h"

namespace wayside {

// A source whose mark cannot be a field is not judged further.
void check_cleaning(const SourceOptions& source, Findings& found,
                    std::set<std::string>& not_judged);

}  // namespace wayside
