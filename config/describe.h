// What each block of the file may hold, said once. A visitor either reads a table of the file into
// the structs, or writes the structs as a sample.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/features.h"
#include "config/config.h"

namespace wayside {

class ConfigVisitor {
 public:
  struct Key {
    const char* name;
    const char* help;
    const char* sample = nullptr;  // for the sample, where there is no default that shows the form
    bool required = false;
  };
  struct Choice {
    const char* name;
    int value;
  };

  using Setting = std::pair<std::string, std::string>;

  virtual ~ConfigVisitor() = default;
  virtual void text(const Key& key, std::string& value) = 0;
  virtual void texts(const Key& key, std::vector<std::string>& value) = 0;
  virtual void duration(const Key& key, int64_t& ms, int64_t min_ms) = 0;
  virtual void duration_or_off(const Key& key, std::optional<int64_t>& ms) = 0;
  virtual void bytes(const Key& key, uint64_t& bytes, uint64_t min) = 0;
  virtual void integer(const Key& key, int64_t& value, int64_t min, int64_t max) = 0;
  // Either a whole number up to `most` or a duration; the other one is 0.
  virtual void count_or_duration(const Key& key, uint32_t& count, int64_t& ms, uint32_t most) = 0;
  virtual void number(const Key& key, double& value) = 0;
  virtual void flag(const Key& key, bool& value) = 0;
  virtual void choice(const Key& key, int& value, std::span<const Choice> choices) = 0;
  virtual void secret(const Key& key, std::string& value) = 0;
  virtual void items(const Key& key, std::vector<std::pair<std::string, std::string>>& value) = 0;
  virtual void settings(const Key& key, std::vector<Setting>& value) = 0;  // texts or secrets
  virtual void url(const Key& key, MqttOptions& o) = 0;  // host, port, and whether it has TLS
  virtual void time(const Key& key, std::string& path, TimeForm& form) = 0;
  virtual void fields(const Key& key, std::vector<FieldOptions>& fields) = 0;
  virtual void position(const Key& key, PositionOptions& position) = 0;
  virtual void calibrations(const Key& key,
                            std::vector<std::pair<std::string, Calibration>>& by_field) = 0;
  virtual void steps(const Key& key, std::vector<PatternStep>& steps) = 0;
};

void describe(ConfigVisitor& v, GatewayOptions& o);
void describe(ConfigVisitor& v, StorageOptions& o);
void describe(ConfigVisitor& v, EngineOptions& o);
void describe(ConfigVisitor& v, ClockOptions& o);
void describe(ConfigVisitor& v, HttpOptions& o);
void describe(ConfigVisitor& v, MqttOptions& o);
void describe(ConfigVisitor& v, InputOptions& o);
void describe(ConfigVisitor& v, SourceOptions& o);
void describe(ConfigVisitor& v, FieldCleaning& o);    // beside the other keys of a field
void describe(ConfigVisitor& v, PositionOptions& o);  // the table `position`
void describe(ConfigVisitor& v, RegistryOptions& o);
void describe(ConfigVisitor& v, DeviceOptions& o);
void describe(ConfigVisitor& v, Calibration& o);  // of a field, in the table `calibrate`
void describe(ConfigVisitor& v, WindowOptions& o);
void describe(ConfigVisitor& v, RuleOptions& o);
void describe(ConfigVisitor& v, DetectorOptions& o);
void describe(ConfigVisitor& v, JoinOptions& o);
void describe(ConfigVisitor& v, PatternStep& o);  // an element of `steps`
void describe(ConfigVisitor& v, PatternOptions& o);
void describe(ConfigVisitor& v, UplinkOptions& o);
void describe(ConfigVisitor& v, MapOptions& o);
void describe(ConfigVisitor& v, RouteOptions& o);
void describe(ConfigVisitor& v, StateOptions& o);
void describe(ConfigVisitor& v, OrderOptions& o);
void describe(ConfigVisitor& v, LookupOptions& o);
void describe(ConfigVisitor& v, ViewOptions& o);
void describe(ConfigVisitor& v, CommandOptions& o);

// The sections of a file that this build knows, in the order of a sample. `repeated`: an array of
// tables, [[name]].
template <class Section>
void for_each_section(Config& c, Section section) {
  section("gateway", c.gateway);
  section("storage", c.storage);
  section("engine", c.engine);
  section("clock", c.clock);
  section("http", c.http);
  section("mqtt", c.mqtt);
  if constexpr (kHasInputs) section("input", c.inputs);
  section("source", c.sources);
  if constexpr (kHasCommands) section("command", c.commands);
  if constexpr (kHasDevices) {
    section("registry", c.registry);
    section("device", c.devices);
  }
  section("window", c.windows);
  section("map", c.maps);
  section("route", c.routes);
  if constexpr (kHasBlocks) {
    section("state", c.states);
    section("order", c.orders);
    section("lookup", c.lookups);
  }
  section("rule", c.rules);
  if constexpr (kHasBlocks) {
    section("detector", c.detectors);
    section("join", c.joins);
    section("pattern", c.patterns);
  }
  if constexpr (kHasCommands) section("view", c.views);
  section("uplink", c.uplinks);
}

std::span<const ConfigVisitor::Choice> time_units();
std::span<const ConfigVisitor::Choice> field_types();  // those of FieldType, and:
constexpr int kJsonField = 3;                          // a text that holds JSON

}  // namespace wayside
