// Where messages come from other than by MQTT, and which source takes which of them.
#pragma once

#include "config/findings.h"

namespace wayside {

// What is by default depends on where they come from.
void complete_inputs(Config& config);
// Whether what comes at once is limited by max_output.
bool has_output(const InputOptions& options);
void check_inputs(const Config& config, Findings& found);
// Of a source: that it has one way by which its messages come.
void check_connection(const Config& config, const SourceOptions& source, Findings& found);

}  // namespace wayside
