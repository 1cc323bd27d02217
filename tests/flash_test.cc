#include "firmware-gw/flash.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr uint64_t kTb = 1'000'000'000'000;

TEST(Growth, is_not_told_from_less_than_a_minute) {
  Growth growth;
  growth.add(0, 0);
  growth.add(kMinuteMs - 1, 1'000'000);
  EXPECT_EQ(growth.per_s(), 0);
  growth.add(2 * kMinuteMs, 1'200'000);
  EXPECT_DOUBLE_EQ(growth.per_s(), 10'000);
}

TEST(Growth, forgets_what_was_over_an_hour_ago) {
  Growth growth;
  uint64_t total = 0;
  int64_t now = 0;
  for (; now < 60 * kMinuteMs; now += Growth::kStepMs) growth.add(now, total += 1'000'000);
  for (; now <= 121 * kMinuteMs; now += Growth::kStepMs) growth.add(now, total += 10'000);
  EXPECT_DOUBLE_EQ(growth.per_s(), 1'000);
}

TEST(FlashMeter, goes_on_where_the_former_life_ended) {
  FlashMeter before(0);
  before.add_payload(1'000);
  before.look(0, {4'000, 7});
  FlashMeter after(0);
  after.restore(before.save());
  after.add_payload(500);
  after.look(0, {2'000, 3});
  EXPECT_EQ(after.status().written_bytes, 6'000u);
  EXPECT_EQ(after.status().flushes, 10u);
  EXPECT_EQ(after.status().payload_bytes, 1'500u);
  EXPECT_DOUBLE_EQ(after.status().bytes_per_payload_byte(), 4);
}

TEST(FlashMeter, begins_anew_when_what_was_saved_is_damaged) {
  FlashMeter meter(0);
  meter.restore("\xff");
  meter.look(0, {1, 1});
  EXPECT_EQ(meter.status().written_bytes, 1u);
}

TEST(FlashMeter, forecasts_the_life_of_a_card_whose_endurance_is_known) {
  for (const uint64_t endurance : {uint64_t{0}, 30 * kTb}) {
    FlashMeter meter(endurance);
    meter.look(0, {});
    meter.look(10 * kMinuteMs, {600 * 11'574, 0});  // 11.574 kB/s: 1 GB a day
    EXPECT_NEAR(meter.status().gb_per_day, 1, 0.001);
    EXPECT_NEAR(meter.status().years_left(), endurance == 0 ? 0 : 82.1, 0.2);
  }
}

}  // namespace
}  // namespace wayside
