// What can only be judged with the whole file at hand: defaults that depend on other keys, names,
// references between blocks, expressions.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace wayside {

void complete_config(Config& config);

// Adds to `errors`, which are those of reading the file: where one of them stands, and in what
// depends on it, no further one is told.
void check_config(const Config& config, const std::string& file, std::vector<ConfigError>& errors);

// Where in `positions` it stands that blocks of a section may be missing because of an error.
std::string unread_key(const std::string& section);

}  // namespace wayside
