// The configuration file as option structs. Only this folder knows TOML. A file that is wrong in
// any place yields all of its errors, each with its position, and no configuration.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/held_time.h"
#include "pipeline/command_options.h"
#include "pipeline/options.h"
#include "pipeline/pipeline.h"
#include "sensors/options.h"
#include "sensors/registry.h"
#include "storage/options.h"
#include "uplink/options.h"

namespace wayside {

struct GatewayOptions {
  std::string id;  // default: made from the machine id
  std::string state_dir = "/var/lib/wayside";
  std::string log_level = "info";
  uint64_t queue_bytes = 4 << 20;  // messages that wait to be decoded
};

// A read-only server on this machine, off without `listen`.
struct HttpOptions {
  std::string listen;  // ADDRESS:PORT
  uint32_t max_rows = 1'000;
  uint64_t max_answer_bytes = 4 << 20;
  int64_t query_time_ms = 5'000;
  uint64_t query_memory_bytes = 16 << 20;
  uint32_t connections = 16;
  uint64_t request_bytes = 16 << 10;
  int64_t timeout_ms = 10'000;
};

// Where devices are known from, beside [[device]].
struct RegistryOptions {
  std::string file;  // CSV; empty: none
  uint32_t max_devices = 10'000;
};

struct Position {
  uint32_t line = 0;
  uint32_t column = 0;  // 0: of a table, whose lines have columns of another kind
};

struct ConfigError {
  std::string file;
  Position at;
  std::string message;
  std::string to_text() const;  // "file:line:column: message"; what is 0 is left out
};

struct Config {
  GatewayOptions gateway;
  StorageOptions storage;
  EngineOptions engine;
  ClockOptions clock;
  HttpOptions http;
  RegistryOptions registry;
  std::vector<DeviceOptions> devices;               // those of this file
  std::shared_ptr<const Registry> known_devices{};  // all; null: they could not be read
  std::vector<MqttOptions> mqtt;
  std::vector<InputOptions> inputs;
  std::vector<SourceOptions> sources;  // those of commands, too
  std::vector<WindowOptions> windows;
  std::vector<RuleOptions> rules;
  std::vector<DetectorOptions> detectors;
  std::vector<JoinOptions> joins;
  std::vector<PatternOptions> patterns;
  std::vector<UplinkOptions> uplinks;
  std::vector<MapOptions> maps;
  std::vector<RouteOptions> routes;
  std::vector<StateOptions> states;
  std::vector<OrderOptions> orders;
  std::vector<LookupOptions> lookups;
  std::vector<ViewOptions> views;
  std::vector<CommandOptions> commands;

  // Where "block.key" stands in the file; "block" alone is the block itself (see position_key).
  std::map<std::string, Position> positions;
  std::set<std::string> secrets;  // of them, whose values no error may repeat

  PipelineOptions pipeline_options() const;
  // Those of MQTT, then the other inputs.
  std::vector<std::string> connection_names() const;
};

// Blocks that readings pass share one space of names, connections, uplinks and devices have one
// each: those are kept apart in `positions` by a prefix.
std::string position_key(const std::string& section, const std::string& name);

// Reads and checks a file: syntax, keys, types, references between blocks, expressions.
// A gateway without an id gets one from the machine id.
constexpr const char* kMachineId = "/etc/machine-id";
// Who only asks a running gateway, or looks at what it holds, leaves the registry of devices alone.
enum class Devices { kRead, kLeft };
std::optional<Config> load_config(const std::string& path, std::vector<ConfigError>& errors,
                                  Devices devices = Devices::kRead);
std::optional<Config> parse_config(const std::string& text, const std::string& file,
                                   std::vector<ConfigError>& errors,
                                   const std::string& machine_id_path = kMachineId,
                                   Devices devices = Devices::kRead);

// Every key with its default and its meaning, as a file that loads.
std::string sample_config();

}  // namespace wayside
