// Presets in a configuration: what a source says beside one, and what is in force then.
#include <gtest/gtest.h>

#include <algorithm>

#include "config/preset.h"
#include "config/written.h"
#include "tests/config_text.h"

namespace wayside {
namespace {

const std::string kBegin = R"toml([gateway]
id = "truck-17"
[[mqtt]]
name = "local"
url = "mqtt://broker"
)toml";

std::string preset(const std::string& name, const std::string& more = "") {
  return kBegin + "[[source]]\nname = \"phones\"\nformat = \"preset:" + name + "\"\n" + more;
}

const FieldOptions* find(const SourceOptions& source, const std::string& name) {
  const auto found = std::find_if(source.fields.begin(), source.fields.end(),
                                  [&](const FieldOptions& f) { return f.name == name; });
  return found == source.fields.end() ? nullptr : &*found;
}

TEST(ConfigPresets, each_of_them_is_a_good_source_by_itself) {
  for (const Preset& p : presets()) {
    SCOPED_TRACE(p.name);
    const auto config = parse_good(preset(p.name));
    ASSERT_TRUE(config);
    EXPECT_EQ(config->sources[0].format, PayloadFormat::kJson);
    EXPECT_FALSE(config->sources[0].fields.empty());
  }
}

TEST(ConfigPresets, what_the_source_says_itself_wins) {
  const auto config = parse_good(preset("owntracks", R"toml(
topic = "phones/{owner}"
key = "owner"
time = { field = "created_at", unit = "ms" }
max_disorder = "1m"
[source.fields]
lat = { path = "position.lat" }
charge = { path = "batt", unit = "%" }
mode = "m"
)toml"));
  ASSERT_TRUE(config);
  const SourceOptions& s = config->sources[0];
  EXPECT_EQ(s.topic, "phones/{owner}");
  EXPECT_EQ(s.time_path, "created_at");
  EXPECT_EQ(s.time.unit, TimeUnit::kMillis);
  EXPECT_EQ(s.max_disorder_ms, 60'000);
  EXPECT_EQ(find(s, "lat")->path, "position.lat");
  EXPECT_FALSE(find(s, "lat")->min) << "nothing of the preset's field is left";
  EXPECT_EQ(find(s, "mode")->path, "m");
  EXPECT_EQ(find(s, "lon")->path, "lon");
  EXPECT_TRUE(find(s, "charge"));
  EXPECT_FALSE(find(s, "battery")) << "its path has another name here";
}

TEST(ConfigPresets, a_level_that_another_topic_does_not_have_is_not_compared_with) {
  const auto usual = parse_good(preset("tts-v3"));
  ASSERT_TRUE(usual);
  EXPECT_EQ(find(usual->sources[0], "end_device")->equals, "device");
  const auto other =
      parse_good(preset("tts-v3", "topic = \"v3/app/devices/{node}/up\"\nkey = \"node\"\n"));
  ASSERT_TRUE(other);
  EXPECT_EQ(find(other->sources[0], "end_device")->equals, "");
}

TEST(ConfigPresets, what_the_source_reads_as_its_time_is_no_field_too) {
  const std::string time = "time = { field = \"params.ts\", unit = \"s\" }\n";
  for (const char* more : {"", "[source.fields]\nts = \"params.sys.unixtime\"\n"}) {
    const auto config = parse_good(preset("shelly", time + more));
    ASSERT_TRUE(config);
    EXPECT_EQ(config->sources[0].time_path, "params.ts");
    EXPECT_FALSE(find(config->sources[0], "device_time"));
    EXPECT_TRUE(find(config->sources[0], "temp_c"));
  }
  const auto config = parse_good(preset("shelly"));
  ASSERT_TRUE(config);
  EXPECT_TRUE(find(config->sources[0], "device_time"));
}

TEST(ConfigPresets, one_that_is_not_there_is_told_once_with_the_nearest) {
  const std::string rule = "[[rule]]\nname = \"low\"\nfrom = \"phones\"\nwhen = \"battery < 5\"\n";
  EXPECT_EQ(errors_of(preset("owntrack") + rule),
            std::vector<std::string>{
                "8:10: 'format': there is no preset 'owntrack'; did you mean 'owntracks'?"});
  const auto errors = errors_of(preset("?"));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_TRUE(errors[0].ends_with(
      "'format': there is no preset '?': one of owntracks tts-v3 ruuvi tasmota shelly "
      "shelly-status flespi hsl-hfp zigbee2mqtt"))
      << errors[0];
}

TEST(ConfigPresets, an_error_about_what_a_preset_says_stands_where_it_is_named) {
  EXPECT_EQ(errors_of(preset("owntracks", "topic = \"phones/{owner}\"\n")),
            std::vector<std::string>{
                "8:10: 'key': source \"phones\": key \"device\" is neither a {level} of the topic "
                "nor a field"});
}

TEST(ConfigPresets, what_is_in_force_is_written_out_and_loads_to_the_same) {
  for (const std::string& text :
       {kGoodConfig, preset("flespi", "keep = [\"ignition\"]\n"), preset("owntracks"),
        kGoodConfig + "brokers = [\"k:9092\"]\ntype = \"kafka\"\n"}) {
    const auto config = parse_good(text);
    ASSERT_TRUE(config);
    const std::string written = effective_config(*config);
    EXPECT_EQ(written.find("preset:"), std::string::npos);
    const auto again = parse_good(written);
    ASSERT_TRUE(again) << written;
    EXPECT_EQ(effective_config(*again), written);
    EXPECT_EQ(config_version(*again), config_version(*config)) << written;
  }
  const std::string flespi = effective_config(*parse_good(preset("flespi")));
  EXPECT_NE(flespi.find("format = \"json\"\n"), std::string::npos) << flespi;
  EXPECT_NE(flespi.find(R"(speed = { path = "position\\.speed", unit = "km/h" })"),
            std::string::npos)
      << flespi;
}

}  // namespace
}  // namespace wayside
