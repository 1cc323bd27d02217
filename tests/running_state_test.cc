#include "pipeline/running_state.h"

#include <gtest/gtest.h>

#include "tests/block_fleet.h"

namespace wayside {
namespace {

using Items = std::vector<std::pair<std::string, std::string>>;

PipelineOptions with_state(Items init, Items next) {
  PipelineOptions options;
  options.sources = {climate()};
  options.states.resize(1);
  options.states[0].name = "s";
  options.states[0].from = "climate";
  options.states[0].init = std::move(init);
  options.states[0].next = std::move(next);
  options.states[0].to = {"out"};
  return options;
}

// N = N + added − removed: what is added is a temperature of a door that is open.
const Items kStock = {{"n", "n + CASE door WHEN 'add' THEN temp_c ELSE -temp_c END"}};

TEST(RunningState, each_reading_changes_what_the_ones_before_have_left) {
  Stage stage(with_state({{"n", "0"}}, kStock));
  EXPECT_EQ(stage.turn(
                {{0, "a", 5, "add"}, {1, "a", 2, "take"}, {2, "b", 7, "add"}, {3, "a", 10, "add"}}),
            (Lines{"s a @0 n=5", "s a @1 n=3", "s b @2 n=7", "s a @3 n=13"}));
  EXPECT_EQ(stage.turn({{4, "b", 1, "take"}}), Lines{"s b @4 n=6"});
  EXPECT_EQ(stage.ledger().used, 5u);
}

TEST(RunningState, all_values_behind_a_reading_are_made_of_those_before_it) {
  Stage stage(with_state({{"a", "1"}, {"b", "2"}}, {{"a", "b"}, {"b", "a"}}));
  EXPECT_EQ(stage.turn({{0, "k", 0}, {1, "k", 0}}), (Lines{"s k @0 a=2 b=1", "s k @1 a=1 b=2"}));
}

TEST(RunningState, a_key_begins_with_its_first_reading) {
  Stage stage(with_state({{"first", "temp_c"}}, {{"first", "first"}, {"n", "coalesce(n, 0) + 1"}}));
  EXPECT_EQ(stage.turn({{0, "a", 5}, {1, "a", 6}, {2, "b", 7}}),
            (Lines{"s a @0 first=5 n=1", "s a @1 first=5 n=2", "s b @2 first=7 n=1"}));
}

TEST(RunningState, holds_texts) {
  Stage stage(with_state({{"way", "CAST('' AS TEXT)"}},
                         {{"way", "CAST(way || coalesce(door, '-') AS TEXT)"}, {"last", "door"}}));
  EXPECT_EQ(stage.turn({{0, "a", 1, "x"}, {1, "a", 1}, {2, "a", 1, "y"}}),
            (Lines{"s a @0 way=x last=x", "s a @1 way=x- last=x", "s a @2 way=x-y last=y"}));
}

TEST(RunningState, null_leaves_a_value_as_it_is_and_is_no_change) {
  Stage stage(with_state({{"n", "0"}}, kStock));
  EXPECT_EQ(stage.turn({{0, "a", 5, "add"}, {1, "a", kNull, "add"}, {2, "a", 1, "add"}}),
            (Lines{"s a @0 n=5", "s a @2 n=6"}));
}

TEST(RunningState, a_reading_that_cannot_be_evaluated_changes_nothing) {
  Stage stage(with_state({{"n", "0"}}, {{"n", "n + json_extract(door, '$.v')"}}));
  EXPECT_EQ(stage.turn({{0, "a", 0, "{\"v\":1}"},
                        {1, "a", 0, "bad"},
                        {2, "a", 0, "bad"},
                        {3, "a", 0, "{\"v\":2}"}}),
            (Lines{"s a @0 n=1", "s a @3 n=3"}));
  EXPECT_EQ(stage.pipeline().block_status()[0].faults, 2u);
}

TEST(RunningState, first_values_are_told_even_if_the_next_ones_cannot_be_made) {
  Stage stage(with_state({{"n", "7"}}, {{"n", "n + json_extract(door, '$.v')"}}));
  EXPECT_EQ(stage.turn({{0, "a", 0, "bad"}, {1, "a", 0, "bad"}, {2, "a", 0, "{\"v\":0}"}}),
            Lines{"s a @0 n=7"});
}

TEST(RunningState, where_takes_what_counts) {
  PipelineOptions options = with_state({{"n", "0"}}, {{"n", "n + 1"}});
  options.states[0].where = "door = 'x'";
  Stage stage(options);
  EXPECT_EQ(stage.turn({{0, "a", 0, "x"}, {1, "a", 0, "y"}, {2, "a", 0}, {3, "a", 0, "x"}}),
            (Lines{"s a @0 n=1", "s a @3 n=2"}));
  EXPECT_EQ(stage.ledger().used, 4u);
}

TEST(RunningState, begins_anew_after_its_time_to_live) {
  PipelineOptions options = with_state({{"n", "0"}}, {{"n", "n + 1"}});
  options.states[0].ttl_ms = 10'000;
  Stage stage(options);
  EXPECT_EQ(stage.turn({{0, "a"},
                        {10'000, "a"},
                        {0, "b"},
                        {20'001, "a"},
                        {20'002, "a"},
                        {5'000, "a"},
                        {30'003, "a"}}),
            (Lines{"s a @0 n=1", "s a @10000 n=2", "s b @0 n=1", "s a @20001 n=1", "s a @20002 n=2",
                   "s a @5000 n=3", "s a @30003 n=1"}));
}

TEST(RunningState, readings_go_on_with_the_values_behind_them) {
  PipelineOptions options = with_state({{"n", "0"}}, {{"n", "n + temp_c"}, {"was", "door"}});
  options.windows = {window_over("w", {"s"}, 10'000,
                                 {{"top", "max(n)"},
                                  {"t", "sum(temp_c)"},
                                  {"x", "count() FILTER (WHERE was = 'x')"},
                                  {"open", "count() FILTER (WHERE door = 'x')"}})};
  options.windows[0].to = {"out"};
  options.uplinks = {"out", "none"};
  options.states[0].to = {"none"};
  Stage stage(options);
  Lines lines;
  for (const std::string& line : stage.all({{0, "a", 3, "x"}, {1, "a", 4}, {2, "a", -6, "y"}})) {
    if (line.starts_with("w")) lines.push_back(line);
  }
  EXPECT_EQ(lines, Lines{"w a [0,10000) #0 final top=7 t=1 x=2 open=1"});
}

TEST(RunningState, counts_in_order_of_event_time_where_that_is_wanted) {
  PipelineOptions options = with_state({}, {{"way", "CAST(coalesce(way, '') || temp_c AS TEXT)"}});
  options.states[0].by_event_time = true;
  options.sources[0].max_disorder_ms = 5'000;
  Stage stage(options);
  EXPECT_EQ(stage.turn({{2'000, "a", 2}, {1'000, "a", 1}, {3'000, "a", 3}, {7'001, "a", 7}}),
            (Lines{"s a @1000 way=1.0", "s a @2000 way=1.02.0"}));
  EXPECT_EQ(stage.turn({{2'000, "a", 9}}), Lines{});
  EXPECT_EQ(stage.ledger().late, 1u);
  EXPECT_EQ(stage.finish(), (Lines{"s a @3000 way=1.02.03.0", "s a @7001 way=1.02.03.07.0"}));
}

TEST(RunningState, an_error_says_which_value) {
  const struct {
    Items init, next;
    const char* item;
    const char* message;
  } cases[] = {
      {{}, {{"n", "n + tmp_c"}}, "next.n", "unknown field 'tmp_c'; did you mean 'temp_c'?"},
      {{{"n", "m"}}, {{"n", "n + 1"}}, "init.n", "unknown field 'm'"},
      {{},
       {{"door", "1"}},
       "next.door",
       "what it reads has a field of this name; choose another one"},
  };
  for (const auto& c : cases) {
    std::vector<BlockError> errors;
    EXPECT_FALSE(Pipeline::make(with_state(c.init, c.next), errors));
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].block, "s");
    EXPECT_EQ(errors[0].item, c.item);
    EXPECT_EQ(errors[0].message, c.message);
  }
}

// ---- every schedule

PipelineOptions states_of_all_kinds(WatermarkMode mode) {
  PipelineOptions options = two_sources(mode);
  const Items next = {{"n", "n + 1"},
                      {"sum", "coalesce(sum, 0) + temp_c"},
                      {"way", "CAST(substr(coalesce(way, '') || coalesce(door, '-'), -9) AS TEXT)"},
                      {"odd", "json_extract(door, '$.v')"}};  // a fault, each time
  const auto state = [&](const char* name, const char* from) {
    StateOptions s;
    s.name = name;
    s.from = from;
    s.init = {{"n", "temp_c * 0"}};
    s.next = {next.begin(), next.begin() + 3};
    s.to = {"out"};
    options.states.push_back(s);
    return &options.states.back();
  };
  state("plain", "climate")->ttl_ms = 9'000;
  state("ordered", "climate")->by_event_time = true;
  state("faulty", "climate")->next = next;
  state("chosen", "cargo")->where = "temp_c > 5";
  MapOptions map;
  map.name = "zones";
  map.from = "climate";
  map.key = "door";
  options.maps = {map};
  state("by_zone", "zones");
  state("zone_order", "zones")->by_event_time = true;
  options.windows = {window_over("w", {"plain"}, 10'000,
                                 {{"n", "max(n)"}, {"x", "count() FILTER (WHERE door = 'x')"}})};
  return options;
}

class StateSchedules : public testing::TestWithParam<WatermarkMode> {};

TEST_P(StateSchedules, do_not_matter) {
  for (auto [seed, end] = seeds(8); seed < end && !HasFailure(); ++seed) {
    expect_schedules_do_not_matter(states_of_all_kinds(GetParam()),
                                   make_block_fleet(seed, {"x", "y", "z"}), seed);
  }
}

TEST_P(StateSchedules, leave_nothing_of_keys_that_are_forgotten) {
  expect_nothing_is_left(states_of_all_kinds(GetParam()), make_block_fleet(1, {"x", "y", "z"}));
}

INSTANTIATE_TEST_SUITE_P(Watermarks, StateSchedules,
                         testing::Values(WatermarkMode::kKey, WatermarkMode::kSource),
                         [](const auto& mode) {
                           return mode.param == WatermarkMode::kKey ? "by_key" : "by_source";
                         });

}  // namespace
}  // namespace wayside
