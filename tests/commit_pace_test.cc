#include "firmware-gw/commit_pace.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

TEST(CommitPace, behind_quick_commits_nothing_waits) {
  CommitPace pace;
  for (int64_t ms = 0; ms < 100; ms += 10) pace.took(ms, ms);
  EXPECT_EQ(pace.rest_until_ms(), 90);
}

TEST(CommitPace, behind_slow_ones_the_next_waits_as_long_as_they_took_lately) {
  CommitPace pace;
  int64_t ms = 0;
  for (int i = 0; i < 100; ++i, ms += 1'000) pace.took(ms, ms + 400);
  EXPECT_NEAR(static_cast<double>(pace.rest_until_ms() - (ms - 600)), 400, 1);
  pace.took(ms, ms);
  EXPECT_LT(pace.rest_until_ms() - ms, 360) << "and less again once they are quick";
}

TEST(CommitPace, one_slow_commit_is_not_how_they_are) {
  CommitPace pace;
  for (int64_t ms = 0; ms < 1'000; ms += 10) pace.took(ms, ms + 1);
  pace.took(1'000, 1'800);
  EXPECT_LT(pace.rest_until_ms(), 1'800 + 110);
  pace.took(2'000, 30'000'000);
  EXPECT_LT(pace.rest_until_ms(), 30'000'000 + 400) << "nor is a medium that hung for hours";
}

}  // namespace
}  // namespace wayside
