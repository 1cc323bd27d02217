// The daemon: threads, wiring, signals, and an end in order.
#pragma once

#include "config/config.h"

namespace wayside {

// Runs until SIGTERM or SIGINT. An error if it could not start, or ended while the disk failed.
Status run_gateway(const Config& config);

// What `wayside status` asks: one JSON object over the gateway's socket.
Result<std::string> ask_status(const std::string& state_dir);

}  // namespace wayside
