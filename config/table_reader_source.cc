// What the tables of a source's time and fields may hold.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "config/table_reader.h"
#include "sensors/time_reader.h"
#include "sensors/units.h"

namespace wayside {
namespace {

// Of the type among those of a Value.
size_t index_of(FieldType type) {
  return type == FieldType::kNumber ? 1 : type == FieldType::kBool ? 2 : 3;
}

}  // namespace

void TableReader::time(const Key& key, std::string& path, TimeForm& form) {
  const toml::node* node = find(key);
  if (!node) return;
  const toml::table* table = node->as_table();
  if (!table) return wrong_type(key.name, *node, "{ field = …, unit = … }");
  bool has_path = false;
  for (const auto& [name, item] : *table) {
    if (name == "field") {
      has_path = true;
      (void)take_text(key.name, item, path);
    } else if (name == "unit") {
      take_time_unit(item, form);
    } else if (name == "zone") {
      if (take_text(key.name, item, form.zone) && !is_zone(form.zone)) {
        wrong(key.name, item, "there is no time zone '" + form.zone + "' here");
      }
    } else if (name == "of_day") {
      (void)take_text(key.name, item, form.of_day);
    } else {
      unknown(name, {"field", "of_day", "unit", "zone"});
    }
  }
  const bool counts = form.unit != TimeUnit::kRfc3339 && form.unit != TimeUnit::kAuto &&
                      form.unit != TimeUnit::kPattern;
  if (counts && !form.zone.empty()) {
    wrong(key.name, *node, "a time that is counted from 1970 has no zone");
  }
  if (counts && !form.of_day.empty()) {
    wrong(key.name, *node, "a time that is counted from 1970 has no column 'of_day'");
  }
  if (!has_path) wrong(key.name, *node, "'field' is missing");
}

void TableReader::take_time_unit(const toml::node& node, TimeForm& form) {
  const auto text = node.value<std::string>();
  if (!node.is_string() || text->find('%') == std::string::npos) {
    int unit = static_cast<int>(form.unit);
    take_choice("unit", node, unit, time_units());
    form.unit = static_cast<TimeUnit>(unit);
    return;
  }
  form.unit = TimeUnit::kPattern;
  form.pattern = *text;
  if (is_time_pattern(form.pattern)) return;
  wrong("unit", node, "is no pattern of a date and a time of day, such as \"%d.%m.%Y %H:%M:%S\"");
}

void TableReader::fields(const Key& key, std::vector<FieldOptions>& fields) {
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

void TableReader::position(const Key& key, PositionOptions& position) {
  const toml::node* node = find(key);
  if (!node) return;
  const toml::table* table = node->as_table();
  if (!table) return wrong_type(key.name, *node, "{ lat = …, lon = … }");
  TableReader reader(*table, *this, position_name(key.name));
  describe(reader, position);
  reader.finish();
}

void TableReader::take_field(const toml::table& table, FieldOptions& field) {
  std::vector<std::string> keys{"path",    "type", "unit", "scale", "shift",
                                "default", "min",  "max",  "equals"};
  TableReader cleaning(table, *this, position_name("fields." + field.name));
  describe(cleaning, field.cleaning);
  keys.insert(keys.end(), cleaning.known_.begin(), cleaning.known_.end());
  double scale = 1, shift = 0;
  for (const auto& [name, item] : table) {
    if (name == "path") {
      (void)take_text(field.name + ".path", item, field.path);
    } else if (name == "type") {
      int type = static_cast<int>(field.type);
      take_choice("type", item, type, field_types());
      field.json = type == kJsonField;
      field.type = field.json ? FieldType::kText : static_cast<FieldType>(type);
    } else if (name == "unit") {
      take_unit(field, item);
    } else if (name == "scale" || name == "shift") {
      (void)take_number(std::string(name.str()), item, name == "scale" ? scale : shift);
    } else if (name == "default") {
      take_default(field, item);
    } else if (name == "equals") {
      (void)take_text(field.name + ".equals", item, field.equals);
    } else if (name == "min" || name == "max") {
      double limit = 0;
      if (!take_number(std::string(name.str()), item, limit)) continue;
      (name == "min" ? field.min : field.max) = limit;
    } else if (std::find(keys.begin(), keys.end(), name.str()) == keys.end()) {
      unknown(name, keys);
    }
  }
  const auto is_wrong = [](double number) { return !std::isfinite(number); };
  if (scale == 0 || is_wrong(scale) || is_wrong(shift)) {
    add(position_of(table.source()),
        "field '" + field.name + "': scale and shift are numbers, and scale is not 0");
  }
  // What is sent is first brought to the unit.
  field.shift += shift * field.scale;
  field.scale *= scale;
  const bool ranged = field.min || field.max || field.scale != 1 || field.shift != 0;
  if (field.type != FieldType::kNumber && ranged) {
    add(position_of(table.source()),
        "field '" + field.name + "': unit, scale, shift, min and max are for numbers");
  }
  if (field.type != FieldType::kNumber && field.cleaning.judges()) {
    add(position_of(table.source()),
        "field '" + field.name + "': max_rate, stuck_after and smooth are for numbers");
  }
  if (field.absent && (field.json || field.absent->index() != index_of(field.type))) {
    add(position_of(table.source()), "field '" + field.name + "': default is of another type");
  }
}

void TableReader::take_default(FieldOptions& field, const toml::node& node) {
  const auto number = node.value<double>();
  if (node.is_number() && std::isfinite(*number)) {
    field.absent = *number;
  } else if (node.is_boolean()) {
    field.absent = *node.value<bool>();
  } else if (node.is_string()) {
    field.absent = *node.value<std::string>();
  } else {
    wrong_type("default", node, "a number, a text, true or false");
  }
}

void TableReader::take_unit(FieldOptions& field, const toml::node& node) {
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

}  // namespace wayside
