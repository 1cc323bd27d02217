#include "config/table_reader.h"

#include <algorithm>

#include "base/text.h"
#include "config/values.h"

namespace wayside {
namespace {

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

}  // namespace

Position position_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

std::vector<std::pair<std::string, const toml::node*>> in_file_order(const toml::table& table) {
  std::vector<std::pair<std::string, const toml::node*>> items;
  for (const auto& [name, item] : table) items.emplace_back(name.str(), &item);
  std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
    return a.second->source().begin < b.second->source().begin;
  });
  return items;
}

TableReader::TableReader(const toml::table& table, const std::string& section, std::string file,
                         std::vector<ConfigError>& errors, Config& config)
    : table_(table),
      file_(std::move(file)),
      errors_(errors),
      positions_(config.positions),
      secrets_(config.secrets) {
  const auto name = table[section == "device" ? "id" : "name"].value_or<std::string>("");
  block_ = position_key(section, name.empty() ? section : name);
  positions_.emplace(block_, position_of(table_.source()));
}

void TableReader::text(const Key& key, std::string& value) {
  const toml::node* node = find(key);
  if (!node || !take_text(key.name, *node, value)) return;
  if (key.required && value.empty()) wrong(key.name, *node, "is empty");
}

void TableReader::texts(const Key& key, std::vector<std::string>& value) {
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

void TableReader::duration(const Key& key, int64_t& ms, int64_t min_ms) {
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

void TableReader::duration_or_off(const Key& key, std::optional<int64_t>& ms) {
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

void TableReader::bytes(const Key& key, uint64_t& bytes, uint64_t min) {
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

void TableReader::integer(const Key& key, int64_t& value, int64_t min, int64_t max) {
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

void TableReader::count_or_duration(const Key& key, uint32_t& count, int64_t& ms, uint32_t most) {
  const toml::node* node = table_.get(key.name);
  if (node && node->is_string()) return duration(key, ms, 1);
  if (node && !node->is_integer()) {
    return wrong_type(key.name, *find(key), "a whole number, or a duration such as \"10s\"");
  }
  int64_t whole = count;
  integer(key, whole, 0, most);
  count = static_cast<uint32_t>(whole);
}

void TableReader::number(const Key& key, double& value) {
  if (const toml::node* node = find(key)) (void)take_number(key.name, *node, value);
}

void TableReader::flag(const Key& key, bool& value) {
  const toml::node* node = find(key);
  if (!node) return;
  if (!node->is_boolean()) return wrong_type(key.name, *node, "true or false");
  value = node->ref<bool>();
}

void TableReader::choice(const Key& key, int& value, std::span<const Choice> choices) {
  if (const toml::node* node = find(key)) take_choice(key.name, *node, value, choices);
}

void TableReader::secret(const Key& key, std::string& value) {
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

void TableReader::items(const Key& key, std::vector<std::pair<std::string, std::string>>& value) {
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

void TableReader::settings(const Key& key, std::vector<Setting>& value) {
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

void TableReader::url(const Key& key, MqttOptions& o) {
  const toml::node* node = find(key);
  if (!node) return;
  std::string text;
  if (!take_text(key.name, *node, text)) return;
  auto address = parse_broker_url(text);
  if (!address.ok()) return wrong(key.name, *node, address.error().message);
  o.host = address->host;
  o.port = address->port;
  o.tls.on = address->tls;
}

void TableReader::finish() {
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

const toml::node* TableReader::find(const Key& key) {
  known_.emplace_back(key.name);
  const toml::node* node = table_.get(key.name);
  if (!node && !key.required) return nullptr;
  positions_[position_name(key.name)] = position_of(node ? node->source() : table_.source());
  if (!node) missing_.push_back(key);
  return node;
}

bool TableReader::take_text(const std::string& name, const toml::node& node, std::string& value) {
  positions_[position_name(name)] = position_of(node.source());
  if (node.is_string()) {
    value = node.ref<std::string>();
  } else {
    wrong_type(name, node, "a text");
  }
  return node.is_string();
}

bool TableReader::take_number(const std::string& name, const toml::node& node, double& value) {
  if (node.is_number()) {
    value = *node.value<double>();
  } else {
    wrong_type(name, node, "a number");
  }
  return node.is_number();
}

void TableReader::take_secret(const std::string& name, const toml::table& table,
                              std::string& value) {
  const auto item = table.begin();
  auto secret = read_secret(std::string(item->first.str()), item->second.value_or<std::string>(""));
  if (!secret.ok()) return wrong(name, table, secret.error().message);
  value = std::move(*secret);
}

void TableReader::take_choice(const std::string& name, const toml::node& node, int& value,
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

void TableReader::wrong(const std::string& name, const toml::node& node, const std::string& what) {
  add(position_of(node.source()), "'" + name + "': " + what);
}

void TableReader::wrong_type(const std::string& name, const toml::node& node,
                             const char* expected) {
  wrong(name, node, "expected " + std::string(expected) + ", found " + type_name(node));
}

void TableReader::unknown(const toml::key& key, const std::vector<std::string>& known) {
  std::string message = "unknown key '" + std::string(key.str()) + "'";
  if (auto close = nearest(key.str(), known)) message += "; did you mean '" + *close + "'?";
  add(position_of(key.source()), std::move(message));
}

}  // namespace wayside
