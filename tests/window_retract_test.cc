// Windows with `retract`: what is told again is taken back first.
#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

// climate() has 5 s of disorder, and is idle after 30 s.
WindowOptions summed() {
  WindowOptions w;
  w.name = "w";
  w.from = {"climate"};
  w.size_ms = 10'000;
  w.select = {{"n", "count()"}, {"sum", "sum(temp_c)"}};
  w.retract = true;
  return w;
}

WindowOptions sessions() {
  WindowOptions w = summed();
  w.size_ms = 0;
  w.gap_ms = 5'000;
  w.allowed_lateness_ms = 60'000;
  return w;
}

double number(const Emission& e, const std::string& name) {
  for (const NamedValue& field : e.fields) {
    if (field.name == name) return std::get<double>(field.value);
  }
  return 0;
}

TEST(WindowRetract, a_late_reading_takes_the_former_result_back_and_tells_the_new_one) {
  WindowOptions w = summed();
  w.allowed_lateness_ms = 60'000;
  Stage stage(over(w));
  EXPECT_EQ(stage.turn({{1'000, "a", 3}, {15'000, "a", 1}}),
            Lines{"w a [0,10000) #0 final retracted=false n=1 sum=3"});
  const Lines expected = {"w a [0,10000) #0 final retracted=true n=1 sum=3",
                          "w a [0,10000) #1 final retracted=false n=2 sum=7"};
  EXPECT_EQ(stage.turn({{2'000, "a", 4}}), expected);
  EXPECT_EQ(stage.emissions()[0].time_ms, 9'999);
  EXPECT_EQ(stage.pipeline().block_status()[0].emitted, 3u);
}

TEST(WindowRetract, each_early_result_takes_back_the_one_before_it) {
  WindowOptions w = summed();
  w.early_count = 1;
  Stage stage(over(w));
  const Lines expected = {"w a [0,10000) #0 open retracted=false n=1 sum=3",
                          "w a [0,10000) #0 open retracted=true n=1 sum=3",
                          "w a [0,10000) #1 open retracted=false n=2 sum=7",
                          "w a [0,10000) #1 open retracted=true n=2 sum=7",
                          "w a [0,10000) #2 final retracted=false n=2 sum=7"};
  EXPECT_EQ(stage.all({{1'000, "a", 3}, {2'000, "a", 4}}), expected);
}

TEST(WindowRetract, what_silence_told_is_taken_back) {
  Stage stage(over(summed()));
  stage.turn({{1'000, "a", 3}});
  EXPECT_EQ(stage.turn({}, 60'000), Lines{"w a [0,10000) #0 open retracted=false n=1 sum=3"});
  const Lines expected = {"w a [0,10000) #0 open retracted=true n=1 sum=3",
                          "w a [0,10000) #1 final retracted=false n=2 sum=7"};
  EXPECT_EQ(stage.turn({{2'000, "a", 4}, {15'000, "a", 1}}, 60'000), expected);
}

TEST(WindowRetract, a_result_that_having_leaves_out_is_only_taken_back) {
  WindowOptions w = summed();
  w.allowed_lateness_ms = 60'000;
  w.having = "sum > 0";
  Stage stage(over(w));
  stage.turn({{1'000, "a", 3}, {15'000, "a", 1}});
  EXPECT_EQ(stage.turn({{2'000, "a", -9}}),
            Lines{"w a [0,10000) #0 final retracted=true n=1 sum=3"});
  EXPECT_EQ(stage.turn({{3'000, "a", 1}}), Lines{});
  EXPECT_EQ(stage.turn({{4'000, "a", 7}}),
            Lines{"w a [0,10000) #3 final retracted=false n=4 sum=2"});
}

TEST(WindowRetract, sessions_that_become_one_are_all_taken_back) {
  Stage stage(over(sessions()));
  stage.turn({{10'000, "a", 1}, {17'000, "a", 2}, {40'000, "a", 8}});
  const Lines expected = {"w a [10000,15000) #0 final retracted=true n=1 sum=1",
                          "w a [17000,22000) #0 final retracted=true n=1 sum=2",
                          "w a [10000,22000) #1 final retracted=false n=3 sum=7"};
  EXPECT_EQ(stage.turn({{13'000, "a", 4}}), expected);
}

TEST(WindowRetract, a_session_that_begins_earlier_than_it_was_told_takes_the_former_one_back) {
  Stage stage(over(sessions()));
  stage.turn({{10'000, "a", 1}, {40'000, "a", 8}});
  const Lines expected = {"w a [10000,15000) #0 final retracted=true n=1 sum=1",
                          "w a [7000,15000) #1 final retracted=false n=2 sum=5"};
  EXPECT_EQ(stage.turn({{7'000, "a", 4}}), expected);
}

// [10000,15000) is past its lateness; a later session that grows over its time is another one.
TEST(WindowRetract, a_session_that_is_gone_is_not_taken_back) {
  WindowOptions w = sessions();
  w.allowed_lateness_ms = 0;
  Stage stage(over(w));
  stage.turn({{10'000, "a", 1}, {19'999, "a", 2}});  // watermark 14,998
  stage.turn({{20'000, "a", 2}});                    // 14,999
  stage.turn({{10'001, "a", 4}, {9'000, "a", 4}});
  const Lines told = stage.finish();
  EXPECT_EQ(told.front(), "w a [9000,15001) #0 final retracted=false n=2 sum=8");
}

TEST(WindowRetract, a_key_that_begins_anew_takes_nothing_back) {
  WindowOptions w = summed();
  w.allowed_lateness_ms = 60'000;
  PipelineOptions options = over(w);
  Stage stage(options);
  stage.turn({{1'000, "a", 3}, {15'000, "a", 1}});
  stage.turn({}, 60'000);
  stage.turn({}, 2 * options.sources[0].forget_after_ms);
  EXPECT_EQ(stage.turn({{2'000, "a", 4}, {15'000, "a", 1}}, 2 * options.sources[0].forget_after_ms),
            Lines{"w a [0,10000) #0 final retracted=false n=1 sum=4"});
}

TEST(WindowRetract, who_adds_and_takes_back_has_the_right_sum) {
  WindowOptions w = summed();
  w.allowed_lateness_ms = 60'000;
  w.early_count = 2;
  Stage stage(over(w));
  double sum = 0, true_sum = 0;
  std::vector<Reading> readings;
  for (int i = 0; i < 60; ++i) {
    readings.push_back({(i * 7'919) % 50'000, i % 2 ? "a" : "b", double(i)});
    true_sum += i;
  }
  const auto add = [&] {
    for (const Emission& e : stage.emissions()) {
      const bool back = std::get<bool>(e.fields[4].value);
      sum += (back ? -1 : 1) * number(e, "sum");
    }
  };
  stage.turn(readings);
  add();
  stage.finish();
  add();
  EXPECT_EQ(sum, true_sum);
}

TEST(WindowRetract, what_may_be_taken_back_is_kept_with_the_window_and_goes_with_it) {
  WindowOptions w = summed();
  w.allowed_lateness_ms = 20'000;
  const auto bytes_after = [&](const std::vector<Reading>& readings, bool retract) {
    w.retract = retract;
    Stage stage(over(w));
    SavedState saved;
    stage.turn(readings);
    saved.apply(stage.pipeline().save_changes());
    return saved.find("window:w", "a")->size();
  };
  const std::vector<Reading> revisable = {{1'000, "a", 3}, {15'000, "a", 1}};
  EXPECT_GT(bytes_after(revisable, true), bytes_after(revisable, false) + 30);
  const std::vector<Reading> gone = {{1'000, "a", 3}, {15'000, "a", 1}, {44'000, "a", 1}};
  const std::vector<Reading> one_gone = {{1'000, "a", 3}, {35'000, "a", 1}};
  EXPECT_EQ(bytes_after(one_gone, true), bytes_after(one_gone, false) + 1);  // none
  EXPECT_GT(bytes_after(gone, true), bytes_after(gone, false) + 30);         // [10000,20000)
}

TEST(WindowRetract, a_window_that_reads_it_sees_first_final_results_only) {
  WindowOptions w = summed();
  w.allowed_lateness_ms = 60'000;
  WindowOptions reader = summed();
  reader.name = "reader";
  reader.from = {"w"};
  reader.size_ms = 60'000;
  reader.retract = false;
  reader.select = {{"n", "count()"}, {"total", "sum(sum)"}};
  PipelineOptions options = over(w);
  options.windows.push_back(reader);
  options.windows[0].to = {"none"};
  options.uplinks = {"out", "none"};
  options.windows[1].to = {"out"};
  Stage stage(options);
  stage.turn({{1'000, "a", 3}, {15'000, "a", 1}, {2'000, "a", 4}});
  EXPECT_EQ(stage.finish().back(), "reader a [0,60000) #0 final n=2 total=4");
}

}  // namespace
}  // namespace wayside
