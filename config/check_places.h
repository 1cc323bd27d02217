// What two blocks would take from each other: a session at the broker, topics, a folder.
#pragma once

#include "config/findings.h"

namespace wayside {

void check_shared_places(const Config& config, Findings& found);

}  // namespace wayside
