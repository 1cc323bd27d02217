#include "pipeline/calendar.h"

#include <gtest/gtest.h>

#include <random>

#include "base/time.h"

namespace wayside {
namespace {

std::shared_ptr<const Calendar> calendar(CalendarUnit unit, const char* zone) {
  auto made = Calendar::make(unit, zone);
  EXPECT_TRUE(made.ok()) << zone;
  return *made;
}

int64_t at(const char* time) { return *parse_rfc3339_ms(time); }

TEST(Calendar, units_begin_where_the_zone_says) {
  const struct {
    CalendarUnit unit;
    const char *zone, *time, *start, *end;
  } cases[] = {
      {CalendarUnit::kDay, "UTC", "2026-03-01T12:00:00Z", "2026-03-01T00:00:00Z",
       "2026-03-02T00:00:00Z"},
      {CalendarUnit::kDay, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z",
       "2026-03-29T22:00:00Z"},  // 23 hours
      {CalendarUnit::kDay, "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-24T22:00:00Z",
       "2026-10-25T23:00:00Z"},  // 25 hours
      {CalendarUnit::kDay, "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z",
       "2018-11-05T02:00:00Z"},  // its midnight was skipped
      {CalendarUnit::kDay, "Asia/Kathmandu", "2026-01-01T00:00:00Z", "2025-12-31T18:15:00Z",
       "2026-01-01T18:15:00Z"},
      {CalendarUnit::kWeek, "UTC", "2026-03-01T23:59:59.999Z", "2026-02-23T00:00:00Z",
       "2026-03-02T00:00:00Z"},  // a Sunday
      {CalendarUnit::kWeek, "UTC", "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z",
       "2026-03-09T00:00:00Z"},
      {CalendarUnit::kMonth, "Europe/Berlin", "2026-03-31T22:30:00Z", "2026-03-31T22:00:00Z",
       "2026-04-30T22:00:00Z"},
      {CalendarUnit::kMonth, "UTC", "2024-02-29T00:00:00Z", "2024-02-01T00:00:00Z",
       "2024-03-01T00:00:00Z"},
      {CalendarUnit::kDay, "UTC", "1969-12-31T23:59:59.999Z", "1969-12-31T00:00:00Z",
       "1970-01-01T00:00:00Z"},
  };
  for (const auto& c : cases) {
    const auto made = calendar(c.unit, c.zone);
    const int64_t start = made->start(at(c.time));
    EXPECT_EQ(start, at(c.start)) << c.zone << ' ' << c.time << ' ' << format_rfc3339(start);
    EXPECT_EQ(made->next(start), at(c.end)) << c.zone << ' ' << c.time;
  }
}

// America/St_Johns set its clocks back at 00:01, to 23:01 of the day before.
TEST(Calendar, a_day_that_has_begun_goes_on_when_clocks_go_back_over_midnight) {
  std::mt19937_64 random(1);
  const int64_t from = at("2010-11-05T00:00:00Z");
  const auto warm = calendar(CalendarUnit::kDay, "America/St_Johns");
  for (int i = 0; i < 2'000; ++i) {
    const int64_t t = from + int64_t(random() % uint64_t(4 * kDayMs));
    const auto fresh = calendar(CalendarUnit::kDay, "America/St_Johns");
    const int64_t start = warm->start(t);
    ASSERT_EQ(fresh->start(t), start) << format_rfc3339(t);
    ASSERT_LE(start, t) << format_rfc3339(t);
    ASSERT_LT(t, warm->next(start)) << format_rfc3339(t);
  }
}

TEST(Calendar, days_follow_each_other_without_a_gap_over_two_years) {
  for (const char* zone : {"Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"}) {
    const auto made = calendar(CalendarUnit::kDay, zone);
    int64_t day = made->start(at("2018-01-01T12:00:00Z"));
    for (int i = 0; i < 730; ++i) {
      const int64_t next = made->next(day);
      ASSERT_GE(next - day, 22 * 3'600'000) << zone << ' ' << format_rfc3339(day);
      ASSERT_LE(next - day, 26 * 3'600'000) << zone << ' ' << format_rfc3339(day);
      ASSERT_EQ(made->start(next - 1), day) << zone;
      ASSERT_EQ(made->start(next), next) << zone;
      day = next;
    }
  }
}

TEST(Calendar, a_zone_that_does_not_exist_is_an_error_that_says_how_names_look) {
  const auto made = Calendar::make(CalendarUnit::kDay, "Europe/Berlinn");
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("Europe/Berlin,"), std::string::npos) << made.error().message;
}

}  // namespace
}  // namespace wayside
