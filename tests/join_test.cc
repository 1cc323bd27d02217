#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

// Two sources of one schema with 5 s of disorder, 0 (left) and 1 (right), and a join of them.
PipelineOptions joined(JoinOptions join = {}) {
  PipelineOptions options;
  options.sources = {climate("climate"), climate("positions")};
  join.name = "j";
  join.from = "climate";
  join.with = "positions";
  if (join.select.empty()) join.select = {{"p", "temp_c"}, {"at", "time"}};
  options.joins = {join};
  return options;
}
JoinOptions as_of(int64_t within_ms = 0, int64_t max_wait_ms = 60'000) {
  JoinOptions join;
  join.within_ms = within_ms;
  join.max_wait_ms = max_wait_ms;
  return join;
}
JoinOptions interval(int64_t before_ms, int64_t after_ms) {
  JoinOptions join;
  join.before_ms = before_ms;
  join.after_ms = after_ms;
  return join;
}
Reading left(int64_t time_ms, double temp_c, const std::string& door = "",
             const std::string& key = "a") {
  return {time_ms, key, temp_c, door, 0};
}
Reading right(int64_t time_ms, double temp_c, const std::string& key = "a") {
  return {time_ms, key, temp_c, "", 1};
}
std::vector<BlockError> errors_of(PipelineOptions options) {
  std::vector<BlockError> errors;
  EXPECT_EQ(Pipeline::make(std::move(options), errors), nullptr);
  return errors;
}

// ---- as of

TEST(AsOfJoin, a_reading_gets_the_last_right_one_at_or_before_it) {
  Stage stage(joined());
  EXPECT_EQ(stage.all({right(10'000, 1), right(12'000, 2), right(14'000, 3), left(9'999, 20),
                       left(10'000, 21), left(13'999, 22, "shut"), left(14'000, 23)}),
            (Lines{"j a @9999 temp_c=20 door=NULL p=NULL at=NULL",
                   "j a @10000 temp_c=21 door=NULL p=1 at=10000",
                   "j a @13999 temp_c=22 door=shut p=2 at=12000",
                   "j a @14000 temp_c=23 door=NULL p=3 at=14000"}));
}

TEST(AsOfJoin, of_right_readings_of_one_time_the_one_that_came_last_counts) {
  Stage stage(joined());
  EXPECT_EQ(stage.all({right(10'000, 1), right(10'000, 2), left(11'000, 20)}),
            Lines{"j a @11000 temp_c=20 door=NULL p=2 at=10000"});
}

TEST(AsOfJoin, a_right_reading_older_than_within_is_none) {
  Stage stage(joined(as_of(2'000)));
  EXPECT_EQ(stage.all({right(10'000, 1), left(12'000, 20), left(12'001, 21)}),
            (Lines{"j a @12000 temp_c=20 door=NULL p=1 at=10000",
                   "j a @12001 temp_c=21 door=NULL p=NULL at=NULL"}));
}

TEST(AsOfJoin, an_inner_join_leaves_out_what_has_no_match) {
  JoinOptions inner = as_of();
  inner.inner = true;
  Stage stage(joined(inner));
  EXPECT_EQ(stage.all({right(10'000, 1), left(9'000, 20), left(11'000, 21)}),
            Lines{"j a @11000 temp_c=21 door=NULL p=1 at=10000"});
}

TEST(AsOfJoin, keys_do_not_meet) {
  Stage stage(joined());
  EXPECT_EQ(stage.all({right(10'000, 1, "b"), left(11'000, 20)}),
            Lines{"j a @11000 temp_c=20 door=NULL p=NULL at=NULL"});
}

TEST(AsOfJoin, a_reading_waits_until_both_watermarks_have_passed_it) {
  Stage stage(joined());
  EXPECT_EQ(stage.turn({right(1'000, 1), left(10'000, 20), left(30'000, 21)}), Lines{});
  EXPECT_EQ(stage.turn({right(9'500, 2), right(15'000, 3)}), Lines{}) << "its watermark is 9,999";
  EXPECT_EQ(stage.turn({right(15'001, 4)}), Lines{"j a @10000 temp_c=20 door=NULL p=2 at=9500"});
}

TEST(AsOfJoin, readings_leave_in_order_of_event_time) {
  Stage stage(joined());
  EXPECT_EQ(stage.all({left(12'000, 20), left(10'000, 21), left(11'000, 22), left(10'000, 23)}),
            (Lines{"j a @10000 temp_c=21 door=NULL p=NULL at=NULL",
                   "j a @10000 temp_c=23 door=NULL p=NULL at=NULL",
                   "j a @11000 temp_c=22 door=NULL p=NULL at=NULL",
                   "j a @12000 temp_c=20 door=NULL p=NULL at=NULL"}));
}

TEST(AsOfJoin, a_reading_waits_at_most_max_wait_of_event_time) {
  Stage stage(joined(as_of(0, 10'000)));
  EXPECT_EQ(stage.turn({right(1'000, 1), left(10'000, 20), left(25'000, 21)}), Lines{})
      << "the left watermark is 19,999";
  EXPECT_EQ(stage.turn({left(25'001, 22)}), Lines{"j a @10000 temp_c=20 door=NULL p=1 at=1000"});
}

TEST(AsOfJoin, nobody_waits_for_a_right_key_that_is_idle_or_was_never_heard) {
  Stage stage(joined());
  EXPECT_EQ(stage.turn({left(10'000, 20), left(20'000, 21)}),
            Lines{"j a @10000 temp_c=20 door=NULL p=NULL at=NULL"});
  EXPECT_EQ(stage.turn({right(11'000, 1)}), Lines{});
  EXPECT_EQ(stage.turn({left(30'000, 22)}, 20'000), Lines{});
  EXPECT_EQ(stage.turn({}, 30'000), Lines{"j a @20000 temp_c=21 door=NULL p=1 at=11000"});
}

TEST(AsOfJoin, what_waits_leaves_when_its_own_key_is_idle) {
  Stage stage(joined());
  stage.turn({right(9'000, 1), left(10'000, 20)});
  EXPECT_EQ(stage.turn({}, 30'000), Lines{"j a @10000 temp_c=20 door=NULL p=1 at=9000"});
}

TEST(AsOfJoin, a_left_reading_at_or_below_the_watermark_is_late) {
  Stage stage(joined());
  stage.turn({left(20'000, 20), left(14'999, 21), left(14'998, 22)});
  EXPECT_EQ(stage.ledger().late, 2u);
  EXPECT_EQ(stage.pipeline().block_status()[0].late, 2u);
}

TEST(AsOfJoin, a_right_reading_is_late_once_nobody_can_need_it) {
  Stage stage(joined(as_of(8'000)));
  stage.turn({left(20'000, 20), right(11'000, 1), right(20'000, 2)});  // the watermark is 14,999
  stage.turn({right(10'999, 3)});
  EXPECT_EQ(stage.ledger().late, 1u) << "another one serves those that may come";
  stage.turn({right(12'000, 4)});
  EXPECT_EQ(stage.ledger().late, 1u) << "no left reading above the watermark has a better one yet";
  stage.turn({right(6'999, 5)});
  EXPECT_EQ(stage.ledger().late, 2u) << "too old";
  EXPECT_EQ(stage.turn({left(15'000, 21), left(21'000, 22), right(21'000, 6)}),
            Lines{"j a @15000 temp_c=21 door=NULL p=4 at=12000"});
}

TEST(AsOfJoin, right_readings_that_nobody_can_need_are_not_kept) {
  Stage stage(joined());
  for (int64_t t = 0; t < 1'000; ++t) stage.turn({left(t * 1'000, 20), right(t * 1'000, 1)});
  EXPECT_LE(stage.pipeline().block_status()[0].open, 20u);
}

TEST(AsOfJoin, beyond_max_rows_the_oldest_left_one_leaves_and_the_oldest_right_one_is_forgotten) {
  JoinOptions join = as_of();
  join.max_rows = 2;
  Stage stage(joined(join));
  EXPECT_EQ(stage.turn({right(9'000, 1), left(10'000, 20), left(11'000, 21)}), Lines{});
  EXPECT_EQ(stage.turn({left(9'500, 22)}), Lines{"j a @9500 temp_c=22 door=NULL p=1 at=9000"});
  EXPECT_EQ(stage.turn({right(9'100, 2), right(12'000, 3)}), Lines{});
  EXPECT_EQ(stage.pipeline().block_status()[0].evicted, 2u);
  EXPECT_EQ(stage.finish(), (Lines{"j a @10000 temp_c=20 door=NULL p=2 at=9100",
                                   "j a @11000 temp_c=21 door=NULL p=2 at=9100"}));
}

TEST(AsOfJoin, a_source_that_is_joined_with_itself_meets_itself) {
  PipelineOptions options = joined();
  options.joins[0].with = "climate";
  Stage stage(options);
  EXPECT_EQ(stage.all({left(10'000, 20), left(11'000, 21)}),
            (Lines{"j a @10000 temp_c=20 door=NULL p=20 at=10000",
                   "j a @11000 temp_c=21 door=NULL p=21 at=11000"}));
}

// ---- intervals

TEST(IntervalJoin, a_pair_is_told_once_when_the_second_of_it_comes) {
  Stage stage(joined(interval(1'000, 2'000)));
  EXPECT_EQ(stage.turn({left(10'000, 20), right(8'999, 1)}), Lines{});
  EXPECT_EQ(stage.turn({right(9'000, 2)}), Lines{"j a @10000 temp_c=20 door=NULL p=2 at=9000"});
  EXPECT_EQ(stage.turn({right(12'000, 3), right(12'001, 4)}),
            Lines{"j a @12000 temp_c=20 door=NULL p=3 at=12000"});
  EXPECT_EQ(stage.turn({left(10'001, 21)}), (Lines{"j a @12000 temp_c=21 door=NULL p=3 at=12000",
                                                   "j a @12001 temp_c=21 door=NULL p=4 at=12001"}));
  EXPECT_EQ(stage.finish(), Lines{});
}

TEST(IntervalJoin, with_a_border_of_nothing_it_is_of_equal_times) {
  Stage stage(joined(interval(0, 0)));
  EXPECT_EQ(stage.all({right(9'000, 1), right(10'000, 2), left(10'000, 20)}),
            Lines{"j a @10000 temp_c=20 door=NULL p=2 at=10000"});
}

TEST(IntervalJoin, a_reading_at_or_below_the_smaller_watermark_is_late) {
  Stage stage(joined(interval(1'000, 1'000)));
  stage.turn({right(12'000, 1), left(20'000, 20)});  // the right watermark is 6,999
  EXPECT_EQ(stage.turn({left(6'999, 21), left(7'000, 22), right(6'500, 2), right(7'500, 3)}),
            Lines{"j a @7500 temp_c=22 door=NULL p=3 at=7500"});
  EXPECT_EQ(stage.ledger().late, 2u);
}

TEST(IntervalJoin, readings_are_kept_as_long_as_a_partner_may_come) {
  Stage stage(joined(interval(1'000, 30'000)));
  for (int64_t t = 0; t < 1'000; ++t) stage.turn({left(t * 1'000, 20), right(t * 1'000, 1)});
  EXPECT_LE(stage.pipeline().block_status()[0].open, 37u + 8u);
}

TEST(IntervalJoin, pairs_of_one_batch_are_told_in_portions) {
  JoinOptions join = interval(10'000, 10'000);
  join.max_rows = 2'000;
  PipelineOptions options = joined(join);
  WindowOptions window;
  window.name = "w";
  window.from = {"j"};
  window.size_ms = 60'000;
  window.select = {{"n", "count()"}};
  window.early_count = 1'000;
  options.windows = {window};
  Stage stage(options);
  std::vector<Reading> readings(1'500, left(1'000, 20));
  readings.push_back(right(2'000, 1));
  const Lines lines = stage.turn(readings);
  EXPECT_EQ(lines.size(), 1'501u);
  EXPECT_NE(lines.back(), "w a [0,60000) #0 open n=1000") << "all pairs were in memory at once";
}

TEST(IntervalJoin, beyond_max_rows_the_oldest_reading_is_forgotten) {
  JoinOptions join = interval(10'000, 10'000);
  join.max_rows = 1;
  Stage stage(joined(join));
  EXPECT_EQ(stage.turn({left(10'000, 20), left(11'000, 21), right(12'000, 1)}),
            Lines{"j a @12000 temp_c=21 door=NULL p=1 at=12000"});
  EXPECT_EQ(stage.pipeline().block_status()[0].evicted, 1u);
}

// ---- both

TEST(Join, a_window_reads_the_joined_readings) {
  PipelineOptions options = joined();
  WindowOptions window;
  window.name = "w";
  window.from = {"j"};
  window.size_ms = 10'000;
  window.select = {{"n", "count()"}, {"p", "max(p)"}};
  options.windows = {window};
  options.joins[0].to = {};
  Stage stage(options);
  Lines lines = stage.turn({right(1'000, 1), right(9'000, 2), right(30'000, 3), left(1'500, 20),
                            left(9'500, 21), left(15'000, 22), left(15'001, 23)});
  EXPECT_EQ(lines.back(), "w a [0,10000) #0 final n=2 p=2");
}

TEST(Join, a_rule_over_it_goes_by_event_time_though_one_input_is_idle) {
  PipelineOptions options = joined(interval(10'000, 10'000));
  options.rules.push_back({"r", "j", "p > 5", 0, Severity::kInfo, {}});
  Stage stage(options);
  stage.turn({right(12'000, 9), left(10'000, 20)});
  stage.turn({left(10'500, 21)}, 20'000);
  EXPECT_EQ(stage.turn({}, 30'000), Lines{}) << "the right one is idle";
  stage.turn({right(11'000, 6)}, 31'000);
  EXPECT_EQ(stage.finish(), Lines{"r a @11000 state=raised severity=info since=11000"});
}

TEST(Join, without_select_all_right_fields_are_there) {
  PipelineOptions options = joined();
  options.sources[1].fields[0].name = "lat";
  options.sources[1].fields[1].name = "road";
  options.joins[0].select.clear();
  Stage stage(options);
  EXPECT_EQ(stage.all({{10'000, "a", 51, "A7", 1}, left(10'000, 20, "shut")}),
            Lines{"j a @10000 temp_c=20 door=shut lat=51 road=A7"});
}

TEST(Join, a_name_that_both_have_is_an_error_that_says_how_to_mend_it) {
  PipelineOptions options = joined();
  options.joins[0].select.clear();
  auto errors = errors_of(options);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].item, "select");
  EXPECT_EQ(errors[0].message,
            "'temp_c' is a field of 'climate' already; choose another name: "
            "select = { positions_temp_c = \"temp_c\" }");
  options.joins[0].select = {{"door", "'ajar'"}};
  errors = errors_of(options);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].item, "select.door");
}

TEST(Join, a_fault_in_select_is_told_where_it_stands) {
  PipelineOptions options = joined();
  options.joins[0].select = {{"p", "tmp_c + 1"}};
  const auto errors = errors_of(options);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].block, "j");
  EXPECT_EQ(errors[0].item, "select.p");
}

TEST(Join, when_event_time_begins_anew_what_waits_ahead_is_told) {
  PipelineOptions options = joined();
  Stage stage(options);
  stage.turn({right(900'000, 1), left(900'000, 20), left(100, 21, "", "b"), right(50, 2, "b")});
  Group group = stage.make_group({}, 1'000);
  group.notes.push_back({Note::Kind::kClock, 0, "synced", "", 0, 0, 0});
  EmissionBuffer out;
  stage.pipeline().turn(group, 0, out);
  EXPECT_EQ(to_lines(out.pending()), Lines{"j a @900000 temp_c=20 door=NULL p=1 at=900000"});
  stage.turn({right(90, 3), left(95, 22)}, 2'000);
  EXPECT_EQ(stage.finish(), (Lines{"j a @95 temp_c=22 door=NULL p=3 at=90",
                                   "j b @100 temp_c=21 door=NULL p=2 at=50"}));
}

}  // namespace
}  // namespace wayside
