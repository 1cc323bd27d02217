#include "pipeline/lookup.h"

#include <gtest/gtest.h>

#include "tests/block_fleet.h"

namespace wayside {
namespace {

// Looks up what `door` says, and counts what comes by the text that was found.
PipelineOptions looked_up(bool inner = false) {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].max_disorder_ms = 0;
  LookupOptions lookup;
  lookup.name = "equipped";
  lookup.from = "climate";
  lookup.match = "door";
  lookup.column = "door";
  lookup.columns = {{"zone", "text"}, {"limit_c", "number"}};
  lookup.inner = inner;
  options.lookups = {lookup};
  options.windows = {window_over("w", {"equipped"}, 10'000,
                                 {{"n", "count()"}, {"z", "last(zone)"}, {"s", "sum(limit_c)"}})};
  options.windows[0].late_to = {};
  return options;
}

LookupContents contents(double limit) {
  return {{{"limit_c", FieldType::kNumber}, {"zone", FieldType::kText}},
          {"open", "shut"},
          {{limit, Value()}, {std::string("dock"), std::string("road")}}};
}

class LookedUp {
 public:
  explicit LookedUp(const PipelineOptions& options) : stage(options) {}
  Lines turn(const std::vector<Reading>& readings, std::optional<LookupContents> table = {}) {
    Group group = stage.make_group(readings, 0);
    if (table) group.notes.push_back({Note::Kind::kLookup, 0, "equipped", table->encode()});
    EmissionBuffer out;
    stage.pipeline().turn(group, 0, out);
    stage.pipeline().end_group(group);
    return to_lines({out.pending().begin(), out.pending().end()});
  }
  Stage stage;
};

TEST(Lookup, readings_take_columns_of_the_row_that_has_their_text) {
  LookedUp told(looked_up());
  told.turn({{0, "a", 1, "open"}, {1, "a", 1, "open"}, {2, "a", 1, "shut"}}, contents(8));
  EXPECT_EQ(told.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=3 z=road s=16"});
}

TEST(Lookup, without_a_row_columns_are_null) {
  LookedUp told(looked_up());
  told.turn({{0, "a", 1, "ajar"}, {1, "a"}}, contents(8));
  EXPECT_EQ(told.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=2 z=NULL s=NULL"});
}

TEST(Lookup, before_its_table_is_known_nothing_is_found) {
  LookedUp told(looked_up());
  told.turn({{0, "a", 1, "open"}});
  EXPECT_EQ(told.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=1 z=NULL s=NULL"});
}

TEST(Lookup, inner_leaves_out_what_finds_no_row_though_it_moves_the_watermark) {
  LookedUp told(looked_up(true));
  told.turn({{0, "a", 1, "open"}, {1, "a", 1, "ajar"}}, contents(8));
  EXPECT_EQ(told.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=1 z=dock s=8"});
  EXPECT_EQ(told.stage.ledger().used, 3u);
}

TEST(Lookup, readings_see_what_the_table_held_when_they_came) {
  LookedUp told(looked_up());
  told.turn({{0, "a", 1, "open"}}, contents(8));
  told.turn({{1, "a", 1, "open"}}, contents(10));
  EXPECT_EQ(told.turn({{10'000, "a"}}, contents(99)),
            Lines{"w a [0,10000) #0 final n=2 z=dock s=18"});
}

LookupContents assigned() {
  return {{{"limit_c", FieldType::kNumber}, {"zone", FieldType::kText}},
          {"open", "shut", "open", "open"},
          {{3.0, 8.0, 1.0, 2.0},
           {std::string("late"), std::string("road"), std::string("ever"), std::string("early")}},
          {5'000, kTimeMin, kTimeMin, 2'000}};
}

TEST(Lookup, with_since_readings_find_the_row_that_held_at_their_time) {
  PipelineOptions options = looked_up();
  options.lookups[0].since = "since";
  options.sources[0].max_disorder_ms = 5'000;
  LookedUp told(options);
  told.turn({{1'999, "a", 1, "open"}, {5'000, "b", 1, "open"}}, assigned());
  told.turn({{4'999, "c", 1, "open"}, {9'000, "d", 1, "shut"}, {2'000, "e", 1, "open"}});
  told.turn({{9'000, "c", 1, "open"}, {3'000, "b", 1, "open"}});
  EXPECT_EQ(told.stage.finish(),
            (Lines{"w a [0,10000) #0 final n=1 z=ever s=1", "w b [0,10000) #0 final n=2 z=late s=5",
                   "w c [0,10000) #0 final n=2 z=late s=5", "w d [0,10000) #0 final n=1 z=road s=8",
                   "w e [0,10000) #0 final n=1 z=early s=2"}));
}

TEST(Lookup, before_the_first_since_nothing_is_found) {
  PipelineOptions options = looked_up(true);
  options.lookups[0].since = "since";
  LookedUp told(options);
  LookupContents table = assigned();
  table.since = {5'000, 6'000, 7'000, 8'000};
  told.turn({{4'999, "a", 1, "open"}, {5'000, "a", 1, "open"}}, table);
  EXPECT_EQ(told.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=1 z=late s=3"});
}

TEST(LookupContents, times_are_kept_and_contents_without_them_are_as_they_were) {
  const auto timed = LookupContents::decode(assigned().encode());
  ASSERT_TRUE(timed.ok());
  EXPECT_EQ(timed->since, assigned().since);
  const auto plain = LookupContents::decode(contents(8).encode());
  ASSERT_TRUE(plain.ok());
  EXPECT_TRUE(plain->since.empty());
  const std::string bytes = assigned().encode();
  EXPECT_FALSE(LookupContents::decode(bytes.substr(0, bytes.size() - 1)).ok());
  EXPECT_FALSE(LookupContents::decode(bytes + "x").ok());
}

TEST(Lookup, its_table_is_part_of_the_saved_state_and_saved_when_it_changes_only) {
  LookedUp told(looked_up());
  told.turn({{0, "a", 1, "open"}}, contents(8));
  SavedState saved;
  saved.apply(told.stage.pipeline().save_changes());
  told.turn({{1, "a", 1, "open"}});
  for (const StateRow& row : told.stage.pipeline().save_changes()) {
    EXPECT_FALSE(row.key.empty() && row.component == "table:equipped");
    saved.apply({row});
  }
  told.stage.reopen(saved);
  told.turn({{2, "a", 1, "open"}});
  EXPECT_EQ(told.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=3 z=dock s=24"});
}

TEST(Lookup, contents_of_another_configuration_lack_columns_and_damaged_ones_are_passed_over) {
  LookedUp told(looked_up());
  LookupContents other = contents(8);
  other.columns[1].type = FieldType::kNumber;
  told.turn({{0, "a", 1, "open"}}, other);
  Group group = told.stage.make_group({{1, "a", 1, "open"}}, 0);
  group.notes.push_back({Note::Kind::kLookup, 0, "equipped", contents(9).encode().substr(0, 20)});
  group.notes.push_back({Note::Kind::kLookup, 0, "gone", contents(9).encode()});
  EmissionBuffer out;
  told.stage.pipeline().turn(group, 0, out);
  EXPECT_EQ(told.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=2 z=NULL s=16"});
}

TEST(Lookup, schedules_do_not_matter) {
  PipelineOptions options = two_sources(WatermarkMode::kKey);
  options.lookups = looked_up().lookups;
  options.windows = {window_over("w", {"equipped"}, 5'000,
                                 {{"n", "count()"},
                                  {"zones", "count_distinct(zone)"},
                                  {"z", "last(zone)"},
                                  {"s", "sum(limit_c)"}})};
  LookupContents later = contents(9);
  later.cells[1] = {std::string("yard"), Value()};
  const NotesByTick tables{{5, {Note::Kind::kLookup, 0, "equipped", contents(8).encode()}},
                           {80, {Note::Kind::kLookup, 0, "equipped", later.encode()}}};
  for (auto [seed, end] = seeds(3); seed < end; ++seed) {
    expect_schedules_do_not_matter(options, make_block_fleet(seed, {"open", "shut", "ajar"}), seed,
                                   tables);
  }
}

}  // namespace
}  // namespace wayside
