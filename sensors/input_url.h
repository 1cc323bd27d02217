// Where an [[input]] comes from, in one text.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace wayside {

struct InputUrl {
  enum class Kind { kTcp, kGpsd, kUdp, kSerial, kFile, kHttp, kHttpPoll, kModbus, kExec };
  Kind kind = Kind::kTcp;
  std::string host;  // kUdp and kHttp: the address that is listened on
  uint16_t port = 0;
  // Of a device, a file ("-": standard input) or a program; of HTTP's: in the URL, for kHttp
  // without a '/' at its end.
  std::string path;

  bool is_polled() const {
    return kind == Kind::kExec || kind == Kind::kHttpPoll || kind == Kind::kModbus;
  }
};

constexpr const char* kInputUrlForms =
    "tcp://HOST:PORT, gpsd://HOST, udp://ADDRESS:PORT, serial:/dev/NAME, http://ADDRESS:PORT/PATH, "
    "http-poll://HOST/PATH, modbus://HOST, exec:/PROGRAM, file:/PATH or -";

// An IPv6 address stands in brackets.
Result<InputUrl> parse_input_url(const std::string& text);

}  // namespace wayside
