// Corners that the trials of tests/window_trials.h have found, each as small as it gets.
#include <gtest/gtest.h>

#include <set>

#include "tests/stage.h"

namespace wayside {
namespace {

constexpr int64_t kSilent = 60'000;  // by then every key of climate() is idle

WindowOptions window(const std::string& name, const std::string& from = "climate") {
  WindowOptions w;
  w.name = name;
  w.from = {from};
  w.select = {{"n", "count()"}};
  return w;
}

WindowOptions sliding(int64_t size_ms, int64_t every_ms = 0) {
  WindowOptions w = window("w");
  w.size_ms = size_ms;
  w.every_ms = every_ms;
  w.late_to = {"out"};
  return w;
}

PipelineOptions pipeline(std::vector<WindowOptions> windows) {
  PipelineOptions options;
  options.uplinks = {"out"};
  options.sources = {climate()};
  options.windows = std::move(windows);
  return options;
}

TEST(WindowCorners, counted_windows_say_nothing_of_a_key_that_is_silent) {
  WindowOptions w = window("w");
  w.count = 3;
  Stage stage(pipeline({w}));
  stage.turn({{1'000, "a"}, {2'000, "a"}});
  EXPECT_EQ(stage.turn({}, kSilent), Lines{});
  EXPECT_EQ(stage.turn({{3'000, "a"}}, kSilent), Lines{"w a [NULL,NULL) #0 final n=3"});
}

TEST(WindowCorners, of_windows_that_overlap_silence_tells_the_one_that_ends_next) {
  for (const bool purge : {false, true}) {
    WindowOptions w = sliding(10'000, 5'000);
    w.purge = purge;
    Stage stage(pipeline({w}));
    stage.turn({{7'000, "a"}});
    EXPECT_EQ(stage.turn({}, kSilent), Lines{"w a [0,10000) #0 open n=1"}) << purge;
  }
}

TEST(WindowCorners, what_is_late_between_two_windows_has_missed_none) {
  Stage stage(pipeline({sliding(4'000, 10'000)}));
  EXPECT_EQ(stage.turn({{20'000, "a"}, {7'000, "a"}}),
            Lines{"w a @7000 late window_start=NULL window_end=NULL temp_c=NULL door=NULL"});
}

TEST(WindowCorners, a_reading_between_two_windows_is_late_if_another_block_has_missed_it) {
  WindowOptions gaps = sliding(4'000, 10'000);
  gaps.allowed_lateness_ms = 60'000;
  WindowOptions other = sliding(1'000);
  other.name = "other";
  Stage stage(pipeline({gaps, other}));
  stage.turn({{20'000, "a"}, {7'000, "a"}});
  EXPECT_EQ(stage.ledger().late, 1u);
}

TEST(WindowCorners, a_source_that_falls_silent_lets_windows_over_windows_go_on) {
  WindowOptions both = sliding(1'000);
  both.from = {"climate", "cargo"};
  WindowOptions reader = window("reader", "w");
  reader.size_ms = 2'000;
  PipelineOptions options = pipeline({both, reader});
  options.sources.push_back(climate("cargo"));
  for (SourceOptions& source : options.sources) source.watermark = WatermarkMode::kSource;
  Stage stage(options);
  stage.turn({{1'000, "a", 20, "", 1}});
  stage.turn({{20'000, "a"}}, 29'000);
  EXPECT_EQ(stage.turn({}, 31'000),
            (Lines{"w a [1000,2000) #0 final n=1", "reader a [0,2000) #0 final n=1"}));
}

// A result for a window that has just been made by a late reading is behind the watermark.
TEST(WindowCorners, rules_over_windows_hear_the_same_however_readings_are_cut) {
  WindowOptions w = sliding(10'000);
  w.allowed_lateness_ms = 60'000;
  w.select = {{"m", "max(temp_c)"}};
  PipelineOptions options = pipeline({w});
  options.rules.push_back({"hot", "w", "m > 50", 0, Severity::kWarning, {}});
  const std::vector<Reading> readings = {{1'000, "a", 1}, {31'000, "a", 1}, {12'000, "a", 99}};
  Stage whole(options), cut(options);
  Lines one_by_one;
  for (const Reading& reading : readings) {
    for (std::string& line : cut.turn({reading})) one_by_one.push_back(std::move(line));
  }
  EXPECT_EQ(whole.turn(readings), one_by_one);
}

TEST(WindowCorners, a_late_result_has_no_field_twice) {
  WindowOptions w = sliding(1'000);
  w.allowed_lateness_ms = 60'000;
  WindowOptions reader = window("reader", "w");
  reader.size_ms = 10'000;
  reader.late_to = {"out"};
  Stage stage(pipeline({w, reader}));
  stage.turn({{1'000, "a"}, {40'000, "a"}});
  stage.turn({{12'000, "a"}});
  const Emission& late = stage.emissions().back();
  ASSERT_EQ(late.type, "late");
  std::multiset<std::string> names;
  for (const NamedValue& field : late.fields) names.insert(field.name);
  for (const std::string& name : names) EXPECT_EQ(names.count(name), 1u) << name;
}

TEST(WindowCorners, a_window_may_have_any_number_of_results) {
  WindowOptions global = window("w");
  global.global = true;
  global.early_count = 1;
  Stage stage(pipeline({global}));
  stage.turn({{0, "a"}});
  SavedState saved;
  for (StateRow& row : stage.pipeline().save_changes()) {
    // Behind fingerprint, two times, readings, a flag, how many windows, and the start.
    constexpr size_t kRevision = 8 + 16 + 1 + 1 + 1 + 8;
    if (row.component == "window:w" && !row.key.empty()) {
      EXPECT_EQ(row.bytes[kRevision], 1);
      row.bytes.replace(kRevision, 1, "\x80\x80\x80\x80\x01");
    }
    saved.apply({row});
  }
  stage.reopen(saved);
  EXPECT_EQ(stage.turn({{1, "a"}}), Lines{"w a [NULL,NULL) #268435456 open n=2"});
  EXPECT_EQ(stage.turn({{2, "a"}}), Lines{"w a [NULL,NULL) #268435457 open n=3"});
}

TEST(WindowCorners, where_nothing_came_nothing_is_open) {
  Stage stage(pipeline({sliding(10'000, 5'000)}));
  EXPECT_EQ(stage.pipeline().block_status().front().open, 0u);
}

}  // namespace
}  // namespace wayside
