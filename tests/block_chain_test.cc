// Blocks of all kinds, each reading others, in one pipeline: what they say does not depend on how
// readings are cut into turns, nor on new lives between them.
#include <gtest/gtest.h>

#include "tests/block_fleet.h"

namespace wayside {
namespace {

// A table of the doors.
NotesByTick table() {
  LookupContents contents;
  contents.columns = {{"weight", FieldType::kNumber}};
  contents.keys = {"x", "y"};
  contents.cells = {{1.0, 2.0}};
  return {{3, {Note::Kind::kLookup, 0, "known", contents.encode()}}};
}

// order → look-up → state (by event time) → map under another key → route → window → window, and
// beside them joins, a pattern, rules, a detector and a view over what these give.
PipelineOptions chain(WatermarkMode mode) {
  PipelineOptions options = two_sources(mode);
  options.orders.resize(1);
  options.orders[0].name = "ordered";
  options.orders[0].from = "climate";
  options.orders[0].max_waiting = 20;
  options.lookups.resize(1);
  LookupOptions& known = options.lookups[0];
  known.name = "known";
  known.from = "ordered";
  known.match = "door";
  known.columns = {{"weight", "number"}};
  options.states.resize(2);
  options.states[0] = {"counted", "known", "", {{"n", "0"}}, {{"n", "n + coalesce(weight, 1)"}}};
  options.states[0].to = {"out"};
  options.states[1] = {"ranked", "climate", "", {}, {{"m", "coalesce(m, 0) + 1"}}};
  options.states[1].by_event_time = true;
  options.states[1].to = {"out"};
  options.maps.resize(1);
  options.maps[0].name = "by_door";
  options.maps[0].from = "counted";
  options.maps[0].select = {{"d", "door"}, {"n", "n"}, {"temp_c", "temp_c"}};
  options.maps[0].key = "d";
  options.routes.resize(1);
  options.routes[0] = {"parted", "by_door", {{"warm", "temp_c > 8"}}, "cold"};
  options.windows = {
      window_over("few", {"parted.warm"}, 10'000, {{"c", "count()"}, {"top", "max(n)"}}),
      window_over("many", {"few"}, 30'000, {{"all", "sum(c)"}}),
      window_over("late", {"climate"}, 10'000, {{"hot", "max(temp_c)"}}),
      window_over("of_rank", {"ranked"}, 10'000, {{"m", "max(m)"}})};
  options.windows[2].allowed_lateness_ms = 30'000;
  options.joins.resize(2);
  options.joins[0].name = "as_of";
  options.joins[0].from = "counted";
  options.joins[0].with = "cargo";
  options.joins[0].select = {{"other", "temp_c"}};
  options.joins[1].name = "near";
  options.joins[1].from = "late";
  options.joins[1].with = "cargo";
  options.joins[1].select = {{"other", "temp_c"}};
  options.joins[1].before_ms = 4'000;
  options.patterns.resize(1);
  options.patterns[0].name = "seen";
  options.patterns[0].from = "as_of";
  options.patterns[0].within_ms = 20'000;
  options.patterns[0].steps = {{"first", "door = 'x'", "1+"}, {"second", "other > 8"}};
  options.patterns[0].max_partial = 5;
  options.rules.push_back({"hot", "late", "hot > 12", 0, Severity::kCritical, {}});
  options.rules.push_back({"warm", "parted.warm", "n > 3", 2'000, Severity::kInfo, {}});
  options.rules.push_back({"odd", "climate", "door ->> '$.a' = 1 OR temp_c > 15", 0, {}, {}});
  options.detectors.resize(1);
  options.detectors[0].name = "drift";
  options.detectors[0].from = "known";
  options.detectors[0].field = "temp_c";
  options.detectors[0].history = 8;
  options.detectors[0].threshold = 2;
  options.views.resize(1);
  options.views[0].name = "latest";
  options.views[0].from = "many";
  StateBounds bounds;
  bounds.max_keys = 4;
  bounds.on_disk = true;
  bounds.resident_keys = 1;
  for (WindowOptions& w : options.windows) w.bounds = bounds;
  for (StateOptions& s : options.states) s.bounds = bounds;
  bounds.on_disk = false;
  for (JoinOptions& j : options.joins) j.bounds = bounds;
  options.orders[0].bounds = options.patterns[0].bounds = bounds;
  return options;
}

const std::vector<std::string> kTexts = {"x", "y", "z", "{\"a\":1}"};

class BlockChain : public testing::TestWithParam<WatermarkMode> {};

TEST_P(BlockChain, every_block_of_it_speaks) {
  std::map<std::string, size_t> spoken;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Fleet fleet = make_block_fleet(seed, kTexts);
    const Outcome whole = run(chain(GetParam()), with_notes(tick_by_tick(fleet), table()));
    for (const Emission& e : whole.emissions) ++spoken[e.block];
  }
  for (const char* block : {"counted", "ranked", "few", "many", "late", "of_rank", "as_of", "near",
                            "seen", "hot", "warm", "odd", "drift"}) {
    EXPECT_GT(spoken[block], 0u) << block;
  }
}

TEST_P(BlockChain, says_the_same_under_every_schedule) {
  for (auto [seed, end] = seeds(12); seed < end && !HasFailure(); ++seed) {
    expect_schedules_do_not_matter(chain(GetParam()), make_block_fleet(seed, kTexts), seed,
                                   table());
  }
}

TEST_P(BlockChain, counts_the_same_under_every_schedule) {
  for (auto [seed, end] = seeds(4); seed < end && !HasFailure(); ++seed) {
    const Fleet fleet = make_block_fleet(seed, kTexts);
    std::vector<std::map<std::string, std::vector<uint64_t>>> all;
    const auto count = [&](const Schedule& cuts, bool reload) {
      Stage stage(chain(GetParam()));
      SavedState saved;
      for (const Cut& turn : with_notes(cuts, table())) {
        stage.turn(turn.readings, turn.timer_ms, turn.notes);
        if (!reload) continue;
        saved.apply(stage.pipeline().save_changes());
        stage.reopen(saved);
      }
      auto& counts = all.emplace_back();
      for (const BlockStatus& b : stage.pipeline().block_status()) {
        counts[b.name] = {b.emitted, b.late, b.faults, b.dropped, b.evicted, b.evicted_keys};
      }
    };
    const Schedule ticks = tick_by_tick(fleet), singles = one_by_one(fleet);
    count(ticks, false);
    count(singles, false);
    count(seed % 2 ? ticks : singles, true);
    for (const auto& counts : all) EXPECT_EQ(counts, all.front()) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Watermarks, BlockChain,
                         testing::Values(WatermarkMode::kKey, WatermarkMode::kSource),
                         [](const auto& mode) {
                           return mode.param == WatermarkMode::kKey ? "by_key" : "by_source";
                         });

}  // namespace
}  // namespace wayside
