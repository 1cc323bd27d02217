// The real clocks are read here, but nothing depends on what they say: the former life's times are
// chosen so that the outcome is the same at any moment.
#include "base/clock.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kTimer = 1'000'000 * kDayMs;  // far from any boot clock and wall clock
const std::string kOtherBoot = "00000000-0000-0000-0000-000000000000 12345";

TEST(SystemClock, the_timer_never_steps_back) {
  SystemClock clock;
  int64_t last = clock.now().timer_ms;
  for (int i = 0; i < 10'000; ++i) {
    const int64_t timer = clock.now().timer_ms;
    ASSERT_GE(timer, last);
    last = timer;
  }
}

TEST(SystemClock, within_one_boot_a_restart_goes_on_by_the_boot_clock) {
  SystemClock before;
  const std::string saved = before.save();
  // The wall clock was set by decades in between: that does not matter.
  SystemClock after(saved, {before.now().wall_ms + 9'000 * kDayMs, before.now().timer_ms});
  EXPECT_EQ(after.save(), saved);
}

TEST(SystemClock, after_a_reboot_the_wall_clock_tells_how_long_it_was_away) {
  SystemClock wall;
  SystemClock clock(kOtherBoot, {wall.now().wall_ms - kDayMs, kTimer});
  const int64_t away = clock.now().timer_ms - kTimer;
  EXPECT_GE(away, kDayMs);
  EXPECT_LT(away, 2 * kDayMs);
}

TEST(SystemClock, a_wall_clock_that_cannot_be_trusted_counts_as_no_time_away) {
  const int64_t now = SystemClock().now().wall_ms;
  for (int64_t last_wall : {now + 3'650 * kDayMs, now - 3'650 * kDayMs, int64_t{0}}) {
    SystemClock clock(kOtherBoot, {last_wall, kTimer});
    const int64_t away = clock.now().timer_ms - kTimer;
    EXPECT_GE(away, 0) << last_wall;
    EXPECT_LT(away, kDayMs) << last_wall;
  }
}

TEST(SystemClock, a_journal_that_is_ahead_of_the_saved_offset_wins) {
  SystemClock before;
  SystemClock after(before.save(), {before.now().wall_ms, before.now().timer_ms + kDayMs});
  EXPECT_GE(after.now().timer_ms, before.now().timer_ms + kDayMs - 1'000);
}

TEST(SystemClock, damaged_saved_text_is_as_good_as_none) {
  for (const char* saved : {"", " ", "x", "no-boot-id y"}) {
    SystemClock clock(saved, {0, kTimer});
    EXPECT_GE(clock.now().timer_ms, kTimer) << saved;
    EXPECT_LT(clock.now().timer_ms, kTimer + kDayMs) << saved;
  }
}

}  // namespace
}  // namespace wayside
