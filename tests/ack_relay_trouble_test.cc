// The ack relay when something is wrong: bad messages, a full queue, lost connections, strangers,
// the end.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/relay_bench.h"

namespace wayside {
namespace {

using namespace mqtt_bytes;
using namespace std::literals;
using Messages = std::vector<std::string>;

void release_all(RelayBench& bench) {
  bench.relay().release(bench.chunks.back()->ticket);
  bench.settle();
}

const std::string kGood = publish({.topic = "good", .payload = "1", .id = 900});
const std::string kGood5 = publish5({.topic = "good", .payload = "1", .id = 900});

TEST(AckRelay, a_message_that_cannot_be_taken_is_handed_on_as_such_and_acknowledged) {
  const std::string huge(1'200'000, 'x');
  struct Row {
    int level;
    std::string packet;
    const char* message;
  };
  const Row rows[] = {
      {4, publish({.topic = "a", .payload = std::string(1'001, 'x'), .id = 9}), "a <oversized>"},
      {4, publish({.topic = "a", .payload = huge, .id = 9}), "a <oversized>"},
      {5, publish5({.topic = "a", .payload = huge, .id = 9}, "\x01\x01"), "a <oversized>"},
      {4, publish({.topic = "a/+", .payload = huge, .id = 9}), " <malformed>"},
      {4, publish({.topic = "a/#", .payload = "x", .id = 9}), " <malformed>"},
      {4, publish({.topic = "\xff", .payload = "x", .id = 9}), " <malformed>"},
      {4, publish({.topic = "", .payload = "x", .id = 9}), " <malformed>"},
      {5, publish5({.topic = "a", .payload = "x", .id = 9}, "\x11\0\0\0\x01"sv), " <malformed>"},
      {5, publish5({.topic = "a", .payload = "x", .id = 9}, "\x03\x7f"), " <malformed>"},
  };
  for (const Row& row : rows) {
    RelayBench bench(row.level, [](RelayOptions& o) { o.max_payload_bytes = 1'000; });
    bench.open();
    bench.from_broker(row.packet + (row.level == 5 ? kGood5 : kGood));
    ASSERT_TRUE(bench.run_until_messages(2)) << row.message;
    EXPECT_EQ(bench.messages(), (Messages{row.message, "good 1"}));
    release_all(bench);
    EXPECT_EQ(bench.pass_marker(), puback(9) + puback(900)) << row.message;
  }
}

TEST(AckRelay, a_payload_of_just_the_limit_is_taken) {
  RelayBench bench(4, [](RelayOptions& o) { o.max_payload_bytes = 1'000; });
  bench.open();
  bench.from_broker(publish({.topic = "a", .payload = std::string(1'000, 'x'), .id = 9}));
  ASSERT_TRUE(bench.run_until_messages(1));
  EXPECT_EQ(bench.messages(), Messages{"a " + std::string(1'000, 'x')});
}

TEST(AckRelay, an_oversized_message_takes_no_memory_of_its_size_wherever_its_head_is_cut) {
  const std::string packet =
      publish({.topic = "a/b", .payload = std::string(8 << 20, 'x'), .id = 9});
  for (size_t cut = 1; cut <= 14; ++cut) {
    SCOPED_TRACE(cut);
    RelayBench bench(4, [](RelayOptions& o) { o.max_payload_bytes = 1'000; });
    bench.open();
    bench.from_broker(packet.substr(0, cut));
    bench.settle();
    bench.from_broker(packet.substr(cut, 60'000));
    bench.settle();
    bench.from_broker(packet.substr(cut + 60'000) + kGood);
    ASSERT_TRUE(bench.run_until_messages(2));
    EXPECT_EQ(bench.messages(), (Messages{"a/b <oversized>", "good 1"}));
    for (const auto& chunk : bench.chunks) EXPECT_LE(chunk->size, 256u << 10);
    release_all(bench);
    EXPECT_EQ(bench.pass_marker(), puback(9) + puback(900));
  }
}

TEST(AckRelay, a_qos_2_message_is_left_to_paho_and_counted) {
  RelayBench bench;
  bench.open();
  const std::string message = publish({.topic = "a", .payload = "2", .qos = 2, .id = 9});
  bench.from_broker(message + kGood);
  EXPECT_EQ(bench.pass_marker_back(), message);
  EXPECT_EQ(bench.messages(), Messages{"good 1"});
  EXPECT_EQ(bench.counters().skipped, 1u);
  const std::string pubrec = packet(0x50, u16(9)), pubrel = packet(0x62, u16(9)),
                    pubcomp = packet(0x70, u16(9));
  bench.from_paho(pubrec);
  EXPECT_EQ(bench.pass_marker(), pubrec);
  bench.from_broker(pubrel);
  EXPECT_EQ(bench.pass_marker_back(), pubrel);
  bench.from_paho(pubcomp);
  EXPECT_EQ(bench.pass_marker(), pubcomp);
}

TEST(AckRelay, a_broker_that_breaks_the_protocol_is_hung_up_on) {
  struct Row {
    int level;
    std::string bytes;
    const char* what;
  };
  const Row rows[] = {
      {4, "\0\0"s, "type 0"},
      {4, "\x30\xff\xff\xff\xff", "a length of five bytes"},
      {4, publish({.topic = "a", .payload = "x", .id = 0}), "packet id 0"},
      {4, packet(0x32, "\0"), "a PUBLISH without a topic"},
      {4, packet(0x90, std::string(2 << 20, 'x')), "a SUBACK of 2 MiB"},
      {5, publish5({.topic = "a", .payload = "x", .id = 1}, "\x23\0\x01"sv), "a topic alias"},
  };
  for (const Row& row : rows) {
    RelayBench bench(row.level);
    bench.open();
    bench.from_broker(row.bytes);
    EXPECT_TRUE(bench.run_until([&] { return bench.paho->closed && bench.broker->closed; }))
        << row.what;
    EXPECT_FALSE(bench.counters().connected) << row.what;
    bench.open();  // and the relay goes on
    bench.from_broker(row.level == 5 ? kGood5 : kGood);
    EXPECT_TRUE(bench.run_until_messages(1)) << row.what;
  }
}

TEST(AckRelay, nothing_more_is_read_while_the_handler_is_full) {
  RelayBench bench;
  bench.open();
  bench.room = false;
  bench.from_broker(publish({.topic = "a", .payload = "1", .id = 1}));
  ASSERT_TRUE(bench.run_until_messages(1));
  bench.from_broker(publish({.topic = "a", .payload = "2", .id = 2}) + suback(5));
  bench.settle();
  EXPECT_EQ(bench.messages().size(), 1u);
  EXPECT_EQ(bench.paho->received, "");
  release_all(bench);  // acknowledgements go on
  EXPECT_EQ(bench.pass_marker(), puback(1));
  bench.room = true;
  bench.relay().resume();
  ASSERT_TRUE(bench.run_until_messages(2));
  EXPECT_EQ(bench.pass_marker_back(), suback(5));
}

TEST(AckRelay, while_reading_stands_it_answers_pings_itself_and_only_once) {
  RelayBench bench;
  bench.open();
  bench.room = false;
  bench.from_broker(kGood);
  ASSERT_TRUE(bench.run_until_messages(1));
  bench.from_paho(pingreq() + pingreq());
  EXPECT_EQ(bench.pass_marker(), pingreq() + pingreq());  // the broker has to know that we live
  ASSERT_TRUE(bench.run_until([&] { return bench.paho->received.size() >= 4; }));
  EXPECT_EQ(bench.paho->take(), pingresp() + pingresp());
  bench.from_broker(pingresp() + pingresp());
  bench.room = true;
  bench.relay().resume();
  EXPECT_EQ(bench.pass_marker_back(), "");  // Paho had these answers
  bench.from_paho(pingreq());
  EXPECT_EQ(bench.pass_marker(), pingreq());
  EXPECT_EQ(bench.pass_marker_back(), "");  // now it is the broker's turn again
  bench.from_broker(pingresp());
  EXPECT_EQ(bench.pass_marker_back(), pingresp());
}

TEST(AckRelay, a_full_in_flight_window_is_told) {
  RelayBench bench(4, [](RelayOptions& o) { o.inflight_window = 3; });
  bench.open();
  for (uint16_t id = 1; id <= 4; ++id) {
    bench.from_broker(publish({.topic = "a", .payload = "x", .id = id}));
    bench.settle();
    ASSERT_EQ(bench.chunks.size(), id);
    if (id == 3) release_all(bench);
  }
  EXPECT_FALSE(bench.chunks[1]->window_full);
  EXPECT_TRUE(bench.chunks[2]->window_full);
  EXPECT_FALSE(bench.chunks[3]->window_full);
}

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
  release_all(bench);
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
  release_all(bench);
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
  release_all(bench);
  EXPECT_EQ(bench.pass_marker(), puback(900));
  EXPECT_EQ(bench.counters().connects, 1u);
}

}  // namespace
}  // namespace wayside
