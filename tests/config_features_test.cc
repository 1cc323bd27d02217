#include "config/check_features.h"

#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

constexpr Features kNothing{false, false, false, false, false, false, false};

// What a build without anything says of a configuration that is good for a full one.
std::vector<std::string> refusals(std::string text) {
  const auto config = parse_good(text);
  std::vector<ConfigError> errors;
  const std::string file = "F";
  Findings found(*config, file, errors);
  check_features(*config, found, kNothing);
  std::vector<std::string> out;
  for (const ConfigError& e : errors) out.push_back(e.to_text().substr(2));
  return out;
}

TEST(ConfigFeatures, a_full_build_lacks_nothing) {
  for (const char* section :
       {"input", "state", "join", "command", "view", "device", "source", "nonsense"}) {
    EXPECT_EQ(absent_section(section), "") << section;
  }
}

TEST(ConfigFeatures, a_section_that_is_left_out_names_its_switch) {
  EXPECT_EQ(absent_section("input", kNothing),
            "this build has no inputs beside MQTT: WAYSIDE_INPUTS was off");
  EXPECT_EQ(absent_section("join", kNothing), "this build has no joins: WAYSIDE_BLOCKS was off");
  EXPECT_EQ(absent_section("view", kNothing), "this build has no views: WAYSIDE_COMMANDS was off");
  EXPECT_EQ(absent_section("device", kNothing),
            "this build has no registry of devices: WAYSIDE_DEVICES was off");
  EXPECT_EQ(absent_section("window", kNothing), "");
  EXPECT_EQ(absent_section("nonsense", kNothing), "");
}

TEST(ConfigFeatures, what_is_left_out_of_a_section_names_its_switch_in_its_place) {
  EXPECT_TRUE(refusals(kGoodConfig).empty());
  const std::vector<std::pair<std::string, std::string>> rows{
      {with("[[mqtt]]", "[http]\nlisten = @@\"127.0.0.1:0\"\n[[mqtt]]"),
       "'listen': this build has no HTTP: WAYSIDE_HTTP was off"},
      {with("name = \"centre\"", "name = \"centre\"\ntype = @@\"kafka\"\nbrokers = [\"b:1\"]"),
       "'type': this build has no Kafka: WAYSIDE_KAFKA was off"},
      {with("key = \"vehicle\"", "key = \"vehicle\"\nformat = @@\"cbor\""),
       "'format': this build has no format but \"json\": WAYSIDE_FORMATS was off"},
      {with(kTemp, "temp_c = @@{ path = \"t\", max_rate = 1 }"),
       "'fields.temp_c': this build has no cleaning but by ranges: WAYSIDE_DEVICES was off"},
      {with("key = \"vehicle\"", "key = \"vehicle\"\nknown_only = @@true") +
           "\n[[device]]\nid = \"d\"\n",
       "'known_only': this build has no registry of devices: WAYSIDE_DEVICES was off"},
  };
  for (auto [text, message] : rows) {
    const auto marks = take_marks(text);
    ASSERT_EQ(marks.size(), 1u);
    EXPECT_EQ(refusals(text), std::vector<std::string>{marks[0] + ": " + message});
  }
}

}  // namespace
}  // namespace wayside
