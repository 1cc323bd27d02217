// Times and durations. An event time is a count of milliseconds since 1970-01-01T00:00Z (int64, may
// be negative), the resolution of Flink and Kafka. Leap seconds do not exist here.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace wayside {

constexpr int64_t kTimeMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kTimeMax = std::numeric_limits<int64_t>::max();

// 0001-01-01 and 9999-12-31T23:59:59.999Z: times outside are called impossible.
constexpr int64_t kPossibleMin = -62'135'596'800'000;
constexpr int64_t kPossibleMax = 253'402'300'799'999;

// "250ms", "5s", "10m", "2h", "1d"; whole or decimal numbers, one unit. Nothing else.
std::optional<int64_t> parse_duration_ms(std::string_view text);
std::string format_duration(int64_t ms);

// RFC 3339 with any offset; 'T' may be a space, fractions beyond ms are cut. Nothing else.
std::optional<int64_t> parse_rfc3339_ms(std::string_view text);
// "2026-03-01T12:00:00.250Z". `ms` must be possible.
std::string format_rfc3339(int64_t ms);

constexpr int64_t kDayMs = 86'400'000;

// a + b, or the end of time that it would go beyond.
constexpr int64_t saturating_add(int64_t a, int64_t b) {
  if (b > 0 && a > kTimeMax - b) return kTimeMax;
  if (b < 0 && a < kTimeMin - b) return kTimeMin;
  return a + b;
}

// What our wall time rests on; docs/semantics.md has the rules.
enum class ClockState : uint8_t {
  kUnset,   // only on the date of the build: it is later than that
  kHeld,    // on a time that was known once, and the boot clock since
  kSynced,  // on the system clock, which the kernel says is synchronised
};
const char* to_text(ClockState state);

// The clocks of the daemon, read once a turn and passed on as values.
struct Now {
  int64_t wall_ms = 0;   // our own time; steps only where a synchronised clock says so
  int64_t timer_ms = 0;  // never steps back, also not across restarts; only for timers
  // Of a turn from the journal: kUnset, or anything else.
  ClockState clock = ClockState::kSynced;
  // Not in the journal. The true time may be this much later than wall_ms.
  int64_t may_lag_ms = 0;
  int64_t boot_ms = 0;  // the boot clock, by which chunks are stamped
};

// By how much wall time was set between the two.
constexpr int64_t step_between(const Now& before, const Now& after) {
  return (after.wall_ms - before.wall_ms) - (after.timer_ms - before.timer_ms);
}

constexpr bool became_synced(const Now& before, const Now& after) {
  return after.clock == ClockState::kSynced && before.clock != ClockState::kSynced;
}

}  // namespace wayside
