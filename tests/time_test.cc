#include "base/time.h"

#include <gtest/gtest.h>

#include <random>

namespace wayside {
namespace {

TEST(Time, durations_have_one_number_and_one_unit) {
  struct Row {
    const char* text;
    std::optional<int64_t> ms;
  };
  const Row rows[] = {{"250ms", 250},
                      {"5s", 5'000},
                      {"10m", 600'000},
                      {"2h", 7'200'000},
                      {"1d", 86'400'000},
                      {"1.5s", 1'500},
                      {"0.25h", 900'000},
                      {"0s", 0},
                      {"0.6ms", 1},
                      {"", std::nullopt},
                      {"5", std::nullopt},
                      {"s", std::nullopt},
                      {"-5s", std::nullopt},
                      {"+5s", std::nullopt},
                      {" 5s", std::nullopt},
                      {"5 s", std::nullopt},
                      {"5S", std::nullopt},
                      {"5min", std::nullopt},
                      {"1h30m", std::nullopt},
                      {"1e3s", std::nullopt},
                      {"infs", std::nullopt},
                      {"nans", std::nullopt},
                      {"0x10s", std::nullopt},
                      {"999999999999999d", std::nullopt}};
  for (const Row& row : rows) EXPECT_EQ(parse_duration_ms(row.text), row.ms) << row.text;
}

TEST(Time, a_duration_is_written_in_its_largest_whole_unit_and_reads_back) {
  EXPECT_EQ(format_duration(0), "0ms");
  EXPECT_EQ(format_duration(250), "250ms");
  EXPECT_EQ(format_duration(90'000), "90s");
  EXPECT_EQ(format_duration(43'200'000), "12h");
  EXPECT_EQ(format_duration(604'800'000), "7d");
  for (int64_t ms : {0, 1, 999, 1'000, 61'000, 3'600'001, 86'400'000}) {
    EXPECT_EQ(parse_duration_ms(format_duration(ms)), ms);
  }
}

TEST(Time, rfc_3339_times_are_read_with_any_offset) {
  struct Row {
    const char* text;
    int64_t ms;
  };
  constexpr int64_t kNoon = 1'772'366'400'000;  // 2026-03-01T12:00:00Z
  const Row rows[] = {{"2026-03-01T12:00:00Z", kNoon},
                      {"2026-03-01t12:00:00z", kNoon},
                      {"2026-03-01 12:00:00Z", kNoon},
                      {"2026-03-01T14:00:00+02:00", kNoon},
                      {"2026-03-01T06:30:00-05:30", kNoon},
                      {"2026-02-28T23:00:00-13:00", kNoon},
                      {"2026-03-01T12:00:00.25Z", kNoon + 250},
                      {"2026-03-01T12:00:00.2509999999Z", kNoon + 250},
                      {"1970-01-01T00:00:00Z", 0},
                      {"1969-12-31T23:59:59.5Z", -500},
                      {"2000-02-29T00:00:00Z", 951'782'400'000},
                      {"2016-12-31T23:59:60Z", 1'483'228'800'000},  // a leap second is the next one
                      {"0001-01-01T00:00:00Z", kPossibleMin},
                      {"9999-12-31T23:59:59.999Z", kPossibleMax}};
  for (const Row& row : rows) EXPECT_EQ(parse_rfc3339_ms(row.text), row.ms) << row.text;
}

TEST(Time, what_is_not_rfc_3339_is_refused) {
  const char* rows[] = {"",
                        "2026-03-01",
                        "2026-03-01T12:00:00",
                        "2026-03-01T12:00Z",
                        "2026-3-1T12:00:00Z",
                        "26-03-01T12:00:00Z",
                        "2026-02-29T12:00:00Z",
                        "2026-13-01T12:00:00Z",
                        "2026-00-01T12:00:00Z",
                        "2026-04-31T12:00:00Z",
                        "2026-03-01T24:00:00Z",
                        "2026-03-01T12:60:00Z",
                        "2026-03-01T12:00:61Z",
                        "2026-03-01T12:00:00.Z",
                        "2026-03-01T12:00:00,5Z",
                        "2026-03-01T12:00:00+24:00",
                        "2026-03-01T12:00:00+02:60",
                        "2026-03-01T12:00:00+2",
                        "2026-03-01T12:00:00Zx",
                        " 2026-03-01T12:00:00Z",
                        "+2026-03-01T12:00:00Z",
                        "1772366400000"};
  for (const char* text : rows) EXPECT_EQ(parse_rfc3339_ms(text), std::nullopt) << text;
}

TEST(Time, every_possible_time_reads_back_as_it_was_written) {
  EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(kPossibleMin), "0001-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(kPossibleMax), "9999-12-31T23:59:59.999Z");
  const unsigned seed = 7;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int64_t> possible(kPossibleMin, kPossibleMax);
  for (int i = 0; i < 20'000; ++i) {
    const int64_t ms = possible(random);
    ASSERT_EQ(parse_rfc3339_ms(format_rfc3339(ms)), ms);
  }
}

}  // namespace
}  // namespace wayside
