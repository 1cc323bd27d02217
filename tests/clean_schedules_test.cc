// What a source's cleaning says depends on the readings and their order of arrival, and on nothing
// else: however they are cut into turns, and wherever a pipeline begins anew from what was saved.
#include <gtest/gtest.h>

#include <random>

#include "tests/schedules.h"

namespace wayside {
namespace {

constexpr int kTicks = 200;

// Three devices with spikes, steps, stuck and missing values, some of them out of order.
Fleet make_fleet(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t n) { return int64_t(random() % n); };
  Fleet fleet(kTicks);
  double temp_c[3] = {4, 20, -18};
  for (int tick = 0; tick < kTicks; ++tick) {
    for (size_t device = 0; device < 3; ++device) {
      if (below(5) == 0) continue;
      if (below(3) == 0) temp_c[device] += double(below(9) - 4) / 8;
      if (below(60) == 0) temp_c[device] += 12;  // a real step
      Reading reading{tick * kTick - (below(8) == 0 ? below(4'000) : 0),
                      std::string(1, char('a' + device)), temp_c[device]};
      if (below(12) == 0) reading.temp_c = 85;  // of a sensor that fell off
      if (below(10) == 0) reading.temp_c = kNull;
      if (below(6) == 0) reading.door = below(2) ? "open" : "shut";
      fleet[size_t(tick)].push_back(reading);
    }
  }
  return fleet;
}

PipelineOptions cleaned() {
  PipelineOptions options;
  options.uplinks = {"centre"};
  options.sources = {climate()};
  SourceOptions& source = options.sources[0];
  source.forget_after_ms = 40 * kTick;
  source.idle_after_ms = 15 * kTick;
  source.expect_every_ms = 2 * kTick;
  FieldCleaning& temp_c = source.fields[0].cleaning;
  temp_c.max_rate = 1;
  temp_c.accept = {4, 0};
  temp_c.stuck_after_ms = 4 * kTick;
  temp_c.smooth = "median:3";
  temp_c.fill_ms = 3 * kTick;
  source.fields[1].cleaning.fill_ms = 10 * kTick;
  WindowOptions w;
  w.name = "w";
  w.from = {"climate"};
  w.size_ms = 10'000;
  w.select = {{"n", "count()"},
              {"avg", "avg(temp_c)"},
              {"fast", "count() FILTER (WHERE cleaned LIKE '% temp_c:too_fast %')"},
              {"stuck", "count() FILTER (WHERE cleaned LIKE '% temp_c:stuck %')"},
              {"smooth", "count() FILTER (WHERE cleaned LIKE '% temp_c:smoothed %')"},
              {"filled", "count() FILTER (WHERE cleaned LIKE '% door:filled %')"},
              {"open", "count() FILTER (WHERE door = 'open')"}};
  options.windows = {w};
  return options;
}

TEST(CleanSchedules, the_fleet_gives_cleaning_something_to_do) {
  Stage stage(cleaned());
  for (const Cut& cut : tick_by_tick(make_fleet(1))) stage.turn(cut.readings, cut.timer_ms);
  const auto status = stage.pipeline().source_status()[0];
  std::map<std::string, uint64_t> changed;
  for (const auto& c : status.cleaned) changed[c.field + ":" + name_of(c.reason)] = c.readings;
  for (const char* what :
       {"temp_c:too_fast", "temp_c:stuck", "temp_c:smoothed", "temp_c:filled", "door:filled"}) {
    EXPECT_GT(changed[what], 10u) << what;
  }
  ASSERT_TRUE(status.quality);
  EXPECT_LT(status.quality->completeness(), 1);
  EXPECT_GT(status.quality->completeness(), 0.8);
  EXPECT_LT(status.quality->validity(), 0.95);
  const auto keys = stage.pipeline().key_times(10);
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_GT(keys[0].quality.value().readings, 100u);
}

TEST(CleanSchedules, how_readings_are_cut_into_turns_does_not_matter) {
  for (auto [seed, end] = seeds(6); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Fleet fleet = make_fleet(seed);
    const auto expected = by_block_and_key(run(cleaned(), tick_by_tick(fleet)).emissions);
    EXPECT_EQ(by_block_and_key(run(cleaned(), one_by_one(fleet)).emissions), expected);
  }
}

TEST(CleanSchedules, a_fresh_pipeline_after_every_turn_says_the_same) {
  for (auto [seed, end] = seeds(2); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Schedule schedule = tick_by_tick(make_fleet(seed));
    const Outcome whole = run(cleaned(), schedule);
    const Outcome reloaded = run(cleaned(), schedule, [] { return true; });
    EXPECT_EQ(numbered(reloaded.emissions), numbered(whole.emissions));
  }
}

TEST(CleanSchedules, what_is_counted_goes_on_in_a_fresh_pipeline) {
  const Schedule schedule = tick_by_tick(make_fleet(1));
  Stage straight(cleaned()), fresh(cleaned());
  SavedState saved;
  for (const Cut& cut : schedule) {
    straight.turn(cut.readings, cut.timer_ms);
    fresh.turn(cut.readings, cut.timer_ms);
    saved.apply(fresh.pipeline().save_changes());
    fresh.reopen(saved);
  }
  const auto a = straight.pipeline().source_status()[0], b = fresh.pipeline().source_status()[0];
  ASSERT_EQ(a.cleaned.size(), b.cleaned.size());
  for (size_t i = 0; i < a.cleaned.size(); ++i) {
    EXPECT_EQ(a.cleaned[i].readings, b.cleaned[i].readings) << a.cleaned[i].field;
  }
  EXPECT_EQ(a.quality->complete, b.quality->complete);
  EXPECT_EQ(a.quality->expected, b.quality->expected);
  EXPECT_EQ(a.quality->faulty, b.quality->faulty);
  EXPECT_EQ(a.quality->lag_ms, b.quality->lag_ms);
}

TEST(CleanSchedules, when_all_is_forgotten_nothing_of_a_key_is_left_in_the_store) {
  Stage stage(cleaned());
  SavedState saved;
  int64_t now = 0;
  const auto step = [&](const std::vector<Reading>& readings) {
    stage.turn(readings, now);
    saved.apply(stage.pipeline().save_changes());
    now += kTick;
  };
  for (const auto& readings : make_fleet(1)) step(readings);
  for (int i = 0; i < 60; ++i) step({});
  for (const StateRow& row : saved.rows()) EXPECT_EQ(row.key, "") << row.component;
}

}  // namespace
}  // namespace wayside
