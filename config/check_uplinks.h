// Each uplink for itself, with librdkafka's own settings.
#pragma once

#include "config/findings.h"

namespace wayside {

void check_uplinks(const Config& config, Findings& found);

}  // namespace wayside
