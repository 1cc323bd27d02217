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
    {"registry", "registry of devices", "WAYSIDE_DEVICES", &Features::devices},
    {"device", "registry of devices", "WAYSIDE_DEVICES", &Features::devices},
    {"command", "commands", "WAYSIDE_COMMANDS", &Features::commands},
    {"view", "views", "WAYSIDE_COMMANDS", &Features::commands},
};

// Keys of a source that need WAYSIDE_DEVICES.
void check_device_keys(const SourceOptions& s, Findings& found) {
  const std::string no_cleaning = absent("cleaning but by ranges", "WAYSIDE_DEVICES");
  for (const FieldOptions& f : s.fields) {
    if (f.cleaning.is_on()) found.add(s.name, "fields." + f.name, no_cleaning);
  }
  if (s.position.is_set()) found.add(s.name, "position", no_cleaning);
  const std::string no_registry = absent("registry of devices", "WAYSIDE_DEVICES");
  if (s.known_only) found.add(s.name, "known_only", no_registry);
  if (!s.attributes.empty()) found.add(s.name, "attributes", no_registry);
}

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
    if (!built.formats && s.format != PayloadFormat::kJson) {
      found.add(s.name, "format", absent("format but \"json\"", "WAYSIDE_FORMATS"));
    }
    if (!built.devices) check_device_keys(s, found);
  }
}

}  // namespace wayside
