// A small fleet for the promise that every block makes: what is said depends on the readings, their
// order of arrival and the ticks, and on nothing else.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "tests/schedules.h"

namespace wayside {

// Six devices in two sources, with clocks, silences and disorder of their own. The text is one of
// `texts`, or missing.
inline Fleet make_block_fleet(uint64_t seed, const std::vector<std::string>& texts,
                              int ticks = 160) {
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t n) { return int64_t(random() % n); };
  struct Device {
    int64_t clock_ms;
    int speaks_at, silent_at;
  };
  std::vector<Device> devices;
  for (int i = 0; i < 6; ++i) {
    devices.push_back({below(20'000) - 10'000, int(below(30)), int(below(uint64_t(ticks)))});
  }
  Fleet fleet;
  fleet.resize(size_t(ticks));
  for (int tick = 0; tick < ticks; ++tick) {
    for (int64_t n = below(9); n > 0; --n) {
      const size_t d = size_t(below(devices.size()));
      Device& device = devices[d];
      if (tick < device.speaks_at || (tick >= device.silent_at && tick < device.silent_at + 50)) {
        continue;
      }
      device.clock_ms += below(3'000);
      const int64_t behind = below(30) == 0 ? below(40'000) : below(3) == 0 ? below(5'000) : 0;
      Reading r{device.clock_ms - behind, std::string(1, char('f' - int(d))),
                double(below(64)) / 4};
      if (below(10) == 0) r.temp_c = kNull;
      if (below(6) != 0) r.door = texts[size_t(below(texts.size()))];
      r.source = uint32_t(below(3) == 0);
      fleet[size_t(tick)].push_back(r);
    }
  }
  return fleet;
}

// Two sources of climate() in which devices fall idle and are forgotten.
inline PipelineOptions two_sources(WatermarkMode mode) {
  PipelineOptions options;
  options.sources = {climate("climate"), climate("cargo")};
  for (SourceOptions& source : options.sources) {
    source.watermark = mode;
    source.idle_after_ms = 15 * kTick;
    source.forget_after_ms = 40 * kTick;
  }
  return options;
}

inline WindowOptions window_over(const std::string& name, std::vector<std::string> from,
                                 int64_t size_ms,
                                 std::vector<std::pair<std::string, std::string>> select) {
  WindowOptions w;
  w.name = name;
  w.from = std::move(from);
  w.size_ms = size_ms;
  w.select = std::move(select);
  w.late_to = {"out"};
  return w;
}

// Whole ticks, single readings, cuts at random and new lives after each turn all say the same.
inline void expect_schedules_do_not_matter(const PipelineOptions& options, const Fleet& fleet,
                                           uint64_t seed, const NotesByTick& notes = {}) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto sometimes = [&](uint64_t n) { return [&random, n] { return random() % n == 0; }; };
  const Outcome whole = run(options, with_notes(tick_by_tick(fleet), notes));
  const auto expected = by_block_and_key(whole.emissions);
  const Schedule at_random = make_schedule(fleet, [cut = sometimes(3)](size_t) { return cut(); });
  for (const Schedule& cuts : {one_by_one(fleet), at_random}) {
    const Schedule schedule = with_notes(cuts, notes);
    const Outcome cut = run(options, schedule);
    EXPECT_EQ(by_block_and_key(cut.emissions), expected);
    expect_same_fates(cut.ledger, whole.ledger);
    const Outcome reloaded = run(options, schedule, sometimes(4));
    EXPECT_EQ(numbered(reloaded.emissions), numbered(cut.emissions));
    expect_same_fates(reloaded.ledger, whole.ledger);
  }
}

// Nothing is kept of keys once all of them are forgotten.
inline void expect_nothing_is_left(const PipelineOptions& options, const Fleet& fleet) {
  Stage stage(options);
  SavedState saved;
  for (size_t tick = 0; tick < fleet.size() + 200; ++tick) {
    stage.turn(tick < fleet.size() ? fleet[tick] : std::vector<Reading>(), int64_t(tick) * kTick);
    saved.apply(stage.pipeline().save_changes());
  }
  for (const StateRow& row : saved.rows()) EXPECT_EQ(row.key, "") << row.component;
  for (const auto& block : stage.pipeline().block_status()) EXPECT_EQ(block.open, 0u) << block.name;
  EXPECT_EQ(stage.pipeline().next_timer(), kTimeMax);
}

}  // namespace wayside
