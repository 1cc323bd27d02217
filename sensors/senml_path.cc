#include "sensors/senml_path.h"

#include <algorithm>
#include <cctype>

namespace wayside {
namespace {

constexpr std::string_view kBaseName = "bn";
constexpr std::string_view kNoName = ".";
constexpr std::string_view kSum = "#s";

// What names in SenML are made of.
bool is_name_letter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("-:./_").find(c) != std::string_view::npos;
}

}  // namespace

std::optional<SenmlPath> parse_senml_path(std::string_view path) {
  SenmlPath parsed;
  if (path == kBaseName) {
    parsed.is_base_name = true;
    return parsed;
  }
  if (const size_t at = path.find('@'); at != std::string_view::npos) {
    parsed.unit = path.substr(at + 1);
    path = path.substr(0, at);
    if (parsed.unit.empty()) return std::nullopt;
  }
  if (path.ends_with(kSum)) {
    parsed.is_sum = true;
    path.remove_suffix(kSum.size());
  }
  if (path.empty() || !std::all_of(path.begin(), path.end(), is_name_letter)) return std::nullopt;
  if (path != kNoName) parsed.name = path;
  return parsed;
}

PathFaults wrong_senml_paths(const SourceOptions& source) {
  PathFaults faults;
  if (!source.time_path.empty()) {
    faults.push_back({"time", "SenML brings times of its own: leave it out"});
  }
  for (const FieldOptions& f : source.fields) {
    if (parse_senml_path(f.path)) continue;
    faults.push_back({"fields." + f.name,
                      "path \"" + f.path +
                          "\" is not the name of a record, such as \"temp\", \"temp@Cel\" for its "
                          "unit, \"power#s\" for its sum, \".\" where it has none, or \"bn\""});
  }
  return faults;
}

}  // namespace wayside
