#include "config/preset.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/features.h"
#include "base/text.h"

namespace wayside {
namespace {

std::string unknown(const std::string& name) {
  std::vector<std::string> names;
  for (const Preset& p : presets()) names.emplace_back(p.name);
  std::string message = "'format': there is no preset '" + name + "'";
  if (const auto near = nearest(name, names)) return message + "; did you mean '" + *near + "'?";
  message += ": one of";
  for (const std::string& n : names) message += " " + n;
  return message;
}

// "" where it has none.
std::string path_of(const toml::node& field) {
  if (field.is_string()) return field.ref<std::string>();
  const toml::table* table = field.as_table();
  return table ? (*table)["path"].value_or<std::string>("") : "";
}

// What the source reads by itself, as fields and as its time.
std::set<std::string> own_paths(const toml::table& source) {
  std::set<std::string> paths{source["time"]["field"].value_or<std::string>("")};
  const toml::table* fields = source["fields"].as_table();
  if (!fields) return paths;
  for (const auto& [name, field] : *fields) paths.insert(path_of(field));
  return paths;
}

// A level that the source's own topic does not have is not compared with.
void forget_equals(const toml::table& source, toml::node& field) {
  const auto topic = source["topic"].value<std::string>();
  toml::table* table = field.as_table();
  const auto level = table ? (*table)["equals"].value<std::string>() : std::nullopt;
  if (topic && level && topic->find('{' + *level + '}') == topic->npos) table->erase("equals");
}

// Its own ones stay as they are, in name and in path.
void add_fields(const toml::table& from, toml::table& source) {
  const std::set<std::string> paths = own_paths(source);
  source.insert("fields", toml::table{});
  toml::table* fields = source["fields"].as_table();
  if (!fields) return;  // which is told where it is read
  for (const auto& [name, field] : from) {
    if (paths.contains(path_of(field))) continue;
    if (const auto [added, is_new] = fields->insert(name, field); is_new) {
      forget_equals(source, added->second);
    }
  }
}

}  // namespace

std::string write_out_preset(toml::table& source) {
  toml::value<std::string>* format = source["format"].as_string();
  const std::string_view prefix = kPresetPrefix;
  if (!format || !format->get().starts_with(prefix)) return {};
  if (!kHasFormats) return "'format': this build has no presets: WAYSIDE_FORMATS was off";
  const std::string name = format->get().substr(prefix.size());
  const auto all = presets();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Preset& p) { return p.name == name; });
  if (found == all.end()) return unknown(name);
  const toml::table preset = toml::parse(found->toml);
  *format = "json";
  add_fields(*preset["fields"].as_table(), source);
  for (const auto& [key, value] : preset) source.insert(key, value);
  return {};
}

}  // namespace wayside
