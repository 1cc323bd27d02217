#include "base/sync_mark.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

constexpr int64_t kBootMs = 1'700'000'000'000;  // when the machine was started
constexpr int64_t kHourMs = 3'600'000;

struct Look {
  int64_t touched_ms, system_ms, boot_ms;  // all since the start of the machine
  bool right;
};

void expect_all(std::initializer_list<Look> looks) {
  SyncMark mark;
  int number = 0;
  for (const Look& look : looks) {
    const int64_t touched_ms = look.touched_ms == 0 ? 0 : kBootMs + look.touched_ms;
    EXPECT_EQ(mark.vouches(touched_ms, kBootMs + look.system_ms, look.boot_ms), look.right)
        << "look " << number;
    ++number;
  }
}

TEST(SyncMark, none_says_nothing) { expect_all({{0, 1'000, 1'000, false}}); }

TEST(SyncMark, it_counts_for_some_nine_hours) {
  expect_all({{1'000, 1'000, 1'000, true},
              {1'000, 8 * kHourMs, 8 * kHourMs, true},
              {1'000, 9 * kHourMs, 9 * kHourMs, false},
              {9 * kHourMs, 9 * kHourMs, 9 * kHourMs, true}});
}

TEST(SyncMark, an_old_one_or_one_of_the_future_says_nothing_at_a_start) {
  expect_all({{1'000, 9 * kHourMs, 9 * kHourMs, false}});
  expect_all({{5'000, 4'000, 4'000, false}});
}

TEST(SyncMark, who_sets_the_clock_behind_it_makes_it_worthless_until_the_next_one) {
  expect_all({{1'000, 2'000, 2'000, true},
              {1'000, 62'000, 3'000, false},    // a minute on
              {1'000, 63'000, 4'000, false},    // for good
              {64'000, 64'000, 5'000, true}});  // confirmed
}

TEST(SyncMark, timesyncds_own_step_comes_before_its_mark) {
  expect_all({{0, 1'000, 1'000, false},
              {0, 3 * kHourMs, 2'000, false},
              {3 * kHourMs, 3 * kHourMs + 1'000, 3'000, true}});
}

TEST(SyncMark, a_moment_between_two_clocks_is_no_step) {
  expect_all({{1'000, 2'000, 2'000, true}, {1'000, 3'050, 3'000, true}});
}

}  // namespace
}  // namespace wayside
