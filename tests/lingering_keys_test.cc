// A key falls silent for longer than `forget_after` while a window of it is open.
#include "pipeline/lingering_keys.h"

#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

constexpr int64_t kHour = 3'600'000;

// Days, and weeks over them, of a source that forgets its keys after an hour.
PipelineOptions days_and_weeks() {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].max_disorder_ms = 0;
  options.sources[0].forget_after_ms = kHour;
  options.windows.resize(2);
  options.windows[0].name = "day";
  options.windows[0].from = {"climate"};
  options.windows[0].calendar = CalendarUnit::kDay;
  options.windows[0].select = {{"n", "count()"}};
  options.windows[1].name = "week";
  options.windows[1].from = {"day"};
  options.windows[1].calendar = CalendarUnit::kWeek;
  options.windows[1].select = {{"sum", "sum(n)"}};
  options.sources[0].idle_after_ms = kHour / 2;
  return options;
}

Lines final_ones(const Lines& lines) {
  Lines kept;
  for (const std::string& line : lines) {
    if (line.find(" final ") != std::string::npos) kept.push_back(line);
  }
  return kept;
}

// The hours of a key's readings, counted from a Monday; time goes on at the same pace for us.
Lines final_results(const PipelineOptions& options, const std::vector<int64_t>& hours,
                    bool reloaded = false) {
  constexpr int64_t kMonday = 4 * kDayMs;
  Stage stage(options);
  SavedState saved;
  Lines all;
  for (int64_t hour = 0; hour < 24 * 16; ++hour) {
    std::vector<Reading> readings;
    if (std::find(hours.begin(), hours.end(), hour) != hours.end()) {
      readings.push_back({kMonday + hour * kHour, "a"});
    }
    for (std::string& line : stage.turn(readings, hour * kHour)) all.push_back(std::move(line));
    if (!reloaded) continue;
    saved.apply(stage.pipeline().save_changes());
    stage.reopen(saved);
  }
  return final_ones(all);
}

TEST(LingeringKeys, a_window_longer_than_the_silence_is_told_once) {
  const Lines expected = {"day a [345600000,432000000) #2 final n=2",
                          "day a [432000000,518400000) #1 final n=1",
                          "week a [345600000,950400000) #1 final sum=3"};
  for (const bool reloaded : {false, true}) {
    EXPECT_EQ(final_results(days_and_weeks(), {6, 19, 31}, reloaded), expected);
  }
}

TEST(LingeringKeys, a_window_ends_when_its_time_would_be_over) {
  Stage stage(days_and_weeks());
  EXPECT_EQ(stage.turn({{6 * kHour, "a"}}, 0), Lines{});
  stage.turn({}, kHour);
  EXPECT_EQ(final_ones(stage.turn({}, 18 * kHour - 1'000)), Lines{});
  EXPECT_EQ(final_ones(stage.turn({}, 18 * kHour)), Lines{"day a [0,86400000) #1 final n=1"});
  EXPECT_EQ(final_ones(stage.turn({}, 3 * kDayMs + 18 * kHour)),
            Lines{"week a [-259200000,345600000) #0 final sum=1"});
  EXPECT_TRUE(stage.pipeline().key_times(10).empty());
  EXPECT_EQ(stage.pipeline().next_timer(), kTimeMax);
}

TEST(LingeringKeys, what_has_no_open_window_forgets_as_it_did) {
  PipelineOptions options = days_and_weeks();
  options.windows[1] = options.windows[0];
  options.windows[1].name = "short";
  options.windows[1].calendar = CalendarUnit::kNone;
  options.windows[1].size_ms = 10'000;
  Stage stage(options);
  stage.turn({{6 * kHour, "a"}}, 0);
  stage.turn({}, kHour / 2);
  EXPECT_EQ(stage.turn({}, 2 * kHour), Lines{"short a [21600000,21610000) #1 final n=1"});
}

TEST(LingeringKeys, allowed_lateness_is_waited_for_too) {
  PipelineOptions options = days_and_weeks();
  options.windows.resize(1);
  options.windows[0].allowed_lateness_ms = 2 * kHour;
  Stage stage(options);
  stage.turn({{6 * kHour, "a"}}, 0);
  EXPECT_EQ(final_ones(stage.turn({}, 19 * kHour)), Lines{});
  EXPECT_EQ(final_ones(stage.turn({}, 20 * kHour)), Lines{"day a [0,86400000) #1 final n=1"});
}

TEST(LingeringKeys, processing_time_ends_its_windows_by_itself) {
  PipelineOptions options = days_and_weeks();
  options.windows.resize(1);
  options.windows[0].processing_time = true;
  Stage stage(options);
  Lines all;
  for (int64_t hour = 6; hour <= 30; ++hour) {
    std::vector<Reading> readings;
    if (hour == 6 || hour == 19) readings.push_back({0, "a"});
    for (std::string& line : stage.turn(readings, hour * kHour)) all.push_back(std::move(line));
  }
  EXPECT_EQ(final_ones(all), Lines{"day a [0,86400000) #0 final n=2"});
}

TEST(LingeringKeys, a_state_behind_a_window_keeps_its_key_as_long) {
  PipelineOptions options = days_and_weeks();
  options.windows.resize(1);
  options.states.resize(1);
  options.states[0].name = "total";
  options.states[0].from = "day";
  options.states[0].init = {{"total", "0"}};
  options.states[0].next = {{"total", "total + n"}};
  options.states[0].to = {"out"};
  Stage stage(options);
  stage.turn({{6 * kHour, "a"}, {7 * kHour, "a"}, {25 * kHour, "a"}}, 0);
  Lines all;
  for (int64_t hour = 1; hour < 48; ++hour) {
    for (std::string& line : stage.turn({}, hour * kHour)) {
      if (line.starts_with("total")) all.push_back(line);
    }
  }
  EXPECT_EQ(all, Lines{"total a @172799999 total=3"});
}

}  // namespace
}  // namespace wayside
