#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

TEST(ConfigWindows, that_cannot_be_meant_are_an_error) {
  const std::string size = "size = \"5m\"";
  const char* kOne =
      "is too much: one of size, gap, count, calendar and global says what its windows are";
  expect_errors({
      {size, "size = @@\"5m\"\ngap = \"1m\"", std::string("'size': ") + kOne},
      {size, "count = @@5\nglobal = true", std::string("'count': ") + kOne},
      {size, "gap = @@\"1m\"\ncount = 5", std::string("'gap': ") + kOne},
      {size, "size = \"5m\"\nzone = @@\"Europe/Berlin\"", "'zone': goes with calendar only"},
      {size, "count = 5\nearly_count = @@2",
       "'early_count': goes with windows by time only; see every_count"},
      {size, "count = 5\nearly_every = @@\"1s\"",
       "'early_every': goes with windows that end by time; see every_count"},
      {size, "count = 5\nat_end = @@false",
       "'at_end': leaves no result at all: windows by count speak at their end"},
      {size, "global = true\nat_end = @@false",
       "'at_end': leaves no result at all; set early_count"},
      {size, "size = \"1d\"\nevery = @@\"1ms\"\npurge = true",
       "'every': puts each reading into 86400000 windows; with purge, last or results before the "
       "end "
       "10000 is the limit"},
      {"from = \"climate\"\nsize", "from = @@[\"climate\", \"climate\"]\nsize",
       "'from': names 'climate' twice, whose readings would count twice"},
  });
  EXPECT_TRUE(parse_good(with(size, "size = \"1d\"\nevery = \"1s\"")));
  EXPECT_TRUE(parse_good(with(size, "gap = \"1m\"\nretract = true")));
  EXPECT_TRUE(parse_good(with(size, "calendar = \"day\"\nzone = \"Europe/Berlin\"")));
}

TEST(ConfigWindows, a_silence_cannot_end_with_more_early_results_than_the_limit) {
  const std::string size = "size = \"5m\"";
  expect_errors({
      {size, "size = \"1d\"\nearly_every = @@\"1ms\"",
       "'early_every': is too short: a silence of the key may end with 86400000 results at once, "
       "and 10000 are the limit; make it at least 8640ms"},
      {size, "calendar = \"month\"\nearly_every = @@\"1s\"",
       "'early_every': is too short: a silence of the key may end with 2678400 results at once, "
       "and 10000 are the limit; make it at least 267840ms"},
  });
  EXPECT_TRUE(parse_good(with(size, "size = \"1d\"\nearly_every = \"10s\"")));
}

TEST(ConfigWindows, a_field_of_a_source_is_no_window_that_was_missed) {
  expect_errors({{"max = 60 }\n\n[[window]]",
                  "max = 60 }\nwindow_start = @@\"w\"\n[[window]]\nlate_to = [\"centre\"]",
                  "'fields.window_start': late_to tells each late reading with a 'window_start' of "
                  "its own; choose another name"}});
  EXPECT_TRUE(parse_good(with("max = 60 }\n", "max = 60 }\nwindow_start = \"w\"\n")));
}

TEST(ConfigWindows, what_has_nothing_to_take_back_is_an_error) {
  const std::string size = "size = \"5m\"";
  expect_errors({
      {size, "count = 5\nretract = @@true",
       "'retract': has nothing to take back: windows by count are told once"},
      {size, "size = \"5m\"\npurge = true\nretract = @@true",
       "'retract': has nothing to take back: with purge each result is of other readings; leave "
       "one of the two out"},
      {"avg_c = \"avg(temp_c)\" }", "retracted = @@\"avg(temp_c)\" }\nretract = true",
       "'select.retracted': with retract each result has a 'retracted' of its own; choose another "
       "name"},
  });
  EXPECT_TRUE(parse_good(with("avg_c = \"avg(temp_c)\" }", "retracted = \"avg(temp_c)\" }")));
}

TEST(ConfigWindows, the_last_readings_are_a_number_or_a_period) {
  const std::string size = "size = \"5m\"";
  const auto number = parse_good(with(size, "size = \"5m\"\nlast = 100"));
  ASSERT_TRUE(number);
  EXPECT_EQ(number->windows[0].last_count, 100u);
  EXPECT_EQ(number->windows[0].last_ms, 0);
  const auto period = parse_good(with(size, "global = true\nlast = \"10s\"\nmax_last = 50"));
  ASSERT_TRUE(period);
  EXPECT_EQ(period->windows[0].last_count, 0u);
  EXPECT_EQ(period->windows[0].last_ms, 10'000);
  EXPECT_EQ(period->windows[0].max_last, 50u);
  expect_errors({
      {size, "size = \"5m\"\nlast = @@200000", "'last': must be from 0 to 100000"},
      {size, "size = \"5m\"\nlast = @@true",
       "'last': expected a whole number, or a duration such as \"10s\", found true or false"},
      {size, "size = \"5m\"\nlast = @@\"0s\"", "'last': must be at least 1ms"},
      {size, "size = \"5m\"\nlast = @@\"5m\"",
       "'last': leaves nothing out: a window is no longer; make it shorter than size"},
      {size, "count = 5\nlast = @@5",
       "'last': leaves nothing out: a window has 5 readings; make it smaller than count"},
      {size, "size = \"5m\"\nlast = 5\nmax_last = @@20",
       "'max_last': goes with a period as last only, as in last = \"10s\""},
      {size, "size = \"1d\"\nevery = @@\"1ms\"\nlast = 5",
       "'every': puts each reading into 86400000 windows; with purge, last or results before the "
       "end 10000 is the limit"},
  });
}

}  // namespace
}  // namespace wayside
