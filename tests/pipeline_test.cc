#include "pipeline/pipeline.h"

#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

PipelineOptions fleet() {
  PipelineOptions options;
  options.sources = {climate()};
  options.windows.resize(1);
  options.windows[0].name = "w";
  options.windows[0].from = {"climate"};
  options.windows[0].size_ms = 10'000;
  options.windows[0].select = {{"n", "count()"}};
  return options;
}

TEST(Pipeline, an_idle_device_does_not_hold_back_the_others) {
  Stage stage(fleet());
  stage.turn({{0, "silent"}, {0, "a"}, {0, "b"}});
  EXPECT_EQ(stage.turn({{15'000, "a"}}), Lines{"w a [0,10000) #0 final n=1"});
  EXPECT_EQ(stage.turn({{15'000, "b"}}), Lines{"w b [0,10000) #0 final n=1"});
}

TEST(Pipeline, a_device_whose_clock_runs_ahead_makes_no_other_late) {
  Stage stage(fleet());
  stage.turn({{900'000'000, "ahead"}, {0, "a"}, {15'000, "a"}, {14'000, "a"}});
  EXPECT_EQ(stage.ledger().late, 0u);
}

TEST(Pipeline, a_truck_back_from_a_dead_zone_is_not_late) {
  Stage stage(fleet());
  stage.turn({{0, "a"}, {0, "b"}}, 0);
  for (int64_t s = 1; s <= 7'200; s += 10) stage.turn({{s * 1'000, "b"}}, s * 1'000);
  std::vector<Reading> kept;
  for (int64_t s = 1; s <= 7'200; s += 10) kept.push_back({s * 1'000, "a"});
  stage.turn(kept, 7'201'000);
  EXPECT_EQ(stage.ledger().late, 0u);
  EXPECT_EQ(stage.ledger().used, 2u + 2 * 720);
}

TEST(Pipeline, the_same_texts_in_another_order_are_the_same_keys) {
  Stage stage(fleet());
  stage.turn({{0, "a"}, {0, "b"}});
  stage.turn({{1, "b"}});  // groups as a journal yields them: each numbers its texts anew
  stage.turn({{1, "b"}, {2, "a"}});
  EXPECT_EQ(stage.finish(), (Lines{"w a [0,10000) #0 final n=2", "w b [0,10000) #0 final n=3"}));
}

TEST(Pipeline, a_group_forgets_its_texts_when_they_are_too_many_or_too_long) {
  Stage stage(fleet());
  for (const size_t bytes : {Group::kTextBytesMax - 1, Group::kTextBytesMax}) {
    Group group = stage.make_group({{0, "a", 0, std::string(bytes, 'x')}}, 0);
    group.clear();
    EXPECT_EQ(group.batches[0].texts.size(), bytes < Group::kTextBytesMax ? 2u : 0u);
  }
}

TEST(Pipeline, readings_beyond_max_keys_are_dropped_and_counted_until_a_key_is_forgotten) {
  PipelineOptions options = fleet();
  options.sources[0].max_keys = 2;
  Stage stage(options);
  stage.turn({{0, "a"}, {0, "a"}, {0, "b"}, {0, "c"}, {1, "a"}, {0, "d"}, {0, "c"}}, 0);
  EXPECT_EQ(stage.ledger().used, 4u);
  EXPECT_EQ(stage.ledger().dropped, 3u);
  EXPECT_TRUE(stage.ledger().balanced());
  EXPECT_EQ(stage.turn({}, 30'000),
            (Lines{"w a [0,10000) #0 open n=3", "w b [0,10000) #0 open n=1"}));
  stage.turn({{0, "b"}}, 3'000'000);
  stage.turn({{0, "c"}}, 3'600'000);  // a is forgotten
  EXPECT_EQ(stage.ledger().dropped, 3u);
  EXPECT_EQ(stage.finish(), (Lines{"w b [0,10000) #2 final n=2", "w c [0,10000) #0 final n=1"}));
}

TEST(Pipeline, in_source_mode_a_silent_key_makes_room_while_others_speak) {
  PipelineOptions options = fleet();
  options.sources[0].watermark = WatermarkMode::kSource;
  options.sources[0].max_keys = 2;
  Stage stage(options);
  stage.turn({{0, "a"}, {0, "b"}}, 0);
  stage.turn({{1, "b"}, {1, "c"}}, 3'599'000);
  EXPECT_EQ(stage.ledger().dropped, 1u);
  EXPECT_EQ(stage.turn({{2, "b"}, {2, "c"}}, 3'600'000), Lines{"w a [0,10000) #0 final n=1"});
  EXPECT_EQ(stage.ledger().dropped, 1u);
  EXPECT_EQ(stage.pipeline().source_status()[0].keys, 2u);
}

TEST(Pipeline, a_forgotten_key_whose_number_goes_to_another_leaves_it_nothing) {
  PipelineOptions options = fleet();
  options.sources[0].keep = {"door"};
  options.windows[0].select = {{"n", "count()"}, {"open", "count() FILTER (WHERE door = 'open')"}};
  options.rules.push_back({"r", "climate", "door = 'open'", 1'000, Severity::kInfo, {}});
  Stage stage(options);
  stage.turn({{500'000, "a", 0, "open"}}, 0);
  stage.turn({}, 30'000);
  stage.turn({}, 3'600'000);
  EXPECT_EQ(stage.all({{0, "b", 1}, {20'000, "b", 1}}),
            (Lines{"w b [0,10000) #0 final n=1 open=0", "w b [20000,30000) #0 final n=1 open=0"}));
}

TEST(Pipeline, each_reading_has_one_fate_whatever_the_number_of_blocks) {
  PipelineOptions options = fleet();
  options.windows.push_back(options.windows[0]);
  options.windows[1].name = "patient";
  options.windows[1].allowed_lateness_ms = 60'000;
  Stage stage(options);
  stage.turn({{0, "a"}, {40'000, "a"}, {5, "a"}, {6, "a"}});
  EXPECT_EQ(stage.ledger().used, 4u) << "late for one window, but not for both";
  stage.turn({{400'000, "a"}, {7, "a"}});
  EXPECT_EQ(stage.ledger().late, 1u);
  EXPECT_TRUE(stage.ledger().balanced());
}

TEST(Pipeline, what_became_no_reading_is_in_the_ledger_too) {
  Stage stage(fleet());
  Group group = stage.make_group({{0, "a"}}, 0);
  group.rejected.push_back({0, "bad_json", "", "fleet/a/climate", "{"});
  group.rejected.push_back({Rejected::kNoSource, "no_source", "", "x", ""});
  group.duplicates[0] = 3;
  EmissionBuffer out;
  stage.pipeline().turn(group, 0, out);
  stage.pipeline().end_group(group);
  const Ledger total = stage.ledger();
  EXPECT_EQ(total.in, 6u);
  EXPECT_EQ(total.used, 1u);
  EXPECT_EQ(total.quarantined, 2u);
  EXPECT_EQ(total.duplicate, 3u);
  EXPECT_EQ(stage.pipeline().unrouted().in, 1u);
  EXPECT_EQ(stage.pipeline().source_status()[0].ledger.in, 5u);
}

TEST(Pipeline, a_lost_session_is_told_to_every_uplink_and_a_first_one_is_not) {
  PipelineOptions options = fleet();
  options.uplinks = {"x", "", "y"};
  Stage stage(options);
  Group group = stage.make_group({{0, "a"}}, 5'000);
  group.notes.push_back({Note::Kind::kNewSession, 0, "local", ""});
  group.notes.push_back({Note::Kind::kNewEpoch, 0, "e1", ""});  // nothing to tell
  EmissionBuffer out;
  stage.pipeline().turn(group, 0, out);
  EXPECT_TRUE(out.pending().empty());
  EXPECT_EQ(stage.pipeline().sessions_lost("local"), 0u);
  stage.pipeline().turn(group, 0, out);
  ASSERT_EQ(out.pending().size(), 1u);
  EXPECT_EQ(out.pending()[0].block, "session_lost");
  EXPECT_EQ(out.pending()[0].key, "local");
  EXPECT_EQ(out.pending()[0].targets, 0b101u);
  EXPECT_EQ(out.pending()[0].lane, Lane::kAlarm);
  EXPECT_EQ(stage.pipeline().sessions_lost("local"), 1u);
}

TEST(Pipeline, what_happened_to_an_uplink_or_its_ids_is_an_incident) {
  PipelineOptions options = fleet();
  options.uplinks = {"x"};
  Stage stage(options);
  Group group = stage.make_group({{0, "a"}}, 5'000);
  group.notes.push_back({Note::Kind::kUplink, 0, "x", "another gateway"});
  group.notes.push_back({Note::Kind::kNewEpoch, 0, "e2", "a copy", 7, 5});
  EmissionBuffer out;
  stage.pipeline().turn(group, 0, out);
  ASSERT_EQ(out.pending().size(), 2u);
  EXPECT_EQ(out.pending()[0].block, "uplink");
  EXPECT_EQ(out.pending()[0].key, "x");
  EXPECT_EQ(out.pending()[0].fields[0].value, Value(std::string("another gateway")));
  EXPECT_EQ(out.pending()[1].block, "new_epoch");
  EXPECT_EQ(out.pending()[1].key, "e2");
}

TEST(Pipeline, blocks_send_to_the_uplinks_they_name_and_by_default_to_all) {
  PipelineOptions options = fleet();
  options.uplinks = {"x", "y", "z"};
  options.windows.push_back(options.windows[0]);
  options.windows[1].to = {"z", "x"};
  Stage stage(options);
  stage.all({{0, "a"}});
  ASSERT_EQ(stage.emissions().size(), 2u);
  EXPECT_EQ(stage.emissions()[0].targets, 0b111u);
  EXPECT_EQ(stage.emissions()[1].targets, 0b101u);
}

TEST(Pipeline, tells_all_errors_at_once) {
  PipelineOptions options = fleet();
  options.windows[0].where = "nothing";
  options.windows.push_back(options.windows[0]);
  options.windows[1].name = "v";
  options.windows[1].from = {"climat"};
  options.rules.push_back({"r", "climate", "temp_c >", 0, Severity::kInfo, {}});
  options.rules.push_back({"s", "climate", "random()", 0, Severity::kInfo, {}});
  options.detectors.resize(1);
  options.detectors[0].name = "d";
  options.detectors[0].from = "climate";
  options.detectors[0].field = "temp_f";
  std::vector<BlockError> errors;
  EXPECT_EQ(Pipeline::make(options, errors), nullptr);
  Lines told;
  for (const BlockError& e : errors) told.push_back(e.block + '.' + e.item);
  EXPECT_EQ(told, (Lines{"w.where", "v.from", "r.when", "s.when", "d.field"}));
}

TEST(Pipeline, numbers_are_not_made_of_text_fields) {
  PipelineOptions options = fleet();
  options.windows[0].select = {{"n", "count(door)"}, {"x", "max(CAST(door AS REAL))"}};
  std::vector<BlockError> errors;
  EXPECT_NE(Pipeline::make(options, errors), nullptr) << "these are fine";
  options.windows[0].select.push_back({"d", " sum( door ) FILTER (WHERE temp_c > 0)"});
  options.detectors.resize(1);
  options.detectors[0].name = "drift";
  options.detectors[0].from = "climate";
  options.detectors[0].field = "vehicle";
  EXPECT_EQ(Pipeline::make(options, errors), nullptr);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].block + '.' + errors[0].item, "w.select.d");
  EXPECT_EQ(errors[0].offset, 6u);
  EXPECT_TRUE(errors[0].message.starts_with("'door' is a text; sum() takes numbers"))
      << errors[0].message;
  EXPECT_EQ(errors[1].block + '.' + errors[1].item, "drift.field");
  EXPECT_EQ(errors[1].message, "'vehicle' is a text; a detector takes numbers");
}

TEST(Pipeline, status_counts_the_results_that_left_and_slices_with_faults) {
  PipelineOptions options = fleet();
  options.windows[0].select = {{"n", "count()"}, {"x", "max(json_extract(door, '$.x'))"}};
  options.windows[0].having = "n > 1";
  options.rules.push_back({"r", "climate", "json_extract(door, '$.x')", 0, Severity::kInfo, {}});
  Stage stage(options);
  EXPECT_EQ(stage.all({{0, "a", 0, "{"}, {0, "b", 0, "{\"x\":1}"}, {1, "b"}}).size(), 2u);
  const auto blocks = stage.pipeline().block_status();
  EXPECT_EQ(blocks[0].emitted, 1u) << "of two that fired";
  EXPECT_EQ(blocks[0].faults, 1u);
  EXPECT_EQ(blocks[1].emitted, 1u);
  EXPECT_EQ(blocks[1].faults, 1u);
}

TEST(Pipeline, status_counts_faults_of_derived_columns_and_of_having) {
  PipelineOptions options = fleet();
  options.windows[0].select = {{"n", "count()"}, {"x", "json_extract('{' || n, '$.x')"}};
  Stage derived(options);
  EXPECT_EQ(derived.all({{0, "a"}}), Lines{"w a [0,10000) #0 final n=1 x=NULL"});
  EXPECT_EQ(derived.pipeline().block_status()[0].faults, 1u);
  options.windows[0].having = options.windows[0].select.back().second;
  options.windows[0].select.pop_back();
  Stage judged(options);
  EXPECT_EQ(judged.all({{0, "a"}}), Lines{});
  EXPECT_EQ(judged.pipeline().block_status()[0].faults, 1u);
}

// Of a window others see final results only.
TEST(Pipeline, what_reads_a_window_that_gives_no_final_result_is_refused) {
  PipelineOptions options = fleet();
  options.windows[0].early_count = 2;
  options.windows[0].at_end = false;
  options.windows.push_back(options.windows[0]);
  options.windows[1].name = "v";
  options.windows[1].from = {"w"};
  options.windows.push_back(options.windows[1]);
  options.windows[2].name = "u";
  options.windows[2].processing_time = true;
  options.rules.push_back({"r", "w", "n > 1", 0, Severity::kInfo, {}});
  std::vector<BlockError> errors;
  EXPECT_EQ(Pipeline::make(options, errors), nullptr);
  Lines told;
  for (const BlockError& e : errors) {
    told.push_back(e.block + '.' + e.item);
    EXPECT_EQ(
        e.message,
        "'w' has at_end = false and so no final results; what reads a window sees only those");
  }
  EXPECT_EQ(told, (Lines{"v.from", "u.from", "r.from"}));
}

TEST(Pipeline, sources_that_share_a_window_share_their_order_of_arrival) {
  PipelineOptions options = fleet();
  for (const char* name : {"cargo", "engine", "tyres"}) options.sources.push_back(climate(name));
  options.windows.push_back(options.windows[0]);
  options.windows[1].from = {"cargo", "tyres"};
  options.windows.push_back(options.windows[0]);
  options.windows[2].from = {"tyres", "climate"};
  const std::vector<uint32_t> groups = Stage(options).pipeline().order_groups();
  EXPECT_EQ(groups[0], groups[1]);
  EXPECT_EQ(groups[1], groups[3]);
  EXPECT_NE(groups[0], groups[2]);
}

TEST(Pipeline, blocks_behind_a_block_go_on_when_one_of_its_sources_is_idle) {
  PipelineOptions options = fleet();
  options.sources.push_back(climate("cargo"));
  for (SourceOptions& source : options.sources) source.watermark = WatermarkMode::kSource;
  options.windows[0].from = {"climate", "cargo"};
  options.windows.push_back(options.windows[0]);
  options.windows[1].name = "v";
  options.windows[1].from = {"w"};
  Stage stage(options);
  stage.turn({{0, "a"}, {0, "b", 0, "", 1}}, 0);
  stage.turn({{50'000, "a"}}, 20'000);
  EXPECT_EQ(stage.turn({}, 30'000),
            (Lines{"w a [0,10000) #0 final n=1", "w b [0,10000) #0 final n=1",
                   "v a [0,10000) #0 final n=1", "v b [0,10000) #0 final n=1"}));
}

TEST(Pipeline, sleeps_until_the_next_device_falls_silent) {
  Stage stage(fleet());
  EXPECT_EQ(stage.pipeline().next_timer(), kTimeMax);
  stage.turn({{0, "a"}}, 100);
  EXPECT_EQ(stage.pipeline().next_timer(), 31'000);
  stage.turn({}, 31'000);
  EXPECT_EQ(stage.pipeline().next_timer(), 3'601'000) << "then it is forgotten";
  stage.turn({}, 3'601'000);
  EXPECT_EQ(stage.pipeline().next_timer(), kTimeMax);
}

TEST(Pipeline, state_of_a_block_that_was_changed_is_left_behind_and_that_of_others_is_kept) {
  PipelineOptions options = fleet();
  options.windows.push_back(options.windows[0]);
  options.windows[1].name = "v";
  Stage before(options);
  before.turn({{0, "a"}});
  SavedState saved;
  saved.apply(before.pipeline().save_changes());
  options.windows[1].select = {{"n", "count()"}, {"m", "max(temp_c)"}};
  Stage after(options);
  after.reopen(saved);
  EXPECT_EQ(after.finish(), Lines{"w a [0,10000) #0 final n=1"});
  EXPECT_EQ(after.ledger().used, 1u);
}

TEST(PipelineStatus, key_times_are_the_first_ones_by_name_whatever_came_first) {
  PipelineOptions options;
  options.sources = {climate()};
  Stage stage(options);
  stage.turn({{1, "c"}, {2, "a"}, {3, "b"}});
  const auto keys = stage.pipeline().key_times(2);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].key, "a");
  EXPECT_EQ(keys[1].key, "b");
  EXPECT_EQ(keys[1].newest_ms, 3);
}

}  // namespace
}  // namespace wayside
