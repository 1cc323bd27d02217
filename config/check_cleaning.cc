#include "config/check_cleaning.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "config/check_names.h"
#include "sensors/clean.h"

namespace wayside {
namespace {

bool is_amount(double number) { return std::isfinite(number) && number >= 0; }

class CleaningChecker {
 public:
  CleaningChecker(const SourceOptions& source, Findings& found) : s_(source), found_(found) {}

  void check() {
    for (const FieldOptions& field : s_.fields) check(field);
    if (s_.position.is_set()) check_position(s_.position);
  }

  // What is wrong with the field that tells of it; else empty.
  std::string wrong_mark() const {
    if (!has_mark(s_)) return "";
    const bool is_field = std::any_of(s_.fields.begin(), s_.fields.end(),
                                      [&](const FieldOptions& f) { return f.name == s_.mark; });
    if (is_field || s_.topic.find("{" + s_.mark + "}") != std::string::npos) {
      return "there is a field '" + s_.mark +
             "'; give what cleaning has changed another name, or \"\" for none";
    }
    const std::string taken = taken_name(s_.mark);
    return taken.empty() ? wrong_sql_name(s_.mark) : taken;
  }

 private:
  void check(const FieldOptions& field) {
    const std::string item = "fields." + field.name;
    const FieldCleaning& c = field.cleaning;
    if (!is_amount(c.max_rate)) add(item + ".max_rate", "max_rate is a number from 0");
    if (!c.smooth.empty() && !median_of(c.smooth)) {
      add(item + ".smooth", "smooth is \"median:N\" with an odd N from 1 to " +
                                std::to_string(kMedianMax) + ", such as \"median:5\"");
    }
    if (c.on_stuck != OnStuck::kMark && c.stuck_after_ms == 0) {
      add(item + ".stuck", "goes with stuck_after only");
    }
    check_accept(item, c.accept, "max_rate", c.max_rate);
    if (c.fill_ms > 0 && std::find(s_.keep.begin(), s_.keep.end(), field.name) != s_.keep.end()) {
      add(item + ".fill", "keep carries '" + field.name + "' on for ever; leave one of them out");
    }
  }

  void check_position(const PositionOptions& p) {
    check_accept("position", p.accept, "max_speed", p.max_speed);
    check_number("lat", p.lat);
    check_number("lon", p.lon);
    if (p.lat == p.lon && !p.lat.empty()) add("position.lon", "is the field of lat");
    for (const auto& [key, name] :
         {std::pair("fix", p.fix), {"hdop", p.hdop}, {"speed", p.speed}}) {
      if (!name.empty()) check_number(key, name);
    }
    const PositionOptions defaults;
    check_goes_with("min_fix", p.min_fix != defaults.min_fix, "fix", p.fix);
    check_goes_with("max_hdop", p.max_hdop != defaults.max_hdop, "hdop", p.hdop);
    check_goes_with("moving", p.moving != defaults.moving, "speed", p.speed);
    check_goes_with("frozen_after", p.frozen_after_ms != defaults.frozen_after_ms, "speed",
                    p.speed);
    if (!std::isfinite(p.min_fix)) add("position.min_fix", "is a number");
    if (!p.smooth.empty() && p.smooth != "kalman") add("position.smooth", "is \"kalman\", or \"\"");
    for (const auto& [key, number, usual] :
         {std::tuple("accuracy", p.accuracy, defaults.accuracy),
          {"acceleration", p.acceleration, defaults.acceleration}}) {
      check_goes_with(key, number != usual, "smooth", p.smooth);
      if (!is_amount(number) || number == 0)
        add(std::string("position.") + key, "is a number above 0");
    }
    for (const auto& [key, number] :
         {std::pair("max_hdop", p.max_hdop), {"max_speed", p.max_speed}, {"moving", p.moving}}) {
      if (!is_amount(number)) add(std::string("position.") + key, "is a number from 0");
    }
  }

  void check_number(const std::string& key, const std::string& name) {
    const auto at = std::find_if(s_.fields.begin(), s_.fields.end(),
                                 [&](const FieldOptions& f) { return f.name == name; });
    std::vector<std::string> names;
    for (const FieldOptions& f : s_.fields) names.push_back(f.name);
    if (at == s_.fields.end()) {
      found_.known(s_.name, "position." + key, "field", name, names);
    } else if (at->type == FieldType::kText || (at->type == FieldType::kBool && key != "fix")) {
      add("position." + key, "field '" + name + "' is no number");
    }
  }

  void check_goes_with(const std::string& key, bool given, const std::string& other,
                       const std::string& name) {
    if (given && name.empty()) add("position." + key, "goes with " + other + " only");
  }

  void check_accept(const std::string& item, const AcceptOptions& accept, const std::string& other,
                    double limit) {
    const bool given = accept.readings != AcceptOptions().readings || accept.ms > 0;
    if (given && limit == 0) add(item + ".accept_after", "goes with " + other + " only");
  }

  void add(const std::string& item, const std::string& message) {
    found_.add(s_.name, item, message);
  }

  const SourceOptions& s_;
  Findings& found_;
};

}  // namespace

void check_cleaning(const SourceOptions& source, Findings& found,
                    std::set<std::string>& not_judged) {
  CleaningChecker checker(source, found);
  checker.check();
  const std::string wrong = checker.wrong_mark();
  if (wrong.empty()) return;
  found.add(source.name, "mark", wrong);
  not_judged.insert(source.name);
}

}  // namespace wayside
