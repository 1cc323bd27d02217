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

class Told {
 public:
  explicit Told(const PipelineOptions& options) : stage(options) {}
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
  Told told(looked_up());
  told.turn({{0, "a", 1, "open"}, {1, "a", 1, "open"}, {2, "a", 1, "shut"}}, contents(8));
  EXPECT_EQ(told.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=3 z=road s=16"});
}

TEST(Lookup, without_a_row_columns_are_null) {
  Told told(looked_up());
  told.turn({{0, "a", 1, "ajar"}, {1, "a"}}, contents(8));
  EXPECT_EQ(told.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=2 z=NULL s=NULL"});
}

TEST(Lookup, before_its_table_is_known_nothing_is_found) {
  Told told(looked_up());
  told.turn({{0, "a", 1, "open"}});
  EXPECT_EQ(told.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=1 z=NULL s=NULL"});
}

TEST(Lookup, inner_leaves_out_what_finds_no_row_though_it_moves_the_watermark) {
  Told told(looked_up(true));
  told.turn({{0, "a", 1, "open"}, {1, "a", 1, "ajar"}}, contents(8));
  EXPECT_EQ(told.turn({{10'000, "a"}}), Lines{"w a [0,10000) #0 final n=1 z=dock s=8"});
  EXPECT_EQ(told.stage.ledger().used, 3u);
}

TEST(Lookup, readings_see_what_the_table_held_when_they_came) {
  Told told(looked_up());
  told.turn({{0, "a", 1, "open"}}, contents(8));
  told.turn({{1, "a", 1, "open"}}, contents(10));
  EXPECT_EQ(told.turn({{10'000, "a"}}, contents(99)),
            Lines{"w a [0,10000) #0 final n=2 z=dock s=18"});
}

TEST(Lookup, its_table_is_part_of_the_saved_state_and_saved_when_it_changes_only) {
  Told told(looked_up());
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
  Told told(looked_up());
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
