// Payloads of several readings at the door.
#include <gtest/gtest.h>

#include "tests/door.h"
#include "tests/fields.h"

namespace wayside {
namespace {

SourceOptions batches() {
  SourceOptions s =
      climate_source({field("temp_c", "t"), field("site", "/site", FieldType::kText)});
  s.each = "rows";
  s.fields[0].absent = 7.0;
  s.fields[1].absent = std::string("depot");
  return s;
}

TEST(AdmissionOfBatches, each_element_is_a_reading_and_what_is_absent_has_its_default) {
  Door door({batches()});
  door.admit(kTopic, R"({"rows":[{"ts":1,"t":5},{"ts":2}],"site":"A"})");
  door.admit(kTopic, R"({"rows":[{"ts":3,"t":null}]})");
  EXPECT_EQ(door.rows("climate"),
            (TextRows{"@1 truck-1 5 A", "@2 truck-1 7 A", "@3 truck-1 7 depot"}));
  EXPECT_EQ(door.slices(), "0:0-3");
}

TEST(AdmissionOfBatches, a_message_is_in_the_quarantine_once_and_its_good_readings_are_taken) {
  Door door({batches()});
  door.admit(kTopic, R"({"rows":[{"ts":1,"t":5},{"ts":2,"t":[]},{"t":6},5,{"ts":3}]})");
  EXPECT_EQ(door.rows("climate"), (TextRows{"@1 truck-1 5 depot", "@3 truck-1 7 depot"}));
  ASSERT_EQ(door.rejected().size(), 1u);
  EXPECT_EQ(door.rejected()[0].reason, "wrong_type");
  EXPECT_EQ(door.rejected()[0].detail,
            "reading 2: field 'temp_c' is not a number (3 of 5 were refused)");
}

TEST(AdmissionOfBatches, one_wrong_reading_is_told_by_its_number) {
  Door door({batches()});
  door.admit(kTopic, R"({"rows":[{"ts":1},{"t":6}]})");
  ASSERT_EQ(door.rejected().size(), 1u);
  EXPECT_EQ(door.rejected()[0].reason, "no_time");
  EXPECT_EQ(door.rejected()[0].detail, "reading 2: the payload holds no time");
  EXPECT_EQ(door.group().rows(), 1u);
}

TEST(AdmissionOfBatches, a_small_payload_of_thousands_of_wrong_readings_is_as_small_in_the_group) {
  Door door({batches()});
  std::string wrong;
  for (size_t i = 0; i < kReadingsMax; ++i) wrong += ",1";
  door.admit(kTopic, "{\"rows\":[" + wrong.substr(1) + "]}");
  EXPECT_EQ(door.rejected().size(), 1u);
  door.admit(kTopic, R"({"rows":[{"ts":1}]})");
  EXPECT_EQ(door.rows("climate"), (TextRows{"@1 truck-1 7 depot"}));
}

TEST(AdmissionOfBatches, what_refuses_all_readings_leaves_none) {
  for (const char* payload :
       {R"({"rows":[{"ts":1},{"ts":2,]})", R"({"site":"A"})", R"({"rows":[{"ts":1}],"site":{}})"}) {
    Door door({batches()});
    door.admit(kTopic, payload);
    EXPECT_EQ(door.group().rows(), 0u) << payload;
    EXPECT_EQ(door.rejected().size(), 1u) << payload;
  }
}

TEST(AdmissionOfBatches, one_that_comes_again_is_known_as_a_whole) {
  Door door({batches()});
  Frame frame;
  frame.topic = kTopic;
  frame.payload = R"({"rows":[{"ts":1},{"ts":2}]})";
  frame.packet_id = 9;
  door.admit(frame);
  frame.duplicate = true;
  door.admit(frame);
  EXPECT_EQ(door.group().rows(), 2u);
  EXPECT_EQ(door.duplicates(), 1u);
}

TEST(AdmissionOfBatches, readings_that_were_there_before_are_duplicates_one_by_one) {
  SourceOptions source = batches();
  source.deduplicate = "content";
  Door door({source});
  door.admit(kTopic, R"({"rows":[{"ts":1},{"ts":2}]})");
  Door next({source});
  next.remember(door.group());
  next.admit(kTopic, R"({"rows":[{"ts":2},{"ts":3}]})");
  EXPECT_EQ(next.rows("climate"), (TextRows{"@3 truck-1 7 depot"}));
  EXPECT_EQ(next.duplicates(), 1u);
}

}  // namespace
}  // namespace wayside
