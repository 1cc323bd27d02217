// What can only be judged with the whole file at hand: defaults that depend on other keys, names,
// references between blocks, expressions.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace wayside {

void complete_config(Config& config);
void check_config(const Config& config, const std::string& file, std::vector<ConfigError>& errors);

}  // namespace wayside
