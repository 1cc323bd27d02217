// What the configuration says about blocks.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace wayside {

struct WindowOptions {
  std::string name;
  std::vector<std::string> from;
  int64_t size_ms = 60'000;
  int64_t offset_ms = 0;
  std::string where;
  std::vector<std::pair<std::string, std::string>>
      select;  // alias, expression; in the order of the file
  std::string having;
  int64_t allowed_lateness_ms = 0;
  std::vector<std::string> to;
  std::vector<std::string> late_to;
};

enum class Severity { kInfo, kWarning, kCritical };

struct RuleOptions {
  std::string name;
  std::string from;
  std::string when;
  int64_t for_ms = 0;
  Severity severity = Severity::kWarning;
  std::vector<std::string> to;
};

struct DetectorOptions {
  std::string name;
  std::string from;
  std::string field;
  std::string method = "auto";  // "robust_z" is what "auto" takes
  double threshold = 8;
  uint32_t history = 64;
  std::vector<std::string> to;
};

// Timers act on this grid, so that replay finds the same instants.
struct EngineOptions {
  int64_t tick_ms = 1'000;
  int64_t learn_ms = 86'400'000;  // new blocks learn from so much of the journal; 0: nothing
};

}  // namespace wayside
