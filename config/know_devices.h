// From [[device]] and the file of [registry] to the registry that sources look into.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace wayside {

// Fills `known_devices` of the configuration, and gives it to each source that is not a command's.
// `file` is the configuration's: a relative path of the registry's begins beside it. Errors stand
// in either; with one of them nothing is known.
void know_devices(Config& config, const std::string& file, Devices devices,
                  std::vector<ConfigError>& errors);

}  // namespace wayside
