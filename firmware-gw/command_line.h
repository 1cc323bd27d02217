// `wayside command`: a command from a terminal, to the gateway that is running.
#pragma once

#include <string>

#include "config/config.h"

namespace wayside {

struct CommandLineAnswer {
  bool accepted = false;
  std::string json;
};

// `payload`: a JSON object; the members that the topic's {levels} are called like go into it.
// kUsage: it could never be a command, and nothing was sent; kUnavailable: no answer.
Result<CommandLineAnswer> run_command(const Config& config, const std::string& name,
                                      const std::string& payload, int64_t timeout_ms);

}  // namespace wayside
