// A machine without a battery: a boot clock that is right, and a system clock that anybody sets to
// anything. What the kernel calls synchronised is right here, save where a test lies with it.
#pragma once

#include <iterator>
#include <random>
#include <string>

#include "base/clock.h"
#include "sensors/gps_era.h"

namespace wayside {

class Machine {
 public:
  // Its software is older than what happens here, whenever that is built.
  static constexpr int64_t kBuildMs = 1'767'225'600'000;  // 2026-01-01

  Machine(int64_t true_ms, bool starts_unset) : true_ms_(true_ms) {
    if (starts_unset) set_system(12'000);
  }

  ClockReading read() const {
    ClockReading reading;
    reading.system_ms = true_ms_ + system_error_ms_;
    reading.boot_ms = boot_ms_;
    reading.synchronised = synchronised_;
    return reading;
  }
  std::string boot() const { return "boot-" + std::to_string(boots_); }
  int64_t true_ms() const { return true_ms_; }

  void advance(int64_t ms) {
    true_ms_ += ms;
    boot_ms_ += ms;
  }
  // Off for a while, with the system clock then at what a random board has.
  void reboot(int64_t away_ms) {
    true_ms_ += away_ms;
    boot_ms_ = 3'000;
    ++boots_;
    synchronised_ = false;
    const int64_t before_ms = true_ms_ + system_error_ms_ - away_ms;
    set_system(boots_ % 3 == 0 ? 12'000 : before_ms);
  }
  void set_system(int64_t ms) {  // settimeofday() makes the kernel forget that it was synchronised
    system_error_ms_ = ms - true_ms_;
    synchronised_ = false;
  }
  void synchronise() {
    system_error_ms_ = 0;
    synchronised_ = true;
  }
  void lie() { synchronised_ = true; }
  // Now and then the network sets the clock right; else somebody sets it to anything.
  void step(std::mt19937_64& random) {
    if (random() % 10 == 0) return synchronise();
    static constexpr int64_t kSteps[] = {1'000, 3'600'000, kDayMs, kGpsEraMs, 3'650 * kDayMs};
    static const int64_t kTimes[] = {0, 12'000, *parse_rfc3339_ms("2038-01-19T03:14:08Z"),
                                     *parse_rfc3339_ms("2038-11-21T00:00:00Z"),
                                     *parse_rfc3339_ms("1980-01-06T00:00:00Z")};
    if (random() % 3 == 0) return set_system(kTimes[random() % std::size(kTimes)]);
    const int64_t by_ms = kSteps[random() % std::size(kSteps)] * (random() % 2 ? 1 : -1);
    set_system(true_ms_ + system_error_ms_ + by_ms);
  }

 private:
  int64_t true_ms_;
  int64_t boot_ms_ = 3'000;
  int64_t system_error_ms_ = 0;
  bool synchronised_ = false;
  int boots_ = 1;
};

}  // namespace wayside
