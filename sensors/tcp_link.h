// What our TCP connections to brokers, devices and servers share. The io thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/asio.h"

namespace wayside {

using Resolved =
    std::function<void(boost::system::error_code, const TcpResolver::results_type& endpoints)>;

// An address is taken as it is, within the call. Names are looked up one after the other, and one
// that no server answers for takes its time: no address waits for that.
void resolve(TcpResolver& resolver, const std::string& host, uint16_t port, Resolved then);

// A peer that is gone without a word is noticed within 90 s, though we may only read.
void keep_alive(TcpSocket& socket);

}  // namespace wayside
