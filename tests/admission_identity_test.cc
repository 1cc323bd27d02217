// Devices that speak for others.
#include <gtest/gtest.h>

#include "tests/door.h"
#include "tests/fields.h"

namespace wayside {
namespace {

SourceOptions identified() {
  SourceOptions s = climate_source({field("device", "id", FieldType::kText), field("temp_c", "t")});
  s.fields[0].equals = "vehicle";
  return s;
}

TEST(AdmissionOfIdentity, of_all_topics_and_payload_ids_only_those_that_agree_are_readings) {
  Door door({identified()});
  const std::vector<std::string> names = {"truck-1", "truck-2", "truck-10", "TRUCK-1",   "truck-1 ",
                                          "7",       "",        "truck",    "tr\u00fcck"};
  size_t wrong = 0;
  TextRows right;
  for (const std::string& topic : names) {
    for (const std::string& id : names) {
      door.admit("fleet/" + topic + "/climate", R"({"ts":1,"t":5,"id":")" + id + "\"}");
      const bool agrees = topic == id && !topic.empty();
      if (agrees) right.push_back("@1 " + topic + " " + id + " 5");
      wrong += !agrees;
    }
  }
  EXPECT_EQ(door.rows("climate"), right);
  ASSERT_EQ(door.rejected().size(), wrong);
  for (const Rejected& r : door.rejected()) {
    const bool has_no_key = r.topic == "fleet//climate";
    EXPECT_EQ(r.reason, has_no_key ? "no_key" : "wrong_identity") << r.topic << r.payload;
  }
}

TEST(AdmissionOfIdentity, what_does_not_agree_is_told_with_both_names) {
  Door door({identified()});
  door.admit("fleet/truck-1/climate", R"({"ts":1,"id":"truck-2"})");
  door.admit("fleet/truck-1/climate", R"({"ts":1})");
  door.admit("fleet/truck-1/climate", R"({"ts":1,"id":null})");
  door.admit("fleet/17/climate", R"({"ts":1,"id":17})");
  ASSERT_EQ(door.rejected().size(), 3u);
  EXPECT_EQ(door.rejected()[0].detail,
            "the topic says vehicle 'truck-1', the payload's 'device' says 'truck-2'");
  EXPECT_EQ(door.rejected()[1].detail,
            "the topic says vehicle 'truck-1', the payload's 'device' is missing");
  EXPECT_EQ(door.rejected()[2].reason, "wrong_identity");
  EXPECT_EQ(door.rows("climate"), (TextRows{"@1 17 17 -"}));
}

TEST(AdmissionOfIdentity, of_a_batch_each_reading_speaks_for_itself) {
  SourceOptions s = identified();
  s.each = "rows";
  Door door({s});
  door.admit("fleet/a/climate",
             R"({"rows":[{"ts":1,"id":"a"},{"ts":2,"id":"b"},{"ts":3,"id":"a"}]})");
  EXPECT_EQ(door.rows("climate"), (TextRows{"@1 a a -", "@3 a a -"}));
  EXPECT_EQ(door.rejected().size(), 1u);
}

}  // namespace
}  // namespace wayside
