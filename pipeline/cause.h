// Where an emission comes from: what made it be said, and under which configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wayside {

// The reading that had just come, or, without one, what else its journal entry tells: that time
// went on, a note.
struct Cause {
  static constexpr uint32_t kNoReading = UINT32_MAX;
  uint64_t entry = 0;           // 0: not known
  uint32_t place = kNoReading;  // of the reading, among those of the entry
  // How many readings of the entry came before its turn; of replays only, it is told to nobody.
  uint32_t before = 0;
  bool operator==(const Cause&) const = default;
};

// "18.3" as at the end of the reading's id; "18" without a reading.
std::string to_text(const Cause& cause);
std::optional<Cause> parse_cause(std::string_view text);

// The version of a configuration, 8 hex digits. 0, which none has: not known.
std::string version_digits(uint32_t version);
uint32_t parse_version_digits(std::string_view text);

}  // namespace wayside
