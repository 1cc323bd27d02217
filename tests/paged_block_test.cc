// Keys that leave memory and come back: what is said is the same, whichever of them were away.
#include "pipeline/paged_block.h"

#include <gtest/gtest.h>

#include "tests/block_fleet.h"

namespace wayside {
namespace {

// A store in memory; `fails_at`: the read that does not succeed, from 1.
class Pages : public StatePages {
 public:
  SavedState saved;
  size_t reads = 0;
  size_t fails_at = 0;

  Result<std::string> read(const std::string& component, const std::string& key) override {
    if (++reads == fails_at) return Error{ErrorCode::kUnreadable, "the medium gives nothing back"};
    const std::string* row = saved.find(component, key);
    if (row) return *row;
    ADD_FAILURE() << component << " has no page of " << key;
    return std::string();
  }
};

PipelineOptions summing() {
  PipelineOptions options;
  options.sources = {climate()};
  options.windows = {window_over("w", {"climate"}, 10'000, {{"n", "count()"}})};
  options.windows[0].bounds.on_disk = true;
  options.windows[0].bounds.resident_keys = 1;
  return options;
}

void save(Stage& stage, Pages& pages) {
  pages.saved.apply(stage.pipeline().save_changes());
  stage.pipeline().saved();
}

TEST(PagedBlock, behind_a_checkpoint_the_keys_that_were_silent_leave_and_come_back) {
  Pages pages;
  Stage stage(summing(), &pages);
  const auto resident = [&] { return stage.pipeline().block_status()[0].resident_keys; };
  stage.turn({{1'000, "a"}, {2'000, "b"}, {3'000, "c"}});
  EXPECT_EQ(resident(), 3u) << "what is not saved yet cannot leave";
  stage.turn({{4'000, "b"}});
  save(stage, pages);
  EXPECT_EQ(resident(), 1u);
  EXPECT_EQ(stage.pipeline().block_status()[0].keys, 3u);
  stage.turn({{5'000, "b"}});
  EXPECT_EQ(pages.reads, 0u) << "it was heard last";
  EXPECT_EQ(stage.turn({{20'000, "a"}}), Lines{"w a [0,10000) #0 final n=1"});
  EXPECT_EQ(pages.reads, 1u);
  save(stage, pages);
  EXPECT_EQ(resident(), 1u);
  Lines rest = stage.finish();
  std::sort(rest.begin(), rest.end());
  EXPECT_EQ(rest, (Lines{"w a [20000,30000) #0 final n=1", "w b [0,10000) #0 final n=3",
                         "w c [0,10000) #0 final n=1"}));
}

TEST(PagedBlock, what_may_be_taken_back_leaves_with_its_key_and_comes_back) {
  PipelineOptions options = summing();
  options.windows[0].allowed_lateness_ms = 60'000;
  options.windows[0].retract = true;
  options.windows[0].last_count = 1;
  Pages pages;
  Stage stage(options, &pages);
  stage.turn({{1'000, "a"}, {15'000, "a"}, {1'000, "b"}});
  stage.turn({{2'000, "b"}});
  save(stage, pages);
  EXPECT_EQ(stage.pipeline().block_status()[0].resident_keys, 1u);
  const Lines expected = {"w a [0,10000) #0 final retracted=true n=1",
                          "w a [0,10000) #1 final retracted=false n=1"};
  EXPECT_EQ(stage.turn({{2'000, "a"}}), expected);
  EXPECT_EQ(pages.reads, 1u);
}

TEST(PagedBlock, a_restart_brings_no_more_keys_into_memory_than_there_may_be) {
  Pages pages;
  Stage stage(summing(), &pages);
  std::vector<Reading> readings;
  for (int i = 0; i < 40; ++i) readings.push_back({1'000 + i, "key-" + std::to_string(i)});
  stage.turn(readings);
  save(stage, pages);
  stage.reopen(pages.saved);
  EXPECT_EQ(stage.pipeline().block_status()[0].resident_keys, 1u);
  EXPECT_EQ(stage.pipeline().block_status()[0].keys, 40u);
  EXPECT_EQ(stage.finish().size(), 40u);
}

TEST(PagedBlock, asks_for_a_checkpoint_when_memory_holds_too_many) {
  Pages pages;
  Stage stage(summing(), &pages);
  stage.turn({{1'000, "a"}, {2'000, "b"}});
  EXPECT_FALSE(stage.pipeline().wants_saving());
  stage.turn({{3'000, "c"}});
  EXPECT_TRUE(stage.pipeline().wants_saving());
  save(stage, pages);
  EXPECT_FALSE(stage.pipeline().wants_saving());
}

TEST(PagedBlock, a_key_that_is_away_ends_as_others_do) {
  PipelineOptions options = summing();
  options.windows[0].bounds.max_keys = 2;
  options.sources[0].forget_after_ms = 40 * kTick;
  Pages pages;
  Stage stage(options, &pages);
  stage.turn({{1'000, "a"}, {2'000, "b"}});
  save(stage, pages);
  EXPECT_EQ(stage.turn({{3'000, "c"}}), Lines{"w a [0,10000) #0 final n=1"}) << "pushed out";
  save(stage, pages);
  ASSERT_NE(pages.saved.find("window:w", "a"), nullptr);
  EXPECT_LE(pages.saved.find("window:w", "a")->size(), 27u) << "how far it was, and nothing else";
  Lines forgotten = stage.turn({}, 100 * kTick);
  std::erase_if(forgotten, [](const std::string& l) { return l.find("final") == l.npos; });
  EXPECT_EQ(forgotten, (Lines{"w b [0,10000) #1 final n=1", "w c [0,10000) #1 final n=1"}))
      << "forgotten; it was told when it fell idle";
  save(stage, pages);
  EXPECT_EQ(pages.saved.find("window:w", "a"), nullptr);
  save(stage, pages);
  for (const StateRow& row : pages.saved.rows()) EXPECT_EQ(row.key, "") << row.component;
}

TEST(PagedBlock, what_was_learnt_is_in_no_page_until_it_is_saved) {
  Stage learnt(summing());
  learnt.turn({{1'000, "a"}, {2'000, "b"}, {3'000, "c"}});
  std::vector<StateRow> rows = learnt.pipeline().save_changes();
  std::erase_if(rows, [](const StateRow& row) { return row.component != "window:w"; });
  Pages pages;
  Stage stage(summing(), &pages);
  ASSERT_TRUE(stage.pipeline().learn(rows).ok());
  EXPECT_EQ(stage.pipeline().block_status()[0].resident_keys, 3u);
  save(stage, pages);
  EXPECT_EQ(stage.pipeline().block_status()[0].resident_keys, 1u);
  EXPECT_EQ(stage.finish().size(), 3u);
}

TEST(PagedBlock, a_page_that_cannot_be_read_is_told) {
  Pages pages;
  Stage stage(summing(), &pages);
  stage.turn({{1'000, "a"}, {2'000, "b"}});
  save(stage, pages);
  pages.fails_at = 1;
  stage.turn({{3'000, "a"}, {4'000, "b"}});
  ASSERT_FALSE(stage.pipeline().page_status().ok());
  EXPECT_EQ(stage.pipeline().page_status().error().code, ErrorCode::kUnreadable);
}

TEST(PagedBlock, a_page_that_is_not_what_it_was_is_damage) {
  Pages pages;
  Stage stage(summing(), &pages);
  stage.turn({{1'000, "a"}, {2'000, "b"}});
  save(stage, pages);
  pages.saved.apply({{"window:w", "a", "12345678"}, {"window:w", "b", "12345678"}});
  stage.turn({{3'000, "a"}, {4'000, "b"}});
  ASSERT_FALSE(stage.pipeline().page_status().ok());
  EXPECT_EQ(stage.pipeline().page_status().error().code, ErrorCode::kBadData);
}

// ---- every schedule

PipelineOptions pages_of_all_kinds(WatermarkMode mode, bool on_disk) {
  PipelineOptions options = two_sources(mode);
  StateBounds bounds;
  bounds.on_disk = on_disk;
  bounds.resident_keys = 2;
  const auto window = [&](const char* name, std::vector<std::string> from) {
    options.windows.push_back(
        window_over(name, std::move(from), 10'000,
                    {{"n", "count()"}, {"d", "count_distinct(temp_c)"}, {"p", "median(temp_c)"}}));
    options.windows.back().bounds = bounds;
    return &options.windows.back();
  };
  window("tumbling", {"climate"})->allowed_lateness_ms = 15'000;
  window("few", {"climate"})->bounds.max_keys = 4;
  window("small", {"climate"})->bounds.max_bytes = 800;
  window("both", {"climate", "cargo"})->every_ms = 2'500;
  WindowOptions* early = window("early", {"climate"});
  early->size_ms = 60'000;
  early->early_ms = 5'000;
  WindowOptions* sessions = window("sessions", {"climate"});
  sessions->size_ms = 0;
  sessions->gap_ms = 4'000;
  WindowOptions* counted = window("counted", {"climate"});
  counted->size_ms = 0;
  counted->count = 5;
  counted->every_count = 2;
  WindowOptions* global = window("global", {"climate"});
  global->size_ms = 0;
  global->global = true;
  global->early_count = 3;
  WindowOptions* days = window("days", {"cargo"});
  days->size_ms = 0;
  days->calendar = CalendarUnit::kDay;
  window("arrived", {"climate"})->processing_time = true;
  WindowOptions* behind = window("behind", {"both"});
  behind->size_ms = 30'000;
  behind->select = {{"all", "sum(n)"}};
  MapOptions map;
  map.name = "doors";
  map.from = "climate";
  map.key = "door";
  options.maps = {map};
  window("by_door", {"doors"});
  const auto state = [&](const char* name, const char* from) {
    StateOptions s;
    s.name = name;
    s.from = from;
    s.next = {{"m", "coalesce(m, 0) + 1"},
              {"way", "CAST(substr(coalesce(way, '') || coalesce(door, '-'), -9) AS TEXT)"}};
    s.to = {"out"};
    s.bounds = bounds;
    options.states.push_back(s);
    return &options.states.back();
  };
  state("plain", "climate")->ttl_ms = 9'000;
  state("ordered", "climate")->by_event_time = true;
  state("door_state", "doors");
  return options;
}

struct Paged {
  std::vector<Emission> emissions;
  size_t reads = 0;
};

// Now and then there is a checkpoint, or a new life behind one.
Paged run_paged(const PipelineOptions& options, const Schedule& schedule, uint64_t seed) {
  std::mt19937_64 random(seed);
  Pages pages;
  Stage stage(options, &pages);
  Paged result;
  const auto keep = [&] {
    result.emissions.insert(result.emissions.end(), stage.emissions().begin(),
                            stage.emissions().end());
  };
  for (const Cut& turn : schedule) {
    stage.turn(turn.readings, turn.timer_ms);
    keep();
    EXPECT_TRUE(stage.pipeline().page_status().ok());
    if (random() % 3 != 0) continue;
    save(stage, pages);
    if (random() % 4 == 0) stage.reopen(pages.saved);
    for (const BlockStatus& b : stage.pipeline().block_status()) {
      EXPECT_LE(b.resident_keys, 2u) << b.name;
    }
  }
  stage.finish();
  keep();
  result.reads = pages.reads;
  return result;
}

class PagedSchedules : public testing::TestWithParam<WatermarkMode> {};

TEST_P(PagedSchedules, say_the_same_as_with_all_keys_in_memory) {
  size_t reads = 0, tried = 0;
  for (auto [seed, end] = seeds(20); seed < end && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Fleet fleet = make_block_fleet(seed, {"u", "v", "w", "x", "y", "z"});
    std::mt19937_64 random(seed);
    const Schedule schedule = make_schedule(fleet, [&](size_t) { return random() % 3 == 0; });
    const Outcome memory = run(pages_of_all_kinds(GetParam(), false), schedule);
    const Paged paged = run_paged(pages_of_all_kinds(GetParam(), true), schedule, seed);
    EXPECT_EQ(numbered(paged.emissions), numbered(memory.emissions));
    reads += paged.reads;
    ++tried;
  }
  EXPECT_GT(reads, 500 * tried);
}

INSTANTIATE_TEST_SUITE_P(Watermarks, PagedSchedules,
                         testing::Values(WatermarkMode::kKey, WatermarkMode::kSource),
                         [](const auto& mode) {
                           return mode.param == WatermarkMode::kKey ? "by_key" : "by_source";
                         });

}  // namespace
}  // namespace wayside
