// The daemon: threads, wiring, signals, and an end in order.
#pragma once

#include "config/config.h"

namespace wayside {

// Runs until SIGTERM or SIGINT. `ready_file`, if any, is made once the gateway listens.
Status run_gateway(const Config& config);

// What `wayside status` asks: one JSON object over the gateway's socket.
Result<std::string> ask_status(const std::string& state_dir);

}  // namespace wayside
