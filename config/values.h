// Values that mean more than their TOML type says: the address of a broker, and where a secret is.
// An error's message has no place in the file yet.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace wayside {

struct BrokerAddress {
  std::string host;
  uint16_t port = 1883;
  bool tls = false;
};

// Of mqtt://HOST, mqtts://HOST for TLS, or the same with :PORT, which else is 1883 or 8883; an IPv6
// address as host stands in brackets.
Result<BrokerAddress> parse_broker_url(const std::string& url);

struct ListenAddress {
  std::string address;  // without brackets
  uint16_t port = 0;
  bool is_loopback = false;
};

// Of ADDRESS:PORT, with the numbers of an address; an IPv6 one stands in brackets.
Result<ListenAddress> parse_listen(const std::string& text);

// What { kind = "where" } leads to: an environment variable's value, or the first line of a file or
// of a systemd credential.
Result<std::string> read_secret(const std::string& kind, const std::string& where);

}  // namespace wayside
