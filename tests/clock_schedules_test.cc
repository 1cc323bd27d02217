// Some devices, and our own clock, are far ahead until our clock is set: what ends and begins anew
// then depends on nothing but the readings, their order of arrival and the turn of the setting.
#include <gtest/gtest.h>

#include "tests/block_fleet.h"

namespace wayside {
namespace {

constexpr int64_t kAheadMs = 900'000'000;
constexpr size_t kSetAt = 80;  // tick

Fleet partly_ahead(uint64_t seed) {
  Fleet fleet = make_block_fleet(seed, {"x", "y", "z"});
  for (size_t tick = 0; tick < kSetAt; ++tick) {
    for (Reading& reading : fleet[tick]) {
      const bool ahead = reading.key == "a" || (reading.key == "b" && reading.source == 0);
      if (ahead) reading.time_ms += kAheadMs;
    }
  }
  return fleet;
}

Outcome run_and_set_clock(const PipelineOptions& options, const Schedule& schedule,
                          const std::function<bool()>& reload = nullptr) {
  Stage stage(options);
  SavedState saved;
  EmissionBuffer out;
  Outcome result;
  const auto keep = [&] {
    result.emissions.insert(result.emissions.end(), out.pending().begin(), out.pending().end());
    out.clear();
  };
  bool is_set = false;
  for (const Cut& turn : schedule) {
    Group group = stage.make_group(turn.readings, turn.timer_ms);
    if (turn.timer_ms < int64_t(kSetAt) * kTick) {
      group.turns[0].now.wall_ms += kAheadMs;
    } else if (!is_set) {
      is_set = true;
      group.notes = {{Note::Kind::kClock, 0, to_text(ClockState::kSynced), "", 0}};
    }
    stage.pipeline().turn(group, 0, out);
    stage.pipeline().end_group(group);
    keep();
    if (!reload) continue;
    saved.apply(stage.pipeline().save_changes());
    if (reload()) stage.reopen(saved);
  }
  EXPECT_TRUE(stage.pipeline().finish(out));
  keep();
  result.ledger = stage.ledger();
  return result;
}

PipelineOptions blocks_of_all_kinds(WatermarkMode mode) {
  PipelineOptions options = two_sources(mode);
  const std::vector<std::string> both = {"climate", "cargo"};
  options.windows = {window_over("tumbling", both, 10'000, {{"n", "count()"}}),
                     window_over("sliding", both, 10'000, {{"n", "count()"}}),
                     window_over("late", both, 10'000, {{"sum", "sum(temp_c)"}}),
                     window_over("session", both, 0, {{"n", "count()"}}),
                     window_over("processing", {"climate"}, 10'000, {{"n", "count()"}}),
                     window_over("chained", {"processing"}, 30'000, {{"n", "sum(n)"}}),
                     window_over("by_door", {"doors"}, 20'000, {{"n", "count()"}}),
                     window_over("in_order", {"one_file"}, 20'000, {{"n", "count()"}})};
  options.windows[1].every_ms = 4'000;
  options.windows[2].every_ms = 2'500;
  options.windows[2].allowed_lateness_ms = 20'000;
  options.windows[3].gap_ms = 4'000;
  options.windows[4].processing_time = true;
  options.maps.resize(1);
  options.maps[0].name = "doors";
  options.maps[0].from = "climate";
  options.maps[0].key = "door";
  options.orders.resize(1);
  options.orders[0].name = "one_file";
  options.orders[0].from = "cargo";
  options.orders[0].over_all_keys = true;
  options.joins.resize(1);
  options.joins[0].name = "pair";
  options.joins[0].from = "climate";
  options.joins[0].with = "cargo";
  options.joins[0].select = {{"other", "temp_c"}};
  options.patterns.resize(1);
  options.patterns[0].name = "p";
  options.patterns[0].from = "pair";
  options.patterns[0].within_ms = 20'000;
  options.patterns[0].steps = {{"hot", "temp_c > 8"}, {"cold", "temp_c < 4"}};
  options.patterns[0].steps[1].absent = true;
  for (const char* from : {"pair", "climate"}) {
    RuleOptions& rule = options.rules.emplace_back();
    rule.name = std::string("hot_") + from;
    rule.from = from;
    rule.when = "temp_c > 8";
    rule.for_ms = 1'000;
  }
  return options;
}

class ClockSchedules : public testing::TestWithParam<WatermarkMode> {};

TEST_P(ClockSchedules, do_not_matter) {
  for (auto [seed, end] = seeds(8); seed < end && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const PipelineOptions options = blocks_of_all_kinds(GetParam());
    const Fleet fleet = partly_ahead(seed);
    std::mt19937_64 random(seed);
    const auto sometimes = [&] { return random() % 4 == 0; };
    const Outcome whole = run_and_set_clock(options, tick_by_tick(fleet));
    const Outcome cut = run_and_set_clock(options, one_by_one(fleet));
    EXPECT_EQ(by_block_and_key(cut.emissions), by_block_and_key(whole.emissions));
    expect_same_fates(cut.ledger, whole.ledger);
    const Outcome reloaded = run_and_set_clock(options, one_by_one(fleet), sometimes);
    EXPECT_EQ(numbered(reloaded.emissions), numbered(cut.emissions));
    expect_same_fates(reloaded.ledger, whole.ledger);
  }
}

// From then on no key is held back, or found late, by what was ahead.
TEST_P(ClockSchedules, nothing_of_the_future_stays_behind) {
  const PipelineOptions options = blocks_of_all_kinds(GetParam());
  std::set<std::string> speaking;
  const Outcome whole = run_and_set_clock(options, tick_by_tick(partly_ahead(3)));
  for (const Emission& e : whole.emissions) {
    if (e.time_ms < kAheadMs / 2) speaking.insert(e.block);
  }
  for (const char* block : {"tumbling", "sliding", "late", "session", "processing", "chained",
                            "by_door", "in_order", "pair", "p", "hot_pair", "hot_climate"}) {
    EXPECT_TRUE(speaking.contains(block)) << block;
  }
}

INSTANTIATE_TEST_SUITE_P(Watermarks, ClockSchedules,
                         testing::Values(WatermarkMode::kKey, WatermarkMode::kSource),
                         [](const auto& mode) {
                           return mode.param == WatermarkMode::kKey ? "by_key" : "by_source";
                         });

}  // namespace
}  // namespace wayside
