// Sources of format = "cayenne".
#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

const std::string kFields = R"(temp_c = "t"
door = { path = "door", type = "text" }
speed = { path = "spd", unit = "km/h", min = 0, max = 60 })";

std::string device(const std::string& temp, const std::string& time = "") {
  return with(
      kFields,
      "temp_c = " + temp + "\ndoor = { path = \"2\", type = \"text\" }\n" + "speed = \"3.gps.lat\"",
      with(kTime, "format = \"cayenne\"\n" + time));
}

TEST(ConfigCayenne, paths_are_channels_types_and_parts) {
  const auto config =
      parse_good(device("\"1.temperature\"", "time = { field = \"9.unixtime\", unit = \"s\" }"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].format, PayloadFormat::kCayenne);
}

TEST(ConfigCayenne, what_cannot_be_a_path_is_told_before_anything_starts) {
  const std::string path =
      "is no channel of 0 to 255, alone or with a type and a part, as in \"3\", "
      "\"3.temperature\" or \"3.gps.lat\"";
  const std::pair<std::string, std::string> rows[] = {
      {device("@@\"t\""), "'fields.temp_c': path \"t\": " + path},
      {device("\"1\"", "time = { field = @@\"9.time\", unit = \"s\" }"),
       "'time': path \"9.time\": " + path},
      {device("\"1\"", "time = { field = @@\"9.unixtime\" }"),
       "'time': is a number in this format: give it a unit, \"s\", \"ms\", \"us\", \"ns\" or "
       "\"auto\""},
  };
  for (auto [text, message] : rows) {
    const auto marks = take_marks(text);
    EXPECT_EQ(errors_of(text), std::vector<std::string>{marks[0] + ": " + message});
  }
}

}  // namespace
}  // namespace wayside
