// The visitor that reads tables of the file, and the walk over its sections.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <toml++/toml.h>

#include "base/text.h"
#include "config/check.h"
#include "config/describe.h"
#include "sensors/units.h"

namespace wayside {
namespace {

Position position_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

const char* type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

class Loader : public ConfigVisitor {
 public:
  Loader(const toml::table& table, std::string file, std::vector<ConfigError>& errors,
         Config& config)
      : table_(table),
        file_(std::move(file)),
        errors_(errors),
        positions_(config.positions),
        secrets_(config.secrets) {
    if (auto name = table["name"].value<std::string>()) block_ = *name;
  }

  void set_block(const std::string& section) {
    if (block_.empty()) block_ = section;
    block_ = position_key(section, block_);
    positions_.emplace(block_, position_of(table_.source()));
  }
  const std::string& block() const { return block_; }

  void text(const Key& key, std::string& value) override {
    const toml::node* node = find(key);
    if (!node || !take_text(key.name, *node, value)) return;
    if (key.required && value.empty()) wrong(key.name, *node, "is empty");
  }

  void texts(const Key& key, std::vector<std::string>& value) override {
    const toml::node* node = find(key);
    if (!node) return;
    value.clear();
    if (node->is_string()) {
      value.push_back(node->ref<std::string>());
      return;
    }
    const toml::array* array = node->as_array();
    if (!array) return wrong_type(key.name, *node, "a text or an array of texts");
    Position at = position_of(node->source());
    for (const toml::node& item : *array) {
      std::string text;
      if (take_text(key.name, item, text)) {
        value.push_back(std::move(text));
      } else {
        at = position_of(item.source());
      }
    }
    positions_[position_name(key.name)] = at;
  }

  void duration(const Key& key, int64_t& ms, int64_t min_ms) override {
    const toml::node* node = find(key);
    if (!node) return;
    auto text = node->value<std::string>();
    auto parsed = text ? parse_duration_ms(*text) : std::nullopt;
    if (!node->is_string() || !parsed) {
      return wrong(key.name, *node,
                   "expected a duration such as \"250ms\", \"5s\", \"10m\", \"2h\" or \"1d\"");
    }
    if (*parsed < min_ms)
      return wrong(key.name, *node, "must be at least " + format_duration(min_ms));
    ms = *parsed;
  }

  void duration_or_off(const Key& key, std::optional<int64_t>& ms) override {
    const toml::node* node = find(key);
    if (!node) return;
    if (node->value<std::string>() == "off") {
      ms.reset();
      return;
    }
    int64_t value = 0;
    duration(key, value, 0);
    ms = value;
  }

  void bytes(const Key& key, uint64_t& bytes, uint64_t min) override {
    const toml::node* node = find(key);
    if (!node) return;
    auto text = node->value<std::string>();
    auto parsed = text ? parse_bytes(*text) : std::nullopt;
    if (!node->is_string() || !parsed) {
      return wrong(key.name, *node, "expected a size such as \"64MiB\", \"16KiB\" or \"512B\"");
    }
    if (*parsed < min) return wrong(key.name, *node, "must be at least " + format_bytes(min));
    bytes = *parsed;
  }

  void integer(const Key& key, int64_t& value, int64_t min, int64_t max) override {
    const toml::node* node = find(key);
    if (!node) return;
    if (!node->is_integer()) return wrong_type(key.name, *node, "a whole number");
    const int64_t found = node->ref<int64_t>();
    if (found < min || found > max) {
      return wrong(key.name, *node,
                   "must be from " + std::to_string(min) + " to " + std::to_string(max));
    }
    value = found;
  }

  void number(const Key& key, double& value) override {
    if (const toml::node* node = find(key)) (void)take_number(key.name, *node, value);
  }

  void flag(const Key& key, bool& value) override {
    const toml::node* node = find(key);
    if (!node) return;
    if (!node->is_boolean()) return wrong_type(key.name, *node, "true or false");
    value = node->ref<bool>();
  }

  void choice(const Key& key, int& value, std::span<const Choice> choices) override {
    if (const toml::node* node = find(key)) take_choice(key.name, *node, value, choices);
  }

  void secret(const Key& key, std::string& value) override {
    const toml::node* node = find(key);
    if (!node) return;
    const toml::table* table = node->as_table();
    if (!table || table->size() != 1) {
      return wrong(key.name, *node,
                   "secrets do not stand in this file: { file = \"…\" }, { env = \"…\" } or "
                   "{ credential = \"…\" }");
    }
    take_secret(key.name, *table, value);
  }

  void items(const Key& key, std::vector<std::pair<std::string, std::string>>& value) override {
    const toml::node* node = find(key);
    if (!node) return;
    const toml::table* table = node->as_table();
    if (!table) return wrong_type(key.name, *node, "a table");
    value.clear();
    for (const auto& [name, item] : in_file_order(*table)) {
      std::string text;
      (void)take_text(std::string(key.name) + "." + name, *item, text);
      value.emplace_back(name, std::move(text));
    }
  }

  void settings(const Key& key, std::vector<Setting>& value) override {
    const toml::node* node = find(key);
    if (!node) return;
    const toml::table* table = node->as_table();
    if (!table) return wrong_type(key.name, *node, "a table");
    for (const auto& [name, item] : in_file_order(*table)) {
      const std::string place = std::string(key.name) + "." + name;
      std::string text;
      positions_[position_name(place)] = position_of(item->source());
      if (!item->is_table()) {
        (void)take_text(place, *item, text);
      } else if (item->as_table()->size() == 1) {
        secrets_.insert(position_name(place));
        take_secret(place, *item->as_table(), text);
      } else {
        wrong(place, *item,
              "a secret is { file = \"…\" }, { env = \"…\" } or { credential = \"…\" }");
      }
      value.emplace_back(name, std::move(text));
    }
  }

  void url(const Key& key, std::string& host, uint16_t& port) override {
    const toml::node* node = find(key);
    if (!node) return;
    std::string text;
    if (!take_text(key.name, *node, text)) return;
    constexpr std::string_view kScheme = "mqtt://";
    if (!std::string_view(text).starts_with(kScheme)) {
      return wrong(key.name, *node, "expected mqtt://HOST or mqtt://HOST:PORT");
    }
    text.erase(0, kScheme.size());
    const size_t colon = text.rfind(':');
    const bool has_port = colon != std::string::npos && text.find(']', colon) == std::string::npos;
    uint16_t number = has_port ? 0 : 1883;
    const char* end = text.c_str() + text.size();
    const bool good_port =
        !has_port ||
        (std::from_chars(text.c_str() + colon + 1, end, number).ptr == end && number > 0);
    host = text.substr(0, has_port ? colon : text.size());
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    if (host.empty() || host.find('/') != std::string::npos || !good_port) {
      return wrong(key.name, *node, "expected mqtt://HOST or mqtt://HOST:PORT");
    }
    port = number;
  }

  void time(const Key& key, std::string& path, TimeUnit& unit) override {
    const toml::node* node = find(key);
    if (!node) return;
    const toml::table* table = node->as_table();
    if (!table) return wrong_type(key.name, *node, "{ field = …, unit = … }");
    int number = static_cast<int>(unit);
    bool has_path = false;
    for (const auto& [name, item] : *table) {
      if (name == "field") {
        has_path = true;
        (void)take_text(key.name, item, path);
      } else if (name == "unit") {
        take_choice("unit", item, number, time_units());
      } else {
        unknown(name, {"field", "unit"});
      }
    }
    unit = static_cast<TimeUnit>(number);
    if (!has_path) wrong(key.name, *node, "'field' is missing");
  }

  void fields(const Key& key, std::vector<FieldOptions>& fields) override {
    const toml::node* node = find(key);
    if (!node) return;
    const toml::table* table = node->as_table();
    if (!table) return wrong_type(key.name, *node, "a table of fields");
    for (const auto& [name, item] : in_file_order(*table)) {
      const std::string place = position_name("fields." + name);
      const size_t before = errors_.size();
      positions_[place] = position_of(item->source());
      FieldOptions field;
      field.name = field.path = name;
      if (item->is_string()) {
        field.path = item->ref<std::string>();
      } else if (item->is_table()) {
        take_field(*item->as_table(), field);
      } else {
        wrong_type(name, *item, "a path or a table");
      }
      if (errors_.size() > before) positions_[place] = errors_.back().at;
      fields.push_back(std::move(field));
    }
  }

  // Whatever nobody asked for, then what is missing. A misspelt key stands for the one that it is
  // near to, so that one slip is told once.
  void finish() {
    for (const auto& [name, item] : table_) {
      if (std::find(known_.begin(), known_.end(), name.str()) != known_.end()) continue;
      unknown(name, known_);
      auto meant = nearest(name.str(), known_);
      if (!meant || table_.contains(*meant)) continue;
      positions_[position_name(*meant)] = position_of(name.source());
      std::erase_if(missing_, [&](const Key& key) { return key.name == *meant; });
    }
    for (const Key& key : missing_) {
      add(position_of(table_.source()), "'" + std::string(key.name) + "' is missing: " + key.help);
    }
  }

 private:
  const toml::node* find(const Key& key) {
    known_.emplace_back(key.name);
    const toml::node* node = table_.get(key.name);
    if (!node && !key.required) return nullptr;
    positions_[position_name(key.name)] = position_of(node ? node->source() : table_.source());
    if (!node) missing_.push_back(key);
    return node;
  }

  static std::vector<std::pair<std::string, const toml::node*>> in_file_order(
      const toml::table& table) {
    std::vector<std::pair<std::string, const toml::node*>> items;
    for (const auto& [name, item] : table) items.emplace_back(name.str(), &item);
    std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
      return a.second->source().begin < b.second->source().begin;
    });
    return items;
  }

  bool take_text(const std::string& name, const toml::node& node, std::string& value) {
    positions_[position_name(name)] = position_of(node.source());
    if (node.is_string()) {
      value = node.ref<std::string>();
    } else {
      wrong_type(name, node, "a text");
    }
    return node.is_string();
  }

  bool take_number(const std::string& name, const toml::node& node, double& value) {
    if (node.is_number()) {
      value = *node.value<double>();
    } else {
      wrong_type(name, node, "a number");
    }
    return node.is_number();
  }

  // Of { file = "…" }, { env = "…" } or { credential = "…" }.
  void take_secret(const std::string& name, const toml::table& table, std::string& value) {
    const auto item = table.begin();
    const std::string kind(item->first.str());
    const std::string where = item->second.value_or<std::string>("");
    if (kind == "env") {
      const char* found = std::getenv(where.c_str());
      if (!found) return wrong(name, table, "environment variable " + where + " is not set");
      value = found;
    } else if (kind == "file" || kind == "credential") {
      const char* dir = std::getenv("CREDENTIALS_DIRECTORY");
      if (kind == "credential" && !dir) {
        return wrong(name, table, "there are no credentials: $CREDENTIALS_DIRECTORY is not set");
      }
      const std::string path = kind == "file" ? where : std::string(dir) + "/" + where;
      std::ifstream in(path);
      if (!std::getline(in, value)) wrong(name, table, "cannot read " + path + ", or it is empty");
    } else {
      wrong(name, table, "unknown kind of secret '" + kind + "': file, env or credential");
    }
  }

  void take_choice(const std::string& name, const toml::node& node, int& value,
                   std::span<const Choice> choices) {
    auto text = node.value<std::string>();
    std::vector<std::string> names;
    for (const Choice& c : choices) {
      if (node.is_string() && *text == c.name) {
        value = c.value;
        return;
      }
      names.emplace_back(c.name);
    }
    std::string message = "expected ";
    for (size_t i = 0; i < names.size(); ++i) {
      message += (i == 0 ? "\"" : i + 1 == names.size() ? " or \"" : ", \"") + names[i] + "\"";
    }
    if (auto close = node.is_string() ? nearest(*text, names) : std::nullopt) {
      message += "; did you mean \"" + *close + "\"?";
    }
    wrong(name, node, message);
  }

  void take_field(const toml::table& table, FieldOptions& field) {
    const std::vector<std::string> keys{"path", "type", "unit", "min", "max"};
    for (const auto& [name, item] : table) {
      if (name == "path") {
        (void)take_text(field.name + ".path", item, field.path);
      } else if (name == "type") {
        int type = static_cast<int>(field.type);
        take_choice("type", item, type, field_types());
        field.type = static_cast<FieldType>(type);
      } else if (name == "unit") {
        take_unit(field, item);
      } else if (name == "min" || name == "max") {
        double limit = 0;
        if (!take_number(std::string(name.str()), item, limit)) continue;
        (name == "min" ? field.min : field.max) = limit;
      } else {
        unknown(name, keys);
      }
    }
    const bool ranged = field.min || field.max || field.scale != 1 || field.shift != 0;
    if (field.type != FieldType::kNumber && ranged) {
      add(position_of(table.source()),
          "field '" + field.name + "': unit, min and max are for numbers");
    }
  }

  void take_unit(FieldOptions& field, const toml::node& node) {
    std::vector<std::string> names;
    for (const Unit& u : units()) names.emplace_back(u.name);
    auto text = node.value<std::string>();
    const Unit* unit = node.is_string() ? find_unit(*text) : nullptr;
    if (unit) {
      field.scale = unit->scale;
      field.shift = unit->shift;
      return;
    }
    std::string message = "unknown unit";
    if (node.is_string()) message += " \"" + *text + "\"";
    if (auto close = node.is_string() ? nearest(*text, names) : std::nullopt) {
      message += "; did you mean \"" + *close + "\"?";
    } else {
      message += ": one of";
      for (const std::string& n : names) message += " " + n;
    }
    wrong(field.name, node, message);
  }

  std::string position_name(const std::string& key) const { return block_ + "." + key; }
  void add(Position at, std::string message) { errors_.push_back({file_, at, std::move(message)}); }
  void wrong(const std::string& name, const toml::node& node, const std::string& what) {
    add(position_of(node.source()), "'" + name + "': " + what);
  }
  void wrong_type(const std::string& name, const toml::node& node, const char* expected) {
    wrong(name, node, "expected " + std::string(expected) + ", found " + type_name(node));
  }
  void unknown(const toml::key& key, const std::vector<std::string>& known) {
    std::string message = "unknown key '" + std::string(key.str()) + "'";
    if (auto close = nearest(key.str(), known)) message += "; did you mean '" + *close + "'?";
    add(position_of(key.source()), std::move(message));
  }

  const toml::table& table_;
  std::string file_;
  std::vector<ConfigError>& errors_;
  std::map<std::string, Position>& positions_;
  std::set<std::string>& secrets_;
  std::string block_;
  std::vector<std::string> known_;
  std::vector<Key> missing_;
};

template <class Options>
void load_table(const toml::table& table, const char* section, const std::string& file,
                Options& options, Config& config, std::vector<ConfigError>& errors) {
  Loader loader(table, file, errors, config);
  loader.set_block(section);
  describe(loader, options);
  loader.finish();
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
    if (!options.name.empty()) continue;
    options.name = section;  // that it has none is told already
    config.positions[unread_key(section)] =
        config.positions[position_key(section, section) + ".name"];
  }
}

}  // namespace

std::optional<Config> parse_config(const std::string& text, const std::string& file,
                                   std::vector<ConfigError>& errors,
                                   const std::string& machine_id_path) {
  toml::table root;
  try {
    root = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    errors.push_back({file, position_of(error.source()), std::string(error.description())});
    return std::nullopt;
  }
  Config config;
  std::vector<std::string> sections;
  for_each_section(config, [&](const char* section, auto& options) {
    sections.emplace_back(section);
    if (const toml::node* node = root.get(section)) {
      load_section(*node, section, file, options, config, errors);
    }
  });
  for (const auto& [name, node] : root) {
    if (std::find(sections.begin(), sections.end(), name.str()) != sections.end()) continue;
    std::string message = "unknown section '" + std::string(name.str()) + "'";
    const auto close = nearest(name.str(), sections);
    if (close) message += "; did you mean '" + *close + "'?";
    errors.push_back({file, position_of(name.source()), std::move(message)});
    if (close && !root.contains(*close)) config.positions[unread_key(*close)] = errors.back().at;
  }
  std::string machine;
  std::ifstream(machine_id_path) >> machine;
  complete_config(config, machine);
  check_config(config, file, errors);
  std::stable_sort(errors.begin(), errors.end(), [](const ConfigError& a, const ConfigError& b) {
    return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
  });
  if (!errors.empty()) return std::nullopt;
  return config;
}

std::optional<Config> load_config(const std::string& path, std::vector<ConfigError>& errors) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || std::filesystem::is_directory(path)) {
    errors.push_back({path, {}, "cannot be read"});
    return std::nullopt;
  }
  return parse_config(text.str(), path, errors);
}

}  // namespace wayside
