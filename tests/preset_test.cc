// The presets over messages: made-up ones of tests/fixtures/presets, and those of devices in
// WAYSIDE_DATA/data/payloads, which are compared with what another JSON reader finds.
#include "config/preset.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "firmware-gw/decode.h"
#include "sensors/topic.h"
#include "uplink/message.h"

namespace wayside {
namespace {

namespace fs = std::filesystem;
namespace dom = simdjson::dom;

constexpr int64_t kNow = 1'795'000'000'000;  // behind all of the messages

Config config_of(const std::string& preset, const std::string& topic = "") {
  std::string text =
      "[gateway]\nid = \"g\"\n[[mqtt]]\nname = \"local\"\nurl = \"mqtt://127.0.0.1\"\n"
      "[[source]]\nname = \"s\"\nformat = \"preset:" +
      preset + "\"\n";
  if (!topic.empty()) text += "topic = \"" + topic + "\"\n";
  std::vector<ConfigError> errors;
  auto config = parse_config(text, preset, errors);
  for (const ConfigError& e : errors) ADD_FAILURE() << e.to_text();
  return config.value_or(Config());
}

Now now() {
  Now now;
  now.wall_ms = kNow;
  return now;
}

std::string text_of(const Value& value) {
  std::string json;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  append_json_value(value, json);
  return json;
}

// "key time field=value …" of the only reading, without what is nothing; or why there is none.
std::string text_of(const Decoded& decoded) {
  if (decoded.refusal) return "refused " + decoded.refusal->reason + ": " + decoded.refusal->detail;
  if (decoded.readings.size() != 1) return std::to_string(decoded.readings.size()) + " readings";
  const DecodedReading& reading = decoded.readings.front();
  std::string text =
      reading.key + " " +
      (decoded.by_arrival && reading.time_ms == kNow ? "arrival" : format_rfc3339(reading.time_ms));
  std::string cleaned;
  for (const DecodedField& f : reading.fields) {
    if (f.value.index() != 0) text += " " + f.name + "=" + text_of(f.value);
    if (!f.why.empty()) cleaned += " " + f.name + " was " + text_of(f.sent) + "; " + f.why;
  }
  return text + cleaned;
}

TEST(Preset, each_reads_what_its_devices_send) {
  for (const Preset& preset : presets()) {
    const Config config = config_of(preset.name);
    std::ifstream in(fs::path(WAYSIDE_FIXTURES) / "presets" / (preset.name + std::string(".txt")));
    ASSERT_TRUE(in) << preset.name << " has no messages";
    std::string topic, payload, expected, blank;
    while (std::getline(in, topic) && std::getline(in, payload) && std::getline(in, expected)) {
      const auto decoded = decode(config, {"s", topic, payload}, now());
      ASSERT_TRUE(decoded.ok()) << decoded.error().message;
      EXPECT_EQ(text_of(*decoded), expected) << payload;
      std::getline(in, blank);
    }
  }
}

TEST(Preset, channels_of_a_plug_have_fields_by_number) {
  std::vector<ConfigError> errors;
  const auto config = parse_config(R"toml([gateway]
id = "g"
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1"
[[source]]
name = "s"
format = "preset:tasmota"
[source.fields]
power_w = "ENERGY.Power.0"
power_2_w = "ENERGY.Power.1"
)toml",
                                   "plugs", errors);
  ASSERT_TRUE(config && errors.empty());
  const auto decoded = decode(
      *config,
      {"s", "tele/plug/SENSOR", R"({"Time":"2026-03-01T12:00:00","ENERGY":{"Power":[230,1.5]}})"},
      now());
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(text_of(*decoded),
            "plug 2026-03-01T12:00:00.000Z device=plug power_w=230 power_2_w=1.5");
}

// ---- authentic messages

fs::path payloads_folder() {
  const char* set = std::getenv("WAYSIDE_DATA");
  return fs::path(set ? set : WAYSIDE_DATA) / "data" / "payloads";
}

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct Sent {
  std::string place;  // file:line
  std::string topic;
  std::string payload;
};

// Of lines with topic and payload; a file that is a payload comes by `topic`.
std::vector<Sent> messages_of(const fs::path& folder, const std::string& topic) {
  std::vector<Sent> messages;
  for (const fs::directory_entry& file : fs::directory_iterator(folder)) {
    const std::string name = file.path().filename();
    if (!name.ends_with(".jsonl")) {
      messages.push_back({name, topic, read(file.path())});
      continue;
    }
    std::istringstream lines(read(file.path()));
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
      if (line.empty()) continue;
      dom::parser parser;
      const dom::element message = parser.parse(line);
      const dom::element payload = message["payload"];
      messages.push_back({name + ":" + std::to_string(number),
                          std::string(std::string_view(message["topic"])),
                          payload.is_string() ? std::string(std::string_view(payload))
                                              : std::string(simdjson::minify(payload))});
    }
  }
  return messages;
}

// The value at a path, names with dots and all.
bool find(dom::element at, const std::string& path, dom::element& found) {
  std::string name;
  for (size_t i = 0; i <= path.size(); ++i) {
    if (i < path.size() && path.compare(i, 2, "\\.") == 0) {
      name += path[++i];
    } else if (i < path.size() && path[i] != '.') {
      name += path[i];
    } else {
      dom::element next;
      if (at.is_array() ? at.at(size_t(std::stoul(name))).get(next) : at[name].get(next))
        return false;
      at = next;
      name.clear();
    }
  }
  found = at;
  return !at.is_null();
}

Value expected_value(const dom::element& payload, const FieldOptions& field) {
  dom::element found;
  if (!find(payload, field.path, found)) return {};
  if (field.type == FieldType::kText) return std::string(std::string_view(found));
  double number = 0;
  if (found.is_bool()) return bool(found);
  if (found.is_string()) {
    number = std::stod(std::string(std::string_view(found)));
  } else {
    number = found.get_double().value();
  }
  if (field.type == FieldType::kBool) return number != 0;
  return number * field.scale + field.shift;
}

void expect_all_fields(const Decoded& decoded, const SourceOptions& source, const Sent& sent) {
  ASSERT_EQ(decoded.readings.size(), 1u) << sent.place;
  const DecodedReading& reading = decoded.readings.front();
  dom::parser parser;
  const dom::element payload = parser.parse(sent.payload);
  for (const FieldOptions& field : source.fields) {
    for (const DecodedField& f : reading.fields) {
      if (f.name == field.name) {
        EXPECT_EQ(text_of(f.sent), text_of(expected_value(payload, field)))
            << sent.place << " " << f.name;
      }
    }
  }
  dom::element time;
  if (source.time_path.empty() || !find(payload, source.time_path, time)) {
    EXPECT_EQ(reading.time_ms, kNow) << sent.place;
  } else if (!time.is_string()) {
    EXPECT_EQ(reading.time_ms, int64_t(time.get_double().value() * 1000 + 5e-4)) << sent.place;
  } else {
    const std::string text(std::string_view(time.get_string().value()));
    const auto zoned = parse_rfc3339_ms(text);
    const auto utc = zoned ? zoned : parse_rfc3339_ms(text + "Z");
    EXPECT_EQ(reading.time_ms, utc ? *utc : std::stoll(text) * 1000) << sent.place;
  }
}

struct PresetDevice {
  std::string folder;
  std::string topic;  // of payloads that stand alone
  // Presets, with the topic that is given in place of their own.
  std::vector<std::pair<std::string, std::string>> sources;
  std::map<std::string, std::string> refused;  // place, reason
  size_t readings;
};

const std::vector<PresetDevice>& devices() {
  static const std::vector<PresetDevice> kDevices{
      {"owntracks", "", {{"owntracks", ""}}, {}, 6},
      {"tts_v3",
       "v3/app/devices/device/up",
       {{"tts-v3", ""}},
       {{"data_formats_0.jsonc", "bad_json"}, {"mqtt_doc_0.json", "no_time"}},
       0},
      {"ruuvi", "", {{"ruuvi", ""}}, {{"without_ts.jsonl:1", "no_time"}}, 1},
      {"tasmota",
       "",
       {{"tasmota", ""}, {"tasmota", "tele/{site}/{device}/SENSOR"}},
       {{"sensor.jsonl:3", "no_time"}},
       4},
      {"zigbee2mqtt",
       "",
       {{"zigbee2mqtt", ""}, {"zigbee2mqtt", "zigbee/{device}"}},
       {{"messages.jsonl:5", "no_source"}},
       4},
      {"shelly",
       "",
       {{"shelly", ""}, {"shelly", "shelly-ht/{device}/events/rpc"}, {"shelly-status", ""}},
       {{"messages.jsonl:2", "no_source"},
        {"messages.jsonl:3", "no_source"},
        {"messages.jsonl:4", "no_source"}},
       4},
      {"flespi", "", {{"flespi", ""}}, {}, 5},
      {"hsl",
       "/hfp/v2/journey/ongoing/vp/bus/0022/00792/1081/2",
       {{"hsl-hfp", ""}},
       {{"garbage-data.json", "wrong_type"},
        {"hfp-sample-pas.json", "no_time"},
        {"hfp-tlr-sample.json", "no_time"},
        {"hfp-tlr-sample-invalid.json", "no_time"},
        {"hfp-tlr-sample-missing.json", "no_time"},
        {"passenger-count-sample.json", "no_time"}},
       1},
  };
  return kDevices;
}

// The reason why it is none, or "" for a reading.
std::string outcome(const std::vector<Config>& configs, const Sent& sent) {
  for (const Config& config : configs) {
    std::vector<std::string_view> levels;
    const SourceOptions& source = config.sources.front();
    if (!TopicPattern::parse(source.topic)->match(sent.topic, levels)) continue;
    const auto decoded = decode(config, {"s", sent.topic, sent.payload}, now());
    if (!decoded.ok()) return decoded.error().message;
    if (decoded->refusal) return decoded->refusal->reason;
    expect_all_fields(*decoded, source, sent);
    return "";
  }
  return "no_source";
}

TEST(Preset, authentic_messages_give_their_fields_or_are_refused_with_the_reason) {
  if (!fs::exists(payloads_folder())) GTEST_SKIP() << payloads_folder() << " is not there";
  for (const PresetDevice& device : devices()) {
    std::vector<Config> configs;
    for (const auto& [preset, topic] : device.sources) configs.push_back(config_of(preset, topic));
    size_t readings = 0;
    for (const Sent& sent : messages_of(payloads_folder() / device.folder, device.topic)) {
      const std::string reason = outcome(configs, sent);
      const auto refused = device.refused.find(sent.place);
      EXPECT_EQ(reason, refused == device.refused.end() ? "" : refused->second)
          << device.folder << " " << sent.place;
      readings += reason.empty();
    }
    EXPECT_EQ(readings, device.readings) << device.folder;
  }
}

}  // namespace
}  // namespace wayside
