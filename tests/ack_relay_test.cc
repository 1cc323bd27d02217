#include "sensors/ack_relay.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/relay_bench.h"

namespace wayside {
namespace {

using namespace mqtt_bytes;
using Messages = std::vector<std::string>;

std::string pubacks(std::initializer_list<uint16_t> ids) {
  std::string out;
  for (uint16_t id : ids) out += puback(id);
  return out;
}

TEST(AckRelay, a_puback_leaves_only_after_release) {
  RelayBench bench;
  bench.open();
  bench.from_broker(publish({.topic = "a", .payload = "1", .id = 11}));
  ASSERT_TRUE(bench.run_until_messages(1));
  EXPECT_EQ(bench.messages(), Messages{"a 1"});
  EXPECT_EQ(bench.pass_marker(), "");
  bench.relay().release(bench.chunks.back()->ticket);
  bench.settle();
  EXPECT_EQ(bench.pass_marker(), puback(11));
  EXPECT_EQ(bench.pass_marker_back(), "");  // Paho has seen nothing of it
  EXPECT_EQ(bench.counters().acknowledged, 1u);
}

TEST(AckRelay, a_ticket_covers_its_chunk_and_all_before_and_nothing_behind) {
  RelayBench bench;
  bench.open();
  for (uint16_t id : {10, 9, 8}) {  // the order of arrival counts, not of the ids
    bench.from_broker(publish({.topic = "a", .payload = "x", .id = id}) +
                      publish({.topic = "b", .payload = "y", .id = uint16_t(id + 100)}));
    bench.settle();
  }
  ASSERT_EQ(bench.chunks.size(), 3u);
  EXPECT_EQ(bench.chunks[0]->acks, 2u);
  bench.relay().release(bench.chunks[1]->ticket);
  bench.settle();
  EXPECT_EQ(bench.pass_marker(), pubacks({10, 110, 9, 109}));
  bench.relay().release(bench.chunks[2]->ticket);
  bench.settle();
  EXPECT_EQ(bench.pass_marker(), pubacks({8, 108}));
}

TEST(AckRelay, releases_in_a_row_write_each_puback_once) {
  RelayBench bench;
  bench.open();
  bench.from_broker(publish({.topic = "a", .payload = "x", .id = 1}) +
                    publish({.topic = "a", .payload = "x", .id = 2}));
  ASSERT_TRUE(bench.run_until_messages(2));
  const uint64_t ticket = bench.chunks.back()->ticket;
  for (uint64_t t : {ticket - 1, ticket, ticket}) bench.relay().release(t);
  bench.settle();
  bench.relay().release(ticket);
  bench.settle();
  EXPECT_EQ(bench.pass_marker(), pubacks({1, 2}));
}

TEST(AckRelay, messages_of_one_segment_make_one_chunk_of_their_connection) {
  RelayBench bench;
  bench.open();
  std::string segment;
  for (uint16_t id = 1; id <= 50; ++id)
    segment += publish({.topic = "a", .payload = "x", .id = id});
  bench.from_broker(segment);
  ASSERT_TRUE(bench.run_until_messages(50));
  EXPECT_EQ(bench.chunks.size(), 1u);
  EXPECT_EQ(bench.chunks[0]->acks, 50u);
  EXPECT_EQ(bench.chunks[0]->connection, 3u);
}

TEST(AckRelay, qos_0_is_taken_and_never_acknowledged) {
  RelayBench bench;
  bench.open();
  bench.from_broker(publish({.topic = "a", .payload = "0", .qos = 0}) +
                    publish({.topic = "b", .payload = "1", .id = 5}) +
                    publish({.topic = "c", .payload = "0", .qos = 0, .retained = true}));
  ASSERT_TRUE(bench.run_until_messages(3));
  EXPECT_EQ(bench.messages(), (Messages{"a 0", "b 1", "c 0"}));
  EXPECT_EQ(bench.chunks[0]->acks, 1u);
  EXPECT_EQ(bench.chunks[0]->frames[0].packet_id, 0);
  bench.relay().release(bench.chunks.back()->ticket);
  bench.settle();
  EXPECT_EQ(bench.pass_marker(), puback(5));
}

TEST(AckRelay, dup_and_packet_id_reach_the_handler) {
  RelayBench bench;
  bench.open();
  bench.from_broker(publish({.topic = "a", .payload = "x", .id = 65'535, .duplicate = true}));
  ASSERT_TRUE(bench.run_until_messages(1));
  EXPECT_TRUE(bench.chunks[0]->frames[0].duplicate);
  EXPECT_EQ(bench.chunks[0]->frames[0].packet_id, 65'535);
}

TEST(AckRelay, control_packets_pass_unchanged_both_ways) {
  for (int level : {4, 5}) {
    RelayBench bench(level);
    bench.open();
    const std::string out = packet(0x82, u16(1) + text("fleet/#") + '\x01') + pingreq() +
                            packet(0x32, publish_body({.topic = "status", .payload = "up"}));
    bench.from_paho(out);
    EXPECT_EQ(bench.pass_marker(), out);
    const std::string in = suback(1) + pingresp() + puback(1) + packet(0xf0, "an AUTH of MQTT 5");
    bench.from_broker(in);
    EXPECT_EQ(bench.pass_marker_back(), in);
    EXPECT_TRUE(bench.chunks.empty());
  }
}

TEST(AckRelay, a_puback_never_splits_a_packet_of_paho) {
  RelayBench bench;
  bench.open();
  bench.from_broker(publish({.topic = "a", .payload = "x", .id = 5}));
  ASSERT_TRUE(bench.run_until_messages(1));
  const std::string subscribe = packet(0x82, u16(1) + text(std::string(300, 's')) + '\x01');
  bench.from_paho(subscribe.substr(0, 100));
  bench.settle();
  bench.relay().release(bench.chunks.back()->ticket);
  bench.settle();
  bench.from_paho(subscribe.substr(100));
  EXPECT_EQ(bench.pass_marker(), puback(5) + subscribe);
}

// What a broker sends in one go, with everything that a relay may meet in an orderly session.
std::string orderly_stream(bool mqtt5) {
  using namespace std::literals;
  auto send = [&](const PublishParts& p, std::string_view properties = "") {
    return mqtt5 ? publish5(p, properties) : publish(p);
  };
  return connack(mqtt5, true) + send({.topic = "r", .payload = "early", .id = 1}) + suback(7) +
         send({.topic = "a/b", .payload = "", .id = 2}, "\x0b\xff\x7f"sv) +
         send({.topic = "a/b", .payload = "zero", .qos = 0}, "\x01\x01"sv) + pingresp() +
         send({.topic = "c", .payload = std::string(130, 'x'), .id = 3, .duplicate = true});
}

TEST(AckRelay, a_stream_cut_at_any_byte_gives_the_same) {
  for (const bool mqtt5 : {false, true}) {
    const std::string stream = orderly_stream(mqtt5);
    for (size_t cut = 1; cut <= stream.size(); ++cut) {
      SCOPED_TRACE(cut);
      RelayBench bench(mqtt5 ? 5 : 4);
      bench.dial();
      bench.from_broker(stream.substr(0, cut));
      bench.settle();
      bench.from_broker(stream.substr(cut));
      ASSERT_EQ(bench.pass_marker_back(), connack(mqtt5, true) + suback(7) + pingresp());
      EXPECT_EQ(bench.messages(),
                (Messages{"r early", "a/b ", "a/b zero", "c " + std::string(130, 'x')}));
      bench.relay().release(bench.chunks.back()->ticket);
      bench.settle();
      ASSERT_EQ(bench.pass_marker(), pubacks({1, 2, 3}));
    }
  }
}

TEST(AckRelay, a_stream_in_single_bytes_gives_the_same) {
  RelayBench bench(5);
  bench.dial();
  for (char byte : orderly_stream(true)) {
    bench.from_broker(std::string(1, byte));
    bench.settle();
  }
  EXPECT_EQ(bench.pass_marker_back(), connack(true, true) + suback(7) + pingresp());
  EXPECT_EQ(bench.messages().size(), 4u);
}

// Sizes from nothing to beyond the read buffer and beyond the limit, in random pieces, released at
// random.
TEST(AckRelay, a_random_stream_in_random_pieces_arrives_and_is_acknowledged_in_order) {
  for (const unsigned seed : {1u, 2u, 3u, 4u}) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    constexpr size_t kLimit = 150'000;
    RelayBench bench(4, [&](RelayOptions& o) {
      o.max_payload_bytes = kLimit;
      o.read_bytes = 32 << 10;
      o.coalesce_ms = seed % 2;
    });
    bench.open();
    std::string stream, expected_acks;
    Messages expected;
    for (int i = 0; i < 300; ++i) {
      const size_t sizes[] = {0, 10, 100, 3'000, 20'000, 140'000, 160'000, 400'000};
      std::string payload(sizes[std::min(random() % 8, random() % 24)],
                          static_cast<char>('a' + i % 26));
      PublishParts p{.topic = "t", .payload = payload, .qos = int(random() % 2)};
      p.id = static_cast<uint16_t>(1 + random() % 65'535);
      stream += publish(p);
      if (p.qos > 0) expected_acks += puback(p.id);
      expected.push_back("t " + (payload.size() > kLimit ? "<oversized>" : payload));
    }
    for (size_t at = 0; at < stream.size();) {
      const size_t piece = 1 + random() % (random() % 2 ? 50'000 : 50);
      bench.from_broker(stream.substr(at, piece));
      bench.settle();
      at += piece;
      if (!bench.chunks.empty() && random() % 4 == 0) {
        bench.relay().release(bench.chunks[random() % bench.chunks.size()]->ticket);
      }
    }
    ASSERT_TRUE(bench.run_until_messages(expected.size()));
    EXPECT_TRUE(bench.messages() == expected);
    bench.relay().release(bench.chunks.back()->ticket);
    bench.settle();
    EXPECT_TRUE(bench.pass_marker() == expected_acks);
  }
}

TEST(AckRelay, what_a_broker_held_back_comes_with_what_it_waited_for) {
  for (const int64_t coalesce_ms : {0, 5}) {
    RelayBench bench(4, [&](RelayOptions& o) { o.coalesce_ms = coalesce_ms; });
    bench.open();
    constexpr size_t kRounds = 40;  // the system acknowledges what comes first on a link at once
    for (size_t round = 1; round <= kRounds; ++round) {
      // By Nagle's algorithm the second one leaves when the first one is acknowledged.
      bench.from_broker(publish({.topic = "a", .payload = "1", .qos = 0}));
      bench.from_broker(publish({.topic = "a", .payload = "2", .qos = 0}));
      ASSERT_TRUE(bench.run_until_messages(2 * round));
    }
    EXPECT_LT(bench.chunks.size(), kRounds * 5 / 4) << coalesce_ms;
  }
}

TEST(AckRelay, a_queue_that_has_room_again_disturbs_no_link_that_is_being_opened) {
  // A name takes a while, during which the link has no socket yet.
  RelayBench bench(4, [](RelayOptions& o) { o.host = "localhost"; });
  bool opening = true;
  std::function<void()> resume = [&] {
    if (!opening) return;
    bench.relay().resume();
    boost::asio::post(bench.acceptor().get_executor(), resume);
  };
  resume();
  bench.open();
  opening = false;
  bench.from_broker(kGood);
  EXPECT_TRUE(bench.run_until_messages(1));
}

TEST(AckRelay, what_the_broker_says_it_has_dropped_is_counted_from_the_first_time_on) {
  const std::string topic = "$SYS/broker/publish/messages/dropped";
  RelayBench bench(4, [&](RelayOptions& o) { o.drops_topic = topic; });
  bench.open();
  const std::pair<const char*, uint64_t> rows[] = {
      {"70", 0}, {"70", 0}, {"75", 5}, {"soon", 5},
      {"-1", 5}, {"", 5},   {"3", 8},  // the broker has begun anew
      {"4", 9}};
  for (const auto& [count, dropped] : rows) {
    bench.from_broker(publish({.topic = topic, .payload = count, .qos = 0}));
    bench.pass_marker_back();
    EXPECT_EQ(bench.counters().broker_dropped, dropped) << count;
  }
  bench.from_broker(kGood);
  ASSERT_TRUE(bench.run_until_messages(1));
  EXPECT_EQ(bench.messages(), Messages{"good 1"}) << "it is no reading";
}

}  // namespace
}  // namespace wayside
