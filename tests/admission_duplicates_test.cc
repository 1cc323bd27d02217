// What the door knows again: re-sent QoS 1 messages, and readings that a device sends twice.
#include <gtest/gtest.h>

#include "tests/door.h"
#include "tests/fields.h"

namespace wayside {
namespace {

SourceOptions told_apart(const std::string& deduplicate = "off") {
  SourceOptions o =
      climate_source({field("temp_c", "t"), field("id", "id", FieldType::kText), field("n", "n")});
  o.deduplicate = deduplicate;
  return o;
}

Frame publish(const std::string& payload, uint16_t id, bool duplicate) {
  return {.topic = kTopic, .payload = payload, .packet_id = id, .duplicate = duplicate};
}

const std::string kOne = R"({"ts":1,"t":1})", kTwo = R"({"ts":2,"t":2})";

TEST(Admission, a_message_sent_again_with_dup_is_counted_and_not_taken) {
  Door door({told_apart()});
  door.admit(publish(kOne, 5, false));
  door.admit(publish(kOne, 5, true));
  door.admit(publish(kOne, 5, true));
  EXPECT_EQ(door.group().rows(), 1u);
  EXPECT_EQ(door.duplicates(), 2u);
  door.next_group();
  door.admit(publish(kOne, 5, true));  // also in a later group
  EXPECT_EQ(door.group().rows(), 0u);
  EXPECT_EQ(door.duplicates(), 1u);
}

TEST(Admission, only_dup_with_the_same_id_and_content_on_the_same_connection_is_sent_again) {
  Door door({told_apart(), [] {
               SourceOptions o = told_apart();
               o.name = "second";
               o.mqtt = "second";
               return o;
             }()});
  door.admit(publish(kOne, 5, false), 0);
  door.admit(publish(kOne, 5, false), 0);  // no DUP: a device may well say the same again
  door.admit(publish(kTwo, 5, true), 0);   // the first try of this one never reached us
  door.admit(publish(kTwo, 6, true), 0);
  door.admit(publish(kOne, 5, true), 1);
  door.admit(publish(kOne, 0, true), 0);  // QoS 0
  EXPECT_EQ(door.rows("climate").size(), 5u);
  EXPECT_EQ(door.rows("second").size(), 1u);
  EXPECT_EQ(door.duplicates(0) + door.duplicates(1), 0u);
}

TEST(Admission, a_rejected_message_that_is_sent_again_is_not_rejected_again) {
  Door door({told_apart()});
  door.admit(publish("nonsense", 5, false));
  door.admit(publish("nonsense", 5, true));
  EXPECT_EQ(door.rejected().size(), 1u);
  EXPECT_EQ(door.duplicates(), 1u);
}

TEST(Admission, a_lost_session_is_noted_and_its_messages_are_forgotten) {
  Door door({told_apart()});
  door.admit(publish(kOne, 5, false));
  door.next_turn();
  door.lose_session();
  door.admit(publish(kOne, 5, true));
  EXPECT_EQ(door.group().rows(), 2u);
  ASSERT_EQ(door.group().notes.size(), 1u);
  EXPECT_EQ(door.group().notes[0].kind, Note::Kind::kNewSession);
  EXPECT_EQ(door.group().notes[0].name, "local");
  EXPECT_EQ(door.group().notes[0].turn, 1u);
  door.admit(publish(kOne, 5, true));
  EXPECT_EQ(door.duplicates(), 1u);
}

TEST(Admission, a_session_lost_on_one_connection_leaves_the_other_alone) {
  Door door({told_apart()});
  door.admit(publish(kOne, 5, false));
  door.lose_session(1);
  door.admit(publish(kOne, 5, true));
  EXPECT_EQ(door.duplicates(), 1u);
}

TEST(Admission, a_door_that_remembers_the_journal_judges_as_the_former_one) {
  Door before({told_apart("content")});
  before.admit(publish(R"({"ts":8,"t":8})", 7, false));
  before.lose_session();
  before.admit(publish(kOne, 5, false));
  Door after({told_apart("content")});
  after.remember(before.group());
  for (Door* door : {&before, &after}) {
    door->next_group();
    door->admit(publish(kOne, 5, true));   // re-sent by the broker
    door->admit(publish(kOne, 6, false));  // sent twice by the device
    door->admit(publish(R"({"ts":9,"t":9})", 7, false));
    EXPECT_EQ(door->rows("climate"), TextRows{"@9 truck-1 9 - -"});
    EXPECT_EQ(door->duplicates(), 2u);
  }
}

TEST(Admission, what_came_before_a_lost_session_is_unknown_also_to_a_door_that_remembers) {
  Door before({told_apart()});
  before.admit(publish(kOne, 5, false));
  before.lose_session();
  Door after({told_apart()});
  after.remember(before.group());
  for (Door* door : {&before, &after}) {
    door->next_group();
    door->admit(
        publish(kOne, 5, true));  // a retained message, cut off at its first try in the new session
    EXPECT_EQ(door->group().rows(), 1u);
  }
}

TEST(Admission, deduplicate_content_compares_key_time_and_all_fields) {
  Door door({told_apart("content")});
  const char* rows[] = {R"({"ts":1,"t":1,"id":"a"})", R"({"ts":2,"t":1,"id":"a"})",
                        R"({"ts":1,"t":2,"id":"a"})", R"({"ts":1,"t":1,"id":"b"})",
                        R"({"ts":1,"t":1})",          R"({"ts":1,"id":"a"})",
                        R"({"ts":1,"n":1,"id":"a"})"};
  for (const char* payload : rows) door.admit(kTopic, payload);
  EXPECT_EQ(door.group().rows(), std::size(rows));
  for (const char* payload : rows) door.admit(kTopic, payload);
  door.admit(kTopic,
             R"({ "id": "a", "ts": 1, "t": 1.0, "unknown": 5 })");  // other bytes, same content
  EXPECT_EQ(door.duplicates(), std::size(rows) + 1);
  door.admit("fleet/truck-2/climate", rows[0]);
  EXPECT_EQ(door.group().rows(), std::size(rows) + 1);
}

TEST(Admission, deduplicate_by_a_field_compares_key_and_message_id_only) {
  for (const char* id_field : {"id", "n"}) {
    SCOPED_TRACE(id_field);
    const bool text = std::string(id_field) == "id";
    auto payload = [&](int ts, int id) {
      return "{\"ts\":" + std::to_string(ts) + ",\"" + id_field + "\":" + (text ? "\"m" : "") +
             std::to_string(id) + (text ? "\"}" : "}");
    };
    Door door({told_apart(id_field)});
    door.admit(kTopic, payload(1, 1));
    door.admit(kTopic, payload(1, 2));
    door.admit("fleet/truck-2/climate", payload(1, 1));
    EXPECT_EQ(door.group().rows(), 3u);
    door.admit(kTopic, payload(9, 1));
    EXPECT_EQ(door.duplicates(), 1u);
    EXPECT_EQ(door.group().rows(), 3u);
  }
}

TEST(Admission, readings_without_a_message_id_are_never_taken_for_one_another) {
  for (const char* id_field : {"id", "n"}) {
    Door door({told_apart(id_field)});
    door.admit(kTopic, kOne);
    door.admit(kTopic, kTwo);
    EXPECT_EQ(door.rows("climate").size(), 2u) << id_field;
    EXPECT_EQ(door.duplicates(), 0u) << id_field;
  }
}

TEST(Admission, a_duplicate_leaves_no_trace_among_the_rows) {
  Door door({told_apart("content")});
  door.admit(kTopic, R"({"ts":1,"t":1,"id":"a"})");
  door.admit(kTopic, R"({"ts":1,"t":1,"id":"a"})");
  door.admit(kTopic, R"({"ts":2,"n":2,"id":"b"})");
  EXPECT_EQ(door.rows("climate"), (TextRows{"@1 truck-1 1 a -", "@2 truck-1 - b 2"}));
  EXPECT_EQ(door.slices(), "0:0-2");
}

TEST(Admission, only_the_last_readings_are_compared_with) {
  AdmissionOptions options;
  options.sources = {told_apart("content")};
  options.recent_readings = 2;
  Door door(std::move(options));
  for (int ts : {1, 2, 3, 2, 1}) door.admit(kTopic, "{\"ts\":" + std::to_string(ts) + "}");
  EXPECT_EQ(door.rows("climate").size(), 4u);
  EXPECT_EQ(door.duplicates(), 1u);
}

}  // namespace
}  // namespace wayside
