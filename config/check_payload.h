// What a source says of its payloads, against what its format can hold.
#pragma once

#include "config/findings.h"

namespace wayside {

void check_payload(const SourceOptions& source, Findings& found);
// What goes for one of the formats beside JSON.
void check_format(const SourceOptions& source, Findings& found);

}  // namespace wayside
