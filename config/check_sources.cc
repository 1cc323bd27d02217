#include "config/check_sources.h"

#include <algorithm>

#include "config/check_cleaning.h"
#include "config/check_inputs.h"
#include "config/check_names.h"
#include "config/check_payload.h"
#include "sensors/admission.h"

namespace wayside {
namespace {

// The path in `paths` that leads to an object in which `path` is; nothing if there is none.
std::string outer_path(const std::set<std::string>& paths, const std::string& path) {
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
    if (paths.contains(path.substr(0, dot))) return path.substr(0, dot);
  }
  return {};
}

// Paths go into what is nested there, and `each` may name an array.
bool has_nesting(PayloadFormat format) {
  return format == PayloadFormat::kJson || format == PayloadFormat::kProtobufNumbers ||
         format == PayloadFormat::kCbor;
}

class SourceChecker {
 public:
  SourceChecker(const Config& config, Findings& found, std::set<std::string>& not_judged)
      : config_(config), found_(found), not_judged_(not_judged) {}

  void check(const SourceOptions& s) {
    check_connection(config_, s, found_);
    check_each(s);
    std::set<std::string> paths;
    if (!s.time_path.empty()) paths.insert(path_of(s, s.time_path));
    if (!s.each.empty()) paths.insert("/" + s.each);
    if (!s.time.of_day.empty() && !paths.insert(s.time.of_day).second) {
      found_.add(s.name, "time", "'of_day' is the column 'field', too");
    }
    for (const FieldOptions& f : s.fields) {
      if (f.name != s.key) check_not_taken(s, "fields." + f.name, f.name);
      check_not_of_late(s, f.name);
      check_sql_name(s, "fields." + f.name, f.name);
      if (!paths.insert(path_of(s, f.path)).second) {
        found_.add(s.name, "fields." + f.name, "path \"" + f.path + "\" is read twice");
      }
      if (f.min && f.max && *f.min > *f.max)
        found_.add(s.name, "fields." + f.name, "min is above max");
      if (f.json && s.format != PayloadFormat::kJson && s.format != PayloadFormat::kCbor)
        found_.add(s.name, "fields." + f.name, "type = \"json\" is for JSON and CBOR payloads");
    }
    if (has_nesting(s.format)) check_nesting(s, paths);
    check_cleaning(s, found_, not_judged_);
    check_payload(s, found_);
    if (s.forget_after_ms < s.idle_after_ms && !found_.told(s.name, "idle_after"))
      found_.add(s.name, "forget_after", "is below idle_after");
    if (!has_schema(s)) not_judged_.insert(s.name);
  }

 private:
  void check_sql_name(const SourceOptions& s, const std::string& item, const std::string& name) {
    const std::string wrong = wrong_sql_name(name);
    if (wrong.empty()) return;
    found_.add(s.name, item, wrong);
    not_judged_.insert(s.name);
  }

  void check_not_taken(const SourceOptions& s, const std::string& item, const std::string& name) {
    if (const std::string wrong = taken_name(name); !wrong.empty()) found_.add(s.name, item, wrong);
  }

  // What comes late is told with the window that it missed.
  void check_not_of_late(const SourceOptions& s, const std::string& field) {
    if (field != "window_start" && field != "window_end") return;
    const bool told =
        std::any_of(config_.windows.begin(), config_.windows.end(), [&](const WindowOptions& w) {
          return !w.late_to.empty() &&
                 std::find(w.from.begin(), w.from.end(), s.name) != w.from.end();
        });
    if (!told) return;
    found_.add(
        s.name, "fields." + field,
        "late_to tells each late reading with a '" + field + "' of its own; choose another name");
  }

  void check_each(const SourceOptions& s) {
    if (s.each.empty()) return;
    if (!has_nesting(s.format)) {
      found_.add(s.name, "each", "is for payloads with arrays: JSON, protobuf-numbers and CBOR");
    }
    if (s.each.starts_with('/')) {
      found_.add(s.name, "each", "begins at the payload anyway: leave the '/' out");
    }
    check_each_reading_is_known(s);
    if (s.each != kWholePayload) return;
    auto check = [&](const std::string& item, const std::string& path) {
      if (!path.starts_with('/')) return;
      found_.add(s.name, item,
                 "path \"" + path + "\": with each = \".\" nothing is beside the array");
    };
    check("time", s.time_path);
    for (const FieldOptions& f : s.fields) check("fields." + f.name, f.path);
  }

  // Readings of one payload must not be taken for one another.
  void check_each_reading_is_known(const SourceOptions& s) {
    const bool one_time = s.time_path.empty() || s.time_path.starts_with('/');
    bool one_id = false;
    for (const FieldOptions& f : s.fields) {
      one_id |= f.name == s.deduplicate && f.path.starts_with('/');
    }
    if (one_id || (s.deduplicate == "content" && one_time)) {
      found_.add(s.name, "deduplicate",
                 "would take readings of one payload for one another: with each it needs an id, or "
                 "for \"content\" a time, in the element");
    }
  }

  // Without `each` all paths begin at the payload, with a '/' and without.
  static std::string path_of(const SourceOptions& s, const std::string& path) {
    const bool has_kind = s.format == PayloadFormat::kProtobufNumbers;
    const size_t begin = s.each.empty() && path.starts_with('/');
    return path.substr(begin, has_kind ? path.find(':') - begin : std::string::npos);
  }

  // What is read as a value holds no values.
  void check_nesting(const SourceOptions& s, const std::set<std::string>& paths) {
    auto check = [&](const std::string& item, const std::string& path) {
      const std::string outer = outer_path(paths, path_of(s, path));
      if (outer.empty()) return;
      found_.add(s.name, item,
                 "path \"" + path + "\" is in \"" + outer + "\", which is read itself");
    };
    check("time", s.time_path);
    if (!s.each.empty()) check("each", "/" + s.each);
    for (const FieldOptions& f : s.fields) check("fields." + f.name, f.path);
  }

  // Without a schema nothing that reads the source can be judged.
  bool has_schema(const SourceOptions& s) {
    if (found_.told(s.name, "fields") || found_.told(s.name, "fields." + s.key)) return false;
    auto pattern = TopicPattern::parse(s.topic);
    if (!pattern.ok()) {
      found_.add(s.name, "topic", pattern.error().message);
      return false;
    }
    const std::vector<std::string>& levels = pattern->names();
    for (const std::string& level : levels) {
      if (level == s.key) continue;  // events call it "key", and SQL may do without it
      check_not_taken(s, "topic", level);
      check_sql_name(s, "topic", level);
    }
    for (const FieldOptions& f : s.fields) {
      if (std::find(levels.begin(), levels.end(), f.name) == levels.end()) continue;
      found_.add(s.name, "fields." + f.name, "the topic has a level of this name");
      return false;
    }
    for (const FieldOptions& f : s.fields) check_equals(s, f, levels);
    auto schema = make_schema(s);
    if (!schema.ok()) {
      found_.add(s.name, "key", schema.error().message);
      return false;
    }
    std::vector<std::string> names;
    for (const Field& f : schema->fields) names.push_back(f.name);
    for (const std::string& keep : s.keep) found_.known(s.name, "keep", "field", keep, names);
    if (s.deduplicate != "off" && s.deduplicate != "content") {
      found_.known(s.name, "deduplicate", "field", s.deduplicate, names);
    }
    return true;
  }

  void check_equals(const SourceOptions& s, const FieldOptions& f,
                    const std::vector<std::string>& levels) {
    if (f.equals.empty()) return;
    found_.known(s.name, "fields." + f.name, "level of the topic", f.equals, levels);
    if (f.type != FieldType::kText || f.json) {
      found_.add(s.name, "fields." + f.name, "equals is for texts: give it type = \"text\"");
    }
  }

  const Config& config_;
  Findings& found_;
  std::set<std::string>& not_judged_;
};

}  // namespace

void check_sources(const Config& config, Findings& found, std::set<std::string>& not_judged) {
  SourceChecker checker(config, found, not_judged);
  for (const SourceOptions& s : config.sources) checker.check(s);
}

}  // namespace wayside
