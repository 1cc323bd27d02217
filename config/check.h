// What can only be judged with the whole file at hand: defaults that depend on other keys, names,
// references between blocks, expressions.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace wayside {

// "gw-3f2a91c4", the same as long as the machine id stays; never the host's name. Empty without a
// machine id, also while it is "uninitialized" (machine-id(5)): two such gateways would share one.
std::string gateway_id_of(const std::string& machine);

// `machine` is the machine id.
void complete_config(Config& config, const std::string& machine);

// Adds to `errors`, which are those of reading the file: where one of them stands, and in what
// depends on it, no further one is told.
void check_config(const Config& config, const std::string& file, std::vector<ConfigError>& errors);

// Where in `positions` it stands that blocks of a section may be missing because of an error.
std::string unread_key(const std::string& section);

}  // namespace wayside
