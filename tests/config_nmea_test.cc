// Sources of format = "nmea".
#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

const std::string kFields = R"(temp_c = "t"
door = { path = "door", type = "text" }
speed = { path = "spd", unit = "km/h", min = 0, max = 60 })";

std::string receiver(const std::string& more) {
  return with(kFields,
              "temp_c = \"altitude\"\ndoor = { path = \"fix\", type = \"text\" }\nspeed = "
              "\"speed\"\n" +
                  more,
              with(kTime, "format = \"nmea\""));
}

TEST(ConfigNmea, sentences_bring_their_own_times) {
  const auto config = parse_good(receiver("ok = { path = \"valid\", type = \"bool\" }"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].format, PayloadFormat::kNmea);
  EXPECT_TRUE(config->sources[0].has_own_time());
  std::string text =
      with("format = \"nmea\"", "format = \"nmea\"\ntime = { field = @@\"ts\" }", receiver(""));
  const auto marks = take_marks(text);
  EXPECT_EQ(errors_of(text),
            std::vector<std::string>{marks[0] +
                                     ": 'time': sentences have times of their own: leave it out"});
}

TEST(ConfigNmea, a_value_that_sentences_do_not_have_is_told) {
  const std::pair<const char*, const char*> rows[] = {
      {"v = @@\"speeed\"", "'fields.v': there is no NMEA value 'speeed'; did you mean 'speed'?"},
      {"v = @@\"valid\"",
       "'fields.v': path \"valid\" is true or false: give the field type = \"bool\""},
  };
  for (const auto& [written, message] : rows) {
    std::string text = receiver(written);
    const auto marks = take_marks(text);
    EXPECT_EQ(errors_of(text), std::vector<std::string>{marks[0] + ": " + message});
  }
}

}  // namespace
}  // namespace wayside
