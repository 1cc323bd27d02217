// Fields of a source, for tests.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sensors/options.h"

namespace wayside {

using TextRows = std::vector<std::string>;  // readings, each as a text

inline constexpr auto kText = FieldType::kText;
inline constexpr auto kBool = FieldType::kBool;

inline FieldOptions field(const std::string& name, const std::string& path,
                          FieldType type = FieldType::kNumber) {
  FieldOptions f;
  f.name = name;
  f.path = path;
  f.type = type;
  return f;
}

inline FieldOptions ranged(FieldOptions f, std::optional<double> min, std::optional<double> max) {
  f.min = min;
  f.max = max;
  return f;
}

inline FieldOptions scaled(FieldOptions f, double scale, double shift = 0) {
  f.scale = scale;
  f.shift = shift;
  return f;
}

}  // namespace wayside
