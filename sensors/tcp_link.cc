#include "sensors/tcp_link.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace wayside {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

void set_tcp(TcpSocket& socket, int option, int value) {
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
}

}  // namespace

std::optional<TcpResolver::results_type> endpoint_of(const std::string& host, uint16_t port) {
  error_code is_name;
  const auto address = boost::asio::ip::make_address(host, is_name);
  if (is_name) return std::nullopt;
  return TcpResolver::results_type::create(tcp::endpoint(address, port), host,
                                           std::to_string(port));
}

void keep_alive(TcpSocket& socket) {
  error_code ignored;
  socket.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  set_tcp(socket, TCP_KEEPIDLE, 30);  // seconds
  set_tcp(socket, TCP_KEEPINTVL, 10);
  set_tcp(socket, TCP_KEEPCNT, 6);
  set_tcp(socket, TCP_USER_TIMEOUT, 60'000);  // milliseconds, of what we have written
}

}  // namespace wayside
