// Where time comes from. Only the threads at the rim read a clock; everything behind takes `Now`.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace wayside {

// Owned by the thread that reads it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now now() = 0;
  // What the next life needs to go on from here.
  virtual std::string save() const = 0;
};

// The board's clocks. `timer_ms` goes on from the last time that was journaled: by the boot clock
// when the machine has not been restarted since, else by the wall clock's difference, which counts
// as 0 when it is negative or over a week, since then the wall clock cannot be trusted.
class SystemClock : public Clock {
 public:
  // `saved` is what save() gave in a former life, or empty; `last` the last time that was
  // journaled.
  SystemClock(std::string_view saved, const Now& last);
  SystemClock() : SystemClock("", {}) {}

  Now now() override;
  std::string save() const override;  // boot id and offset

 private:
  int64_t offset_ms_ = 0;  // timer_ms = boot clock + offset
};

}  // namespace wayside
