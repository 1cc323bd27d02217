#include "pipeline/window.h"

#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

// A tumbling window of 10 s over climate(), with a disorder of 0: a reading at t sets the watermark
// to t − 1.
PipelineOptions ten_seconds(std::vector<std::pair<std::string, std::string>> select = {
                                {"n", "count()"}}) {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].max_disorder_ms = 0;
  options.windows.resize(1);
  options.windows[0].name = "w";
  options.windows[0].from = {"climate"};
  options.windows[0].size_ms = 10'000;
  options.windows[0].select = std::move(select);
  return options;
}

TEST(Window, takes_its_start_and_not_its_end) {
  Stage stage(ten_seconds());
  EXPECT_EQ(stage.turn({{0, "a"}, {9'999, "a"}}), Lines{})
      << "its last millisecond may still bring more";
  EXPECT_EQ(stage.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=2"});
  EXPECT_EQ(stage.finish(), Lines{"w a [10000,20000) #0 final n=1"});
}

TEST(Window, lies_on_a_grid_that_reaches_back_before_1970) {
  const struct {
    int64_t offset_ms, time_ms;
    const char* line;
  } cases[] = {
      {0, -1, "w a [-10000,0) #0 final n=1"},
      {0, -10'000, "w a [-10000,0) #0 final n=1"},
      {0, -10'001, "w a [-20000,-10000) #0 final n=1"},
      {3'000, 0, "w a [-7000,3000) #0 final n=1"},
      {3'000, 3'000, "w a [3000,13000) #0 final n=1"},
      {-3'000, 6'999, "w a [-3000,7000) #0 final n=1"},
      {-3'000, -3'001, "w a [-13000,-3000) #0 final n=1"},
      {0, kPossibleMin, "w a [-62135596800000,-62135596790000) #0 final n=1"},
      {0, kPossibleMax, "w a [253402300790000,253402300800000) #0 final n=1"},
  };
  for (const auto& c : cases) {
    PipelineOptions options = ten_seconds();
    options.windows[0].offset_ms = c.offset_ms;
    EXPECT_EQ(Stage(options).all({{c.time_ms, "a"}}), Lines{c.line});
  }
}

TEST(Window, waits_for_what_is_out_of_order_within_the_disorder) {
  PipelineOptions options = ten_seconds();
  options.sources[0].max_disorder_ms = 5'000;
  Stage stage(options);
  EXPECT_EQ(stage.turn({{8'000, "a"}, {14'999, "a"}, {1'000, "a"}}), Lines{});
  EXPECT_EQ(stage.turn({{15'000, "a"}}), Lines{"w a [0,10000) #0 final n=2"});
}

TEST(Window, empty_ones_do_not_exist) {
  Stage stage(ten_seconds());
  EXPECT_EQ(stage.all({{0, "a"}, {1'000'000, "a"}}),
            (Lines{"w a [0,10000) #0 final n=1", "w a [1000000,1010000) #0 final n=1"}));
}

TEST(Window, selects_aggregates_and_columns_derived_from_them_in_the_order_of_the_file) {
  Stage stage(ten_seconds({{"span", "hi - lo"},
                           {"hi", "max(temp_c)"},
                           {"lo", "min(temp_c)"},
                           {"open", "count() FILTER (WHERE door = 'open')"},
                           {"doors", "count(door)"},
                           {"label", "vehicle || '@' || CAST(window_start AS INTEGER)"}}));
  EXPECT_EQ(stage.all({{0, "a", 20, "open"}, {1, "a", kNull, "shut"}, {2, "a", 26.5}}),
            Lines{"w a [0,10000) #0 final span=6.5 hi=26.5 lo=20 open=1 doors=2 label=a@0"});
  EXPECT_EQ(
      stage.all({{20'000, "a"}}),
      Lines{"w a [20000,30000) #0 final span=NULL hi=NULL lo=NULL open=0 doors=0 label=a@20000"});
}

// What is counted may be a text: that is seen by the count alone.
TEST(Window, a_count_of_an_expression_leaves_others_of_the_same_text_as_they_are) {
  const Lines expected = {"w a [0,10000) #0 final n=2 x=50"};
  const std::pair<std::string, std::string> n = {"n", "count(temp_c * 1.8 + 32)"};
  const std::pair<std::string, std::string> x = {"x", "avg(temp_c * 1.8 + 32)"};
  EXPECT_EQ(Stage(ten_seconds({n, x})).all({{0, "a", 5}, {1, "a", 15}, {2, "a"}}), expected);
  Lines turned = {"w a [0,10000) #0 final x=50 n=2"};
  EXPECT_EQ(Stage(ten_seconds({x, n})).all({{0, "a", 5}, {1, "a", 15}, {2, "a"}}), turned);
  PipelineOptions options = ten_seconds({{"n", "count(temp_c > 10)"}});
  options.windows[0].where = "temp_c > 10";
  EXPECT_EQ(Stage(options).all({{0, "a", 5}, {1, "a", 15}, {2, "a"}}),
            Lines{"w a [0,10000) #0 final n=1"});
  options =
      ten_seconds({{"n", "count(temp_c > 10)"}, {"x", "sum(temp_c) FILTER (WHERE temp_c > 10)"}});
  EXPECT_EQ(Stage(options).all({{0, "a", 5}, {1, "a", 15}, {2, "a"}}),
            Lines{"w a [0,10000) #0 final n=2 x=15"});
}

TEST(Window, where_takes_what_is_true_and_everything_moves_the_watermark) {
  PipelineOptions options = ten_seconds();
  options.windows[0].where = "door = 'shut'";
  Stage stage(options);
  EXPECT_EQ(
      stage.turn({{1, "a", 0, "shut"}, {2, "a", 0, "open"}, {3, "a"}, {10'000, "a", 0, "open"}}),
      Lines{"w a [0,10000) #0 final n=1"});
  EXPECT_EQ(stage.finish(), Lines{});
  EXPECT_EQ(stage.ledger().used, 4u) << "a reading that no window asked for is used, not late";
}

TEST(Window, having_keeps_results_and_sees_derived_columns_and_the_key) {
  const struct {
    const char* having;
    Lines kept;
  } cases[] = {
      {"n >= 2", {"w b [0,10000) #0 final n=2 avg=30 hot=1 word=hot"}},
      {"hot", {"w b [0,10000) #0 final n=2 avg=30 hot=1 word=hot"}},
      {"vehicle = 'a'", {"w a [0,10000) #0 final n=1 avg=10 hot=0 word=cold"}},
      {"word = 'cold'", {"w a [0,10000) #0 final n=1 avg=10 hot=0 word=cold"}},
      {"window_end > 20000", {}},
      {"NULL", {}},
  };
  for (const auto& c : cases) {
    PipelineOptions options =
        ten_seconds({{"n", "count()"},
                     {"avg", "avg(temp_c)"},
                     {"hot", "avg > 20"},
                     {"word", "CASE WHEN avg > 20 THEN 'hot' ELSE 'cold' END"}});
    options.windows[0].having = c.having;
    EXPECT_EQ(Stage(options).all({{0, "b", 20}, {1, "b", 40}, {2, "a", 10}}), c.kept) << c.having;
  }
}

TEST(Window, a_result_that_cannot_be_derived_is_null_and_spoils_no_other) {
  PipelineOptions options =
      ten_seconds({{"low", "min(temp_c)"}, {"x", "json_extract(vehicle, '$.x')"}});
  const Lines lines = Stage(options).all({{0, "{\"x\":1}", 7}, {0, "b", 8}, {0, "{\"x\":3}", 9}});
  EXPECT_EQ(lines, (Lines{"w b [0,10000) #0 final low=8 x=NULL",
                          "w {\"x\":1} [0,10000) #0 final low=7 x=1",
                          "w {\"x\":3} [0,10000) #0 final low=9 x=3"}));
}

TEST(Window, without_lateness_a_late_reading_changes_nothing) {
  PipelineOptions options = ten_seconds();
  options.uplinks = {"centre", "late"};
  options.windows[0].to = {"centre"};
  options.windows[0].late_to = {"late"};
  Stage stage(options);
  stage.turn({{0, "a"}, {10'000, "a"}});
  EXPECT_EQ(stage.turn({{9'999, "a", 21.5, "open"}}),
            Lines{"w a @9999 late window_start=0 window_end=10000 temp_c=21.5 door=open"});
  EXPECT_EQ(stage.emissions()[0].targets, 0b10u);
  EXPECT_EQ(stage.finish(), Lines{"w a [10000,20000) #0 final n=1"});
  EXPECT_EQ(stage.emissions()[0].targets, 0b01u);
  EXPECT_EQ(stage.ledger().late, 1u);
  EXPECT_EQ(stage.ledger().used, 2u);
}

TEST(Window, without_a_late_lane_late_readings_are_counted_only) {
  Stage stage(ten_seconds());
  stage.turn({{0, "a"}, {10'000, "a"}});
  EXPECT_EQ(stage.turn({{9'999, "a"}}), Lines{});
  EXPECT_EQ(stage.ledger().late, 1u);
}

TEST(Window, within_the_lateness_each_late_reading_is_answered_with_a_revision) {
  PipelineOptions options = ten_seconds({{"n", "count()"}, {"sum", "sum(temp_c)"}});
  options.windows[0].allowed_lateness_ms = 5'000;
  Stage stage(options);
  EXPECT_EQ(stage.turn({{1, "a", 1}, {10'000, "a", 0}}), Lines{"w a [0,10000) #0 final n=1 sum=1"});
  EXPECT_EQ(stage.turn({{2, "a", 2}, {3, "a", 4}}),
            (Lines{"w a [0,10000) #1 final n=2 sum=3", "w a [0,10000) #2 final n=3 sum=7"}));
  EXPECT_EQ(stage.turn({{14'999, "a", 0}, {4, "a", 8}}), Lines{"w a [0,10000) #3 final n=4 sum=15"})
      << "the watermark is 14,998: the last instant";
  EXPECT_EQ(stage.turn({{15'000, "a", 0}, {5, "a", 16}}), Lines{});
  EXPECT_EQ(stage.ledger().late, 1u);
  EXPECT_EQ(stage.pipeline().block_status()[0].open, 1u) << "the first window is gone";
}

TEST(Window, a_late_reading_may_be_the_first_of_its_window) {
  PipelineOptions options = ten_seconds();
  options.windows[0].allowed_lateness_ms = 60'000;
  Stage stage(options);
  EXPECT_EQ(stage.turn({{30'000, "a"}, {5, "a"}, {6, "a"}}),
            (Lines{"w a [0,10000) #0 final n=1", "w a [0,10000) #1 final n=2"}));
}

TEST(Window, in_source_mode_one_watermark_fires_all_keys_by_time_and_name) {
  PipelineOptions options = ten_seconds();
  options.sources[0].watermark = WatermarkMode::kSource;
  Stage stage(options);
  EXPECT_EQ(stage.turn({{0, "b"}, {10'000, "c"}, {1, "a"}, {10'000, "a"}, {20'000, "c"}}),
            (Lines{"w b [0,10000) #0 final n=1", "w a [10000,20000) #0 final n=1",
                   "w c [10000,20000) #0 final n=1"}));
  EXPECT_EQ(stage.ledger().late, 1u) << "in source mode a device that lags behind is late";
}

TEST(Window, two_sources_share_a_window_by_the_smaller_watermark) {
  for (WatermarkMode mode : {WatermarkMode::kKey, WatermarkMode::kSource}) {
    PipelineOptions options = ten_seconds();
    options.sources.push_back(climate("cargo"));
    options.sources[1].max_disorder_ms = 0;
    for (SourceOptions& source : options.sources) source.watermark = mode;
    options.windows[0].from = {"climate", "cargo"};
    Stage stage(options);
    EXPECT_EQ(stage.turn({{0, "a", 0, "", 1}, {0, "a"}, {30'000, "a"}}), Lines{});
    EXPECT_EQ(stage.turn({{9'999, "a", 0, "", 1}}), Lines{});
    EXPECT_EQ(stage.turn({{10'000, "a", 0, "", 1}}), Lines{"w a [0,10000) #0 final n=3"});
    EXPECT_EQ(stage.turn({{31'000, "a"}}, 20'000), Lines{});
    EXPECT_EQ(stage.turn({}, 30'000), Lines{"w a [10000,20000) #0 final n=1"})
        << "cargo is idle: it holds back no more";
  }
}

TEST(Window, a_silent_device_tells_what_it_has_and_may_go_on) {
  Stage stage(ten_seconds());
  EXPECT_EQ(stage.turn({{0, "a"}, {1, "b"}}, 0), Lines{});
  EXPECT_EQ(stage.turn({{2, "b"}}, 20'000), Lines{});
  EXPECT_EQ(stage.turn({}, 30'000), Lines{"w a [0,10000) #0 open n=1"});
  EXPECT_EQ(stage.turn({}, 49'000), Lines{}) << "it says so once";
  EXPECT_EQ(stage.turn({{3, "a"}}, 49'000), Lines{});
  EXPECT_EQ(stage.turn({{10'000, "a"}}, 49'000), Lines{"w a [0,10000) #1 final n=2"});
}

TEST(Window, a_forgotten_device_ends_what_it_had) {
  Stage stage(ten_seconds());
  stage.turn({{0, "a"}}, 0);
  EXPECT_EQ(stage.turn({}, 30'000), Lines{"w a [0,10000) #0 open n=1"});
  EXPECT_EQ(stage.turn({}, 3'600'000), Lines{"w a [0,10000) #1 final n=1"});
  EXPECT_EQ(stage.pipeline().block_status()[0].open, 0u);
  EXPECT_EQ(stage.finish(), Lines{});
}

TEST(Window, a_wrong_expression_is_told_with_its_item_and_place) {
  const struct {
    const char *where, *select, *having, *item;
    size_t offset;
  } cases[] = {
      {"temp > 5", "count()", "", "where", 0},
      {"", "avg( temp )", "", "select.x", 5},
      {"", "count(temp)", "", "select.x", 6},
      {"", "count(1 + temp)", "", "select.x", 10},
      {"", "count() FILTER (WHERE temp > 5)", "", "select.x", 22},
      {"", "2 * y", "", "select.x", 4},
      {"", "count()", "x > 1 AND y", "having", 10},
      {"", "count()", "temp_c > 1", "having", 0},
  };
  for (const auto& c : cases) {
    PipelineOptions options = ten_seconds({{"x", c.select}});
    options.windows[0].where = c.where;
    options.windows[0].having = c.having;
    std::vector<BlockError> errors;
    EXPECT_EQ(Pipeline::make(options, errors), nullptr);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].block, "w");
    EXPECT_EQ(errors[0].item, c.item) << c.select << c.having;
    EXPECT_EQ(errors[0].offset, c.offset) << c.where << c.select << c.having;
    EXPECT_NE(errors[0].message.find("unknown field"), std::string::npos) << errors[0].message;
  }
}

}  // namespace
}  // namespace wayside
