#include "config/check_inputs.h"

#include "sensors/input.h"
#include "sensors/input_url.h"
#include "sensors/topic.h"

namespace wayside {
namespace {

// Or there is no source for it at all, as while one is written.
bool is_taken(const InputOptions& o, const Config& config) {
  std::vector<std::string_view> levels;
  bool has_source = false;
  for (const SourceOptions& s : config.sources) {
    const auto pattern = TopicPattern::parse(s.topic);
    if (s.input != o.name || !pattern.ok()) continue;
    if (pattern->match(o.topic, levels)) return true;
    has_source = true;
  }
  return !has_source;
}

void check_input(const InputOptions& o, const Config& config, Findings& found) {
  const std::string key = position_key("input", o.name);
  const auto url = parse_input_url(o.url);
  if (!url.ok()) found.add(key, "url", url.error().message);
  const bool is_serial = url.ok() && url->kind == InputUrl::Kind::kSerial;
  const bool has_baud = config.positions.contains(key + ".baud");
  if (url.ok() && !is_serial && has_baud) found.add(key, "baud", "is for url = \"serial:…\"");
  if (!is_serial_speed(o.baud)) {
    found.add(key, "baud", "is no speed of a serial port, such as 4800, 9600, 38400 or 115200");
  }
  const auto topic = TopicPattern::parse(o.topic);
  if (!topic.ok()) {
    found.add(key, "topic", topic.error().message);
  } else if (o.topic.find_first_of("{}+#") != std::string::npos) {
    found.add(key, "topic", "is what all its messages have: there is nothing to fill in");
  } else if (!is_taken(o, config)) {
    found.add(key, "topic", "no source with input = \"" + o.name + "\" has a topic that takes it");
  }
}

}  // namespace

void check_inputs(const Config& config, Findings& found) {
  for (const InputOptions& o : config.inputs) check_input(o, config, found);
}

void check_connection(const Config& config, const SourceOptions& s, Findings& found) {
  std::vector<std::string> mqtt, inputs;
  for (const MqttOptions& m : config.mqtt) mqtt.push_back(m.name);
  for (const InputOptions& i : config.inputs) inputs.push_back(i.name);
  if (!s.input.empty()) {
    found.known(s.name, "input", "input", s.input, inputs);
    if (!s.mqtt.empty()) found.add(s.name, "input", "its messages come by mqtt, as this says, too");
    if (s.is_answered) found.add(s.name, "input", "commands come by MQTT, which has their answers");
  } else if (!s.mqtt.empty()) {
    found.known(s.name, "mqtt", "connection", s.mqtt, mqtt);
  } else if (mqtt.size() > 1) {
    found.add(s.name, "mqtt", "there are several connections: name one");
  } else if (!inputs.empty()) {
    found.add(s.name, "input", "there is no [[mqtt]]: name an [[input]]");
  }
}

}  // namespace wayside
