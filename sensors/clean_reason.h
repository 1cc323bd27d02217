// Why cleaning has changed a value, or doubts it.
#pragma once

#include <array>
#include <cstdint>

namespace wayside {

enum class Reason : uint8_t {
  kOutOfRange,
  kNullIsland,
  kNoFix,
  kImprecise,
  kFrozen,
  kIncomplete,
  kTooFast,
  kStuck,
  kSmoothed,
  kFilled,
};
constexpr size_t kReasons = 10;

constexpr const char* name_of(Reason reason) {
  constexpr std::array<const char*, kReasons> kNames{
      "out_of_range", "null_island", "no_fix", "imprecise", "frozen",
      "incomplete",   "too_fast",    "stuck",  "smoothed",  "filled"};
  return kNames[static_cast<size_t>(reason)];
}

// The device was wrong; else a value was only made smoother, or carried on.
constexpr bool is_fault(Reason reason) {
  return reason != Reason::kSmoothed && reason != Reason::kFilled;
}

}  // namespace wayside
