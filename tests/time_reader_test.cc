#include "sensors/time_reader.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

constexpr int64_t kNoon = 1'772'366'400'000;  // 2026-03-01T12:00:00Z

TimeReader reader(TimeUnit unit, const std::string& zone = "", const std::string& pattern = "") {
  return TimeReader({unit, pattern, zone});
}

TEST(TimeReader, auto_tells_the_unit_of_a_number_by_its_size) {
  const TimeReader r = reader(TimeUnit::kAuto);
  for (const int64_t number : {kNoon / 1000, kNoon, kNoon * 1000, kNoon * 1'000'000}) {
    EXPECT_EQ(r.read(number), kNoon) << number;
    EXPECT_EQ(r.read(std::to_string(number)), kNoon) << number;
    EXPECT_EQ(r.read(static_cast<double>(number)), kNoon) << number;
  }
}

TEST(TimeReader, auto_reads_texts_with_an_offset_or_in_the_zone) {
  const TimeReader berlin = reader(TimeUnit::kAuto, "Europe/Berlin");
  EXPECT_EQ(berlin.read("2026-03-01T13:00:00+01:00"), kNoon);
  EXPECT_EQ(berlin.read("2026-03-01T13:00:00"), kNoon);
  EXPECT_EQ(berlin.read("2026-03-01 13:00:00.25"), kNoon + 250);
  EXPECT_EQ(reader(TimeUnit::kAuto).read("2026-03-01T12:00:00"), kNoon);
  EXPECT_EQ(berlin.read("noon"), std::nullopt);
  EXPECT_EQ(berlin.read("292278995-01-01 00:00:00"), std::nullopt);
  EXPECT_EQ(berlin.read("-292278995-01-01 00:00:00"), std::nullopt);
}

TEST(TimeReader, a_local_time_needs_a_zone) {
  EXPECT_EQ(reader(TimeUnit::kRfc3339).read("2026-03-01T12:00:00"), std::nullopt);
  EXPECT_EQ(reader(TimeUnit::kRfc3339, "UTC").read("2026-03-01T12:00:00"), kNoon);
}

TEST(TimeReader, a_pattern_reads_nothing_else) {
  const TimeReader r = reader(TimeUnit::kPattern, "Europe/Berlin", "%d.%m.%Y %H:%M:%E*S");
  EXPECT_EQ(r.read("01.03.2026 13:00:00.5"), kNoon + 500);
  EXPECT_EQ(r.read("2026-03-01T13:00:00Z"), std::nullopt);
  EXPECT_EQ(r.read(kNoon), std::nullopt);
}

TEST(TimeReader, an_hour_that_comes_twice_is_the_first_and_one_that_is_left_out_counts_on) {
  const TimeReader r = reader(TimeUnit::kAuto, "Europe/Berlin");
  EXPECT_EQ(r.read("2026-10-25 02:30:00"), r.read("2026-10-25T02:30:00+02:00"));
  EXPECT_EQ(r.read("2026-03-29 02:30:00"), r.read("2026-03-29T02:30:00+01:00"));
}

TEST(TimeReader, a_pattern_holds_a_date_and_a_time_of_day) {
  EXPECT_TRUE(is_time_pattern("%d.%m.%Y %H:%M:%S"));
  EXPECT_TRUE(is_time_pattern("%E4Y%m%d%H%M%S"));
  EXPECT_TRUE(is_time_pattern("%d.%m.%Y %H:%M"));
  EXPECT_FALSE(is_time_pattern("%d.%m.%Y %H"));
  EXPECT_FALSE(is_time_pattern("%H:%M:%S"));
  EXPECT_FALSE(is_time_pattern("%d.%m.%Y"));
  EXPECT_FALSE(is_time_pattern("%q"));
}

}  // namespace
}  // namespace wayside
