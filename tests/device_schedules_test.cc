// What is said of readings that the registry calibrates and tells more of depends on the readings
// and their order of arrival, and on nothing else.
#include <gtest/gtest.h>

#include <random>

#include "tests/devices.h"
#include "tests/schedules.h"

namespace wayside {
namespace {

constexpr int kTicks = 150;

// Six devices, of which the registry knows some.
Fleet make_fleet(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t n) { return int64_t(random() % n); };
  Fleet fleet(kTicks);
  for (int tick = 0; tick < kTicks; ++tick) {
    for (int device = 0; device < 6; ++device) {
      if (below(3) == 0) continue;
      Reading reading{tick * kTick - (below(8) == 0 ? below(4'000) : 0),
                      std::string(1, char('a' + device)), double(below(120)) / 2};
      if (below(10) == 0) reading.temp_c = kNull;
      if (below(3) == 0) reading.door = below(2) ? "open" : "shut";
      fleet[size_t(tick)].push_back(reading);
    }
  }
  return fleet;
}

PipelineOptions registered() {
  PipelineOptions options;
  options.uplinks = {"centre"};
  options.sources = {climate()};
  SourceOptions& source = options.sources[0];
  source.forget_after_ms = 40 * kTick;
  source.idle_after_ms = 15 * kTick;
  source.fields[0].max = 70;
  source.fields[0].cleaning.max_rate = 20;
  source.fields[0].cleaning.fill_ms = 3 * kTick;
  source.attributes = {"trailer", "customer"};
  source.devices = registry_of({with(calibrated(device("a"), "temp_c", 1.5, -4), "trailer", "T-1"),
                                with(calibrated(device("b"), "temp_c", 1, 40), "customer", "c1"),
                                with(with(device("c"), "trailer", "T-1"), "customer", "c2"),
                                calibrated(device("d"), "temp_c", -1, 0), device("e")});
  WindowOptions w;
  w.name = "w";
  w.from = {"climate"};
  w.size_ms = 10'000;
  w.select = {{"n", "count()"},
              {"avg", "avg(temp_c)"},
              {"removed", "count() FILTER (WHERE cleaned LIKE '%out_of_range%')"},
              {"on_t1", "count() FILTER (WHERE trailer = 'T-1')"},
              {"unknown", "count() FILTER (WHERE customer IS NULL)"}};
  RuleOptions r;
  r.name = "warm";
  r.from = "climate";
  r.when = "temp_c > 50 AND trailer = 'T-1'";
  options.windows = {w};
  options.rules = {r};
  return options;
}

TEST(DeviceSchedules, how_readings_are_cut_into_turns_does_not_matter) {
  for (auto [seed, end] = seeds(4); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Fleet fleet = make_fleet(seed);
    const auto expected = by_block_and_key(run(registered(), tick_by_tick(fleet)).emissions);
    EXPECT_GT(expected.size(), 6u);
    EXPECT_EQ(by_block_and_key(run(registered(), one_by_one(fleet)).emissions), expected);
  }
}

TEST(DeviceSchedules, a_fresh_pipeline_after_every_turn_says_the_same) {
  for (auto [seed, end] = seeds(2); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Schedule schedule = tick_by_tick(make_fleet(seed));
    const Outcome whole = run(registered(), schedule);
    const Outcome reloaded = run(registered(), schedule, [] { return true; });
    EXPECT_EQ(numbered(reloaded.emissions), numbered(whole.emissions));
  }
}

TEST(DeviceSchedules, blocks_see_calibrated_numbers_and_the_attributes_of_the_device) {
  PipelineOptions options = registered();
  options.windows.clear();
  options.rules.clear();
  StateOptions s;
  s.name = "s";
  s.from = "climate";
  s.next = {{"warm", "temp_c"}, {"on_trailer", "trailer"}, {"who", "customer"}};
  s.to = {"centre"};
  options.states = {s};
  Stage stage(options);
  EXPECT_EQ(
      stage.all({{0, "a", 10}, {0, "f", 10}, {0, "c", 80}}),
      (Lines{"s a @0 warm=11 on_trailer=T-1 who=NULL", "s f @0 warm=10 on_trailer=NULL who=NULL",
             "s c @0 warm=NULL on_trailer=T-1 who=c2"}));
}

TEST(DeviceSchedules, a_new_attribute_ends_no_state_as_no_new_field_does) {
  PipelineOptions before = registered();
  before.sources[0].attributes = {"customer"};
  before.windows[0].select.erase(before.windows[0].select.begin() + 3);
  before.rules[0].when = "temp_c > 50";
  PipelineOptions after = before;
  after.sources[0].attributes = {"trailer", "customer"};
  Stage first(before), second(after);
  first.turn({{0, "c", 10}, {1'000, "c", 12}});
  SavedState saved;
  saved.apply(first.pipeline().save_changes());
  second.reopen(saved);
  EXPECT_EQ(second.finish(), first.finish());
}

}  // namespace
}  // namespace wayside
