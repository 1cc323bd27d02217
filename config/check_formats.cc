#include <set>

#include "config/check_payload.h"
#include "sensors/cayenne_decoder.h"
#include "sensors/csv_decoder.h"
#include "sensors/nmea_epoch.h"
#include "sensors/number_path.h"
#include "sensors/senml_path.h"
#include "sensors/sparkplug_decoder.h"
#include "sensors/struct_path.h"

namespace wayside {
namespace {

// Calls `check` with the place in the file, the path, and the field, if it is not the time.
template <class Check>
void each_path(const SourceOptions& s, Check check) {
  if (!s.time_path.empty()) check("time", s.time_path, nullptr);
  for (const FieldOptions& f : s.fields) check("fields." + f.name, f.path, &f);
}

void check_flag(const SourceOptions& s, const FieldOptions& f, Findings& found) {
  if (f.type != FieldType::kNumber) return;
  found.add(s.name, "fields." + f.name,
            "path \"" + f.path + "\" is true or false: give the field type = \"bool\"");
}

bool is_counted(const TimeForm& form) {
  return form.unit != TimeUnit::kRfc3339 && form.unit != TimeUnit::kPattern;
}

void check_time_of_number(const SourceOptions& s, Findings& found) {
  if (is_counted(s.time)) return;
  found.add(
      s.name, "time",
      "is a number in this format: give it a unit, \"s\", \"ms\", \"us\", \"ns\" or \"auto\"");
}

void check_cayenne(const SourceOptions& s, Findings& found) {
  each_path(s, [&](const std::string& item, const std::string& path, const FieldOptions*) {
    const std::string wrong = wrong_cayenne_path(path);
    if (!wrong.empty()) found.add(s.name, item, "path \"" + path + "\": " + wrong);
  });
  if (!s.time_path.empty()) check_time_of_number(s, found);
}

void check_nmea(const SourceOptions& s, Findings& found) {
  if (!s.time_path.empty()) {
    found.add(s.name, "time", "sentences have times of their own: leave it out");
  }
  const std::vector<std::string> names(kNmeaValues.begin(), kNmeaValues.end());
  for (const FieldOptions& f : s.fields) {
    found.known(s.name, "fields." + f.name, "NMEA value", f.path, names);
    if (find_nmea_value(f.path) == NmeaValue::kValid) check_flag(s, f, found);
  }
}

void check_csv(const SourceOptions& s, Findings& found) {
  constexpr std::string_view kNone = "\"\r\n";
  if (s.delimiter.size() != 1 || kNone.find(s.delimiter[0]) != kNone.npos) {
    found.add(s.name, "delimiter", "is one character, neither a quote nor an end of line");
  }
  if (s.decimal != "." && s.decimal != ",") found.add(s.name, "decimal", "is \".\" or \",\"");
  if (s.decimal == s.delimiter) found.add(s.name, "decimal", "is the delimiter, too");
  if (s.columns.empty()) return;
  if (s.columns.size() > kCsvColumnsMax) {
    found.add(s.name, "columns", "are more than " + std::to_string(kCsvColumnsMax));
  }
  std::set<std::string> names;
  for (const std::string& name : s.columns) {
    if (name.empty() || names.insert(name).second) continue;
    return found.add(s.name, "columns", "has '" + name + "' twice");
  }
  each_path(s, [&](const std::string& item, const std::string& path, const FieldOptions*) {
    found.known(s.name, item, "column", path, s.columns);
  });
  if (!s.time.of_day.empty()) found.known(s.name, "time", "column", s.time.of_day, s.columns);
}

void check_struct(const SourceOptions& s, Findings& found) {
  using Kind = StructPath::Kind;
  each_path(s, [&](const std::string& item, const std::string& text, const FieldOptions* field) {
    const auto path = StructPath::parse(text);
    if (!path.ok()) {
      return found.add(s.name, item, "path \"" + text + "\": " + path.error().message);
    }
    if (s.record_bytes > 0 && path->end() > s.record_bytes) {
      found.add(s.name, item,
                "path \"" + text + "\" ends at byte " + std::to_string(path->end()) +
                    " of record_bytes = " + std::to_string(s.record_bytes));
    }
    if (field && path->kind() == Kind::kBool) check_flag(s, *field, found);
    if (field || path->kind() == Kind::kText || path->kind() == Kind::kHex) return;
    check_time_of_number(s, found);
  });
  if (s.record_bytes == 0 || s.deduplicate != "content" || !s.time_path.empty()) return;
  found.add(s.name, "deduplicate",
            "would take records of one payload for one another: \"content\" needs a time");
}

void check_sparkplug(const SourceOptions& s, Findings& found) {
  const std::string topic = wrong_sparkplug_topic(s.topic);
  if (!topic.empty()) found.add(s.name, "topic", topic);
  if (!s.time_path.empty()) found.add(s.name, "time", "metrics have times of their own");
  for (const FieldOptions& f : s.fields) {
    const std::string wrong = wrong_sparkplug_field(f);
    if (!wrong.empty()) found.add(s.name, "fields." + f.name, wrong);
  }
}

PathFaults path_faults(const SourceOptions& source) {
  switch (source.format) {
    case PayloadFormat::kProtobufNumbers:
      return wrong_number_paths(source);
    case PayloadFormat::kSenmlJson:
    case PayloadFormat::kSenmlCbor:
      return wrong_senml_paths(source);
    default:
      return {};
  }
}

}  // namespace

void check_format(const SourceOptions& s, Findings& found) {
  for (const PathFault& fault : path_faults(s)) found.add(s.name, fault.item, fault.message);
  if (s.format == PayloadFormat::kSparkplug) check_sparkplug(s, found);
  if (s.format == PayloadFormat::kCayenne) check_cayenne(s, found);
  if (s.format == PayloadFormat::kNmea) check_nmea(s, found);
  if (s.format == PayloadFormat::kCsv) check_csv(s, found);
  if (s.format == PayloadFormat::kStruct) check_struct(s, found);
}

}  // namespace wayside
