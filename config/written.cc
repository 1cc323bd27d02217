#include "config/written.h"

#include <set>
#include <string_view>
#include <type_traits>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "config/describe.h"
#include "pipeline/cause.h"
#include "sensors/units.h"

namespace wayside {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;  // key, value in TOML

std::string number_text(double number) {
  std::string out;
  append_json_number(out, number);
  return out;
}

// Secrets are never written.
class Writer : public ConfigVisitor {
 public:
  explicit Writer(Lines& lines) : lines_(lines) {}

  void text(const Key& key, std::string& value) override { add(key, json_string(value)); }
  void texts(const Key& key, std::vector<std::string>& value) override {
    add(key, "[" + joined(value, json_string) + "]");
  }
  void duration(const Key& key, int64_t& ms, int64_t) override {
    add(key, json_string(format_duration(ms)));
  }
  void duration_or_off(const Key& key, std::optional<int64_t>& ms) override {
    add(key, json_string(ms ? format_duration(*ms) : "off"));
  }
  void bytes(const Key& key, uint64_t& bytes, uint64_t) override {
    add(key, json_string(format_bytes(bytes)));
  }
  void integer(const Key& key, int64_t& value, int64_t, int64_t) override {
    add(key, std::to_string(value));
  }
  void count_or_duration(const Key& key, uint32_t& count, int64_t& ms, uint32_t) override {
    add(key, ms > 0 ? json_string(format_duration(ms)) : std::to_string(count));
  }
  void number(const Key& key, double& value) override { add(key, number_text(value)); }
  void flag(const Key& key, bool& value) override { add(key, value ? "true" : "false"); }
  void choice(const Key& key, int& value, std::span<const Choice> choices) override {
    for (const Choice& c : choices) {
      if (c.value == value) add(key, json_string(c.name));
    }
  }
  void secret(const Key&, std::string&) override {}
  void items(const Key& key, std::vector<std::pair<std::string, std::string>>& value) override {
    add(key, table(value));
  }
  void settings(const Key&, std::vector<Setting>&) override {}
  void url(const Key& key, MqttOptions& o) override {
    const bool is_v6 = o.host.find(':') != std::string::npos;
    const std::string host = is_v6 ? "[" + o.host + "]" : o.host;
    const char* scheme = o.tls.on ? "mqtts://" : "mqtt://";
    add(key, json_string(scheme + host + ":" + std::to_string(o.port)));
  }
  void time(const Key& key, std::string& path, TimeForm& form) override {
    std::string unit = form.pattern;
    for (const Choice& c : time_units()) {
      if (c.value == static_cast<int>(form.unit)) unit = c.name;
    }
    Lines lines{{"field", json_string(path)}, {"unit", json_string(unit)}};
    if (!form.zone.empty()) lines.emplace_back("zone", json_string(form.zone));
    if (!form.of_day.empty()) lines.emplace_back("of_day", json_string(form.of_day));
    add(key, inline_table(lines));
  }
  void fields(const Key& key, std::vector<FieldOptions>& fields) override {
    add(key, "{ " + joined(fields, field_text) + " }");
  }
  void position(const Key& key, PositionOptions& position) override {
    add(key, inline_table(lines_of(position)));
  }
  void calibrations(const Key& key,
                    std::vector<std::pair<std::string, Calibration>>& by_field) override {
    add(key, "{ " + joined(by_field, [](const auto& item) {
               return item.first + " = " + inline_table(lines_of(item.second));
             }) + " }");
  }
  void steps(const Key& key, std::vector<PatternStep>& steps) override {
    add(key, "[" + joined(steps, step_text) + "]");
  }

  // A block that stands within another: those of its keys that are not as by default.
  template <class Options>
  static Lines lines_of(Options options) {
    Options defaults;
    Lines all, known, told;
    Writer writer(all), of_defaults(known);
    describe(writer, options);
    describe(of_defaults, defaults);
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i] != known[i]) told.push_back(all[i]);
    }
    return told;
  }

  // All of its keys that have a value, but for its fields.
  template <class Options>
  static Lines all_lines_of(Options options) {
    Lines all;
    Writer writer(all);
    describe(writer, options);
    const std::set<std::string> nothing{"\"\"", "[]", "{  }"};
    std::erase_if(all, [&](const auto& line) {
      return line.first == "fields" || nothing.contains(line.second) ||
             line.second.starts_with("{ field = \"\"");
    });
    return all;
  }

  static std::string field_text(const FieldOptions& field);

 private:
  template <class Items, class ToText>
  static std::string joined(const Items& items, ToText to_text) {
    std::string all;
    for (const auto& item : items) all += (all.empty() ? "" : ", ") + to_text(item);
    return all;
  }
  static std::string table(const Lines& items) {
    return "{ " +
           joined(items,
                  [](const auto& item) { return item.first + " = " + json_string(item.second); }) +
           " }";
  }
  static std::string inline_table(const Lines& lines) {
    return "{ " + joined(lines, [](const auto& l) { return l.first + " = " + l.second; }) + " }";
  }
  static std::string step_text(const PatternStep& step) { return inline_table(lines_of(step)); }

  void add(const Key& key, std::string value) { lines_.emplace_back(key.name, std::move(value)); }

  Lines& lines_;
};

// A unit is known by what it does to a number.
void add_conversion(const FieldOptions& field, Lines& lines) {
  if (field.scale == 1 && field.shift == 0) return;
  for (const Unit& unit : units()) {
    if (unit.scale != field.scale || unit.shift != field.shift) continue;
    lines.emplace_back("unit", json_string(std::string(unit.name)));
    return;
  }
  lines.emplace_back("scale", number_text(field.scale));
  lines.emplace_back("shift", number_text(field.shift));
}

std::string value_text(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return json_string(*text);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  return number_text(std::get<double>(value));
}

std::string Writer::field_text(const FieldOptions& field) {
  Lines lines{{"path", json_string(field.path)}};
  const int type = field.json ? kJsonField : static_cast<int>(field.type);
  for (const ConfigVisitor::Choice& c : field_types()) {
    if (c.value == type && type != 0) lines.emplace_back("type", json_string(c.name));
  }
  add_conversion(field, lines);
  if (field.absent) lines.emplace_back("default", value_text(*field.absent));
  if (!field.equals.empty()) lines.emplace_back("equals", json_string(field.equals));
  if (field.min) lines.emplace_back("min", number_text(*field.min));
  if (field.max) lines.emplace_back("max", number_text(*field.max));
  for (auto& line : lines_of(field.cleaning)) lines.push_back(std::move(line));
  return field.name + " = " + inline_table(lines);
}

// Without a bearing on what is said.
const std::set<std::string> kElsewhere{"mqtt",    "input", "file",
                                       "refresh", "state", "resident_keys"};

template <class Options>
void add_meaning(const char* section, const Options& options, std::string& text) {
  text.append("[").append(section).append("]\n");
  for (const auto& [key, value] : Writer::lines_of(options)) {
    if (!kElsewhere.contains(key)) text.append(key).append("=").append(value).append("\n");
  }
}

bool has_meaning(std::string_view section) {
  return section != "mqtt" && section != "input" && section != "uplink";
}

// The sources of commands are among the sources, too.
template <class Options>
bool is_of_command(const Options& options) {
  if constexpr (std::is_same_v<Options, SourceOptions>) return options.is_answered;
  return false;
}

// Calls `visit` with the section and the options of each source and block.
template <class Visit>
void each_block(Config config, Visit visit) {
  for_each_section(config, [&](const char* section, auto& list) {
    if constexpr (requires { list.front().name; }) {
      if (!has_meaning(section)) return;
      for (const auto& options : list) {
        if (!is_of_command(options)) visit(section, options);
      }
    }
  });
}

}  // namespace

std::string written_block(const Config& config, const std::string& name) {
  std::string text;
  each_block(config, [&](const char* section, const auto& options) {
    if (options.name != name) return;
    text.append("[[").append(section).append("]]\n");
    for (const auto& [key, value] : Writer::lines_of(options)) {
      text.append(key).append(" = ").append(value).append("\n");
    }
  });
  return text;
}

std::string effective_config(const Config& config) {
  std::string text;
  const auto write = [&](const std::string& section, const std::string& head, const auto& options) {
    text.append(text.empty() ? "" : "\n").append(head).append("\n");
    for (const auto& [key, value] : Writer::all_lines_of(options)) {
      text.append(key).append(" = ").append(value).append("\n");
    }
    if constexpr (requires { options.fields; }) {
      if (!options.fields.empty()) text.append("[").append(section).append(".fields]\n");
      for (const FieldOptions& f : options.fields) text.append(Writer::field_text(f)).append("\n");
    }
  };
  Config copy = config;
  for_each_section(copy, [&](const std::string& section, const auto& options) {
    if constexpr (requires { options.begin(); }) {
      for (const auto& item : options) {
        if (!is_of_command(item)) write(section, "[[" + section + "]]", item);
      }
    } else {
      write(section, "[" + section + "]", options);
    }
  });
  return text;
}

uint32_t config_version(const Config& config) {
  EngineOptions timers;
  timers.tick_ms = config.engine.tick_ms;
  std::string text;
  add_meaning("engine", timers, text);
  each_block(config, [&](const char* section, const auto& options) {
    add_meaning(section, options, text);
  });
  if (config.known_devices) config.known_devices->append_meaning(text);
  const uint32_t version = parse_version_digits(to_hex(sha256_16({text})).substr(0, 8));
  return version == 0 ? 1 : version;
}

}  // namespace wayside
