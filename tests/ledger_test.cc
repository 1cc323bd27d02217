#include "pipeline/ledger.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

Ledger of(uint64_t in, uint64_t used, uint64_t late, uint64_t duplicate, uint64_t quarantined,
          uint64_t dropped) {
  return {.used = used,
          .late = late,
          .duplicate = duplicate,
          .quarantined = quarantined,
          .dropped = dropped,
          .in = in};
}

TEST(Ledger, is_balanced_when_each_reading_has_one_fate) {
  EXPECT_TRUE(Ledger{}.balanced());
  EXPECT_TRUE(of(15, 1, 2, 3, 4, 5).balanced());
  EXPECT_FALSE(of(16, 1, 2, 3, 4, 5).balanced()) << "one got lost";
  EXPECT_FALSE(of(14, 1, 2, 3, 4, 5).balanced()) << "one was counted twice";
}

TEST(Ledger, adds_up_fate_by_fate) {
  Ledger sum = of(15, 1, 2, 3, 4, 5);
  sum += of(150, 10, 20, 30, 40, 50);
  EXPECT_EQ(sum.in, 165u);
  EXPECT_EQ(sum.used, 11u);
  EXPECT_EQ(sum.late, 22u);
  EXPECT_EQ(sum.duplicate, 33u);
  EXPECT_EQ(sum.quarantined, 44u);
  EXPECT_EQ(sum.dropped, 55u);
}

}  // namespace
}  // namespace wayside
