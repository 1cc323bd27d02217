#include "storage/budget.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

constexpr uint64_t kMb = 1 << 20;

Room room() {
  Room r;
  r.max_bytes = 256 * kMb;
  r.min_free = 64 * kMb;
  r.free_bytes = 1'000 * kMb;
  r.journal_bytes = 40 * kMb;
  r.journal_least = 16 * kMb;
  r.store_bytes = 10 * kMb;
  r.store_reserve = 2 * kMb;
  return r;
}

TEST(Budget, the_journal_takes_what_the_store_leaves) {
  Room r = room();
  EXPECT_EQ(budget_of(r).journal_bytes, 246 * kMb);
  r.store_bytes = 200 * kMb;
  EXPECT_EQ(budget_of(r).journal_bytes, 56 * kMb);
  EXPECT_EQ(budget_of(r).store_excess, 0u);
}

TEST(Budget, the_journal_keeps_what_recovery_needs_and_then_the_outbox_gives_way) {
  Room r = room();
  r.journal_bytes = 16 * kMb;
  for (const uint64_t store : {240 * kMb, 300 * kMb}) {
    r.store_bytes = store;
    EXPECT_EQ(budget_of(r).journal_bytes, 16 * kMb);
    EXPECT_EQ(budget_of(r).store_excess, 2 * kMb);
  }
}

TEST(Budget, what_was_given_up_inside_of_the_store_counts_as_room) {
  Room r = room();
  r.store_bytes = 300 * kMb;
  r.store_unused = 2 * kMb;
  EXPECT_EQ(budget_of(r).store_excess, 0u);
  r.store_unused = kMb;
  EXPECT_EQ(budget_of(r).store_excess, kMb);
}

TEST(Budget, what_has_to_stay_free_is_not_ours) {
  Room r = room();
  r.free_bytes = 64 * kMb;  // as we are, and no more
  EXPECT_EQ(budget_of(r).journal_bytes, 40 * kMb);
  r.free_bytes = 44 * kMb;
  EXPECT_EQ(budget_of(r).journal_bytes, 20 * kMb);
  EXPECT_EQ(budget_of(r).store_excess, 0u) << "the journal can still give way";
  r.free_bytes = 0;
  EXPECT_EQ(budget_of(r).journal_bytes, 16 * kMb);
  EXPECT_EQ(budget_of(r).store_excess, 2 * kMb);
}

}  // namespace
}  // namespace wayside
