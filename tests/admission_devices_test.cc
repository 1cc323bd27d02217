// Who may come in: the identity of a device, and what the registry says of it.
#include <gtest/gtest.h>

#include "tests/devices.h"
#include "tests/door.h"
#include "tests/fields.h"

namespace wayside {
namespace {

SourceOptions registered(std::vector<DeviceOptions> devices, bool known_only) {
  SourceOptions s = climate_source({field("device", "id", FieldType::kText), field("temp_c", "t")});
  s.known_only = known_only;
  s.devices = registry_of(std::move(devices));
  return s;
}

std::string reason_of(const Door& door) {
  return door.rejected().empty() ? "" : door.rejected().back().reason;
}

TEST(AdmissionOfDevices, of_all_topics_and_payload_ids_only_known_ones_that_agree_are_readings) {
  const std::vector<std::string> names = {"truck-1", "truck-2", "TRUCK-1",   "truck-1 ",
                                          "blocked", "unknown", "tr\u00fcck"};
  for (const bool known_only : {false, true}) {
    SourceOptions s =
        registered({device("truck-1"), device("truck-2"), blocked("blocked"), device("tr\u00fcck")},
                   known_only);
    s.fields[0].equals = "vehicle";
    size_t wrong = 0;
    Door door({s});
    TextRows right;
    for (int again = 0; again < 2; ++again) {  // topics are remembered
      for (const std::string& topic : names) {
        for (const std::string& id : names) {
          door.admit("fleet/" + topic + "/climate", R"({"ts":1,"t":5,"id":")" + id + "\"}");
          const bool is_known = s.devices->find(topic) != Registry::kUnknown;
          std::string expected;
          if (topic != id) {
            expected = "wrong_identity";
          } else if (topic == "blocked") {
            expected = "blocked_device";
          } else if (known_only && !is_known) {
            expected = "unknown_device";
          }
          if (expected.empty()) {
            right.push_back("@1 " + topic + " " + id + " 5");
          } else {
            ASSERT_EQ(door.rejected().size(), ++wrong) << topic << " " << id;
            EXPECT_EQ(reason_of(door), expected) << topic << " " << id;
          }
        }
      }
    }
    EXPECT_EQ(door.rows("climate"), right);
    EXPECT_EQ(door.rejected().size(), wrong);
    EXPECT_EQ(right.size() + wrong, 2 * names.size() * names.size());
  }
}

TEST(AdmissionOfDevices, what_is_refused_is_told_with_the_device) {
  Door door({registered({blocked("b")}, true)});
  door.admit("fleet/b/climate", R"({"ts":1})");
  EXPECT_EQ(reason_of(door), "blocked_device");
  EXPECT_EQ(door.rejected().back().detail, "device 'b' is blocked");
  door.admit("fleet/a/climate", R"({"ts":1})");
  EXPECT_EQ(reason_of(door), "unknown_device");
  EXPECT_EQ(door.rejected().back().detail, "device 'a' is not in the registry");
  EXPECT_EQ(door.rejected().back().source, 0u);
}

TEST(AdmissionOfDevices, a_key_in_the_payload_is_looked_up_reading_by_reading) {
  SourceOptions s = registered({device("a"), blocked("b")}, true);
  s.topic = "batches";
  s.key = "device";
  s.each = "rows";
  Door door({s});
  door.admit("batches", R"({"rows":[{"ts":1,"id":"a"},{"ts":2,"id":"b"},{"ts":3,"id":"c"},)"
                        R"({"ts":4,"id":"a"}]})");
  EXPECT_EQ(door.rows("climate"), (TextRows{"@1 a -", "@4 a -"}));
  ASSERT_EQ(door.rejected().size(), 1u) << "told once of a message";
  EXPECT_EQ(door.rejected()[0].detail, "reading 2: device 'b' is blocked (2 of 4 were refused)");
}

TEST(AdmissionOfDevices, a_registry_that_blocks_nobody_lets_all_in_unless_it_is_asked_for) {
  Door door({registered({device("a")}, false)});
  door.admit("fleet/nobody/climate", R"({"ts":1})");
  EXPECT_EQ(door.rows("climate"), (TextRows{"@1 nobody - -"}));
  Door none({climate_source({field("temp_c", "t")})});
  none.admit("fleet/nobody/climate", R"({"ts":1})");
  EXPECT_EQ(none.rows("climate"), (TextRows{"@1 nobody -"}));
}

TEST(AdmissionOfDevices, who_is_refused_is_no_message_that_was_seen) {
  SourceOptions s = registered({blocked("b")}, false);
  s.deduplicate = "content";
  Door door({s});
  for (int i = 0; i < 3; ++i) door.admit("fleet/b/climate", R"({"ts":1})");
  EXPECT_EQ(door.duplicates(), 0u);
  EXPECT_EQ(door.rejected().size(), 3u);
}

}  // namespace
}  // namespace wayside
