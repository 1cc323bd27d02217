// What a source is told about cleaning.
#include <gtest/gtest.h>

#include "config/written.h"
#include "tests/config_text.h"

namespace wayside {
namespace {

std::string temp(const std::string& keys) { return "temp_c = { path = \"t\", " + keys + " }"; }
std::string position(const std::string& keys) {
  return kTime + "\nposition = { lat = \"temp_c\", lon = \"speed\"" + keys + " }";
}

TEST(ConfigCleaning, a_field_may_be_judged_by_its_past) {
  const auto config =
      parse_good(with(kTemp, temp("max_rate = 0.5, accept_after = 5, stuck_after = \"1h\", "
                                  "stuck = \"remove\", smooth = \"median:7\", fill = \"5m\"")));
  ASSERT_TRUE(config);
  const FieldCleaning& c = config->sources[0].fields[0].cleaning;
  EXPECT_EQ(c.max_rate, 0.5);
  EXPECT_EQ(c.accept.readings, 5u);
  EXPECT_EQ(c.stuck_after_ms, 3'600'000);
  EXPECT_EQ(c.on_stuck, OnStuck::kRemove);
  EXPECT_EQ(c.smooth, "median:7");
  EXPECT_EQ(c.fill_ms, 300'000);
  EXPECT_FALSE(config->sources[0].fields[1].cleaning.is_on());
}

TEST(ConfigCleaning, what_is_right_after_all_may_be_told_as_a_time) {
  const auto config = parse_good(with(kTemp, temp("max_rate = 1, accept_after = \"30s\"")));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].fields[0].cleaning.accept.ms, 30'000);
}

TEST(ConfigCleaning, a_position_is_made_of_fields) {
  const auto config = parse_good(with(kTime, position(", max_speed = 40, accept_after = 4")));
  ASSERT_TRUE(config);
  const PositionOptions& p = config->sources[0].position;
  EXPECT_EQ(p.lat, "temp_c");
  EXPECT_EQ(p.lon, "speed");
  EXPECT_EQ(p.max_speed, 40);
  EXPECT_EQ(p.accept.readings, 4u);
}

TEST(ConfigCleaning, what_cleaning_has_changed_is_a_field_to_whoever_reads_the_source) {
  const std::string when = "door = 'open' AND speed > 5";
  const std::string judged = with("max = 60", "max = 60, max_rate = 5");
  EXPECT_TRUE(parse_good(with(when, "cleaned LIKE '% speed:%'", judged)));
  const std::string named = with(kTime, kTime + "\nmark = \"faults\"");
  EXPECT_TRUE(parse_good(with(when, "faults IS NOT NULL", named)));
  const std::string none = with(kTime, kTime + "\nmark = \"\"", judged);
  EXPECT_EQ(errors_of(with(when, "cleaned IS NOT NULL", none)).size(), 1u);
  EXPECT_EQ(errors_of(with(when, "cleaned IS NOT NULL")).size(), 1u)
      << "with ranges alone there is none by itself";
  const std::string plain = with(", min = 0, max = 60", "", named);
  EXPECT_EQ(errors_of(with(when, "faults IS NOT NULL", plain)).size(), 1u)
      << "where nothing is cleaned there is no such field";
}

TEST(ConfigCleaning, what_is_in_force_reads_as_the_same_again) {
  std::string text = with(kTemp, temp("max_rate = 0.5, accept_after = \"30s\", fill = \"5m\""));
  text = with(kTime, position(", max_speed = 40") + "\nexpect_every = \"10s\"", text);
  const auto config = parse_good(text);
  ASSERT_TRUE(config);
  const std::string written = effective_config(*config);
  EXPECT_NE(written.find("max_rate = 0.5, accept_after = \"30s\", fill = \"5m\" }"),
            std::string::npos)
      << written;
  EXPECT_NE(written.find("position = { lat = \"temp_c\", lon = \"speed\", max_speed = 40 }"),
            std::string::npos)
      << written;
  const auto again = parse_good(written);
  ASSERT_TRUE(again);
  EXPECT_EQ(effective_config(*again), written);
  EXPECT_EQ(config_version(*again), config_version(*config));
  EXPECT_NE(config_version(*config), config_version(*parse_good(kGoodConfig)));
}

TEST(ConfigCleaning, what_does_not_fit_is_told_before_anything_starts) {
  const std::string smooth =
      "'fields.temp_c.smooth': smooth is \"median:N\" with an odd N from 1 to 63, such as "
      "\"median:5\"";
  expect_errors({
      {kTemp, temp("max_rate = @@-1"), "'fields.temp_c.max_rate': max_rate is a number from 0"},
      {kTemp, temp("smooth = @@\"median:4\""), smooth},
      {kTemp, temp("smooth = @@\"median:65\""), smooth},
      {kTemp, temp("@@smoth = \"median:5\""), "unknown key 'smoth'; did you mean 'smooth'?"},
      {kTemp, temp("stuck = @@\"removed\""),
       "'stuck': expected \"mark\" or \"remove\"; did you mean \"remove\"?"},
      {kTemp, temp("accept_after = @@1001"), "'accept_after': must be from 0 to 1000"},
      {kTemp, temp("fill = @@300"),
       "'fill': expected a duration such as \"250ms\", \"5s\", \"10m\", \"2h\" or \"1d\""},
      {"door = {", "door = @@{ smooth = \"median:5\",",
       "field 'door': max_rate, stuck_after and smooth are for numbers"},
      {kTime, kTime + "\nposition = @@\"lat\"",
       "'position': expected { lat = …, lon = … }, found a text"},
      {kTime, kTime + "\nposition = @@{ lat = \"temp_c\" }",
       "'lon' is missing: the field in degrees"},
      {kTime, kTime + "\nposition = { lat = @@\"temp\", lon = \"speed\" }",
       "'position.lat': there is no field 'temp'"},
      {kTime, kTime + "\nposition = { lat = \"temp_c\", lon = @@\"door\" }",
       "'position.lon': field 'door' is no number"},
      {kTime, kTime + "\nposition = { lat = \"temp_c\", lon = @@\"temp_c\" }",
       "'position.lon': is the field of lat"},
      {kTime, position(", max_hdop = @@5"), "'position.max_hdop': goes with hdop only"},
      {kTime, position(", frozen_after = @@\"2m\""),
       "'position.frozen_after': goes with speed only"},
      {kTime, position(", max_speed = @@-5"), "'position.max_speed': is a number from 0"},
      {kTime, position(", accept_after = @@5"),
       "'position.accept_after': goes with max_speed only"},
      {kTime, position(", smooth = @@\"median:5\""), "'position.smooth': is \"kalman\", or \"\""},
      {kTime, position(", accuracy = @@5"), "'position.accuracy': goes with smooth only"},
      {kTime, position(", smooth = \"kalman\", accuracy = @@0"),
       "'position.accuracy': is a number above 0"},
      {kTemp, temp("stuck = @@\"remove\""), "'fields.temp_c.stuck': goes with stuck_after only"},
      {kTemp, temp("accept_after = @@5"), "'fields.temp_c.accept_after': goes with max_rate only"},
      {kTime, kTime + "\nmark = @@\"door\"",
       "'mark': there is a field 'door'; give what cleaning has changed another name, or \"\" for "
       "none"},
      {kTime, kTime + "\nmark = @@\"order\"",
       "'mark': 'order' is a word of SQL; choose another name"},
      {kTime, kTime + "\nmark = @@\"time\"",
       "'mark': each event has a 'time' of its own; choose another name"},
  });
  std::string text =
      with(kTemp, temp("fill = @@\"5m\""), with(kTime, kTime + "\nkeep = \"temp_c\""));
  const auto marks = take_marks(text);
  EXPECT_EQ(errors_of(text),
            std::vector<std::string>{marks[0] +
                                     ": 'fields.temp_c.fill': keep carries 'temp_c' on for ever; "
                                     "leave one of them out"});
}

}  // namespace
}  // namespace wayside
