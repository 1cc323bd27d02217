#include "pipeline/route.h"

#include <gtest/gtest.h>

#include "tests/block_fleet.h"

namespace wayside {
namespace {

using Items = std::vector<std::pair<std::string, std::string>>;

// Routes over climate() without disorder; each of `streams` is read by a window of its name that
// counts.
PipelineOptions routed(Items routes, std::vector<std::string> streams,
                       const std::string& otherwise = "", bool all = false) {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].max_disorder_ms = 0;
  options.routes.resize(1);
  options.routes[0].name = "r";
  options.routes[0].from = "climate";
  options.routes[0].routes = std::move(routes);
  options.routes[0].otherwise = otherwise;
  options.routes[0].all = all;
  for (const std::string& stream : streams) {
    options.windows.push_back(window_over(stream, {"r." + stream}, 10'000, {{"n", "count()"}}));
    options.windows.back().late_to = {};
  }
  return options;
}

const Items kByTemp = {{"hot", "temp_c > 30"}, {"warm", "temp_c > 20"}};

TEST(Route, a_reading_goes_where_its_first_condition_is_met) {
  Stage stage(routed(kByTemp, {"hot", "warm", "rest"}, "rest"));
  EXPECT_EQ(stage.all({{0, "a", 40}, {1, "a", 25}, {2, "a", 26}, {3, "a", 1}, {4, "a"}}),
            (Lines{"hot a [0,10000) #0 final n=1", "warm a [0,10000) #0 final n=2",
                   "rest a [0,10000) #0 final n=2"}))
      << "what is missing meets no condition";
  EXPECT_EQ(stage.ledger().used, 5u);
}

TEST(Route, or_to_all_whose_condition_it_meets) {
  Stage stage(routed(kByTemp, {"hot", "warm", "rest"}, "rest", true));
  EXPECT_EQ(stage.all({{0, "a", 40}, {1, "a", 25}, {3, "a", 1}}),
            (Lines{"hot a [0,10000) #0 final n=1", "warm a [0,10000) #0 final n=2",
                   "rest a [0,10000) #0 final n=1"}));
}

TEST(Route, a_reading_moves_the_watermark_of_all_routes) {
  Stage stage(routed(kByTemp, {"hot", "warm"}));
  stage.turn({{0, "a", 40}, {0, "a", 25}});
  EXPECT_EQ(stage.turn({{10'000, "a", 1}}),
            (Lines{"hot a [0,10000) #0 final n=1", "warm a [0,10000) #0 final n=1"}));
}

TEST(Route, a_reading_that_is_late_on_its_route_is_late) {
  Stage stage(routed(kByTemp, {"hot", "warm"}));
  stage.turn({{0, "a", 40}, {20'000, "a", 1}, {1, "a", 40}, {2, "a", 1}});
  EXPECT_EQ(stage.ledger().late, 1u) << "the last one is on no route";
  EXPECT_EQ(stage.ledger().used, 3u);
}

TEST(Route, routes_meet_again) {
  PipelineOptions options = routed(kByTemp, {}, "rest");
  options.windows = {window_over("w", {"r.hot", "r.rest"}, 10'000, {{"n", "count()"}})};
  Stage stage(options);
  EXPECT_EQ(
      stage.turn({{0, "a", 40}, {1, "a", 25}, {2, "a", 5}, {9'000, "a", 50}, {10'000, "a", 25}}),
      Lines{"w a [0,10000) #0 final n=3"});
}

// A window says the result and that time has gone on at once: on both ways the result comes first.
TEST(Route, routes_of_results_meet_again) {
  PipelineOptions options = routed({{"many", "n > 1"}}, {}, "few");
  options.routes[0].from = "each";
  options.windows = {window_over("each", {"climate"}, 5'000, {{"n", "count()"}}),
                     window_over("w", {"r.many", "r.few"}, 10'000, {{"n", "sum(n)"}})};
  options.windows[0].to = {"none"};
  options.windows[1].to = {"out"};
  options.uplinks = {"out", "none"};
  Stage stage(options);
  Lines lines;
  for (const std::string& line : stage.all({{0, "a"}, {5'000, "a"}, {5'001, "a"}, {50'000, "a"}})) {
    if (line.starts_with("w ")) lines.push_back(line);
  }
  EXPECT_EQ(lines, (Lines{"w a [0,10000) #0 final n=3", "w a [50000,60000) #0 final n=1"}));
}

TEST(Route, an_error_says_which_condition) {
  std::vector<BlockError> errors;
  EXPECT_FALSE(Pipeline::make(routed({{"hot", "tmp_c > 3"}}, {"hot"}), errors));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].item, "routes.hot");
  EXPECT_EQ(errors[0].message, "unknown field 'tmp_c'; did you mean 'temp_c'?");
  errors.clear();
  PipelineOptions options = routed(kByTemp, {"hot"});
  options.windows[0].from = {"r.hott"};
  EXPECT_FALSE(Pipeline::make(options, errors));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].message, "there is no source or block 'r.hott'; did you mean 'r.hot'?");
}

// ---- every schedule

PipelineOptions routes_of_all_kinds(WatermarkMode mode) {
  PipelineOptions options = two_sources(mode);
  options.routes.resize(3);
  options.routes[0] = {"r", "climate", kByTemp, "rest", false};
  options.routes[0].routes = {{"hot", "temp_c > 11"}, {"warm", "temp_c > 6"}};
  options.routes[1] = {"many", "climate", {{"x", "door = 'x'"}, {"high", "temp_c > 8"}}, "", true};
  options.routes[2] = {"of", "each", {{"big", "n > 1"}}, "small", false};
  options.windows = {
      window_over("hot", {"r.hot"}, 10'000, {{"n", "count()"}, {"t", "sum(temp_c)"}}),
      window_over("both", {"r.warm", "r.rest"}, 10'000, {{"n", "count()"}}),
      window_over("twice", {"many.x", "many.high"}, 10'000, {{"n", "count()"}}),
      window_over("each", {"cargo", "climate"}, 5'000, {{"n", "count()"}}),
      window_over("again", {"of.big", "of.small"}, 20'000, {{"n", "sum(n)"}, {"k", "count()"}}),
  };
  options.windows[3].allowed_lateness_ms = 6'000;
  RuleOptions rule;
  rule.name = "alarm";
  rule.from = "many.high";
  rule.when = "temp_c > 12";
  options.rules = {rule};
  rule.name = "busy";
  rule.from = "of.big";
  rule.when = "n > 2";
  options.rules.push_back(rule);
  return options;
}

class RouteSchedules : public testing::TestWithParam<WatermarkMode> {};

TEST_P(RouteSchedules, do_not_matter) {
  for (auto [seed, end] = seeds(8); seed < end && !HasFailure(); ++seed) {
    expect_schedules_do_not_matter(routes_of_all_kinds(GetParam()),
                                   make_block_fleet(seed, {"x", "y"}), seed);
  }
}

TEST_P(RouteSchedules, leave_nothing_of_keys_that_are_forgotten) {
  expect_nothing_is_left(routes_of_all_kinds(GetParam()), make_block_fleet(1, {"x", "y"}));
}

INSTANTIATE_TEST_SUITE_P(Watermarks, RouteSchedules,
                         testing::Values(WatermarkMode::kKey, WatermarkMode::kSource),
                         [](const auto& mode) {
                           return mode.param == WatermarkMode::kKey ? "by_key" : "by_source";
                         });

}  // namespace
}  // namespace wayside
