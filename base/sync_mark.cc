#include "base/sync_mark.h"

#include <cstdlib>

namespace wayside {

bool SyncMark::vouches(int64_t touched_ms, int64_t system_ms, int64_t boot_ms) {
  const int64_t offset_ms = system_ms - boot_ms;
  if (touched_ms != touched_ms_) {
    touched_ms_ = touched_ms;
    offset_ms_ = offset_ms;
  }
  const int64_t age_ms = system_ms - touched_ms;
  return touched_ms != 0 && age_ms >= 0 && age_ms <= kLongestMs &&
         std::abs(offset_ms - offset_ms_) <= kStepMs;
}

}  // namespace wayside
