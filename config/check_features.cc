#include "config/check_features.h"

namespace wayside {
namespace {

std::string absent(const std::string& what, const std::string& option) {
  return "this build has no " + what + ": " + option + " was off";
}

struct Section {
  std::string_view name;
  const char* of_many;
  const char* option;
  bool Features::*is_built;
};
constexpr Section kSections[] = {
    {"input", "inputs beside MQTT", "WAYSIDE_INPUTS", &Features::inputs},
    {"state", "states", "WAYSIDE_BLOCKS", &Features::blocks},
    {"order", "orders", "WAYSIDE_BLOCKS", &Features::blocks},
    {"lookup", "look-ups", "WAYSIDE_BLOCKS", &Features::blocks},
    {"detector", "detectors", "WAYSIDE_BLOCKS", &Features::blocks},
    {"join", "joins", "WAYSIDE_BLOCKS", &Features::blocks},
    {"pattern", "patterns", "WAYSIDE_BLOCKS", &Features::blocks},
    {"command", "commands", "WAYSIDE_COMMANDS", &Features::commands},
    {"view", "views", "WAYSIDE_COMMANDS", &Features::commands},
};

}  // namespace

std::string absent_section(std::string_view section, const Features& built) {
  for (const Section& s : kSections) {
    if (s.name == section && !(built.*s.is_built)) return absent(s.of_many, s.option);
  }
  return {};
}

void check_features(const Config& config, Findings& found, const Features& built) {
  if (!built.http && !config.http.listen.empty()) {
    found.add("http", "listen", absent("HTTP", "WAYSIDE_HTTP"));
  }
  for (const UplinkOptions& u : config.uplinks) {
    if (built.kafka || u.type != UplinkType::kKafka) continue;
    found.add(position_key("uplink", u.name), "type", absent("Kafka", "WAYSIDE_KAFKA"));
  }
  for (const SourceOptions& s : config.sources) {
    if (built.formats || s.format == PayloadFormat::kJson) continue;
    found.add(s.name, "format", absent("format but \"json\"", "WAYSIDE_FORMATS"));
  }
}

}  // namespace wayside
