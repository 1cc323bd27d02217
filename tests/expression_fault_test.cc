// An expression that cannot be evaluated over a reading (a text that is no JSON, say) is NULL, and
// silences none of those beside it.
#include <gtest/gtest.h>

#include "tests/block_fleet.h"

namespace wayside {
namespace {

using Items = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kFault = "door ->> '$.a'";
const std::vector<Reading> kBroken = {{1'000, "a", 20, "no json"}};

PipelineOptions in_order() {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].max_disorder_ms = 0;
  return options;
}
const BlockStatus& status_of(const std::vector<BlockStatus>& all, const std::string& name) {
  return *std::find_if(all.begin(), all.end(), [&](const auto& b) { return b.name == name; });
}
uint64_t faults_of(Stage& stage, const std::string& name) {
  return status_of(stage.pipeline().block_status(), name).faults;
}

TEST(ExpressionFault, of_a_rule_leaves_the_alarms_of_others_alone) {
  PipelineOptions options = in_order();
  options.rules.push_back({"hot", "climate", "temp_c > 5", 0, Severity::kCritical, {}});
  options.rules.push_back({"other", "climate", std::string(kFault) + " = 1", 0, {}, {}});
  Stage stage(options);
  EXPECT_EQ(stage.all(kBroken), Lines{"hot a @1000 state=raised severity=critical since=1000"});
  EXPECT_EQ(faults_of(stage, "hot"), 1u);
}

TEST(ExpressionFault, of_a_rule_leaves_a_detector_alone) {
  for (const bool with_fault : {false, true}) {
    PipelineOptions options = in_order();
    options.detectors.resize(1);
    options.detectors[0].name = "drift";
    options.detectors[0].from = "climate";
    options.detectors[0].field = "temp_c + 0";
    options.detectors[0].history = 8;
    if (with_fault) options.rules.push_back({"other", "climate", kFault, 0, {}, {}});
    Stage stage(options);
    std::vector<Reading> readings;
    for (int i = 0; i < 20; ++i) readings.push_back({i, "a", 20 + i % 2 / 4.0, "no json"});
    readings.push_back({20, "a", 90, "no json"});
    EXPECT_EQ(stage.all(readings).size(), 1u) << with_fault;
  }
}

TEST(ExpressionFault, in_a_map_leaves_where_and_the_other_fields_alone) {
  PipelineOptions options = in_order();
  options.maps.resize(1);
  options.maps[0] = {"m", "climate", "temp_c > 5", {{"a", kFault}, {"f", "temp_c * 2"}}, "", ""};
  options.windows = {window_over("w", {"m"}, 10'000, {{"n", "count()"}, {"f", "sum(f)"}})};
  Stage stage(options);
  EXPECT_EQ(stage.all(kBroken), Lines{"w a [0,10000) #0 final n=1 f=40"});
}

TEST(ExpressionFault, in_a_route_leaves_the_other_conditions_alone) {
  PipelineOptions options = in_order();
  options.routes.resize(1);
  options.routes[0] = {"r", "climate", {{"odd", kFault}, {"hot", "temp_c > 5"}}, "rest"};
  options.windows = {window_over("w", {"r.hot"}, 10'000, {{"n", "count()"}})};
  Stage stage(options);
  EXPECT_EQ(stage.all(kBroken), Lines{"w a [0,10000) #0 final n=1"});
}

TEST(ExpressionFault, in_a_pattern_leaves_the_other_steps_alone) {
  PipelineOptions options = in_order();
  options.patterns.resize(1);
  options.patterns[0].name = "p";
  options.patterns[0].from = "climate";
  options.patterns[0].within_ms = 10'000;
  options.patterns[0].steps = {{"hot", "temp_c > 5"}, {"cold", "temp_c < 5"}};
  options.patterns[0].steps[1].optional = true;
  options.patterns[0].steps.push_back({"odd", kFault});
  options.patterns[0].steps.push_back({"end", "temp_c = 0"});
  options.patterns[0].steps[2].optional = true;
  Stage stage(options);
  EXPECT_EQ(stage.all({kBroken[0], {2'000, "a", 0, "no json"}}).size(), 1u);
}

TEST(ExpressionFault, in_a_window_leaves_filters_and_other_arguments_alone) {
  PipelineOptions options = in_order();
  options.windows = {window_over("w", {"climate"}, 10'000,
                                 {{"n", "count() FILTER (WHERE temp_c > 5)"},
                                  {"sum", "sum(temp_c + 0)"},
                                  {"odd", std::string("max(") + kFault + ")"}})};
  options.windows[0].where = "temp_c > 1";
  Stage stage(options);
  EXPECT_EQ(stage.all(kBroken), Lines{"w a [0,10000) #0 final n=1 sum=20 odd=NULL"});
  EXPECT_EQ(faults_of(stage, "w"), 1u);
}

TEST(ExpressionFault, in_a_result_leaves_its_other_values_alone) {
  PipelineOptions options = in_order();
  options.windows = {
      window_over("w", {"climate"}, 10'000,
                  {{"d", "last(door)"}, {"odd", "d ->> '$.a'"}, {"n", "count()"}, {"m", "n + 1"}})};
  Stage stage(options);
  EXPECT_EQ(stage.all(kBroken), Lines{"w a [0,10000) #0 final d=no json odd=NULL n=1 m=2"});
  EXPECT_EQ(faults_of(stage, "w"), 1u);
}

TEST(ExpressionFault, in_a_running_value_leaves_the_others_alone) {
  PipelineOptions options = in_order();
  options.states.resize(1);
  options.states[0].name = "s";
  options.states[0].from = "climate";
  options.states[0].init = {{"first", "temp_c"}, {"odd", kFault}};
  options.states[0].next = {{"first", "first"}, {"n", "coalesce(n, 0) + 1"}, {"odd", kFault}};
  options.states[0].to = {"out"};
  Stage stage(options);
  EXPECT_EQ(stage.turn(kBroken), Lines{"s a @1000 first=20 n=1 odd=NULL"});
  EXPECT_EQ(faults_of(stage, "s"), 1u) << "a reading, however many expressions fail over it";
}

TEST(ExpressionFault, in_a_join_leaves_the_other_fields_alone) {
  PipelineOptions options = two_sources(WatermarkMode::kKey);
  options.joins.resize(1);
  options.joins[0].name = "j";
  options.joins[0].from = "climate";
  options.joins[0].with = "cargo";
  options.joins[0].select = {{"odd", kFault}, {"other", "temp_c + 1"}};
  Stage stage(options);
  EXPECT_EQ(stage.all({{1'000, "a", 7, "no json", 1}, {1'000, "a", 20}}),
            Lines{"j a @1000 temp_c=20 door=NULL odd=NULL other=8"});
}

TEST(ExpressionFault, in_a_view_leaves_the_other_columns_alone) {
  PipelineOptions options = in_order();
  options.views.resize(1);
  options.views[0].name = "v";
  options.views[0].from = "climate";
  options.views[0].select = {{"odd", kFault}, {"f", "temp_c * 2"}};
  options.views[0].where = "temp_c > 5";
  Stage stage(options);
  stage.turn(kBroken);
  EXPECT_EQ(status_of(stage.pipeline().block_status(), "v").emitted, 1u);
}

// ---- how they are counted

PipelineOptions faulty_kinds(WatermarkMode mode) {
  PipelineOptions options = two_sources(mode);
  options.rules.push_back({"rule", "climate", kFault, 0, {}, {}});
  options.maps.resize(1);
  options.maps[0] = {"map", "climate", "", {{"odd", kFault}, {"f", "temp_c * 2"}}, "", ""};
  options.windows = {window_over(
      "window", {"climate"}, 10'000,
      {{"odd", std::string("max(") + kFault + ")"}, {"d", "last(door)"}, {"m", "d ->> '$.b'"}})};
  options.states.resize(1);
  options.states[0].name = "state";
  options.states[0].from = "climate";
  options.states[0].next = {{"n", "coalesce(n, 0) + 1"}, {"odd", kFault}};
  options.joins.resize(1);
  options.joins[0].name = "join";
  options.joins[0].from = "climate";
  options.joins[0].with = "cargo";
  options.joins[0].select = {{"odd", kFault}};
  return options;
}

std::map<std::string, uint64_t> faults_by_block(const PipelineOptions& options,
                                                const Schedule& schedule, bool reload) {
  Stage stage(options);
  SavedState saved;
  for (const Cut& turn : schedule) {
    stage.turn(turn.readings, turn.timer_ms);
    if (!reload) continue;
    saved.apply(stage.pipeline().save_changes());
    stage.reopen(saved);
  }
  stage.finish();
  std::map<std::string, uint64_t> faults;
  for (const BlockStatus& b : stage.pipeline().block_status()) faults[b.name] = b.faults;
  return faults;
}

TEST(ExpressionFault, is_counted_by_reading_however_they_are_cut_and_over_restarts) {
  for (const WatermarkMode mode : {WatermarkMode::kKey, WatermarkMode::kSource}) {
    const PipelineOptions options = faulty_kinds(mode);
    const Fleet fleet = make_block_fleet(1, {"{}", "no json"});
    const auto faults = faults_by_block(options, tick_by_tick(fleet), false);
    for (const char* name : {"rule", "map", "window", "state", "join"}) {
      EXPECT_GT(faults.at(name), 50u) << name;
    }
    EXPECT_EQ(faults_by_block(options, one_by_one(fleet), false), faults);
    EXPECT_EQ(faults_by_block(options, tick_by_tick(fleet), true), faults);
  }
}

}  // namespace
}  // namespace wayside
