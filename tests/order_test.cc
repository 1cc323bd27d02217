#include "pipeline/order.h"

#include <gtest/gtest.h>

#include "tests/block_fleet.h"

namespace wayside {
namespace {

// climate() in order, seen through a state that tells each reading as it leaves.
PipelineOptions in_order(bool over_all_keys, uint32_t max_waiting = 10'000) {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].max_disorder_ms = 5'000;
  options.orders.resize(1);
  options.orders[0].name = "o";
  options.orders[0].from = "climate";
  options.orders[0].over_all_keys = over_all_keys;
  options.orders[0].max_waiting = max_waiting;
  options.states.resize(1);
  options.states[0].name = "s";
  options.states[0].from = "o";
  options.states[0].next = {{"t", "temp_c"}, {"d", "door"}, {"at", "time"}};
  options.states[0].to = {"out"};
  return options;
}

std::vector<std::string> seen(const Lines& lines) {  // "a 1000" of "s a @1000 …"
  std::vector<std::string> keys_and_times;
  for (const std::string& line : lines) {
    const size_t at = line.find('@');
    keys_and_times.push_back(line.substr(2, at - 2) +
                             line.substr(at + 1, line.find(' ', at) - at - 1));
  }
  return keys_and_times;
}

TEST(Order, readings_leave_when_the_watermark_of_their_key_has_passed_them) {
  Stage stage(in_order(false));
  EXPECT_EQ(stage.turn({{2'000, "a", 2, "x"}, {1'000, "a", 1}, {9'000, "b", 9}}), Lines{});
  EXPECT_EQ(stage.turn({{7'500, "a", 7}}),
            (Lines{"s a @1000 t=1 d=NULL at=1000", "s a @2000 t=2 d=x at=2000"}));
  stage.turn({{2'400, "a", 3}});
  EXPECT_EQ(stage.ledger().late, 1u);
  EXPECT_EQ(seen(stage.finish()), (Lines{"a 7500", "b 9000"}));
}

TEST(Order, equal_times_keep_their_order_of_arrival) {
  Stage stage(in_order(false));
  EXPECT_EQ(stage.all({{5, "a", 1}, {5, "a", 2}, {4, "a", 3}, {5, "a", 4}}),
            (Lines{"s a @4 t=3 d=NULL at=4", "s a @5 t=1 d=NULL at=5", "s a @5 t=2 d=NULL at=5",
                   "s a @5 t=4 d=NULL at=5"}));
}

TEST(Order, over_all_keys_the_slowest_one_that_is_not_idle_holds_back_the_rest) {
  Stage stage(in_order(true));
  EXPECT_EQ(stage.turn({{2'000, "a", 1}, {1'000, "b", 2}}, 0), Lines{});
  EXPECT_EQ(stage.turn({{30'000, "a", 3}}, 20'000), Lines{}) << "b may still bring older ones";
  EXPECT_EQ(seen(stage.turn({{9'000, "b", 4}}, 21'000)), (Lines{"b 1000", "a 2000"}));
  EXPECT_EQ(seen(stage.turn({{40'000, "a", 5}}, 22'000)), Lines{});
  EXPECT_EQ(seen(stage.turn({{41'000, "a", 5}}, 51'000)), (Lines{"b 9000", "a 30000"}))
      << "b is idle";
  EXPECT_EQ(seen(stage.turn({}, 90'000)), (Lines{"a 40000", "a 41000"})) << "and so is a";
}

TEST(Order, what_is_silent_gives_what_waits) {
  Stage stage(in_order(false));
  stage.turn({{2'000, "a", 1}, {1'000, "a", 2}}, 0);
  EXPECT_EQ(seen(stage.turn({}, 30'000)), (Lines{"a 1000", "a 2000"}));
  stage.turn({{1'500, "a", 3}, {2'500, "a", 4}}, 31'000);
  EXPECT_EQ(stage.ledger().late, 1u);
}

TEST(Order, beyond_max_waiting_the_oldest_leaves_before_its_watermark) {
  Stage stage(in_order(false, 2));
  EXPECT_EQ(seen(stage.turn({{3'000, "a", 1}, {2'000, "a", 2}, {1'000, "b", 3}, {2'500, "a", 4}})),
            Lines{"a 2000"});
  stage.turn({{1'900, "a", 5}, {2'000, "a", 6}});
  EXPECT_EQ(stage.ledger().late, 1u) << "of its own time more may come";
  EXPECT_EQ(stage.pipeline().block_status()[0].evicted, 2u);
  EXPECT_EQ(seen(stage.finish()), (Lines{"a 2500", "a 3000", "b 1000"}));
}

TEST(Order, blocks_behind_it_find_nothing_late_and_close_in_time) {
  PipelineOptions options = in_order(true);
  options.states.clear();
  options.windows = {window_over("w", {"o"}, 10'000, {{"n", "count()"}})};
  Stage stage(options);
  EXPECT_EQ(stage.turn({{2'000, "a", 1}, {12'000, "b", 2}, {1'000, "a", 2}}, 0), Lines{});
  EXPECT_EQ(stage.turn({{15'000, "a", 1}, {15'000, "b", 1}}, 0),
            Lines{"w a [0,10000) #0 final n=2"});
}

// ---- every schedule

PipelineOptions orders_of_all_kinds(WatermarkMode mode) {
  PipelineOptions options = two_sources(mode);
  const auto order = [&](const char* name, const char* from, bool over_all, uint32_t max) {
    OrderOptions o;
    o.name = name;
    o.from = from;
    o.over_all_keys = over_all;
    o.max_waiting = max;
    options.orders.push_back(o);
  };
  const auto state = [&](const char* name, const char* from, const char* what) {
    StateOptions s;
    s.name = name;
    s.from = from;
    s.next = {{"n", "coalesce(n, 0) + 1"}, {"last", what}, {"at", "time"}};
    s.to = {"out"};
    options.states.push_back(s);
  };
  order("each", "climate", false, 10'000);
  order("few", "climate", false, 4);
  order("all", "climate", true, 10'000);
  order("tight", "climate", true, 9);
  order("results", "counts", true, 10'000);
  MapOptions map;
  map.name = "zones";
  map.from = "climate";
  map.key = "door";
  options.maps = {map};
  order("zone_order", "zones", false, 20);
  state("s_each", "each", "door");
  state("s_few", "few", "door");
  state("s_all", "all", "door");
  state("s_tight", "tight", "temp_c");
  state("s_results", "results", "n_of");
  state("s_zones", "zone_order", "vehicle");
  options.windows = {
      window_over("counts", {"cargo", "climate"}, 5'000, {{"n_of", "count()"}}),
      window_over("w_all", {"all"}, 10'000, {{"n", "count()"}, {"last", "last(door)"}}),
      window_over("w_tight", {"tight"}, 10'000, {{"n", "count()"}}),
  };
  RuleOptions rule;
  rule.name = "hot";
  rule.from = "all";
  rule.when = "temp_c > 10";
  rule.for_ms = 1'000;
  options.rules = {rule};
  return options;
}

class OrderSchedules : public testing::TestWithParam<WatermarkMode> {};

TEST_P(OrderSchedules, do_not_matter) {
  for (auto [seed, end] = seeds(8); seed < end && !HasFailure(); ++seed) {
    expect_schedules_do_not_matter(orders_of_all_kinds(GetParam()),
                                   make_block_fleet(seed, {"x", "y", "z"}), seed);
  }
}

// One stream over all keys says the same, emission by emission.
TEST_P(OrderSchedules, do_not_matter_to_the_order_over_all_keys) {
  PipelineOptions options = two_sources(GetParam());
  options.orders.resize(1);
  options.orders[0].name = "all";
  options.orders[0].from = "climate";
  options.orders[0].over_all_keys = true;
  StateOptions state;
  state.name = "s";
  state.from = "all";
  state.next = {{"n", "coalesce(n, 0) + 1"}};
  state.to = {"out"};
  options.states = {state};
  for (auto [seed, end] = seeds(8); seed < end && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    const Fleet fleet = make_block_fleet(seed, {"x"});
    const Outcome whole = run(options, tick_by_tick(fleet));
    EXPECT_EQ(numbered(run(options, one_by_one(fleet)).emissions), numbered(whole.emissions));
    int64_t last = kTimeMin;
    size_t back = 0;
    for (const Emission& e : whole.emissions) {
      back += e.time_ms < last;
      last = e.time_ms;
    }
    EXPECT_LE(back, 6u) << "only what a forgotten key has left behind is out of order";
    EXPECT_GT(whole.emissions.size(), 20u);
  }
}

TEST_P(OrderSchedules, leave_nothing_of_keys_that_are_forgotten) {
  expect_nothing_is_left(orders_of_all_kinds(GetParam()), make_block_fleet(1, {"x", "y", "z"}));
}

INSTANTIATE_TEST_SUITE_P(Watermarks, OrderSchedules,
                         testing::Values(WatermarkMode::kKey, WatermarkMode::kSource),
                         [](const auto& mode) {
                           return mode.param == WatermarkMode::kKey ? "by_key" : "by_source";
                         });

}  // namespace
}  // namespace wayside
