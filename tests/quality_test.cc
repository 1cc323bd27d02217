#include "pipeline/quality.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

struct Bench {
  Bench() : quality(make_options()) {}
  static SourceOptions make_options() {
    SourceOptions o;
    o.expect_every_ms = 10'000;
    return o;
  }
  void add(uint32_t key, const std::vector<int64_t>& times, int64_t wall_ms = 0,
           const std::vector<Cleaner::Change>& changes = {}) {
    const std::vector<uint32_t> keys(times.size(), key);
    quality.add({times.size(), times.data(), keys.data(), {}, nullptr}, changes, wall_ms);
  }
  double completeness(uint32_t key) const { return quality.of_key(key).completeness(); }

  Quality quality;
};

TEST(Quality, it_is_off_without_expect_every) { EXPECT_FALSE(Quality(SourceOptions()).is_on()); }

TEST(Quality, a_device_is_as_complete_as_the_parts_of_its_time_that_have_a_reading) {
  Bench b;
  b.add(0, {5'000});
  EXPECT_EQ(b.completeness(0), 1);
  b.add(0, {15'000, 16'000, 19'000});
  EXPECT_EQ(b.completeness(0), 1) << "more than expected is not more than complete";
  b.add(0, {45'000});
  EXPECT_EQ(b.completeness(0), 0.6);
}

TEST(Quality, neither_jitter_nor_the_phase_of_a_device_makes_it_incomplete) {
  for (int64_t phase_ms = 0; phase_ms < 10'000; phase_ms += 500) {
    Bench b;
    for (int64_t i = 0; i < 500; ++i) b.add(0, {phase_ms + i * 10'000 + i * 7'919 % 401 - 200});
    EXPECT_EQ(b.completeness(0), 1) << phase_ms;
  }
  Bench half;
  for (int64_t i = 0; i <= 500; ++i) half.add(0, {i * 20'000 + i * 7'919 % 401 - 200});
  EXPECT_NEAR(half.completeness(0), 0.5, 0.01);
  Bench twice;
  for (int64_t i = 0; i <= 500; ++i) twice.add(0, {i * 5'000});
  EXPECT_EQ(twice.completeness(0), 1);
  EXPECT_EQ(twice.quality.of_key(0).expected, 251u);
}

TEST(Quality, a_late_reading_makes_its_part_complete_and_only_once) {
  Bench b;
  b.add(0, {5'000, 45'000, 25'000, 26'000});
  EXPECT_EQ(b.completeness(0), 0.6);
  b.add(0, {-20'000});
  EXPECT_EQ(b.completeness(0), 0.6) << "before its first reading nothing was expected";
  b.add(1, {0, 640'000, 0});
  EXPECT_EQ(b.quality.of_key(1).complete, 2u) << "what is too far behind is judged no more";
  EXPECT_EQ(b.quality.of_key(1).expected, 65u);
}

TEST(Quality, a_clock_that_was_wrong_costs_no_more_than_its_readings) {
  constexpr int64_t kNow = 1'790'000'000'000;
  constexpr int64_t kYear1 = -62'135'596'800'000;
  Bench b;
  b.add(0, {0}, kNow);
  for (int64_t i = 0; i < 100; ++i) b.add(0, {kNow + i * 10'000}, kNow + i * 10'000 + 500);
  b.add(0, {2 * kNow}, kNow);
  for (int64_t i = 100; i < 200; ++i) b.add(0, {kNow + i * 10'000}, kNow + i * 10'000 + 500);
  EXPECT_EQ(b.completeness(0), 1);
  EXPECT_EQ(b.quality.total().mean_lag_ms(), 500);
  b.add(1, std::vector<int64_t>(200'000, kYear1), kNow);
  EXPECT_EQ(b.quality.total().mean_lag_ms(), 500);
  EXPECT_EQ(b.quality.of_key(1).mean_lag_ms(), 0);
}

TEST(Quality, readings_with_a_fault_are_not_valid_and_smoothed_ones_are) {
  Bench b;
  b.add(0, {1, 2, 3, 4}, 0,
        {{0, 1, Reason::kSmoothed}, {1, 1, Reason::kTooFast}, {1, 1, Reason::kFilled}});
  EXPECT_EQ(b.quality.of_key(0).validity(), 0.75);
}

TEST(Quality, the_lag_is_from_event_time_to_the_wall_clock) {
  Bench b;
  b.add(0, {1'000, 3'000}, 5'000);
  EXPECT_EQ(b.quality.of_key(0).mean_lag_ms(), 3'000);
}

TEST(Quality, the_total_is_over_all_keys_and_also_those_that_are_forgotten) {
  Bench b;
  b.add(0, {5'000});
  b.add(1, {5'000, 35'000});
  b.quality.forget_key(0);
  b.quality.forget_key(1'000);  // never seen: no harm
  EXPECT_EQ(b.quality.of_key(0).readings, 0u);
  EXPECT_EQ(b.quality.total().readings, 3u);
  EXPECT_EQ(b.quality.total().expected, 5u);
  EXPECT_EQ(b.quality.total().complete, 3u);
}

TEST(Quality, saved_and_loaded_it_goes_on_the_same) {
  Bench straight, first, second;
  straight.add(3, {5'000, 45'000, 25'000, 26'000});
  first.add(3, {5'000, 45'000, 25'000});
  std::string bytes, totals;
  ByteWriter writer(bytes), totals_writer(totals);
  EXPECT_FALSE(first.quality.save_key(0, writer));
  EXPECT_FALSE(first.quality.save_key(9, writer));
  ASSERT_TRUE(first.quality.save_key(3, writer));
  first.quality.save_totals(totals_writer);
  ByteReader reader(bytes), totals_reader(totals);
  second.quality.load_key(3, reader);
  second.quality.load_totals(totals_reader);
  EXPECT_TRUE(reader.ok() && reader.left() == 0);
  second.add(3, {26'000});
  EXPECT_EQ(second.completeness(3), straight.completeness(3));
  EXPECT_EQ(second.quality.total().complete, straight.quality.total().complete);
}

}  // namespace
}  // namespace wayside
