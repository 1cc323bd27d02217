#include "firmware-gw/told.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

Damage range(uint64_t from, uint64_t to) {
  return {Damage::Kind::kLoss, "journal", from, to, 0, 0, ""};
}
Damage other(const std::string& what) { return {Damage::Kind::kLoss, what, 0, 0, 0, 0, ""}; }

TEST(Told, a_range_is_told_once_until_the_journal_has_forgotten_it) {
  Told told;
  EXPECT_TRUE(told.add(range(5, 8)));
  EXPECT_FALSE(told.add(range(5, 8)));
  EXPECT_FALSE(told.add(range(7, 8))) << "a part of it";
  EXPECT_TRUE(told.add(range(7, 9)));
  Told later(told.save(), 8);
  EXPECT_FALSE(later.add(range(5, 8)));
  EXPECT_EQ(Told(told.save(), 9).save(), "7-9\n");
}

TEST(Told, what_has_no_range_is_told_again_when_a_start_without_it_lies_between) {
  Told first;
  EXPECT_TRUE(first.add(other("store")));
  Told second(first.save());
  EXPECT_FALSE(second.add(other("store")));
  Told third(second.save());
  Told fourth(third.save());
  EXPECT_TRUE(fourth.add(other("store")));
}

}  // namespace
}  // namespace wayside
