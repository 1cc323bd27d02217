#include "sensors/tcp_link.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace wayside {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

TEST(TcpLink, an_address_waits_for_no_name) {
  asio::io_context io;
  TcpResolver resolver(io);
  for (const char* address : {"127.0.0.1", "::1"}) {
    std::string found;
    resolve(resolver, address, 1883, [&](auto error, const TcpResolver::results_type& endpoints) {
      ASSERT_FALSE(error);
      ASSERT_EQ(endpoints.size(), 1u);
      const tcp::endpoint endpoint = *endpoints.begin();
      found = endpoint.address().to_string() + " " + std::to_string(endpoint.port());
    });
    EXPECT_EQ(found, std::string(address) + " 1883") << "before the event loop runs";
  }
}

TEST(TcpLink, a_name_is_looked_up) {
  asio::io_context io;
  TcpResolver resolver(io);
  bool found = false;
  resolve(resolver, "localhost", 1883, [&](auto error, const TcpResolver::results_type& endpoints) {
    found = !error && endpoints.begin()->endpoint().address().is_loopback();
  });
  EXPECT_FALSE(found);
  io.run();
  EXPECT_TRUE(found);
}

TEST(TcpLink, a_peer_that_is_gone_is_noticed_within_90_seconds) {
  asio::io_context io;
  TcpSocket socket(io, tcp::v4());
  keep_alive(socket);
  const auto set = [&](int level, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(socket.native_handle(), level, option, &value, &size), 0);
    return value;
  };
  EXPECT_EQ(set(SOL_SOCKET, SO_KEEPALIVE), 1);
  const int probes_s = set(IPPROTO_TCP, TCP_KEEPCNT) * set(IPPROTO_TCP, TCP_KEEPINTVL);
  EXPECT_LE(set(IPPROTO_TCP, TCP_KEEPIDLE) + probes_s, 90);
  EXPECT_LE(set(IPPROTO_TCP, TCP_USER_TIMEOUT), 90'000);
}

}  // namespace
}  // namespace wayside
