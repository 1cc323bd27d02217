#include "pipeline/map.h"

#include <gtest/gtest.h>

#include "tests/block_fleet.h"

namespace wayside {
namespace {

using Items = std::vector<std::pair<std::string, std::string>>;

MapOptions map_of(Items select, const std::string& where = "") {
  MapOptions map;
  map.name = "m";
  map.from = "climate";
  map.select = std::move(select);
  map.where = where;
  return map;
}
MapOptions exploded(const std::string& array, Items select, const std::string& where = "") {
  MapOptions map = map_of(std::move(select), where);
  map.explode = array;
  return map;
}
MapOptions rekeyed(const std::string& key, Items select = {}, const std::string& where = "") {
  MapOptions map = map_of(std::move(select), where);
  map.key = key;
  return map;
}
MapOptions named(const std::string& name, const std::string& from, MapOptions map) {
  map.name = name;
  map.from = from;
  return map;
}

// A map `m` over climate() without disorder, and a window of 10 s over it.
PipelineOptions mapped(const MapOptions& map, Items window) {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].max_disorder_ms = 0;
  options.maps = {map};
  options.windows = {window_over("w", {"m"}, 10'000, std::move(window))};
  options.windows[0].late_to = {};
  return options;
}

TEST(Map, hands_all_fields_on_where_nothing_is_selected) {
  Stage stage(mapped(map_of({}, "temp_c > 10"),
                     {{"n", "count()"}, {"top", "max(temp_c)"}, {"door", "last(door)"}}));
  EXPECT_EQ(stage.all({{0, "a", 20, "open"}, {1, "a", 10, "shut"}, {2, "a", kNull}}),
            Lines{"w a [0,10000) #0 final n=1 top=20 door=open"});
  EXPECT_EQ(stage.ledger().used, 3u);
}

TEST(Map, what_where_leaves_out_still_moves_the_watermark) {
  Stage stage(mapped(map_of({}, "door = 'open'"), {{"n", "count()"}}));
  EXPECT_EQ(stage.turn({{0, "a", 1, "open"}, {10'000, "a", 1, "shut"}}),
            Lines{"w a [0,10000) #0 final n=1"});
}

TEST(Map, select_gives_its_aliases_and_the_key) {
  Stage stage(mapped(map_of({{"f", "temp_c * 2"},
                             {"t", "temp_c"},
                             {"d", "door"},
                             {"label", "CAST(vehicle || ':' || door AS TEXT)"}}),
                     {{"f", "max(f)"},
                      {"t", "max(t)"},
                      {"d", "last(d)"},
                      {"label", "last(label)"},
                      {"v", "count() FILTER (WHERE vehicle = 'a')"}}));
  EXPECT_EQ(stage.all({{0, "a", 20, "open"}, {0, "b", 5}}),
            (Lines{"w a [0,10000) #0 final f=40 t=20 d=open label=a:open v=1",
                   "w b [0,10000) #0 final f=10 t=5 d=NULL label=NULL v=0"}));
}

TEST(Map, explodes_an_array_into_a_reading_for_each_element) {
  Stage stage(mapped(
      exploded("door", {{"v", "value"}, {"at", "position"}, {"t", "temp_c"}}, "value IS NOT NULL"),
      {{"n", "count()"}, {"sum", "sum(v)"}, {"at", "max(at)"}, {"t", "max(t)"}}));
  EXPECT_EQ(stage.all({{0, "a", 7, "[1, 2.5, null, true]"}, {1, "b", 8, " [] "}, {2, "b", 9}}),
            Lines{"w a [0,10000) #0 final n=3 sum=4.5 at=3 t=7"});
  EXPECT_EQ(stage.ledger().used, 3u);
  EXPECT_EQ(stage.pipeline().block_status()[0].faults, 0u);
}

TEST(Map, elements_are_numbers_texts_or_json) {
  const struct {
    const char* element;
    const char* expected;
  } cases[] = {{"7", "text=7 sku=NULL big=1"},
               {"\"x\"", "text=x sku=NULL big=1"},
               {"{\"sku\": \"s-1\"}", "text={\"sku\": \"s-1\"} sku=s-1 big=1"},
               {"[4]", "text=[4] sku=NULL big=1"},
               {"false", "text=0 sku=NULL big=0"}};
  for (const auto& c : cases) {
    Stage stage(mapped(
        exploded("'[' || door || ']'", {{"text", "CAST(value AS TEXT)"},
                                        {"sku",
                                         "CAST(CASE WHEN json_valid(value) THEN value ->> '$.sku' "
                                         "END AS TEXT)"},
                                        {"big", "value > 5"}}),
        {{"text", "last(text)"}, {"sku", "last(sku)"}, {"big", "last(big)"}}));
    EXPECT_EQ(stage.all({{0, "a", 0, c.element}}),
              Lines{"w a [0,10000) #0 final " + std::string(c.expected)});
  }
}

TEST(Map, whole_numbers_among_the_elements_are_keys_with_all_their_digits) {
  MapOptions map = exploded("door", {{"item", "CAST(value AS TEXT)"}, {"v", "value"}});
  map.key = "item";
  const struct {
    const char* array;
    Lines expected;
  } cases[] = {{"[17, \"17\"]", {"w 17 [0,10000) #0 final n=2 v=17"}},
               {"[1.5]", {"w 1.5 [0,10000) #0 final n=1 v=1.5"}},
               {"[4711001122334453, 4711001122334454]",
                {"w 4711001122334453 [0,10000) #0 final n=1 v=4711001122334453",
                 "w 4711001122334454 [0,10000) #0 final n=1 v=4711001122334454"}},
               {"[9223372036854775807, -9007199254740993]",
                {"w -9007199254740993 [0,10000) #0 final n=1 v=-9007199254740992",
                 "w 9223372036854775807 [0,10000) #0 final n=1 v=9223372036854775808"}},
               {"[18446744073709551615]",
                {"w 18446744073709551615 [0,10000) #0 final n=1 v=18446744073709551616"}}};
  for (const auto& c : cases) {
    PipelineOptions options = mapped(map, {{"n", "count()"}, {"v", "sum(v)"}});
    Stage stage(options);
    EXPECT_EQ(stage.all({{0, "a", 0, c.array}}), c.expected) << c.array;
  }
}

TEST(Map, what_is_no_array_is_counted_and_gives_nothing) {
  Stage stage(mapped(exploded("door", {{"v", "value"}}), {{"n", "count()"}}));
  for (const char* text : {"{}", "7", "x", "[1,", "[1] 2", "[1,}"}) {
    EXPECT_EQ(stage.turn({{0, "a", 0, text}}), Lines{}) << text;
  }
  EXPECT_EQ(stage.finish(), Lines{});
  EXPECT_EQ(stage.ledger().used, 6u);
  EXPECT_EQ(stage.pipeline().block_status()[0].faults, 6u);
}

TEST(Map, a_long_array_is_exploded_piece_by_piece) {
  std::string array = "[0";
  for (int i = 1; i < 10'000; ++i) array += "," + std::to_string(i);
  Stage stage(mapped(exploded("door", {{"v", "value"}}), {{"n", "count()"}, {"sum", "sum(v)"}}));
  EXPECT_EQ(stage.all({{0, "a", 0, array + "]"}, {1, "a", 0, "[1]"}, {2, "b", 0, array + "]"}}),
            (Lines{"w a [0,10000) #0 final n=10001 sum=49995001",
                   "w b [0,10000) #0 final n=10000 sum=49995000"}));
}

TEST(Map, a_reading_is_late_if_no_element_of_it_was_in_time) {
  PipelineOptions options = mapped(exploded("door", {{"v", "value"}}), {{"n", "count()"}});
  Stage stage(options);
  stage.turn({{0, "a", 0, "[1]"}, {20'000, "a", 0, "[1]"}});
  stage.turn({{1, "a", 0, "[1,2]"}});  // both are late
  EXPECT_EQ(stage.ledger().late, 1u);
  stage.turn({{2, "a", 0, "[]"}});  // nothing of it is
  EXPECT_EQ(stage.ledger().late, 1u);
  EXPECT_EQ(stage.ledger().used, 3u);
}

TEST(Map, a_reading_that_one_block_takes_is_not_late_though_another_is_closed_to_it) {
  PipelineOptions options = mapped(map_of({}, "temp_c > 0"), {{"n", "count()"}});
  options.windows.push_back(window_over("long", {"climate"}, 3'600'000, {{"n", "count()"}}));
  Stage stage(options);
  stage.turn({{0, "a", 1}, {20'000, "a", 1}, {1, "a", 1}});
  EXPECT_EQ(stage.ledger().late, 0u);
  EXPECT_EQ(stage.ledger().used, 3u);
}

// ---- other keys

PipelineOptions by_door() { return mapped(rekeyed("door"), {{"n", "count()"}}); }

TEST(MapKeys, readings_of_another_key_are_counted_together) {
  Stage stage(by_door());
  EXPECT_EQ(stage.all({{0, "a", 1, "open"}, {0, "b", 1, "shut"}, {1, "b", 1, "open"}}),
            (Lines{"w open [0,10000) #0 final n=2", "w shut [0,10000) #0 final n=1"}));
}

TEST(MapKeys, the_slowest_device_that_is_not_idle_says_how_far_time_has_come) {
  PipelineOptions options = by_door();
  options.sources[0].idle_after_ms = 30'000;
  Stage stage(options);
  stage.turn({{0, "a", 1, "x"}, {0, "b", 1, "x"}}, 0);
  EXPECT_EQ(stage.turn({{15'000, "a", 1, "x"}}, 20'000), Lines{}) << "b may still bring more";
  EXPECT_EQ(stage.turn({{9'000, "b", 1, "x"}}, 21'000), Lines{}) << "and does";
  EXPECT_EQ(stage.turn({{30'000, "a", 1, "x"}}, 30'000), Lines{});
  EXPECT_EQ(stage.turn({{31'000, "a", 1, "x"}}, 51'000),
            (Lines{"w x [0,10000) #0 final n=3", "w x [10000,20000) #0 final n=1"}))
      << "b is idle";
  stage.turn({{12'000, "b", 1, "x"}}, 52'000);
  EXPECT_EQ(stage.ledger().late, 1u) << "time does not go back for a device that wakes up";
}

TEST(MapKeys, a_reading_without_a_key_is_dropped_unless_another_block_takes_it) {
  PipelineOptions options = by_door();
  Stage stage(options);
  EXPECT_EQ(stage.all({{0, "a", 1}, {0, "b", 1, "x"}}), Lines{"w x [0,10000) #0 final n=1"});
  EXPECT_EQ(stage.ledger().used, 1u);
  EXPECT_EQ(stage.ledger().dropped, 1u);
  EXPECT_EQ(stage.pipeline().block_status()[0].dropped, 1u);
  EXPECT_EQ(stage.pipeline().block_status()[0].faults, 0u);
  options.windows.push_back(window_over("all", {"climate"}, 10'000, {{"n", "count()"}}));
  Stage both(options);
  both.turn({{0, "a", 1}});
  EXPECT_EQ(both.ledger().used, 1u);
}

TEST(MapKeys, readings_beyond_max_keys_are_dropped_unless_another_block_takes_them) {
  PipelineOptions options = by_door();
  options.maps[0].max_keys = 1;
  Stage stage(options);
  stage.turn({{0, "a", 1, "x"}, {0, "a", 1, "y"}, {0, "b", 1, "x"}});
  EXPECT_EQ(stage.ledger().dropped, 1u);
  EXPECT_EQ(stage.pipeline().block_status()[0].dropped, 1u);
  options.windows.push_back(window_over("all", {"climate"}, 10'000, {{"n", "count()"}}));
  Stage both(options);
  both.turn({{0, "a", 1, "x"}, {0, "a", 1, "y"}, {0, "b", 1, "x"}});
  EXPECT_EQ(both.ledger().used, 3u);
  EXPECT_EQ(both.ledger().dropped, 0u);
}

TEST(MapKeys, a_key_is_forgotten_when_no_reading_had_it_for_long) {
  PipelineOptions options = by_door();
  options.maps[0].forget_after_ms = 60'000;
  Stage stage(options);
  stage.turn({{0, "a", 1, "x"}, {0, "b", 1, "y"}}, 0);
  EXPECT_EQ(stage.turn({{1, "b", 1, "y"}}, 59'000), Lines{});
  EXPECT_EQ(stage.pipeline().next_timer(), 60'000);
  EXPECT_EQ(stage.turn({}, 60'000), Lines{"w x [0,10000) #0 final n=1"});
}

TEST(MapKeys, a_key_lives_as_long_as_the_source_or_the_map_knows_it) {
  PipelineOptions options = by_door();
  options.sources[0].forget_after_ms = 50'000;
  options.maps[0].forget_after_ms = 100'000;
  options.windows.push_back(window_over("own", {"climate"}, 10'000, {{"n", "count()"}}));
  Stage stage(options);
  stage.turn({{0, "x", 1, "x"}, {0, "y", 1, "x"}}, 0);  // a device whose name is also a text
  stage.turn({{1, "y", 1, "x"}}, 49'000);
  EXPECT_EQ(stage.turn({}, 50'000), Lines{"own x [0,10000) #1 final n=1"});
  stage.turn({{2, "y", 1, "x"}}, 51'000);
  EXPECT_EQ(stage.finish(), (Lines{"own y [0,10000) #1 final n=3", "w x [0,10000) #0 final n=4"}));
}

TEST(MapKeys, rules_see_the_new_keys_in_order_of_time) {
  PipelineOptions options = by_door();
  options.windows.clear();
  RuleOptions rule;
  rule.name = "hot";
  rule.from = "m";
  rule.when = "temp_c > 30";
  options.rules = {rule};
  Stage stage(options);
  stage.turn({{0, "a"}, {0, "b"}});
  EXPECT_EQ(stage.turn({{5, "a", 40, "x"}, {2, "b", 10, "x"}, {3, "b", 35, "x"}, {9, "a", 1, "x"}}),
            Lines{})
      << "b may bring older ones";
  EXPECT_EQ(stage.turn({{20, "b", 1, "y"}}),
            (Lines{"hot x @3 state=raised severity=warning since=3"}));
  EXPECT_EQ(stage.turn({{20, "a", 1, "y"}}),
            (Lines{"hot x @9 state=cleared severity=warning since=3"}));
}

TEST(MapKeys, a_window_reads_a_map_over_a_window) {
  PipelineOptions options = mapped(rekeyed("zone", {{"n", "n"}, {"zone", "zone"}}),
                                   {{"n", "sum(n)"}, {"devices", "count()"}});
  options.maps[0].from = "each";
  options.windows.push_back(
      window_over("each", {"climate"}, 5'000, {{"n", "count()"}, {"zone", "last(door)"}}));
  options.windows[1].late_to = {};
  options.windows[1].to = {"none"};
  options.uplinks = {"out", "none"};
  options.windows[0].to = {"out"};
  Stage stage(options);
  Lines lines;
  for (std::string& line : stage.turn({{0, "a", 1, "x"},
                                       {1, "b", 1, "x"},
                                       {1, "a", 1, "x"},
                                       {6'000, "b", 1, "y"},
                                       {7'000, "a", 1, "x"},
                                       {12'000, "a", 1, "x"},
                                       {13'000, "b", 1, "x"}})) {
    if (line.starts_with("w ")) lines.push_back(line);
  }
  EXPECT_EQ(lines, (Lines{"w x [0,10000) #0 final n=4 devices=3",
                          "w y [0,10000) #0 final n=1 devices=1"}));
}

// ---- errors

TEST(MapErrors, say_what_is_wrong_and_where) {
  const struct {
    MapOptions map;
    const char* item;
    const char* message;
  } cases[] = {
      {map_of({}, "tmp_c > 1"), "where", "unknown field 'tmp_c'; did you mean 'temp_c'?"},
      {map_of({{"x", "tmp_c"}}), "select.x", "unknown field 'tmp_c'; did you mean 'temp_c'?"},
      {exploded("dor", {{"x", "value"}}), "explode", "unknown field 'dor'; did you mean 'door'?"},
      {rekeyed("dor"), "key", "there is no field 'dor'; did you mean 'door'?"},
      {rekeyed("temp_c"), "key", "'temp_c' is not a text; CAST(… AS TEXT) gives one"},
      {rekeyed("zona", {{"zone", "door"}}), "key",
       "there is no alias of select 'zona'; did you mean 'zone'?"},
      {map_of({{"vehicle", "upper(vehicle)"}}), "select.vehicle",
       "the key has this name; with key = \"vehicle\" this one takes its place"},
  };
  for (const auto& c : cases) {
    std::vector<BlockError> errors;
    EXPECT_FALSE(Pipeline::make(mapped(c.map, {{"n", "count()"}}), errors));
    ASSERT_EQ(errors.size(), 1u) << c.message;
    EXPECT_EQ(errors[0].block, "m");
    EXPECT_EQ(errors[0].item, c.item);
    EXPECT_EQ(errors[0].message, c.message);
  }
}

// ---- every schedule

PipelineOptions maps_of_all_kinds(WatermarkMode mode) {
  PipelineOptions options = two_sources(mode);
  const std::string array = "CASE door WHEN 'x' THEN '[1,2,3]' WHEN 'y' THEN '[]' ELSE 'no' END";
  options.maps = {
      named("warm", "climate", map_of({{"t", "temp_c + 1"}}, "temp_c > 4")),
      named("parts", "climate", exploded(array, {{"v", "value"}})),
      named("zones", "climate", rekeyed("door", {}, "temp_c > 1")),
      named("again", "zones",
            rekeyed("half", {{"t", "temp_c"}, {"half", "CAST(temp_c > 8 AS TEXT)"}})),
      named("sums", "by_device", rekeyed("zone", {{"n", "n"}, {"zone", "zone"}}, "n > 1")),
      named("ups", "climate", map_of({}, "temp_c > 8")),
      named("downs", "climate", map_of({}, "temp_c <= 8")),
  };
  options.maps[2].max_keys = 4;
  options.windows = {
      window_over("w_warm", {"warm"}, 10'000, {{"n", "count()"}, {"t", "max(t)"}}),
      window_over("w_parts", {"parts"}, 10'000, {{"n", "count()"}, {"v", "sum(v)"}}),
      window_over("w_zones", {"zones"}, 20'000, {{"n", "count()"}, {"t", "sum(temp_c)"}}),
      window_over("w_again", {"again"}, 20'000, {{"n", "count()"}}),
      window_over("by_device", {"cargo", "climate"}, 5'000,
                  {{"n", "count()"}, {"zone", "last(door)"}}),
      window_over("w_sums", {"sums"}, 20'000, {{"n", "sum(n)"}}),
      window_over("w_both", {"ups", "downs"}, 10'000, {{"n", "count()"}}),
  };
  options.windows[4].allowed_lateness_ms = 8'000;
  const auto rule = [&](const char* name, const char* from, const char* when) {
    RuleOptions r;
    r.name = name;
    r.from = from;
    r.when = when;
    r.for_ms = 2'000;
    options.rules.push_back(r);
  };
  rule("hot", "zones", "temp_c > 8");
  rule("many", "parts", "v > 1");
  rule("busy", "by_device", "n > 3");
  rule("high", "w_both", "n > 2");
  return options;
}

class MapSchedules : public testing::TestWithParam<WatermarkMode> {};

TEST_P(MapSchedules, do_not_matter) {
  const PipelineOptions options = maps_of_all_kinds(GetParam());
  for (auto [seed, end] = seeds(8); seed < end && !HasFailure(); ++seed) {
    const Fleet fleet = make_block_fleet(seed, {"x", "y", "z", "u", "v", "a"});
    expect_schedules_do_not_matter(options, fleet, seed);
  }
}

TEST_P(MapSchedules, make_every_block_speak) {
  std::map<std::string, size_t> spoken;
  Ledger fates;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Outcome r = run(maps_of_all_kinds(GetParam()),
                          tick_by_tick(make_block_fleet(seed, {"x", "y", "z", "u", "v", "a"})));
    for (const Emission& e : r.emissions) ++spoken[e.block + '/' + e.type];
    fates += r.ledger;
  }
  for (const char* what :
       {"w_warm/window", "w_warm/late", "w_parts/window", "w_parts/late", "w_zones/window",
        "w_zones/late", "w_again/window", "w_sums/window", "w_both/window", "hot/alarm",
        "many/alarm", "busy/alarm", "high/alarm"}) {
    EXPECT_GT(spoken[what], 5u) << what;
  }
  EXPECT_GT(fates.used, 100u);
}

TEST_P(MapSchedules, leave_nothing_of_keys_that_are_forgotten) {
  expect_nothing_is_left(maps_of_all_kinds(GetParam()),
                         make_block_fleet(1, {"x", "y", "z", "u", "v", "a"}));
}

INSTANTIATE_TEST_SUITE_P(Watermarks, MapSchedules,
                         testing::Values(WatermarkMode::kKey, WatermarkMode::kSource),
                         [](const auto& mode) {
                           return mode.param == WatermarkMode::kKey ? "by_key" : "by_source";
                         });

}  // namespace
}  // namespace wayside
