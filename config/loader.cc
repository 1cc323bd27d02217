// The walk over the sections of the file.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

#include "base/text.h"
#include "config/check.h"
#include "config/check_features.h"
#include "config/describe.h"
#include "config/know_devices.h"
#include "config/preset.h"
#include "config/table_reader.h"

namespace wayside {
namespace {

template <class Options>
void load_table(const toml::table& table, const char* section, const std::string& file,
                Options& options, Config& config, std::vector<ConfigError>& errors) {
  TableReader reader(table, section, file, errors, config);
  describe(reader, options);
  reader.finish();
  // What a preset says stands nowhere in the file: it is told where the preset is named.
  const toml::node* format = table.get("format");
  if (!format) return;
  for (auto& [key, at] : config.positions) {
    if (at.line == 0) at = position_of(format->source());
  }
}

template <class Options>
void load_section(const toml::node& node, const char* section, const std::string& file,
                  Options& options, Config& config, std::vector<ConfigError>& errors) {
  if (const toml::table* table = node.as_table()) {
    return load_table(*table, section, file, options, config, errors);
  }
  errors.push_back(
      {file, position_of(node.source()), "expected a table: [" + std::string(section) + "]"});
}

template <class Options>
std::string& name_of(Options& options) {
  return options.name;
}
[[maybe_unused]] std::string& name_of(DeviceOptions& device) { return device.id; }

template <class Options>
void load_section(const toml::node& node, const char* section, const std::string& file,
                  std::vector<Options>& list, Config& config, std::vector<ConfigError>& errors) {
  const toml::array* array = node.as_array();
  if (!array || !array->is_homogeneous<toml::table>()) {
    errors.push_back({file, position_of(node.source()),
                      "expected an array of tables: [[" + std::string(section) + "]]"});
    config.positions[unread_key(section)] = errors.back().at;
    return;
  }
  for (const toml::node& item : *array) {
    Options& options = list.emplace_back();
    load_table(*item.as_table(), section, file, options, config, errors);
    if (!name_of(options).empty()) continue;
    name_of(options) = section;  // that it has none is told already
    config.positions[unread_key(section)] =
        config.positions[position_key(section, section) + ".name"];
  }
}

// A source whose preset is not there is told, and left out.
void write_out_presets(toml::table& root, const std::string& file, Config& config,
                       std::vector<ConfigError>& errors) {
  toml::array* sources = root["source"].as_array();
  if (!sources) return;
  for (auto item = sources->begin(); item != sources->end();) {
    toml::table* source = item->as_table();
    const std::string wrong = source ? write_out_preset(*source) : "";
    if (wrong.empty()) {
      ++item;
      continue;
    }
    errors.push_back({file, position_of(source->get("format")->source()), wrong});
    config.positions[unread_key("source")] = errors.back().at;
    item = sources->erase(item);
  }
  if (sources->empty() && config.positions.contains(unread_key("source"))) root.erase("source");
}

}  // namespace

std::optional<Config> parse_config(const std::string& text, const std::string& file,
                                   std::vector<ConfigError>& errors,
                                   const std::string& machine_id_path, Devices devices) {
  toml::table root;
  try {
    root = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    errors.push_back({file, position_of(error.source()), std::string(error.description())});
    return std::nullopt;
  }
  Config config;
  std::vector<std::string> sections;
  write_out_presets(root, file, config, errors);
  for_each_section(config, [&](const char* section, auto& options) {
    sections.emplace_back(section);
    if (const toml::node* node = root.get(section)) {
      load_section(*node, section, file, options, config, errors);
    }
  });
  for (const auto& [name, node] : root) {
    if (std::find(sections.begin(), sections.end(), name.str()) != sections.end()) continue;
    if (const std::string absent = absent_section(name.str()); !absent.empty()) {
      errors.push_back({file, position_of(name.source()), absent});
      config.positions[unread_key(std::string(name.str()))] = errors.back().at;
      continue;
    }
    std::string message = "unknown section '" + std::string(name.str()) + "'";
    const auto close = nearest(name.str(), sections);
    if (close) message += "; did you mean '" + *close + "'?";
    errors.push_back({file, position_of(name.source()), std::move(message)});
    if (close && !root.contains(*close)) config.positions[unread_key(*close)] = errors.back().at;
  }
  std::string machine;
  std::ifstream(machine_id_path) >> machine;
  complete_config(config, machine);
  know_devices(config, file, devices, errors);
  check_config(config, file, errors);
  const auto place = [&](const ConfigError& e) {
    return std::tuple(e.file != file, e.at.line, e.at.column);
  };
  std::stable_sort(errors.begin(), errors.end(),
                   [&](const ConfigError& a, const ConfigError& b) { return place(a) < place(b); });
  if (!errors.empty()) return std::nullopt;
  return config;
}

std::optional<Config> load_config(const std::string& path, std::vector<ConfigError>& errors,
                                  Devices devices) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || std::filesystem::is_directory(path)) {
    errors.push_back({path, {}, "cannot be read"});
    return std::nullopt;
  }
  return parse_config(text.str(), path, errors, kMachineId, devices);
}

}  // namespace wayside
