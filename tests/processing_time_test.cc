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

// A turn at `wall_ms`, before which our clock was synchronised.
Lines synchronised(Stage& stage, int64_t wall_ms, const std::vector<Reading>& readings) {
  Group group = stage.make_group(readings, wall_ms);
  group.turns[0].now.clock = ClockState::kSynced;
  group.notes = {{Note::Kind::kClock, 0, to_text(ClockState::kSynced), "", 0}};
  EmissionBuffer out;
  stage.pipeline().turn(group, 0, out);
  return to_lines(out.pending());
}

TEST(ProcessingTime, a_clock_that_is_set_back_far_ends_what_is_ahead_and_begins_anew) {
  constexpr int64_t kAheadMs = 900'000'000;
  for (const bool any_future : {false, true}) {
    PipelineOptions options = a_minute();
    options.sources[0].time_path = "ts";
    if (any_future) options.sources[0].max_future_ms.reset();
    options.windows.push_back(options.windows[0]);
    options.windows[1].name = "v";
    options.windows[1].from = {"w"};
    options.windows[1].size_ms = 120'000;
    options.windows[1].processing_time = false;
    Stage stage(options);
    stage.turn({{0, "a"}}, kAheadMs);
    EXPECT_EQ(synchronised(stage, 10'000, {{0, "a"}}),
              (Lines{"w a [900000000,900060000) #0 final n=1",
                     "v a [900000000,900120000) #0 final n=1"}));
    EXPECT_EQ(stage.turn({{0, "a"}}, 61'000), Lines{"w a [0,60000) #0 final n=1"});
    EXPECT_EQ(stage.turn({}, 121'000),
              (Lines{"w a [60000,120000) #0 final n=1", "v a [0,120000) #0 final n=2"}));
  }
}

TEST(ProcessingTime, a_clock_that_is_set_back_by_less_than_max_future_is_waited_for) {
  Stage stage(a_minute());
  stage.turn({{0, "a"}}, 61'000);
  EXPECT_EQ(synchronised(stage, 10'000, {{0, "a"}}), Lines{});
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
