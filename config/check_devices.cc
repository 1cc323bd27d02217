#include "config/check_devices.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "config/check.h"
#include "config/check_names.h"
#include "sensors/clean.h"
#include "sensors/topic.h"

namespace wayside {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class DeviceChecker {
 public:
  DeviceChecker(const Config& config, Findings& found, std::set<std::string>& not_judged)
      : config_(config), found_(found), not_judged_(not_judged) {}

  void check(const DeviceOptions& d) {
    const std::string key = position_key("device", d.id);
    for (const auto& [field, calibration] : d.calibrate) {
      const std::string item = "calibrate." + field;
      add(key, item + ".scale", wrong_scale(calibration.scale));
      add(key, item + ".offset", wrong_offset(calibration.offset));
      if (fields_are_known()) add(key, item, wrong_calibrated(config_, field));
    }
    for (const auto& [name, text] : d.attributes) {
      if (is_name(name)) continue;
      add(key, "attributes." + name,
          "a name is made of letters, digits, '_' and '-', at most 64 of them");
    }
  }

  void check(const SourceOptions& s) {
    if (s.known_only && registry_is_known() && config_.known_devices->size() == 0) {
      add(s.name, "known_only",
          "no device is known: give [[device]] blocks, or [registry] a file of them");
    }
    std::set<std::string> names = names_of(s);
    for (const std::string& name : s.attributes) {
      std::string wrong = taken_name(name);
      if (wrong.empty()) wrong = wrong_sql_name(name);
      // SQL does not tell names by case.
      const auto is_it = [&](const std::string& other) { return same_name(other, name); };
      if (std::any_of(names.begin(), names.end(), is_it)) {
        wrong = "there is a field '" + name +
                "' already; leave the attribute out, or give one of them another name";
      }
      names.insert(name);
      if (!wrong.empty()) not_judged_.insert(s.name);
      add(s.name, "attributes", wrong.empty() ? wrong_attribute(name) : wrong);
    }
  }

 private:
  void add(const std::string& block, const std::string& item, const std::string& wrong) {
    if (!wrong.empty()) found_.add(block, item, wrong);
  }

  // All that its readers know by name.
  static std::set<std::string> names_of(const SourceOptions& s) {
    std::set<std::string> names;
    if (const auto pattern = TopicPattern::parse(s.topic); pattern.ok()) {
      names.insert(pattern->names().begin(), pattern->names().end());
    }
    for (const FieldOptions& f : s.fields) names.insert(f.name);
    if (has_mark(s)) names.insert(s.mark);
    return names;
  }

  bool fields_are_known() const {
    return !config_.positions.contains(unread_key("source")) &&
           std::none_of(config_.sources.begin(), config_.sources.end(),
                        [&](const SourceOptions& s) { return found_.told(s.name, "fields"); });
  }

  bool registry_is_known() const {
    return config_.known_devices && !config_.positions.contains(unread_key("device"));
  }

  bool attributes_are_known() const {
    return registry_is_known() &&
           std::none_of(config_.devices.begin(), config_.devices.end(), [&](const auto& d) {
             return found_.told(position_key("device", d.id), "attributes");
           });
  }

  std::string wrong_attribute(const std::string& name) const {
    if (!attributes_are_known()) return "";
    const std::vector<std::string> names = config_.known_devices->attributes();
    if (contains(names, name)) return "";
    const auto near = nearest(name, names);
    return "no device has an attribute '" + name + "'; " +
           (near ? "did you mean '" + *near + "'?"
                 : "give it to a [[device]], or as a column to the file of [registry]");
  }

  const Config& config_;
  Findings& found_;
  std::set<std::string>& not_judged_;
};

}  // namespace

void check_devices(const Config& config, Findings& found, std::set<std::string>& not_judged) {
  DeviceChecker checker(config, found, not_judged);
  for (const DeviceOptions& d : config.devices) checker.check(d);
  for (const SourceOptions& s : config.sources) checker.check(s);
}

std::string wrong_scale(double scale) {
  if (std::isfinite(scale) && scale != 0) return "";
  return "is a number, and not 0: what is right as it is has scale 1";
}

std::string wrong_offset(double offset) {
  return std::isfinite(offset) ? "" : "is a number, in the unit that is held";
}

// Commands are taken as they are.
std::string wrong_calibrated(const Config& config, const std::string& field) {
  std::vector<std::string> names;
  for (const SourceOptions& s : config.sources) {
    for (const FieldOptions& f : s.fields) {
      if (f.type == FieldType::kNumber && !s.is_answered) names.push_back(f.name);
    }
  }
  if (contains(names, field)) return "";
  const auto near = nearest(field, names);
  return "no source has a number field '" + field + "'" +
         (near ? "; did you mean '" + *near + "'?" : "");
}

}  // namespace wayside
