// The ack relay when something is wrong: bad messages, a full queue, lost connections, strangers,
// the end.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/relay_bench.h"

namespace wayside {
namespace {

using namespace mqtt_bytes;
using namespace std::literals;
using Messages = std::vector<std::string>;

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
    bench.release_all();
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
    bench.release_all();
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

TEST(AckRelay, an_oversized_qos_2_message_goes_to_paho_without_its_payload) {
  for (const int level : {4, 5}) {
    SCOPED_TRACE(level);
    RelayBench bench(level, [](RelayOptions& o) { o.max_payload_bytes = 1'000; });
    bench.open();
    const std::string topic(200, 't');
    const std::string huge(2 << 20, 'x');
    const PublishParts large{.topic = topic, .payload = huge, .qos = 2, .id = 9};
    const PublishParts empty{.topic = topic, .payload = "", .qos = 2, .id = 9};
    bench.from_broker(level == 5 ? publish5(large, "\x01\x01"sv) + kGood5 : publish(large) + kGood);
    ASSERT_TRUE(bench.run_until_messages(1));
    EXPECT_EQ(bench.pass_marker_back(), level == 5 ? publish5(empty) : publish(empty));
    EXPECT_EQ(bench.messages(), Messages{"good 1"});
    EXPECT_EQ(bench.counters().skipped, 1u);
  }
}

TEST(AckRelay, without_a_free_descriptor_it_waits_and_then_goes_on) {
  RelayBench bench;
  boost::asio::io_context io;
  RelayPeer::tcp::socket early(io);
  early.connect({boost::asio::ip::address_v4::loopback(), bench.relay().port()});
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{0, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  bench.settle();  // does not end while something tries again at once
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  early.close();
  bench.open();
  bench.from_broker(kGood);
  EXPECT_TRUE(bench.run_until_messages(1));
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
  bench.release_all();  // acknowledgements go on
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

TEST(AckRelay, a_ping_that_is_open_when_reading_comes_to_stand_is_answered) {
  RelayBench bench;
  bench.open();
  bench.from_paho(pingreq() + pingreq());
  EXPECT_EQ(bench.pass_marker(), pingreq() + pingreq());
  EXPECT_EQ(bench.pass_marker_back(), "");
  bench.room = false;
  bench.from_broker(pingresp() + kGood);  // the second answer comes behind the data
  ASSERT_TRUE(bench.run_until_messages(1));
  ASSERT_TRUE(bench.run_until([&] { return bench.paho->received.size() >= 4; }));
  EXPECT_EQ(bench.paho->take(), pingresp() + pingresp());
  bench.from_broker(pingresp());
  bench.room = true;
  bench.relay().resume();
  EXPECT_EQ(bench.pass_marker_back(), "");
}

TEST(AckRelay, a_ping_that_is_open_when_the_end_begins_is_answered) {
  RelayBench bench;
  bench.open();
  bench.from_paho(pingreq());
  EXPECT_EQ(bench.pass_marker(), pingreq());
  bench.relay().stop_reading();
  ASSERT_TRUE(bench.run_until([&] { return bench.paho->received == pingresp(); }));
}

TEST(AckRelay, a_full_in_flight_window_is_told) {
  RelayBench bench(4, [](RelayOptions& o) { o.inflight_window = 3; });
  bench.open();
  for (uint16_t id = 1; id <= 4; ++id) {
    bench.from_broker(publish({.topic = "a", .payload = "x", .id = id}));
    bench.settle();
    ASSERT_EQ(bench.chunks.size(), id);
    if (id == 3) bench.release_all();
  }
  EXPECT_FALSE(bench.chunks[1]->window_full);
  EXPECT_TRUE(bench.chunks[2]->window_full);
  EXPECT_FALSE(bench.chunks[3]->window_full);
}

}  // namespace
}  // namespace wayside
