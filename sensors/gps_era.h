// GPS counts weeks modulo 1,024: a receiver that has lost count is 19.6 years off, to the second.
// It last happened on 2019-04-07, and happens next on 2038-11-21.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace wayside {

constexpr int64_t kGpsEraMs = 1024LL * 7 * kDayMs;

// `time_ms` moved by as many eras as bring it to within a day of `now_ms`, which may be behind the
// true time by `may_lag_ms`. None: it is there already, or no number of eras does. Possible times.
inline std::optional<int64_t> in_our_gps_era(int64_t time_ms, int64_t now_ms, int64_t may_lag_ms) {
  const int64_t low = now_ms - kDayMs;
  const int64_t high = now_ms + may_lag_ms + kDayMs;
  if (may_lag_ms >= kGpsEraMs / 2 || (time_ms >= low && time_ms <= high)) return std::nullopt;
  int64_t behind = (time_ms - low) % kGpsEraMs;
  if (behind < 0) behind += kGpsEraMs;
  const int64_t moved_ms = low + behind;
  if (moved_ms > high) return std::nullopt;
  return moved_ms;
}

}  // namespace wayside
