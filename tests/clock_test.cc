// The real clocks are read here, but nothing depends on what they say.
#include "base/clock.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

TEST(SystemClock, the_timer_never_steps_back) {
  SystemClock clock({}, "", {});
  int64_t last = clock.now().timer_ms;
  for (int i = 0; i < 10'000; ++i) {
    const int64_t timer = clock.now().timer_ms;
    ASSERT_GE(timer, last);
    last = timer;
  }
}

TEST(SystemClock, within_one_boot_a_restart_goes_on_by_the_boot_clock) {
  SystemClock before({}, "", {});
  const Now last = before.now();
  const std::string saved = before.save();
  SystemClock after({}, saved, last);
  EXPECT_EQ(after.save(), saved);
  EXPECT_EQ(step_between(last, after.now()), 0);
}

TEST(SystemClock, damaged_saved_text_is_as_good_as_none) {
  const Now last{SystemClock({}, "", {}).now().wall_ms, 1'000'000 * kDayMs};
  for (const char* saved : {"", " ", "x", "no-boot-id y", "no-boot-id 99999999999999999999 sure"}) {
    const Now now = SystemClock({}, saved, last).now();
    EXPECT_GE(now.timer_ms, last.timer_ms) << saved;
    EXPECT_LT(now.timer_ms, last.timer_ms + kDayMs) << saved;
  }
}

TEST(SystemClock, time_begins_at_the_earliest_with_the_build) {
  EXPECT_GE(build_date_ms(), *parse_rfc3339_ms("2026-01-01T00:00:00Z"));
  EXPECT_GE(SystemClock({}, "", {}).now().wall_ms, build_date_ms());
}

}  // namespace
}  // namespace wayside
