// Which of a pack's values a field takes: the record's own name, behind the base name; "." is a
// record that has none. "power#s" is its sum, "temp@Cel" one with that unit. "bn": the base name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sensors/options.h"
#include "sensors/path_fault.h"

namespace wayside {

struct SenmlPath {
  std::string name;  // empty: it has none of its own
  std::string unit;  // empty: any, or none
  bool is_sum = false;
  bool is_base_name = false;
};

// Nothing, if it is none.
std::optional<SenmlPath> parse_senml_path(std::string_view path);

PathFaults wrong_senml_paths(const SourceOptions& source);

}  // namespace wayside
