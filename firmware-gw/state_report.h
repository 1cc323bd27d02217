// What becomes of the state in the state folder under a configuration.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace wayside {

// A line for people for each part that is kept, learnt anew from the journal, begun anew, or
// dropped. Empty: there is no state yet. Reads only; a gateway may be running on it.
Result<std::vector<std::string>> state_report(const Config& config);

}  // namespace wayside
