// Where an [[input]] comes from, in one text.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace wayside {

struct InputUrl {
  enum class Kind { kTcp, kGpsd, kUdp, kSerial };
  Kind kind = Kind::kTcp;
  std::string host;  // kUdp: the address that is listened on
  uint16_t port = 0;
  std::string device;  // kSerial
};

// tcp://HOST:PORT, gpsd://HOST or gpsd://HOST:PORT, udp://ADDRESS:PORT or serial:/dev/NAME; an IPv6
// address stands in brackets.
Result<InputUrl> parse_input_url(const std::string& text);

}  // namespace wayside
