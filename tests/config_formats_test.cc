// What a source says of its payloads: paths, conversions and times.
#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

const std::string kTime = R"(time = { field = "ts", unit = "ms" })";
const std::string kTemp = R"(temp_c = "t")";

const std::string kDoor = R"(door = { path = "door", type = "text" })";

FieldOptions temp(const std::string& written) {
  const auto config = parse_good(with(kTemp, "temp_c = " + written));
  return config ? config->sources[0].fields[0] : FieldOptions();
}

TEST(ConfigFormats, what_is_sent_is_scaled_before_its_unit_counts) {
  const FieldOptions f = temp(R"({ path = "t", unit = "F", scale = 0.1, shift = 2 })");
  EXPECT_DOUBLE_EQ(500 * f.scale + f.shift, (500 * 0.1 + 2 - 32) * 5 / 9);
  EXPECT_DOUBLE_EQ(temp(R"({ path = "t", shift = -40 })").shift, -40);
}

TEST(ConfigFormats, what_has_to_be_equal_to_a_level_of_the_topic_is_a_text) {
  const auto config =
      parse_good(with(kDoor, R"(door = { path = "door", type = "text", equals = "vehicle" })"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].fields[1].equals, "vehicle");
  expect_errors({
      {kTemp, R"(temp_c = @@{ path = "t", equals = "vehicle" })",
       "'fields.temp_c': equals is for texts: give it type = \"text\""},
      {kDoor, R"(door = @@{ path = "door", type = "text", equals = "vehicel" })",
       "'fields.door': there is no level of the topic 'vehicel'; did you mean 'vehicle'?"},
  });
}

TEST(ConfigFormats, a_default_has_the_type_of_its_field) {
  EXPECT_EQ(temp(R"({ path = "t", default = 4 })").absent, Value(4.0));
  const auto config =
      parse_good(with(kDoor, kDoor + "\nopen = { path = \"o\", type = \"bool\", default = true }"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].fields[2].absent, Value(true));
  expect_errors({
      {kTemp, R"(temp_c = @@{ path = "t", default = "x" })",
       "field 'temp_c': default is of another type"},
      {kDoor, R"(door = @@{ path = "door", type = "text", scale = 2 })",
       "field 'door': unit, scale, shift, min and max are for numbers"},
      {kTemp, R"(temp_c = @@{ path = "t", scale = 0 })",
       "field 'temp_c': scale and shift are numbers, and scale is not 0"},
      {kTemp, R"(temp_c = @@{ path = "t", shift = inf })",
       "field 'temp_c': scale and shift are numbers, and scale is not 0"},
      {kTemp, R"(temp_c = { path = "t", default = @@nan })",
       "'default': expected a number, a text, true or false, found a number"},
      {kTemp, R"(temp_c = { path = "t", default = @@[] })",
       "'default': expected a number, a text, true or false, found an array"},
  });
}

TEST(ConfigFormats, a_time_may_have_a_pattern_and_a_zone) {
  const auto config = parse_good(with(
      kTime, R"(time = { field = "ts", unit = "%d.%m.%Y %H:%M:%S", zone = "Europe/Berlin" })"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].time.unit, TimeUnit::kPattern);
  EXPECT_EQ(config->sources[0].time.zone, "Europe/Berlin");
  expect_errors({
      {kTime, R"(time = { field = "ts", unit = @@"%H:%M:%S" })",
       "'unit': is no pattern of a date and a time of day, such as \"%d.%m.%Y %H:%M:%S\""},
      {kTime, R"(time = @@{ field = "ts", unit = "s", zone = "Europe/Berlin" })",
       "'time': a time that is counted from 1970 has no zone"},
      {kTime, R"(time = { field = "ts", zone = @@"Europe/Belrin" })",
       "'time': there is no time zone 'Europe/Belrin' here"},
  });
}

TEST(ConfigFormats, paths_beside_the_readings_are_those_of_json_with_a_slash) {
  const std::string each = kTime + "\neach = \"rows\"";
  EXPECT_TRUE(parse_good(with(kTemp, "temp_c = \"/ts\"", with(kTime, each))));
  EXPECT_TRUE(parse_good(with(kTemp, "temp_c = \"rows\"", with(kTime, each))));
  expect_errors({
      {kTemp, "temp_c = @@\"/ts\"", "'fields.temp_c': path \"/ts\" is read twice"},
      {kTime, kTime + "\nformat = \"protobuf\"\neach = @@\"rows\"", "'each': is for JSON payloads"},
      {kTime, kTime + "\neach = @@\"/rows\"",
       "'each': begins at the payload anyway: leave the '/' out"},
      {kTime, "time = { field = \"/ts\" }\neach = \"rows\"\ndeduplicate = @@\"content\"",
       "'deduplicate': would take readings of one payload for one another: with each it needs an "
       "id, or for \"content\" a time, in the element"},
  });
  const auto errors = errors_of(with(kTemp, "temp_c = \"/rows.0\"", with(kTime, each)));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("path \"/rows.0\" is in \"/rows\", which is read itself"),
            std::string::npos)
      << errors[0];
  EXPECT_EQ(errors_of(with(kTemp, "temp_c = \"/t\"", with(kTime, kTime + "\neach = \".\""))).size(),
            1u);
}

}  // namespace
}  // namespace wayside
