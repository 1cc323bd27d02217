// Blocks with a limit of keys or bytes: the coldest key ends, whoever is asked, however readings
// were cut, and behind any restart.
#include "pipeline/key_limit.h"

#include <gtest/gtest.h>

#include "tests/block_fleet.h"

namespace wayside {
namespace {

using Items = std::vector<std::pair<std::string, std::string>>;

PipelineOptions counting(uint32_t max_keys) {
  PipelineOptions options;
  options.sources = {climate()};
  options.windows = {window_over("w", {"climate"}, 10'000, {{"n", "count()"}})};
  options.windows[0].bounds.max_keys = max_keys;
  return options;
}

const BlockStatus& status_of(const std::vector<BlockStatus>& all, const std::string& name) {
  return *std::find_if(all.begin(), all.end(), [&](const auto& b) { return b.name == name; });
}

TEST(KeyLimit, a_key_too_many_ends_the_one_whose_last_reading_came_first) {
  Stage stage(counting(2));
  EXPECT_EQ(stage.turn({{1'000, "a"}, {2'000, "b"}, {3'000, "a"}, {4'000, "c"}, {5'000, "c"}}),
            Lines{"w b [0,10000) #0 final n=1"});
  EXPECT_EQ(stage.turn({{6'000, "b"}}), Lines{"w a [0,10000) #0 final n=2"});
  const BlockStatus status = stage.pipeline().block_status()[0];
  EXPECT_EQ(status.keys, 2u);
  EXPECT_EQ(status.open, 2u);
  EXPECT_EQ(status.evicted_keys, 2u);
  EXPECT_EQ(stage.ledger().used, 6u);
}

TEST(KeyLimit, a_key_that_was_pushed_out_begins_anew) {
  PipelineOptions options;
  options.sources = {climate()};
  options.states.resize(1);
  options.states[0].name = "s";
  options.states[0].from = "climate";
  options.states[0].next = {{"n", "coalesce(n, 0) + 1"}};
  options.states[0].to = {"out"};
  options.states[0].bounds.max_keys = 1;
  Stage stage(options);
  EXPECT_EQ(stage.turn({{0, "a"}, {1, "a"}, {2, "b"}, {3, "a"}}),
            (Lines{"s a @0 n=1", "s a @1 n=2", "s b @2 n=1", "s a @3 n=1"}));
}

TEST(KeyLimit, what_was_late_before_a_key_was_pushed_out_is_late_after_it) {
  PipelineOptions options = counting(1);
  options.sources[0].max_disorder_ms = 0;
  options.orders.resize(1);
  options.orders[0].name = "o";
  options.orders[0].from = "climate";
  options.patterns.resize(1);
  options.patterns[0].name = "p";
  options.patterns[0].from = "climate";
  options.patterns[0].within_ms = 5'000;
  options.patterns[0].steps = {{"one", "temp_c > 5"}};
  options.joins.resize(1);
  options.joins[0].name = "j";
  options.joins[0].from = options.joins[0].with = "climate";
  options.joins[0].select = {{"other", "temp_c"}};
  options.orders[0].bounds = options.patterns[0].bounds = options.joins[0].bounds =
      options.windows[0].bounds;
  for (const bool reload : {false, true}) {
    Stage stage(options);
    stage.turn({{1'000, "a"}, {12'000, "a"}, {12'000, "b"}});
    if (reload) {
      SavedState saved;
      saved.apply(stage.pipeline().save_changes());
      stage.reopen(saved);
    }
    EXPECT_EQ(stage.turn({{1'000, "a", 9}}),
              (Lines{"w b [10000,20000) #0 final n=1",
                     "w a @1000 late window_start=0 window_end=10000 temp_c=9 door=NULL",
                     "j b @12000 temp_c=NULL door=NULL other=NULL"}));
    for (const char* name : {"w", "o", "p", "j"}) {
      EXPECT_EQ(status_of(stage.pipeline().block_status(), name).late, 1u) << name;
    }
  }
}

TEST(KeyLimit, other_blocks_keep_the_key) {
  PipelineOptions options = counting(1);
  options.windows.push_back(window_over("all", {"climate"}, 10'000, {{"n", "count()"}}));
  Stage stage(options);
  EXPECT_EQ(stage.turn({{1'000, "a"}, {2'000, "b"}}), Lines{"w a [0,10000) #0 final n=1"});
  EXPECT_EQ(status_of(stage.pipeline().block_status(), "all").keys, 2u);
}

TEST(KeyLimit, what_is_kept_is_measured_each_ten_seconds_and_the_coldest_goes) {
  PipelineOptions options = counting(100);
  options.windows[0].select = {{"all", "count_distinct(temp_c)"}};
  options.windows[0].bounds.max_bytes = 1'000;
  Stage stage(options);
  std::vector<Reading> readings;
  for (int i = 0; i < 60; ++i) {
    for (const char* key : {"a", "b", "c"}) readings.push_back({i, key, double(i)});
  }
  EXPECT_EQ(stage.turn(readings, 0), Lines{});
  EXPECT_EQ(stage.turn({{60, "a"}}, 9'999), Lines{});
  EXPECT_EQ(stage.turn({}, 10'000).size(), 2u);
  EXPECT_EQ(stage.pipeline().block_status()[0].keys, 1u) << "the warmest, a, has room alone";
  EXPECT_EQ(stage.turn({}, 30'000), Lines{});
}

TEST(KeyLimit, a_limit_that_was_lowered_counts_at_the_first_look) {
  PipelineOptions options = counting(100);
  Stage stage(options);
  EXPECT_EQ(stage.turn({{1'000, "a"}, {2'000, "b"}, {3'000, "c"}}, 0), Lines{});
  EXPECT_EQ(stage.turn({}, 10'000), Lines{});
  SavedState saved;
  saved.apply(stage.pipeline().save_changes());
  options.windows[0].bounds.max_bytes = 1;
  Stage lowered(options);
  lowered.reopen(saved);
  EXPECT_EQ(lowered.turn({}, 20'000).size(), 3u);
}

TEST(KeyLimit, keys_from_before_there_was_a_limit_go_by_their_names) {
  PipelineOptions options = counting(10);
  Stage stage(options);
  stage.turn({{1'000, "c"}, {2'000, "b"}, {3'000, "a"}});
  std::vector<StateRow> rows = stage.pipeline().save_changes();
  std::erase_if(rows, [](const StateRow& row) { return row.component.starts_with("limit"); });
  SavedState saved;
  saved.apply(rows);
  stage.reopen(saved);
  EXPECT_EQ(stage.pipeline().block_status()[0].keys, 3u);
  saved.apply(stage.pipeline().save_changes());  // and stay where they are
  options.windows[0].bounds.max_keys = 3;
  Stage limited(options);
  limited.reopen(saved);
  EXPECT_EQ(limited.turn({{4'000, "d"}}), Lines{"w a [0,10000) #0 final n=1"});
  EXPECT_EQ(limited.turn({{4'000, "e"}}), Lines{"w b [0,10000) #0 final n=1"});
}

// ---- every schedule

// Six devices, of which no block may have more than some.
PipelineOptions keys_of_all_kinds(WatermarkMode mode, uint64_t max_bytes) {
  PipelineOptions options = two_sources(mode);
  StateBounds bounds;
  bounds.max_keys = max_bytes > 0 ? 1'000 : 3;
  if (max_bytes > 0) bounds.max_bytes = max_bytes;
  const auto window = [&](const char* name, std::vector<std::string> from) {
    options.windows.push_back(window_over(name, std::move(from), 10'000,
                                          {{"n", "count()"}, {"d", "count_distinct(temp_c)"}}));
    options.windows.back().bounds = bounds;
    return &options.windows.back();
  };
  window("tumbling", {"climate"})->allowed_lateness_ms = 5'000;
  window("both", {"climate", "cargo"})->every_ms = 2'500;
  WindowOptions* sessions = window("sessions", {"climate"});
  sessions->size_ms = 0;
  sessions->gap_ms = 4'000;
  sessions->where = "temp_c > 3";
  WindowOptions* behind = window("behind", {"tumbling"});
  behind->size_ms = 30'000;
  behind->select = {{"all", "sum(n)"}};
  window("of_state", {"ordered"});
  for (const bool by_event_time : {false, true}) {
    StateOptions s;
    s.name = by_event_time ? "ordered" : "plain";
    s.from = "climate";
    s.next = {{"m", "coalesce(m, 0) + 1"}};
    s.by_event_time = by_event_time;
    s.to = {"out"};
    s.bounds = bounds;
    options.states.push_back(s);
  }
  JoinOptions join;
  join.name = "join";
  join.from = "climate";
  join.with = "cargo";
  join.select = {{"other", "temp_c"}};
  join.bounds = bounds;
  options.joins = {join};
  PatternOptions pattern;
  pattern.name = "pattern";
  pattern.from = "climate";
  pattern.within_ms = 20'000;
  pattern.steps = {{"first", "door = 'x'"}, {"second", "door = 'y'"}};
  pattern.bounds = bounds;
  options.patterns = {pattern};
  return options;
}

using Limit = std::tuple<WatermarkMode, uint64_t>;  // and bytes; 0: of keys
class KeyLimitSchedules : public testing::TestWithParam<Limit> {
 protected:
  PipelineOptions options_ = std::apply(keys_of_all_kinds, GetParam());
};

TEST_P(KeyLimitSchedules, do_not_matter) {
  for (auto [seed, end] = seeds(10); seed < end && !HasFailure(); ++seed) {
    expect_schedules_do_not_matter(options_, make_block_fleet(seed, {"x", "y", "z"}), seed);
  }
}

TEST_P(KeyLimitSchedules, every_block_has_to_let_keys_go) {
  Stage stage(options_);
  int64_t now = 0;
  for (const auto& readings : make_block_fleet(1, {"x", "y", "z"})) {
    stage.turn(readings, now);
    now += kTick;
    for (const BlockStatus& b : stage.pipeline().block_status()) {
      EXPECT_TRUE(std::get<1>(GetParam()) != 0 || b.keys <= 3) << b.name;
    }
  }
  for (const BlockStatus& b : stage.pipeline().block_status()) {
    // Of readings in one order over all keys none belongs to a key.
    const bool by_key = b.kind != "ordered" || std::get<0>(GetParam()) == WatermarkMode::kKey;
    // What waits for running values has no bytes of its own to count.
    const bool counts = b.kind != "ordered" || std::get<1>(GetParam()) == 0;
    EXPECT_EQ(b.evicted_keys > 1, by_key && counts) << b.name;
  }
}

TEST_P(KeyLimitSchedules, leave_nothing_of_keys_that_are_forgotten) {
  expect_nothing_is_left(options_, make_block_fleet(1, {"x", "y", "z"}));
}

INSTANTIATE_TEST_SUITE_P(Limits, KeyLimitSchedules,
                         testing::Combine(testing::Values(WatermarkMode::kKey,
                                                          WatermarkMode::kSource),
                                          testing::Values(0, 60)),
                         [](const auto& limit) {
                           const bool by_key = std::get<0>(limit.param) == WatermarkMode::kKey;
                           return std::string(by_key ? "by_key" : "by_source") +
                                  (std::get<1>(limit.param) == 0 ? "_of_keys" : "_of_bytes");
                         });

}  // namespace
}  // namespace wayside
