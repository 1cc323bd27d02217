#include "sensors/mqtt_packet.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/mqtt_bytes.h"

namespace wayside::mqtt {
namespace {

using namespace mqtt_bytes;
using namespace std::literals;

TEST(MqttPacket, a_packet_is_whole_only_with_its_last_byte) {
  for (size_t body : {0u, 1u, 127u, 128u, 16'383u, 16'384u, 70'000u}) {
    const std::string bytes = packet(0x30, std::string(body, 'x'));
    Packet seen;
    for (size_t size = 0; size < bytes.size(); size = size < 8 ? size + 1 : size * 2) {
      EXPECT_EQ(scan_packet(std::string_view(bytes).substr(0, size), seen), Scan::kPartial) << size;
      EXPECT_TRUE(seen.total_bytes == 0 || seen.total_bytes == bytes.size()) << size;
    }
    // What follows belongs to the next packet.
    ASSERT_EQ(scan_packet(bytes + "\xd0", seen), Scan::kWhole) << body;
    EXPECT_EQ(seen.total_bytes, bytes.size());
    EXPECT_EQ(seen.header_bytes, bytes.size() - body);
    EXPECT_EQ(seen.type(), Type::kPublish);
  }
}

TEST(MqttPacket, type_zero_and_a_length_of_five_bytes_are_malformed) {
  Packet seen;
  EXPECT_EQ(scan_packet("\0\0"s, seen), Scan::kMalformed);
  EXPECT_EQ(scan_packet("\x0f\0"s, seen), Scan::kMalformed);
  EXPECT_EQ(scan_packet("\x30\xff\xff\xff\xff", seen), Scan::kMalformed);
  EXPECT_EQ(scan_packet("\x30\xff\xff\xff", seen), Scan::kPartial);
  EXPECT_EQ(scan_packet("\x30\xff\xff\xff\x7f", seen), Scan::kPartial);
  EXPECT_EQ(seen.total_bytes, 268'435'455u + 5);  // the largest that MQTT knows
}

TEST(MqttPacket, a_publish_yields_topic_payload_id_and_dup) {
  struct Row {
    PublishParts sent;
    bool mqtt5;
  };
  const Row rows[] = {
      {{.topic = "a/b", .payload = "42", .qos = 0}, false},
      {{.topic = "a/b", .payload = "42", .qos = 1, .id = 65'535}, false},
      {{.topic = "a", .payload = "", .qos = 1, .id = 1, .duplicate = true}, false},
      {{.topic = "caf\u00e9", .payload = "x\0y"sv, .qos = 2, .id = 258}, false},
      {{.topic = "a/b", .payload = "42", .qos = 0, .retained = true}, true},
      {{.topic = "a/b", .payload = "42", .qos = 1, .id = 7, .duplicate = true}, true}};
  for (const Row& row : rows) {
    const PublishParts& p = row.sent;
    const std::string body = row.mqtt5 ? publish_body5(p) : publish_body(p);
    Frame frame;
    ASSERT_EQ(parse_publish(first_byte(p), body, row.mqtt5, frame), PublishError::kNone);
    EXPECT_EQ(frame.topic, p.topic);
    EXPECT_EQ(frame.payload, p.payload);
    EXPECT_EQ(frame.packet_id, p.qos > 0 ? p.id : 0);
    EXPECT_EQ(frame.duplicate, p.duplicate);
    EXPECT_EQ(frame.fault, Frame::Fault::kNone);
  }
}

TEST(MqttPacket, all_properties_of_a_publish_are_passed_over) {
  const std::string properties = "\x01\x01"s + "\x02\0\0\x0e\x10"s + "\x03" + text("json") +
                                 "\x08" + text("reply/to") + "\x09" + text("\x01\x02") +
                                 "\x0b\xff\x7f" + "\x26" + text("k") + text("v") + "\x26" +
                                 text("k") + text("");
  const PublishParts p{.topic = "a", .payload = "{}", .qos = 1, .id = 3};
  const std::string whole = publish_body5(p, properties);
  Frame frame;
  ASSERT_EQ(parse_publish(0x32, whole, true, frame), PublishError::kNone);
  EXPECT_EQ(frame.payload, "{}");
  for (size_t size = 1; size < properties.size(); ++size) {
    // A cut within a property never reads beyond it; a cut between two of them leaves a good
    // message.
    const std::string cut = publish_body5(p, properties.substr(0, size));
    const auto error = parse_publish(0x32, cut, true, frame);
    EXPECT_TRUE(error == PublishError::kMalformed || frame.payload == "{}") << size;
    EXPECT_EQ(frame.packet_id, 3) << size;
  }
}

TEST(MqttPacket, a_topic_alias_is_told_apart_from_damage) {
  const PublishParts p{.topic = "a", .payload = "x", .qos = 1, .id = 3};
  Frame frame;
  EXPECT_EQ(parse_publish(0x32, publish_body5(p, "\x23\0\x01"s), true, frame),
            PublishError::kTopicAlias);
  EXPECT_EQ(parse_publish(0x32, publish_body5(p, "\x11\0\0\0\x01"s), true, frame),
            PublishError::kMalformed);  // a session expiry does not belong into a PUBLISH
}

TEST(MqttPacket, a_bad_publish_keeps_its_id_so_that_it_can_be_acknowledged) {
  struct Row {
    std::string topic;
    const char* what;
  };
  const Row rows[] = {{"", "no topic"},   {"a/+", "a wildcard"},  {"a/#", "a wildcard"},
                      {"a\0b"s, "a NUL"}, {"a\xff", "not UTF-8"}, {"\xed\xa0\x80", "a surrogate"}};
  for (const Row& row : rows) {
    for (bool mqtt5 : {false, true}) {
      const PublishParts p{.topic = row.topic, .payload = "x", .qos = 1, .id = 77};
      Frame frame;
      EXPECT_EQ(parse_publish(0x32, mqtt5 ? publish_body5(p) : publish_body(p), mqtt5, frame),
                PublishError::kMalformed)
          << row.what;
      EXPECT_EQ(frame.packet_id, 77) << row.what;
    }
  }
}

TEST(MqttPacket, a_publish_without_a_usable_id_is_malformed_and_has_none) {
  Frame frame;
  EXPECT_EQ(parse_publish(0x32, text("a") + u16(0) + "x", false, frame), PublishError::kMalformed);
  EXPECT_EQ(frame.packet_id, 0);
  EXPECT_EQ(parse_publish(0x32, text("a") + "x", false, frame), PublishError::kMalformed);
  EXPECT_EQ(frame.packet_id, 0);
  EXPECT_EQ(parse_publish(0x32, u16(500) + "a", false, frame), PublishError::kMalformed);
  EXPECT_EQ(parse_publish(0x30, "", false, frame), PublishError::kMalformed);
  EXPECT_EQ(parse_publish(0x36, publish_body({.topic = "a", .payload = "x"}), false, frame),
            PublishError::kMalformed);  // QoS 3
}

TEST(MqttPacket, random_bytes_never_yield_more_than_they_hold) {
  const unsigned seed = 311;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    std::string body(random() % 32, '\0');
    for (char& c : body) c = static_cast<char>(random() % 3 == 0 ? random() : random() % 8);
    const auto first = static_cast<uint8_t>(0x30 | random() % 16);
    Frame frame;
    if (parse_publish(first, body, random() % 2, frame) != PublishError::kNone) continue;
    ASSERT_LE(frame.topic.size() + frame.payload.size() + 2, body.size());
    ASSERT_EQ(frame.payload.data() + frame.payload.size(), body.data() + body.size());
    ASSERT_EQ(frame.packet_id != 0, (first & 6) != 0);
  }
}

TEST(MqttPacket, a_connack_says_whether_the_session_lives_on) {
  const Connack resumed = parse_connack("\x01\0"s), fresh = parse_connack("\0\0"s);
  EXPECT_TRUE(resumed.ok && resumed.session_present && resumed.code == 0);
  EXPECT_TRUE(fresh.ok && !fresh.session_present);
  EXPECT_EQ(parse_connack("\0\x05"s).code, 5);
  EXPECT_FALSE(parse_connack("\0"s).ok);
  EXPECT_FALSE(parse_connack("").ok);
}

TEST(MqttPacket, refusals_read_the_same_in_both_versions) {
  const std::pair<uint8_t, uint8_t> same[] = {
      {1, 0x84}, {2, 0x85}, {3, 0x88}, {4, 0x86}, {5, 0x87}};
  for (const auto& [v3, v5] : same) {
    EXPECT_EQ(connack_reason(v3, false), connack_reason(v5, true));
    EXPECT_NE(connack_reason(v3, false), connack_reason(255, false));
  }
}

TEST(MqttPacket, says_where_an_answer_is_wanted) {
  const std::string data("\0\xff", 2);
  const std::string properties = properties_with({"me/answers", data});
  EXPECT_EQ(properties, std::string("\x08\0\x0ame/answers\x09\0\x02\0\xff", 18));
  const std::string all = "\x01\x01" + properties;
  const ReplyTo reply = reply_to(all);
  EXPECT_EQ(reply.topic, "me/answers");
  EXPECT_EQ(reply.correlation, data);
  EXPECT_EQ(reply_to("").topic, "");
  EXPECT_EQ(reply_to(properties.substr(0, 5)).topic, "") << "cut off";
}

}  // namespace
}  // namespace wayside::mqtt
