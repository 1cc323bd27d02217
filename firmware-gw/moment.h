// A point in the past of a journal, as people name it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace wayside {

// Both are ends: up to this entry, and up to the first entry that was committed later than that.
struct Moment {
  uint64_t entry = UINT64_MAX;
  int64_t wall_ms = kTimeMax;

  bool is_before(uint64_t sequence, int64_t committed_ms) const {
    return sequence > entry || committed_ms > wall_ms;
  }
  // A journal entry's number, or a time in RFC 3339.
  static std::optional<Moment> parse(std::string_view text);
};

}  // namespace wayside
