#include "pipeline/processing_time.h"

#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

// Readings a minute by the clock, whatever their own times say.
PipelineOptions a_minute() {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].idle_after_ms = kDayMs;
  options.windows.resize(1);
  options.windows[0].name = "w";
  options.windows[0].from = {"climate"};
  options.windows[0].size_ms = 60'000;
  options.windows[0].processing_time = true;
  options.windows[0].select = {{"n", "count()"}};
  return options;
}

TEST(ProcessingTime, counts_readings_when_they_come_whatever_time_they_have) {
  Stage stage(a_minute());
  EXPECT_EQ(stage.turn({{5, "a"}, {9'000'000, "a"}, {-7, "b"}}, 30'000), Lines{});
  EXPECT_EQ(stage.turn({{6, "a"}}, 59'999), Lines{});
  EXPECT_EQ(stage.turn({{7, "a"}}, 60'000),
            (Lines{"w a [0,60000) #0 final n=3", "w b [0,60000) #0 final n=1"}));
  EXPECT_EQ(stage.ledger().late, 0u);
}

TEST(ProcessingTime, a_tick_closes_a_window_when_nothing_comes) {
  Stage stage(a_minute());
  EXPECT_EQ(stage.turn({{0, "a"}}, 10'500), Lines{});
  EXPECT_LE(stage.pipeline().next_timer(), 60'000) << "on the grid of ticks";
  EXPECT_EQ(stage.turn({}, 60'000), Lines{"w a [0,60000) #0 final n=1"});
}

TEST(ProcessingTime, a_clock_that_goes_back_takes_no_time_with_it) {
  Stage stage(a_minute());
  EXPECT_EQ(stage.turn({{0, "a"}}, 61'000), Lines{});
  EXPECT_EQ(stage.turn({{0, "a"}}, 2'000), Lines{});
  EXPECT_EQ(stage.turn({}, 120'000), Lines{"w a [60000,120000) #0 final n=2"});
}

TEST(ProcessingTime, goes_on_after_a_restart) {
  Stage stage(a_minute());
  stage.turn({{0, "a"}}, 10'000);
  SavedState saved;
  saved.apply(stage.pipeline().save_changes());
  stage.reopen(saved);
  EXPECT_EQ(stage.pipeline().next_timer(), 60'000);
  EXPECT_EQ(stage.turn({}, 60'000), Lines{"w a [0,60000) #0 final n=1"});
}

}  // namespace
}  // namespace wayside
