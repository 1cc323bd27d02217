// Windows with `last`: results over what Flink's evictors would leave.
#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

// climate() has 5 s of disorder.
WindowOptions told_by(std::vector<std::pair<std::string, std::string>> select) {
  WindowOptions w;
  w.name = "w";
  w.from = {"climate"};
  w.select = std::move(select);
  return w;
}

WindowOptions of_time(uint32_t last_count, int64_t last_ms) {
  WindowOptions w = told_by({{"n", "count()"}, {"sum", "sum(temp_c)"}});
  w.size_ms = 60'000;
  w.last_count = last_count;
  w.last_ms = last_ms;
  return w;
}

TEST(WindowLast, a_number_counts_readings_in_order_of_arrival) {
  Stage stage(over(of_time(2, 0)));
  EXPECT_EQ(stage.all({{9'000, "a", 1}, {8'000, "a", 2}, {7'000, "a", 4}}),
            Lines{"w a [0,60000) #0 final n=2 sum=6"});
}

// As Flink's TimeEvictor: what is exactly so old is evicted, too.
TEST(WindowLast, a_period_ends_with_the_newest_reading_and_does_not_hold_its_begin) {
  Stage stage(over(of_time(0, 2'000)));
  EXPECT_EQ(stage.all({{7'001, "a", 1}, {9'000, "a", 2}, {7'000, "a", 4}, {8'000, "a", 8}}),
            Lines{"w a [0,60000) #0 final n=3 sum=11"});
}

TEST(WindowLast, a_period_goes_on_with_each_newer_reading) {
  WindowOptions w = of_time(0, 2'000);
  w.early_count = 1;
  w.at_end = false;
  Stage stage(over(w));
  const Lines expected = {"w a [0,60000) #0 open n=1 sum=1", "w a [0,60000) #1 open n=2 sum=3",
                          "w a [0,60000) #2 open n=1 sum=4"};
  EXPECT_EQ(stage.all({{1'000, "a", 1}, {2'000, "a", 2}, {9'000, "a", 4}}), expected);
}

TEST(WindowLast, readings_count_whether_or_not_a_filter_takes_them) {
  WindowOptions w = of_time(2, 0);
  w.select = {{"n", "count()"},
              {"open", "count() FILTER (WHERE door = 'open')"},
              {"warmest", "arg_max(door, temp_c)"},
              {"doors", "count_distinct(door)"}};
  Stage stage(over(w));
  EXPECT_EQ(stage.all({{1'000, "a", 9, "open"}, {2'000, "a", 1, "shut"}, {3'000, "a", 3, "ajar"}}),
            Lines{"w a [0,60000) #0 final n=2 open=0 warmest=ajar doors=2"});
}

TEST(WindowLast, what_where_leaves_out_evicts_nothing) {
  WindowOptions w = of_time(2, 0);
  w.where = "temp_c > 0";
  Stage stage(over(w));
  EXPECT_EQ(stage.all({{1'000, "a", 1}, {2'000, "a", 2}, {3'000, "a", -1}, {4'000, "a", -1}}),
            Lines{"w a [0,60000) #0 final n=2 sum=3"});
}

TEST(WindowLast, of_sessions_that_become_one_the_last_in_order_of_arrival_count) {
  WindowOptions w = of_time(3, 0);
  w.size_ms = 0;
  w.gap_ms = 2'000;
  Stage stage(over(w));
  // Of [1000,3000) 1 and 4, of [4000,6000) 2 and 8; what joins them is the last one, 16.
  EXPECT_EQ(
      stage.all(
          {{1'000, "a", 1}, {4'000, "a", 2}, {1'000, "a", 4}, {4'000, "a", 8}, {2'500, "a", 16}}),
      Lines{"w a [1000,6000) #0 final n=3 sum=28"});
}

TEST(WindowLast, windows_that_overlap_have_their_own_last_readings) {
  WindowOptions w = of_time(1, 0);
  w.size_ms = 10'000;
  w.every_ms = 5'000;
  Stage stage(over(w));
  const Lines expected = {"w a [-5000,5000) #0 final n=1 sum=1", "w a [0,10000) #0 final n=1 sum=2",
                          "w a [5000,15000) #0 final n=1 sum=2"};
  EXPECT_EQ(stage.all({{1'000, "a", 1}, {6'000, "a", 2}}), expected);
}

TEST(WindowLast, a_late_reading_may_be_the_last_one) {
  WindowOptions w = of_time(1, 0);
  w.size_ms = 10'000;
  w.allowed_lateness_ms = 60'000;
  Stage stage(over(w));
  EXPECT_EQ(stage.turn({{1'000, "a", 1}, {15'000, "a", 2}}),
            Lines{"w a [0,10000) #0 final n=1 sum=1"});
  EXPECT_EQ(stage.turn({{500, "a", 4}}), Lines{"w a [0,10000) #1 final n=1 sum=4"});
}

TEST(WindowLast, of_a_period_max_last_are_kept_and_what_goes_is_counted) {
  WindowOptions w = of_time(0, 50'000);
  w.max_last = 3;
  Stage stage(over(w));
  std::vector<Reading> readings;
  for (int i = 0; i < 100; ++i)
    readings.push_back({(i * 37) % 100 * 100, "a", double(i * 37 % 100)});
  stage.turn(readings);
  EXPECT_EQ(stage.pipeline().block_status()[0].evicted, 97u);
  EXPECT_EQ(stage.finish(), Lines{"w a [0,60000) #0 final n=3 sum=294"});
}

TEST(WindowLast, what_is_saved_is_the_last_readings_only) {
  const auto bytes_after = [](int readings) {
    Stage stage(over(of_time(4, 0)));
    for (int i = 0; i < readings; ++i) stage.turn({{i, "a", double(i), "open"}});
    SavedState saved;
    saved.apply(stage.pipeline().save_changes());
    return saved.find("window:w", "a")->size();
  };
  EXPECT_GT(bytes_after(4), bytes_after(1));
  EXPECT_EQ(bytes_after(40), bytes_after(4));
}

}  // namespace
}  // namespace wayside
