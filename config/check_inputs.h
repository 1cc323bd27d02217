// Where messages come from other than by MQTT, and which source takes which of them.
#pragma once

#include "config/findings.h"

namespace wayside {

void check_inputs(const Config& config, Findings& found);
// Of a source: that it has one way by which its messages come.
void check_connection(const Config& config, const SourceOptions& source, Findings& found);

}  // namespace wayside
