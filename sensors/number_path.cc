#include "sensors/number_path.h"

#include <array>
#include <charconv>
#include <utility>

namespace wayside {
namespace {

constexpr std::array<const char*, 12> kKinds{"",       "int",    "uint",   "sint",
                                             "bool",   "fixed",  "sfixed", "float",
                                             "double", "string", "bytes",  "timestamp"};
constexpr uint32_t kNumberMax = (1u << 29) - 1;

bool is_number(std::string_view text) {
  uint32_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && rest == text.data() + text.size() && text.front() != '0' &&
         number <= kNumberMax;
}

bool are_numbers(std::string_view path) {
  while (true) {
    const size_t dot = path.find('.');
    const std::string_view number = path.substr(0, dot);
    if (number.empty() || !is_number(number)) return false;
    if (dot == std::string_view::npos) return true;
    path.remove_prefix(dot + 1);
  }
}

std::optional<WireKind> kind_of(std::string_view name) {
  for (size_t i = 1; i < kKinds.size(); ++i) {
    if (name == kKinds[i]) return static_cast<WireKind>(i);
  }
  return std::nullopt;
}

std::string no_path(std::string_view path, const char* example) {
  return "path \"" + std::string(path) + "\" is not one of field numbers, such as " + example;
}

std::string unknown_kind(std::string_view path) {
  std::string message = "path \"" + std::string(path) + "\" has no kind behind its ':', one of";
  for (size_t i = 1; i < kKinds.size(); ++i) message += std::string(" ") + kKinds[i];
  return message;
}

// What may be wrong with any path; fills `kind` of a good one.
std::string wrong_path(std::string_view path, WireKind& kind) {
  const std::string_view numbers = path.substr(path.starts_with('/'));
  const size_t colon = numbers.find(':');
  if (!are_numbers(numbers.substr(0, colon))) return no_path(path, "\"2.1\" or \"2.1:sint\"");
  if (colon == std::string_view::npos) return {};
  const auto known = kind_of(numbers.substr(colon + 1));
  if (!known) return unknown_kind(path);
  kind = *known;
  return {};
}

std::string wrong_field(const FieldOptions& field) {
  auto kind = WireKind::kAny;
  if (std::string wrong = wrong_path(field.path, kind); !wrong.empty()) return wrong;
  const std::string of_kind = "path \"" + field.path + "\": ";
  if (kind == WireKind::kTimestamp) return of_kind + "a timestamp is for the source's time";
  if (kind == WireKind::kBool && field.type == FieldType::kNumber) {
    return of_kind + "a bool is for a field of type = \"bool\" or \"text\"";
  }
  if (kind == WireKind::kBytes && field.type != FieldType::kText) {
    return of_kind + "bytes are for a field of type = \"text\"";
  }
  return {};
}

std::string wrong_time(const SourceOptions& source) {
  auto kind = WireKind::kAny;
  if (std::string wrong = wrong_path(source.time_path, kind); !wrong.empty()) return wrong;
  const std::string of_kind = "path \"" + source.time_path + "\": ";
  if (kind == WireKind::kBool || kind == WireKind::kBytes) return of_kind + "that is no time";
  if (kind == WireKind::kTimestamp && source.time.unit != TimeUnit::kRfc3339) {
    return of_kind + "a timestamp has its own unit: leave it out";
  }
  return {};
}

}  // namespace

std::optional<NumberPath> parse_number_path(std::string_view path) {
  NumberPath parsed;
  if (!wrong_path(path, parsed.kind).empty()) return std::nullopt;
  parsed.numbers = path.substr(0, path.find(':'));
  return parsed;
}

const char* to_text(WireKind kind) { return kKinds[static_cast<size_t>(kind)]; }

PathFaults wrong_number_paths(const SourceOptions& source) {
  PathFaults faults;
  const auto add = [&](const std::string& item, std::string wrong) {
    if (!wrong.empty()) faults.push_back({item, std::move(wrong)});
  };
  for (const FieldOptions& f : source.fields) add("fields." + f.name, wrong_field(f));
  if (!source.time_path.empty()) add("time", wrong_time(source));
  // A '/' before it is told elsewhere.
  if (!source.each.empty() && !source.each.starts_with('/') && !are_numbers(source.each)) {
    add("each", no_path(source.each, "\"3\", that of a repeated message"));
  }
  return faults;
}

}  // namespace wayside
