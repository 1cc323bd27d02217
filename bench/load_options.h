// What the load generator is told on its command line.
#pragma once

#include <cstdint>
#include <string>

namespace wayside::bench {

// Says why on stderr and ends the program.
[[noreturn]] void die(const std::string& what);

struct Options {
  int64_t port = 0;
  int64_t messages = 1'000'000;
  int64_t qos = 0;
  // QoS 1 messages in flight; a smaller Receive Maximum of the subscriber wins.
  int64_t window = 1000;
  int64_t devices = 200;
  int64_t event_rate = 2000;   // readings per second of event time
  int64_t disorder_ms = 2000;  // longest delay of a reading's event time
  int64_t rate = 0;            // messages per second, 0 = flat out
  int64_t seed = 1;
  int64_t max_seconds = 300;
};

// Ends the program on a flag or a value that there is not.
Options parse_options(int argc, char** argv);

}  // namespace wayside::bench
