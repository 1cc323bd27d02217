#include "config/check_inputs.h"

#include <algorithm>

#include "base/features.h"
#include "sensors/device.h"
#include "sensors/input_url.h"
#include "sensors/topic.h"

namespace wayside {
namespace {

// What may stand behind "Bearer ".
bool is_good_secret(const std::string& token) {
  return std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

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

using Kind = InputUrl::Kind;
constexpr uint32_t kRegisters = 65'536;
constexpr uint64_t kHeaderMax = 64 << 10;

constexpr uint32_t bit(Kind kind) { return 1U << static_cast<uint32_t>(kind); }
constexpr uint32_t kStreams =
    bit(Kind::kTcp) | bit(Kind::kGpsd) | bit(Kind::kSerial) | bit(Kind::kFile);
constexpr uint32_t kOutputs = bit(Kind::kHttpPoll) | bit(Kind::kExec);
constexpr uint32_t kPolled = kOutputs | bit(Kind::kModbus);
constexpr uint32_t kWithHttp = bit(Kind::kHttp) | bit(Kind::kHttpPoll);

// What says nothing where it is given is told, unless it is the default anyway.
void check_belongs(const std::string& key, const InputOptions& o, Kind kind, Findings& found) {
  const InputOptions by_default;
  struct Row {
    const char* item;
    bool is_given;
    uint32_t kinds;
    const char* names;
  };
  const Row rows[] = {
      {"baud", o.baud != by_default.baud, bit(Kind::kSerial), "serial:…"},
      {"timeout", o.timeout_ms != by_default.timeout_ms, kPolled | bit(Kind::kHttp),
       "http://…, http-poll://…, modbus://… or exec:…"},
      {"token", !o.token.empty(), kWithHttp, "http://… or http-poll://…"},
      {"async", o.async, bit(Kind::kHttp), "http://…"},
      {"connections", o.connections != by_default.connections, bit(Kind::kHttp), "http://…"},
      {"max_header", o.max_header_bytes != by_default.max_header_bytes, kWithHttp,
       "http://… or http-poll://…"},
      {"every", o.every_ms != by_default.every_ms, kPolled, "http-poll://…, modbus://… or exec:…"},
      {"max_output", o.max_output_bytes != by_default.max_output_bytes, kOutputs,
       "http-poll://… or exec:…"},
      {"args", !o.args.empty(), bit(Kind::kExec), "exec:…"},
      {"unit_id", o.unit_id != by_default.unit_id, bit(Kind::kModbus), "modbus://…"},
      {"function", o.function != by_default.function, bit(Kind::kModbus), "modbus://…"},
      {"address", o.address != by_default.address, bit(Kind::kModbus), "modbus://…"},
      {"count", o.count != by_default.count, bit(Kind::kModbus), "modbus://…"},
  };
  for (const Row& row : rows) {
    if (!row.is_given || (row.kinds & bit(kind)) != 0) continue;
    found.add(key, row.item, std::string("is for url = \"") + row.names + "\"");
  }
}

void check_split(const std::string& key, const InputOptions& o, Kind kind, Findings& found) {
  if (o.split == Split::kBurst && (kStreams & bit(kind)) == 0) {
    found.add(key, "split", "a burst needs what comes by itself: serial, tcp, gpsd or file");
  } else if (o.split == Split::kAll && (kStreams & bit(kind)) != 0) {
    found.add(key, "split", "\"all\" needs an end: here it is \"line\" or \"burst\"");
  }
}

void check_url(const std::string& key, const InputOptions& o, const InputUrl& url,
               Findings& found) {
  check_belongs(key, o, url.kind, found);
  check_split(key, o, url.kind, found);
  if (!kHasHttp && (kWithHttp & bit(url.kind)) != 0) {
    found.add(key, "url", "this build has no HTTP: WAYSIDE_HTTP was off");
  }
  if (url.kind == Kind::kModbus && o.address + o.count > kRegisters) {
    found.add(key, "count", "goes beyond register 65535");
  }
  if (o.max_header_bytes > kHeaderMax) found.add(key, "max_header", "must be at most 64KiB");
  if (o.topic.empty() && url.kind != Kind::kHttp) {
    found.add(key, "topic", "is missing: sources know its messages by it");
  }
  if (!is_good_secret(o.token)) {
    found.add(key, "token", "has characters that a header cannot have");
  }
}

void check_topic(const std::string& key, const InputOptions& o, const Config& config,
                 Findings& found) {
  const auto topic = TopicPattern::parse(o.topic);
  if (!topic.ok()) {
    found.add(key, "topic", topic.error().message);
  } else if (o.topic.find_first_of("{}+#") != std::string::npos) {
    found.add(key, "topic", "is what all its messages have: there is nothing to fill in");
  } else if (!is_taken(o, config)) {
    found.add(key, "topic", "no source with input = \"" + o.name + "\" has a topic that takes it");
  }
}

void check_input(const InputOptions& o, const Config& config, Findings& found) {
  const std::string key = position_key("input", o.name);
  const auto url = parse_input_url(o.url);
  if (url.ok()) {
    check_url(key, o, *url, found);
  } else {
    found.add(key, "url", url.error().message);
  }
  if (!is_serial_speed(o.baud)) {
    found.add(key, "baud", "is no speed of a serial port, such as 4800, 9600, 38400 or 115200");
  }
  if (!o.topic.empty()) check_topic(key, o, config, found);
}

}  // namespace

void complete_inputs(Config& config) {
  for (InputOptions& o : config.inputs) {
    const auto url = parse_input_url(o.url);
    const bool is_said = config.positions.contains(position_key("input", o.name) + ".split");
    if (!url.ok() || is_said) continue;
    if ((kWithHttp & bit(url->kind)) != 0) o.split = Split::kAll;
  }
}

bool has_output(const InputOptions& options) {
  const auto url = parse_input_url(options.url);
  return url.ok() && (kOutputs & bit(url->kind)) != 0;
}

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
