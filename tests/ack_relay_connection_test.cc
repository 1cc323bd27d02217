// The connections of the ack relay: how they begin, are lost and replaced, and end; and whom it
// lets in.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/relay_bench.h"

namespace wayside {
namespace {

using namespace mqtt_bytes;
using Messages = std::vector<std::string>;

TEST(AckRelay, acknowledgements_of_a_lost_connection_are_never_sent_on_the_next) {
  RelayBench bench;
  bench.open();
  bench.from_broker(publish({.topic = "a", .payload = "x", .id = 1}));
  ASSERT_TRUE(bench.run_until_messages(1));
  bench.broker->socket.close();
  ASSERT_TRUE(bench.run_until([&] { return bench.paho->closed; }));
  EXPECT_TRUE(bench.relay().acks_written());
  bench.open();
  const uint64_t old_ticket = bench.chunks.back()->ticket;
  bench.from_broker(publish({.topic = "a", .payload = "x", .id = 1, .duplicate = true}));
  ASSERT_TRUE(bench.run_until_messages(2));
  bench.relay().release(old_ticket);  // its commit came too late
  bench.settle();
  EXPECT_EQ(bench.pass_marker(), "");
  EXPECT_GT(bench.chunks.back()->ticket, old_ticket);
  bench.release_all();
  EXPECT_EQ(bench.pass_marker(), puback(1));
}

TEST(AckRelay, what_came_before_the_broker_hung_up_is_handed_on) {
  RelayBench bench;
  bench.open();
  bench.from_broker(kGood + packet(0xe0, ""));
  bench.broker->socket.shutdown(RelayBench::tcp::socket::shutdown_send);
  ASSERT_TRUE(bench.run_until([&] { return bench.paho->closed; }));
  EXPECT_EQ(bench.messages(), Messages{"good 1"});
  EXPECT_EQ(bench.paho->received, packet(0xe0, ""));
}

TEST(AckRelay, paho_s_disconnect_reaches_the_broker_although_paho_leaves_at_once) {
  RelayBench bench;
  bench.open();
  bench.from_broker(kGood);
  ASSERT_TRUE(bench.run_until_messages(1));
  bench.from_paho(disconnect());
  bench.paho->socket.close();
  ASSERT_TRUE(bench.run_until([&] { return bench.broker->closed; }));
  bench.release_all();
  EXPECT_EQ(bench.broker->received, disconnect());  // and nothing behind it
}

TEST(AckRelay, a_new_connection_of_paho_replaces_the_former_one) {
  RelayBench bench;
  bench.open();
  RelayPeer* former = bench.broker;
  bench.open();
  EXPECT_TRUE(bench.run_until([&] { return former->closed; }));
  bench.from_broker(kGood);
  EXPECT_TRUE(bench.run_until_messages(1));
  EXPECT_EQ(bench.counters().connects, 2u);
}

TEST(AckRelay, a_session_that_the_broker_does_not_have_is_told_with_the_next_chunk) {
  RelayBench bench;
  bench.open(false);
  ASSERT_EQ(bench.chunks.size(), 1u);  // at once, also without a message
  EXPECT_TRUE(bench.chunks[0]->new_session);
  bench.open(true);
  EXPECT_EQ(bench.chunks.size(), 1u);
  bench.open(false);
  ASSERT_EQ(bench.chunks.size(), 2u);
  EXPECT_TRUE(bench.chunks[1]->new_session);
}

TEST(AckRelay, a_refused_connection_is_no_connection) {
  RelayBench bench;
  bench.dial();
  bench.from_broker(connack(false, false, 5));
  EXPECT_EQ(bench.pass_marker_back(), connack(false, false, 5));  // Paho has to know
  EXPECT_FALSE(bench.counters().connected);
  EXPECT_EQ(bench.counters().connects, 0u);
  EXPECT_TRUE(bench.chunks.empty());
}

TEST(AckRelay, without_a_broker_paho_is_hung_up_on_and_may_try_again) {
  RelayBench bench;
  const auto address = bench.acceptor().local_endpoint();
  bench.acceptor().close();
  boost::asio::io_context io;
  for (int attempt = 0; attempt < 2; ++attempt) {
    RelayBench::tcp::socket paho(io);
    paho.connect({address.address(), bench.relay().port()});
    bool closed = false;
    char byte;
    paho.async_read_some(boost::asio::buffer(&byte, 1),
                         [&](boost::system::error_code error, size_t) { closed = bool(error); });
    EXPECT_TRUE(bench.run_until([&] {
      io.restart();
      io.poll();
      return closed;
    }));
  }
}

TEST(AckRelay, at_the_end_acknowledgements_leave_though_nothing_more_is_read) {
  RelayBench bench;
  bench.open();
  bench.from_broker(kGood);
  ASSERT_TRUE(bench.run_until_messages(1));
  bench.relay().stop_reading();
  bench.from_paho(pingreq());
  EXPECT_EQ(bench.pass_marker(), pingreq());
  ASSERT_TRUE(bench.run_until([&] { return bench.paho->received == pingresp(); }));
  bench.relay().release(bench.chunks.back()->ticket);
  EXPECT_FALSE(bench.relay().acks_written());
  ASSERT_TRUE(bench.run_until([&] { return bench.relay().acks_written(); }));
  bench.from_paho(disconnect());
  ASSERT_TRUE(bench.run_until([&] { return bench.broker->received.size() >= 6; }));
  EXPECT_EQ(bench.broker->received, puback(900) + disconnect());
}

// A process that has the port's number, but is not ours. Only async-signal-safe calls between fork
// and _exit.
pid_t stranger(uint16_t port) {
  const pid_t child = fork();
  if (child != 0) return child;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) _exit(2);
  char byte;
  _exit(read(fd, &byte, 1) <= 0 ? 0 : 1);  // hung up, without a byte
}

TEST(AckRelay, another_process_on_its_port_is_refused_and_disturbs_nobody) {
  RelayBench bench;
  bench.open();
  const pid_t child = stranger(bench.relay().port());
  ASSERT_GT(child, 0);
  EXPECT_TRUE(bench.run_until([&] { return bench.counters().refused == 1; }));
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  bench.from_broker(kGood);
  ASSERT_TRUE(bench.run_until_messages(1));
  bench.release_all();
  EXPECT_EQ(bench.pass_marker(), puback(900));
  EXPECT_EQ(bench.counters().connects, 1u);
}

}  // namespace
}  // namespace wayside
