// The pipeline's promise: what it says depends on the readings, their order of arrival and the
// ticks, and on nothing else. A random fleet with disorder, silence and gaps runs under many
// schedules, which must not differ.
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "tests/schedules.h"

namespace wayside {
namespace {

constexpr int kTicks = 240;

// Eight devices in two sources. Each has its own clock and its own silences; some readings come out
// of order, some too late, some without a value.
Fleet make_fleet(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t n) { return int64_t(random() % n); };
  struct Device {
    std::string key;
    int64_t clock_ms;
    int speaks_at, silent_at;
  };
  std::vector<Device> devices;
  for (int i = 0; i < 8; ++i) {
    devices.push_back({std::string(1, char('h' - i)), below(20'000) - 10'000, int(below(40)),
                       int(below(kTicks))});
  }
  Fleet fleet(kTicks);
  for (int tick = 0; tick < kTicks; ++tick) {
    for (int64_t n = below(9); n > 0; --n) {
      Device& device = devices[size_t(below(devices.size()))];
      const bool silent =
          tick < device.speaks_at || (tick >= device.silent_at && tick < device.silent_at + 60);
      if (silent) continue;
      device.clock_ms += below(4'000);
      const int64_t behind = below(40) == 0 ? below(40'000) : below(3) == 0 ? below(5'000) : 0;
      Reading reading{device.clock_ms - behind, device.key, 20 + double(below(100)) / 16};
      if (below(25) == 0) reading.temp_c += 40;  // out of its range, or an anomaly
      if (below(10) == 0) reading.temp_c = kNull;
      if (below(4) == 0) reading.door = below(2) ? "open" : "shut";
      reading.source = uint32_t(below(3) == 0);
      fleet[size_t(tick)].push_back(reading);
    }
  }
  return fleet;
}

PipelineOptions blocks(WatermarkMode mode) {
  PipelineOptions options;
  options.uplinks = {"centre", "late"};
  options.sources = {climate("climate"), climate("cargo")};
  for (SourceOptions& source : options.sources) {
    source.watermark = mode;
    source.idle_after_ms = 15 * kTick;
    source.forget_after_ms = 50 * kTick;
    source.max_keys = 7;
    source.keep = {"door"};
    source.fields[0].max = 64;
  }
  const auto window = [&](const char* name, std::vector<std::string> from, int64_t size_ms,
                          int64_t lateness_ms) {
    WindowOptions w;
    w.name = name;
    w.from = std::move(from);
    w.size_ms = size_ms;
    w.allowed_lateness_ms = lateness_ms;
    w.select = {{"n", "count()"},
                {"avg", "avg(temp_c)"},
                {"open", "count() FILTER (WHERE door = 'open')"},
                {"warm", "max(temp_c + 1)"},
                {"spread", "warm - avg"}};
    w.to = {"centre"};
    w.late_to = {"late"};
    options.windows.push_back(w);
  };
  window("short", {"climate"}, 10'000, 0);
  window("patient", {"climate"}, 60'000, 15'000);
  options.windows.back().where = "door = 'shut' OR temp_c > 22";
  options.windows.back().having = "n > 2 AND spread < 6";
  window("both", {"cargo", "climate"}, 20'000, 5'000);
  options.rules.push_back(
      {"open_8s", "climate", "door = 'open'", 8'000, Severity::kCritical, {"centre"}});
  options.rules.push_back({"cold", "climate", "temp_c < 20.5", 0, Severity::kInfo, {"centre"}});
  options.rules.push_back({"hot", "cargo", "temp_c > 25", 2'000, Severity::kWarning, {"centre"}});
  DetectorOptions drift;
  drift.name = "drift";
  drift.from = "climate";
  drift.field = "temp_c";
  drift.history = 12;
  drift.threshold = 4;
  drift.to = {"centre"};
  options.detectors = {drift};
  return options;
}

std::vector<Reading> append(std::vector<Reading> all, const std::vector<Reading>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

class Schedules : public testing::TestWithParam<WatermarkMode> {
 protected:
  static constexpr uint64_t kSeeds = 12;
  PipelineOptions options_ = blocks(GetParam());
};

TEST_P(Schedules, the_fleet_makes_every_block_speak) {
  std::map<std::string, size_t> spoken;
  Ledger fates;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Outcome r = run(options_, tick_by_tick(make_fleet(seed)));
    for (const Emission& e : r.emissions) ++spoken[e.block + '/' + e.type];
    fates += r.ledger;
  }
  for (const char* what :
       {"short/window", "short/late", "patient/window", "both/window", "both/late", "open_8s/alarm",
        "cold/alarm", "hot/alarm", "drift/anomaly"}) {
    EXPECT_GT(spoken[what], 10u) << what;
  }
  EXPECT_GT(fates.late, 10u);
  EXPECT_GT(fates.dropped, 10u);
}

TEST_P(Schedules, how_readings_are_cut_into_turns_does_not_matter) {
  for (auto [seed, end] = seeds(kSeeds); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Fleet fleet = make_fleet(seed);
    const Outcome whole = run(options_, tick_by_tick(fleet));
    const auto expected = by_block_and_key(whole.emissions);
    const Outcome single = run(options_, one_by_one(fleet));
    EXPECT_EQ(by_block_and_key(single.emissions), expected);
    expect_same_fates(single.ledger, whole.ledger);
    std::mt19937_64 random(seed);
    const Outcome cut =
        run(options_, make_schedule(fleet, [&](size_t) { return random() % 3 == 0; }));
    EXPECT_EQ(by_block_and_key(cut.emissions), expected);
    expect_same_fates(cut.ledger, whole.ledger);
    if (HasFailure()) break;
  }
}

TEST_P(Schedules, a_fresh_pipeline_after_every_turn_says_the_same_under_the_same_numbers) {
  for (auto [seed, end] = seeds(6); seed < end; ++seed) {  // making pipelines takes its time
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Fleet fleet = make_fleet(seed);
    const Schedule schedule = seed % 2 ? tick_by_tick(fleet) : one_by_one(fleet);
    const Outcome whole = run(options_, schedule);
    const Outcome reloaded = run(options_, schedule, [] { return true; });
    EXPECT_EQ(numbered(reloaded.emissions), numbered(whole.emissions));
    expect_same_fates(reloaded.ledger, whole.ledger);
    if (HasFailure()) break;
  }
}

// A power cut: the state is some turns old, the turns since then come from the journal.
TEST_P(Schedules, what_was_said_since_the_last_checkpoint_is_said_again_after_a_crash) {
  for (auto [seed, end] = seeds(kSeeds); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const Schedule schedule = tick_by_tick(make_fleet(seed));
    Stage stage(options_);
    SavedState saved;
    for (size_t checkpoint = 0; checkpoint < schedule.size();) {
      const size_t next = std::min<size_t>(schedule.size(), checkpoint + 1 + random() % 40);
      std::vector<Lines> said[2];
      for (auto& lines : said) {
        if (&lines == &said[1]) stage.reopen(saved);
        for (size_t i = checkpoint; i < next; ++i) {
          lines.push_back(stage.turn(schedule[i].readings, schedule[i].timer_ms));
        }
      }
      ASSERT_EQ(said[1], said[0]) << "turns " << checkpoint << " to " << next;
      saved.apply(stage.pipeline().save_changes());
      checkpoint = next;
    }
    EXPECT_TRUE(stage.ledger().balanced());
  }
}

TEST_P(Schedules, when_all_is_forgotten_nothing_is_left_in_the_store) {
  Stage stage(options_);
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
  for (const auto& source : stage.pipeline().source_status()) {
    EXPECT_EQ(source.keys, 0u);
    EXPECT_EQ(source.waiting, 0u);
  }
  for (const auto& block : stage.pipeline().block_status()) EXPECT_EQ(block.open, 0u) << block.name;
}

// A device whose clock is stuck, with a few readings that are behind or ahead of it: its watermark
// never comes, so that readings leave by their number alone.
Fleet make_stuck_fleet() {
  std::mt19937_64 random(1);
  Fleet fleet(14);
  for (auto& readings : fleet) {
    for (int i = 0; i < 1'000; ++i) {
      const int64_t time = 100'000 + (random() % 50 == 0 ? int64_t(random() % 4'000) - 2'000 : 0);
      readings.push_back(
          {time, "stuck", 20 + double(random() % 100) / 16, random() % 2 ? "open" : "shut", 0});
    }
    readings.push_back({100'000, "b", 21, "open", 0});
  }
  return fleet;
}

TEST_P(Schedules, a_stuck_clock_fills_no_memory_and_the_cuts_still_do_not_matter) {
  const Fleet fleet = make_stuck_fleet();
  const Outcome whole = run(options_, tick_by_tick(fleet));
  const Outcome once = run(
      options_, {{0, std::accumulate(fleet.begin(), fleet.end(), std::vector<Reading>(), append)}});
  const auto expected = by_block_and_key(whole.emissions);
  const Outcome cut = run(options_, make_schedule(fleet, [](size_t i) { return i % 100 == 0; }));
  EXPECT_EQ(by_block_and_key(cut.emissions), expected);
  expect_same_fates(cut.ledger, whole.ledger);
  EXPECT_GT(expected.count("cold stuck"), 0u);
  EXPECT_EQ(by_block_and_key(once.emissions), expected);
  expect_same_fates(once.ledger, whole.ledger);

  Stage stage(options_);
  Lines early;
  for (size_t tick = 0; tick < fleet.size(); ++tick) {
    for (std::string& line : stage.turn(fleet[tick], int64_t(tick) * kTick)) {
      early.push_back(std::move(line));
    }
    EXPECT_LE(stage.pipeline().source_status()[0].waiting,
              OrderedReadings::kMaxWaiting + fleet.size());
  }
  EXPECT_TRUE(std::any_of(early.begin(), early.end(), [](const std::string& line) {
    return line.starts_with("cold stuck");
  })) << "its readings are seen, though its watermark never comes";
}

INSTANTIATE_TEST_SUITE_P(Watermarks, Schedules,
                         testing::Values(WatermarkMode::kKey, WatermarkMode::kSource),
                         [](const auto& mode) {
                           return mode.param == WatermarkMode::kKey ? "by_key" : "by_source";
                         });

}  // namespace
}  // namespace wayside
