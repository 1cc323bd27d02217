// `wayside simulate`: the fleet of sensors/simulator.h against a broker in real time, or into a
// dump.
#pragma once

#include <string>

#include "base/result.h"
#include "sensors/simulator.h"

namespace wayside {

struct SimulateOptions {
  SimulatorOptions fleet;
  std::string host;  // empty: no broker, lines of a dump to stdout
  uint16_t port = 1883;
  double seconds = 0;  // 0: until SIGINT or SIGTERM
  int qos = 1;
};

// `sent`: messages that the broker has acknowledged.
Status simulate(const SimulateOptions& options, uint64_t& sent);

}  // namespace wayside
