#include "pipeline/ordered.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

class Ordered : public testing::Test {
 protected:
  bool add(int64_t time, double value, uint32_t key = 0) {
    return ordered_.add(key, time, {&value}, 0);
  }
  auto consumer() {
    return [this](int64_t time, const double* values) { out_.push_back({time, values[0]}); };
  }
  using Out = std::vector<std::pair<int64_t, double>>;
  Out release(int64_t watermark, uint32_t key = 0) {
    ordered_.release(key, watermark, consumer());
    return std::exchange(out_, {});
  }
  std::vector<uint32_t> due(int64_t watermark) const {
    std::vector<uint32_t> keys;
    ordered_.add_due_keys(watermark, keys);
    return keys;
  }
  Out shorten(int64_t watermark) {
    EXPECT_TRUE(ordered_.is_over_limit(0));
    ordered_.shorten(0, watermark, consumer());
    EXPECT_FALSE(ordered_.is_over_limit(0));
    return std::exchange(out_, {});
  }
  Out release_all(uint32_t key = 0) {
    ordered_.release_all(key, consumer());
    return std::exchange(out_, {});
  }

  OrderedReadings ordered_{1, WatermarkMode::kSource};
  Out out_;
};

TEST_F(Ordered, readings_leave_in_order_of_time_when_the_watermark_has_passed_them) {
  for (int64_t t : {30, 10, 40, 20}) EXPECT_TRUE(add(t, double(t)));
  EXPECT_EQ(release(9), Out());
  EXPECT_EQ(release(30), (Out{{10, 10}, {20, 20}, {30, 30}}));
  EXPECT_EQ(release(30), Out());
  EXPECT_EQ(ordered_.waiting(), 1u);
  EXPECT_EQ(release(kTimeMax), (Out{{40, 40}}));
}

TEST_F(Ordered, equal_times_leave_in_order_of_arrival) {
  for (double v : {1, 2, 3}) add(10, v);
  add(5, 0);
  EXPECT_EQ(release(10), (Out{{5, 0}, {10, 1}, {10, 2}, {10, 3}}));
}

TEST_F(Ordered, what_comes_behind_its_place_is_refused) {
  add(10, 1);
  release(20);
  EXPECT_FALSE(add(20, 2)) << "its time has been passed, though nothing was there";
  EXPECT_TRUE(add(21, 3));
  EXPECT_EQ(ordered_.waiting(), 1u);
}

TEST_F(Ordered, a_silent_key_gives_all_and_takes_later_ones_only) {
  add(10, 1);
  add(30, 2);
  EXPECT_EQ(release_all(), (Out{{10, 1}, {30, 2}}));
  EXPECT_FALSE(add(30, 3));
  EXPECT_TRUE(add(31, 4));
  EXPECT_EQ(release_all(7), Out()) << "nothing was ever there";
}

TEST_F(Ordered, each_key_waits_by_itself) {
  add(10, 1, 0);
  add(10, 2, 3);
  EXPECT_EQ(ordered_.waiting_keys(), (std::vector<uint32_t>{0, 3}));
  EXPECT_EQ(release(50, 3), (Out{{10, 2}}));
  EXPECT_EQ(ordered_.waiting_keys(), std::vector<uint32_t>{0});
  ordered_.forget_key(0);
  EXPECT_EQ(ordered_.waiting(), 0u);
  EXPECT_TRUE(add(1, 1, 3) == false && add(1, 1, 0)) << "a forgotten key starts anew";
}

TEST_F(Ordered, in_source_mode_keys_are_due_by_their_oldest_reading) {
  for (int64_t t : {30, 20, 40}) add(t, 0, 0);
  add(25, 0, 1);
  add(26, 0, 2);
  EXPECT_EQ(due(19), std::vector<uint32_t>{});
  EXPECT_EQ(due(25), (std::vector<uint32_t>{0, 1}));
  release(25, 0);
  EXPECT_EQ(due(29), (std::vector<uint32_t>{1, 2}));
  ordered_.forget_key(1);
  release_all(2);
  EXPECT_EQ(due(30), std::vector<uint32_t>{0});
}

TEST_F(Ordered, a_reading_carries_all_its_values) {
  OrderedReadings ordered(3, WatermarkMode::kKey);
  const double a[] = {0, 1}, b[] = {0, kNull}, c[] = {0, 3};
  ordered.add(0, 20, {a, b, c}, 1);
  ordered.add(0, 10, {c, c, c}, 1);
  std::vector<double> firsts;
  ordered.release(0, 20, [&](int64_t time, const double* v) {
    firsts.push_back(v[0]);
    if (time != 20) return;
    EXPECT_TRUE(is_null(v[1]));
    EXPECT_EQ(v[2], 3);
  });
  EXPECT_EQ(firsts, (std::vector<double>{3, 1}));
}

TEST_F(Ordered, beyond_the_limit_the_oldest_leaves_early_and_its_place_is_gone) {
  constexpr auto kMax = int64_t(OrderedReadings::kMaxWaiting);
  for (int64_t t = 1; t <= kMax; ++t) EXPECT_TRUE(add(t, double(t)));
  EXPECT_FALSE(ordered_.is_over_limit(0));
  EXPECT_TRUE(add(kMax + 1, 7));
  EXPECT_EQ(shorten(kTimeMin), (Out{{1, 1}}));
  EXPECT_FALSE(add(0, 8)) << "older than what has left";
  EXPECT_TRUE(add(kMax + 2, 9));
  EXPECT_EQ(shorten(3), (Out{{2, 2}, {3, 3}})) << "the watermark has passed them anyway";
  EXPECT_EQ(ordered_.evicted(), 1u);
}

TEST_F(Ordered, a_clock_that_stands_still_loses_nothing) {
  for (size_t i = 0; i < OrderedReadings::kMaxWaiting; ++i) EXPECT_TRUE(add(5, double(i)));
  for (double i : {0, 1, 2}) {
    EXPECT_TRUE(add(5, -1));
    EXPECT_EQ(shorten(-1), (Out{{5, i}}));
  }
}

TEST_F(Ordered, a_saved_key_goes_on_where_it_was) {
  for (int64_t t : {30, 10, 40}) add(t, double(t));
  release(15);
  std::string bytes;
  ByteWriter writer(bytes);
  ASSERT_TRUE(ordered_.save_key(0, writer));
  EXPECT_FALSE(ordered_.save_key(1, writer)) << "nothing to save";
  ordered_ = OrderedReadings(1, WatermarkMode::kSource);
  ByteReader reader(bytes);
  ordered_.load_key(2, reader);  // ids may differ
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.left(), 0u);
  EXPECT_EQ(ordered_.waiting(), 2u);
  EXPECT_FALSE(add(15, 0, 2));
  add(35, 35, 2);
  EXPECT_EQ(release(100, 2), (Out{{30, 30}, {35, 35}, {40, 40}}));
}

}  // namespace
}  // namespace wayside
