// Our own time. It goes on by the boot clock, and takes the system clock's word only where that is
// known to be right: a board without a battery starts in 1970, at its last shutdown or years ahead,
// and whoever sets its clock may be wrong, too. Pure: readings in, times out.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace wayside {

// Nothing of ours ran before; SOURCE_DATE_EPOCH, or a date that each release sets anew.
int64_t build_date_ms();

// Who sets the system clock. kSystem: somebody who does not tell the kernel, so that it is believed
// whenever it is not before the build.
enum class ClockTrust { kSynchronised, kSystem };

struct ClockOptions {
  ClockTrust trust = ClockTrust::kSynchronised;
  int64_t step_limit_ms = 500;
  int64_t max_away_ms = 400 * kDayMs;
  int64_t build_ms = build_date_ms();
};

// What the machine says at one instant.
struct ClockReading {
  int64_t system_ms = 0;
  int64_t boot_ms = 0;        // since the machine was started, suspension included
  bool synchronised = false;  // by the kernel's own account
  bool has_battery = false;   // a clock that runs on without power has set the system clock
};

class HeldTime {
 public:
  // No board runs our software for longer: later than so long after the build it never is.
  static constexpr int64_t kLongestLifeMs = 20 * 366 * kDayMs;

  // The start of a life. `boot` names this run of the machine; `saved` is what save() gave in a
  // former life, or empty; `last` the last time that was journaled, timer_ms == 0 for none.
  HeldTime(const ClockOptions& options, std::string boot, std::string_view saved, const Now& last,
           const ClockReading& first);

  // Readings come in the order of the boot clock.
  Now at(const ClockReading& reading);
  std::string save() const;  // boot, offset of the timer clock, whether the time was sure

 private:
  int64_t start_time(bool same_boot, const Now& last, const ClockReading& first);

  ClockOptions options_;
  std::string boot_;
  ClockState state_ = ClockState::kHeld;
  bool sure_ = false;            // it cannot lag: known in this run of the machine
  int64_t wall_offset_ms_ = 0;   // to the boot clock
  int64_t timer_offset_ms_ = 0;  // to the boot clock
};

}  // namespace wayside
