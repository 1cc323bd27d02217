// What our TCP connections to brokers, devices and servers share. The io thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/asio.h"

namespace wayside {

// Nothing: the host is a name.
std::optional<TcpResolver::results_type> endpoint_of(const std::string& host, uint16_t port);

// An address is taken as it is, within the call. Names are looked up one after the other, and one
// that no server answers for takes its time: no address waits for that.
template <class Then>
void resolve(TcpResolver& resolver, const std::string& host, uint16_t port, Then then) {
  if (const auto endpoint = endpoint_of(host, port)) {
    return then(boost::system::error_code(), *endpoint);
  }
  resolver.async_resolve(host, std::to_string(port), std::move(then));
}

// A peer that is gone without a word is noticed within 90 s, though we may only read.
void keep_alive(TcpSocket& socket);

}  // namespace wayside
