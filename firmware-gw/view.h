// The live view of `wayside status --watch`: a few lines a second on a terminal.
#pragma once

#include <string>

#include "base/result.h"

namespace wayside {

// Asks the gateway once a second and draws, until it no longer answers or `seconds` are over (0: no
// limit).
Status watch_status(const std::string& state_dir, int64_t seconds);

}  // namespace wayside
