// The simulated cellular link of one truck: what goes wrong between the sensor and the broker. All
// times are nanoseconds since the fleet's start. See simulator.h for the rates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sensors/simulator_random.h"

namespace wayside {

class SimulatedLink {
 public:
  struct Arrival {
    int64_t ns;                     // never before the event
    std::optional<int64_t> repeat;  // a second, identical delivery
  };

  // Until `calm_until_ns` nothing is broken and no delay exceeds 200 ms. Breakages rotate through
  // their three kinds, beginning with `first_breakage`.
  SimulatedLink(SimulatorRandom random, int64_t calm_until_ns, uint64_t first_breakage);

  // Event times never go back. May break the payload.
  Arrival carry(int64_t event_ns, std::string& payload);

 private:
  void maybe_break(std::string& payload);
  void plan_gap(int64_t not_before_ns);

  SimulatorRandom random_;
  const int64_t calm_until_ns_;
  uint64_t breakage_;          // modulo 3: truncated, "t" as a string, no "ts"
  bool breakage_due_ = false;  // waits for a message that has a "t"
  int64_t gap_begin_ns_, gap_end_ns_;
};

}  // namespace wayside
