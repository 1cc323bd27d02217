#include "base/queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace wayside {
namespace {

using std::chrono::milliseconds;

struct Drained {
  std::vector<int> items;
  bool was_full = false;
};

Drained drain(BoundedQueue<int>& queue) {
  Drained drained;
  queue.drain(drained.items, SIZE_MAX, milliseconds(0), drained.was_full);
  return drained;
}

TEST(BoundedQueue, it_keeps_the_order_and_counts_the_bytes) {
  BoundedQueue<int> queue(100);
  EXPECT_TRUE(queue.push(1, 30));
  EXPECT_TRUE(queue.push(2, 30));
  EXPECT_EQ(queue.used_bytes(), 60u);
  EXPECT_EQ(drain(queue).items, (std::vector<int>{1, 2}));
  EXPECT_EQ(queue.used_bytes(), 0u);
}

TEST(BoundedQueue, at_its_bound_it_takes_the_item_and_asks_for_a_pause) {
  BoundedQueue<int> queue(100);
  EXPECT_TRUE(queue.push(1, 99));
  EXPECT_FALSE(queue.push(2, 1));
  EXPECT_FALSE(queue.push(3, 500));
  EXPECT_EQ(drain(queue).items, (std::vector<int>{1, 2, 3}));
}

TEST(BoundedQueue, only_the_first_drain_after_a_pause_tells_of_it) {
  BoundedQueue<int> queue(10);
  queue.push(1, 5);
  EXPECT_FALSE(drain(queue).was_full);
  queue.push(2, 10);
  EXPECT_TRUE(drain(queue).was_full);
  EXPECT_TRUE(queue.push(3, 1));
  EXPECT_FALSE(drain(queue).was_full);
}

struct SetClock {
  using duration = milliseconds;
  using time_point = std::chrono::time_point<SetClock, duration>;
  static inline time_point time{};
  static time_point now() { return time; }
};

TEST(BoundedQueue, it_tells_how_often_and_how_long_it_kept_others_waiting) {
  BoundedQueue<int, SetClock> queue(10);
  std::vector<int> items;
  bool was_full = false;
  queue.push(1, 9);
  SetClock::time += milliseconds(50);
  EXPECT_EQ(queue.use().times_full, 0u);
  queue.push(2, 9);
  SetClock::time += milliseconds(3);
  queue.push(3, 1);  // of one that has not heard yet
  EXPECT_TRUE(queue.use().is_full);
  EXPECT_EQ(queue.use().full_for, milliseconds(3));
  SetClock::time += milliseconds(4);
  queue.drain(items, SIZE_MAX, milliseconds(0), was_full);
  SetClock::time += milliseconds(50);
  EXPECT_FALSE(queue.use().is_full);
  EXPECT_EQ(queue.use().times_full, 1u);
  EXPECT_EQ(queue.use().full_for, milliseconds(7));
  queue.push(4, 10);
  SetClock::time += milliseconds(1);
  EXPECT_EQ(queue.use().times_full, 2u);
  EXPECT_EQ(queue.use().full_for, milliseconds(8));
  EXPECT_EQ(queue.use().used_bytes, 10u);
  EXPECT_EQ(queue.use().limit_bytes, 10u);
}

TEST(BoundedQueue, a_drain_forgets_what_the_vector_held) {
  BoundedQueue<int> queue(10);
  std::vector<int> items{7, 8, 9};
  bool was_full = true;
  queue.drain(items, SIZE_MAX, milliseconds(0), was_full);
  EXPECT_TRUE(items.empty());
  EXPECT_FALSE(was_full);
}

TEST(BoundedQueue, an_item_or_a_wake_up_ends_the_wait) {
  BoundedQueue<int> queue(1'000'000);
  std::vector<int> items;
  bool was_full;
  queue.wake();  // also before the wait begins
  queue.drain(items, SIZE_MAX, milliseconds(3'600'000), was_full);
  EXPECT_TRUE(items.empty());
  std::thread producer([&] {
    for (int i = 0; i < 1'000; ++i) queue.push(i, 1);
  });
  int expected = 0;
  while (expected < 1'000) {
    queue.drain(items, SIZE_MAX, milliseconds(3'600'000), was_full);
    for (int item : items) ASSERT_EQ(item, expected++);
  }
  producer.join();
}

TEST(BoundedQueue, items_may_be_move_only) {
  BoundedQueue<std::unique_ptr<int>> queue(10);
  queue.push(std::make_unique<int>(5), 1);
  std::vector<std::unique_ptr<int>> items;
  bool was_full;
  queue.drain(items, SIZE_MAX, milliseconds(0), was_full);
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(*items[0], 5);
}

}  // namespace
}  // namespace wayside
