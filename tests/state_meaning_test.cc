// Saved state is taken over by what it means the same to, and left behind where it does not, also
// when what changed stands in another block of the configuration.
#include <gtest/gtest.h>

#include "tests/block_fleet.h"

namespace wayside {
namespace {

PipelineOptions two_readers() {
  PipelineOptions options;
  options.sources = {climate(), climate("cargo")};
  for (SourceOptions& source : options.sources) source.max_disorder_ms = 0;
  return options;
}

FieldOptions number(const std::string& name) {
  FieldOptions field;
  field.name = name;
  return field;
}

// What is told to the end of input by `after`, which goes on from what `before` has saved.
Lines told_after(const PipelineOptions& before, const std::vector<Reading>& readings,
                 const PipelineOptions& after) {
  Stage first(before);
  first.turn(readings);
  SavedState saved;
  saved.apply(first.pipeline().save_changes());
  Stage second(after);
  second.reopen(saved);
  return second.finish();
}

TEST(StateMeaning, values_of_another_type_begin_anew) {
  PipelineOptions before = two_readers();
  before.states.resize(1);
  before.states[0].name = "s";
  before.states[0].from = "climate";
  before.states[0].next = {{"last", "temp_c"}};
  before.states[0].to = {"out"};
  PipelineOptions after = before;
  after.sources[0].fields[0].type = FieldType::kText;
  after.sources[0].fields[1].type = FieldType::kNumber;
  Stage first(before);
  first.turn({{0, "a", 5}});
  SavedState saved;
  saved.apply(first.pipeline().save_changes());
  Stage second(after);
  second.reopen(saved);
  Group group;
  group.batches.emplace_back(*make_schema(after.sources[0]));
  group.batches.emplace_back(*make_schema(after.sources[1]));
  ReadingBatch& batch = group.batches[0];
  batch.times = {1};
  batch.columns[0].texts = {batch.texts.intern("a")};
  batch.columns[1].texts = {Interner::kNone};
  batch.columns[2].numbers = {kNull};
  group.turns.push_back({{1, 1}, {{0, 0, 1}}});
  EmissionBuffer out;
  second.pipeline().turn(group, 0, out);
  EXPECT_EQ(to_lines(out.pending()), Lines{"s a @1 last=NULL"});
}

TEST(StateMeaning, a_value_that_is_not_of_its_type_is_damage) {
  PipelineOptions options = two_readers();
  options.states.resize(1);
  options.states[0].name = "s";
  options.states[0].from = "climate";
  options.states[0].next = {{"last", "temp_c"}};
  Stage stage(options);
  stage.turn({{0, "a", 5}});
  for (StateRow& row : stage.pipeline().save_changes()) {
    if (row.component != "state:s" || row.key.empty()) continue;
    row.bytes.resize(row.bytes.size() - 9);
    row.bytes.append({3, 1, 'x'});  // a text, in the place of a number
    std::vector<BlockError> errors;
    EXPECT_FALSE(Pipeline::make(options, errors)->load({row}).ok());
  }
}

TEST(StateMeaning, readings_that_wait_with_other_fields_are_left_behind) {
  PipelineOptions before = two_readers();
  before.sources[0].max_disorder_ms = 5'000;
  before.orders.resize(1);
  before.orders[0].name = "o";
  before.orders[0].from = "climate";
  before.windows = {window_over("w", {"o"}, 10'000, {{"n", "count()"}})};
  PipelineOptions after = before;
  after.sources[0].fields.push_back(number("humidity"));
  EXPECT_EQ(told_after(before, {{0, "a", 1, "x"}}, before), Lines{"w a [0,10000) #0 final n=1"});
  EXPECT_EQ(told_after(before, {{0, "a", 1, "x"}}, after), Lines{});
}

TEST(StateMeaning, a_sum_over_another_type_begins_anew) {
  PipelineOptions before = two_readers();
  before.windows = {window_over("w", {"climate"}, 10'000, {{"last", "last(temp_c)"}})};
  PipelineOptions after = before;
  after.sources[0].fields[0].type = FieldType::kText;
  EXPECT_EQ(told_after(before, {{0, "a", 1}}, before), Lines{"w a [0,10000) #0 final last=1"});
  EXPECT_EQ(told_after(before, {{0, "a", 1}}, after), Lines{});
}

TEST(StateMeaning, windows_that_keep_something_else_begin_anew) {
  PipelineOptions before = two_readers();
  before.windows = {window_over("w", {"climate"}, 10'000, {{"n", "count()"}})};
  EXPECT_EQ(told_after(before, {{0, "a", 1}}, before), Lines{"w a [0,10000) #0 final n=1"});
  for (const int changed : {0, 1, 2}) {
    PipelineOptions after = before;
    after.windows[0].retract = changed == 0;
    after.windows[0].last_count = changed == 1 ? 5 : 0;
    after.windows[0].last_ms = changed == 2 ? 5'000 : 0;
    EXPECT_EQ(told_after(before, {{0, "a", 1}}, after), Lines{}) << changed;
    EXPECT_EQ(told_after(after, {{0, "a", 1}}, after).size(), 1u) << changed;
  }
}

TEST(StateMeaning, another_max_last_ends_nothing) {
  PipelineOptions before = two_readers();
  before.windows = {window_over("w", {"climate"}, 10'000, {{"n", "count()"}})};
  before.windows[0].last_ms = 5'000;
  PipelineOptions after = before;
  after.windows[0].max_last = 2;
  EXPECT_EQ(told_after(before, {{0, "a"}, {1, "a"}, {2, "a"}}, after),
            Lines{"w a [0,10000) #0 final n=2"});
}

TEST(StateMeaning, joined_readings_of_another_type_are_left_behind) {
  PipelineOptions before = two_readers();
  before.joins.resize(1);
  before.joins[0].name = "j";
  before.joins[0].from = "climate";
  before.joins[0].with = "cargo";
  before.joins[0].select = {{"cargo_temp", "temp_c"}};
  PipelineOptions after = before;
  after.sources[1].fields[0].type = FieldType::kText;
  const std::vector<Reading> readings = {{0, "a", 7, "", 1}, {1, "a", 5, "", 0}};
  EXPECT_EQ(told_after(before, readings, before), Lines{"j a @1 temp_c=5 door=NULL cargo_temp=7"});
  EXPECT_EQ(told_after(before, readings, after), Lines{});
}

TEST(StateMeaning, another_watermark_mode_leaves_behind_what_ran_by_the_former_one) {
  PipelineOptions before = two_readers();
  MapOptions map;
  map.name = "doors";
  map.from = "climate";
  map.key = "door";
  before.maps = {map};
  before.windows = {window_over("w", {"doors"}, 10'000, {{"n", "count()"}}),
                    window_over("v", {"climate"}, 10'000, {{"n", "count()"}})};
  PipelineOptions after = before;
  after.sources[0].watermark = WatermarkMode::kSource;
  EXPECT_EQ(told_after(before, {{0, "a", 1, "x"}}, after), Lines{});
  EXPECT_EQ(told_after(after, {{0, "a", 1, "x"}}, before), Lines{});
}

TEST(StateMeaning, a_new_field_ends_nothing_that_does_not_read_it) {
  PipelineOptions before = two_readers();
  before.windows = {window_over("w", {"climate"}, 10'000, {{"n", "count()"}})};
  before.rules.resize(1);
  before.rules[0].name = "hot";
  before.rules[0].from = "climate";
  before.rules[0].when = "temp_c > 5";
  PipelineOptions after = before;
  after.sources[0].fields.push_back(number("humidity"));
  EXPECT_EQ(
      told_after(before, {{0, "a", 9}}, after),
      (Lines{"w a [0,10000) #0 final n=1", "hot a @0 state=raised severity=warning since=0"}));
}

}  // namespace
}  // namespace wayside
