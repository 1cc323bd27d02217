// Where time comes from. Only the threads at the rim read a clock; everything behind takes `Now`.
#pragma once

#include <string>
#include <string_view>

#include "base/held_time.h"
#include "base/sync_mark.h"

namespace wayside {

// Owned by the thread that reads it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now now() = 0;
  // What the next life needs to go on from here.
  virtual std::string save() const = 0;
};

// Milliseconds since the machine was started, suspension included: what is set by nobody.
int64_t boot_clock_ms();

// Our own time over the board's clocks, see HeldTime.
class SystemClock : public Clock {
 public:
  // `saved` is what save() gave in a former life, or empty; `last` the last time that was
  // journaled.
  SystemClock(const ClockOptions& options, std::string_view saved, const Now& last);

  Now now() override;
  std::string save() const override { return time_.save(); }

 private:
  SyncMark mark_;  // before what is made by its word
  HeldTime time_;
};

}  // namespace wayside
