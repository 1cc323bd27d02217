// Sources of format = "struct".
#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

const std::string kOthers = R"(door = { path = "door", type = "text" }
speed = { path = "spd", unit = "km/h", min = 0, max = 60 })";

// The good configuration with a layout instead of JSON.
std::string layout(const std::string& temp, const std::string& door = "2:text4",
                   const std::string& time = R"(time = { field = "6:u32be", unit = "s" })") {
  std::string text = with(kTime, "format = \"struct\"\n" + time);
  text = with(kTemp, temp, text);
  return with(kOthers,
              "door = { path = \"" + door + "\", type = \"text\" }\nspeed = \"10:u8!0xFF\"", text);
}

TEST(ConfigStruct, a_layout_has_paths_records_and_a_time) {
  const auto config = parse_good(layout(R"(temp_c = "0:i16le")", "2:text4",
                                        R"(time = { field = "6:u32be", unit = "s" }
record_bytes = 11)"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].format, PayloadFormat::kStruct);
  EXPECT_EQ(config->sources[0].record_bytes, 11u);
}

void expect_error(std::string text, const std::string& message) {
  const auto marks = take_marks(text);
  ASSERT_EQ(marks.size(), 1u);
  EXPECT_EQ(errors_of(text), std::vector<std::string>{marks[0] + ": " + message});
}

TEST(ConfigStruct, a_path_that_is_none_is_told_before_anything_starts) {
  expect_error(layout(R"(temp_c = @@"t")"),
               "'fields.temp_c': path \"t\": is no place of a value: expected offset:type, as in "
               "\"4:u16le\"");
  expect_error(layout(R"(temp_c = @@"0:u16")"),
               "'fields.temp_c': path \"0:u16\": a number of 2 bytes is le or be, as in \"u16le\", "
               "or of swapped words cdab or badc");
  expect_error(layout(R"(temp_c = @@"0:bool")"),
               "'fields.temp_c': path \"0:bool\" is true or false: give the field type = \"bool\"");
}

TEST(ConfigStruct, what_lies_beyond_a_record_is_told) {
  expect_error(layout(R"(temp_c = @@"10:u16le")", "2:text4",
                      R"(time = { field = "6:u32be", unit = "s" }
record_bytes = 11)"),
               "'fields.temp_c': path \"10:u16le\" ends at byte 12 of record_bytes = 11");
  expect_error(
      layout(R"(temp_c = "0:u8")", "2:text4", "record_bytes = 11\ndeduplicate = @@\"content\""),
      "'deduplicate': would take records of one payload for one another: \"content\" "
      "needs a time");
  expect_error(with(kTime, kTime + "\nrecord_bytes = @@11"),
               "'record_bytes': is for format = \"struct\"");
}

TEST(ConfigStruct, a_time_in_a_number_needs_its_unit) {
  expect_error(layout(R"(temp_c = "0:u8")", "2:text4", R"(time = { field = @@"6:u32be" })"),
               "'time': is a number in this format: give it a unit, \"s\", \"ms\", \"us\", \"ns\" "
               "or \"auto\"");
  EXPECT_TRUE(parse_good(layout(R"(temp_c = "0:u8")", "2:text4",
                                R"(time = { field = "11:hex7", unit = "%E4Y%m%d%H%M%S" })")));
}

}  // namespace
}  // namespace wayside
