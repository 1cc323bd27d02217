#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

// A step "a" is a reading whose door says "a".
PatternStep step(const std::string& name, const std::string& times = "1") {
  PatternStep s;
  s.name = name;
  s.when = "door = '" + name + "'";
  s.times = times;
  return s;
}
PatternStep optional(PatternStep s) {
  s.optional = true;
  return s;
}
PatternStep or_else(PatternStep s) {
  s.alternative = true;
  return s;
}
PatternStep absent(PatternStep s, int64_t for_ms = 0) {
  s.absent = true;
  s.for_ms = for_ms;
  return s;
}

PipelineOptions pattern(std::vector<PatternStep> steps, int64_t within_ms = 60'000,
                        AfterMatch after_match = AfterMatch::kPastLast) {
  PipelineOptions options;
  options.sources = {climate()};
  PatternOptions p;
  p.name = "p";
  p.from = "climate";
  p.steps = std::move(steps);
  p.within_ms = within_ms;
  p.after_match = after_match;
  options.patterns = {p};
  return options;
}

// One reading a second: "ab.c" is a at 1,000, b at 2,000, c at 4,000.
std::vector<Reading> readings(const std::string& doors) {
  std::vector<Reading> all;
  int64_t time = 0;
  for (const char door : doors) {
    time += 1'000;
    if (door != '.') all.push_back({time, "k", 20, std::string(1, door)});
  }
  return all;
}

// "1-3 a1 b2": from second 1 to 3, a once, b twice.
Lines matches(const PipelineOptions& options, const std::string& doors) {
  Stage stage(options);
  stage.turn(readings(doors));
  std::vector<Emission> all = stage.emissions();
  stage.finish();
  all.insert(all.end(), stage.emissions().begin(), stage.emissions().end());
  Lines lines;
  for (const Emission& e : all) {
    const auto second = [&](size_t i) {
      return std::to_string(int64_t(std::get<double>(e.fields[i].value)) / 1'000);
    };
    EXPECT_EQ(e.time_ms, int64_t(std::get<double>(e.fields[1].value)));
    std::string line = second(0) + "-" + second(1);
    for (size_t i = 2; i < e.fields.size(); i += 3) {
      line += " " + e.fields[i].name + to_text(e.fields[i].value);
    }
    lines.push_back(line);
  }
  return lines;
}

TEST(Pattern, steps_come_one_after_the_other_and_what_is_between_is_passed_over) {
  const auto abc = pattern({step("a"), step("b"), step("c")});
  EXPECT_EQ(matches(abc, "xaxbxcx"), Lines{"2-6 a1 b1 c1"});
  EXPECT_EQ(matches(abc, "acb"), Lines{});
  EXPECT_EQ(matches(abc, "abcabc"), (Lines{"1-3 a1 b1 c1", "4-6 a1 b1 c1"}));
}

TEST(Pattern, a_match_tells_each_step_with_its_first_and_last_time) {
  Stage stage(pattern({step("a"), optional(step("o")), step("b", "2+"), step("c")}));
  EXPECT_EQ(stage.all(readings("abxbc")),
            Lines{"p k @5000 match_start=1000 match_end=5000 a=1 a_first=1000 a_last=1000 "
                  "o=0 o_first=NULL o_last=NULL b=2 b_first=2000 b_last=4000 "
                  "c=1 c_first=5000 c_last=5000"});
}

TEST(Pattern, readings_are_seen_in_order_of_event_time) {
  Stage stage(pattern({step("a"), step("b")}));
  stage.turn({{2'000, "k", 0, "b"}, {1'000, "k", 0, "a"}, {1'000, "j", 0, "a"}});
  EXPECT_EQ(stage.finish().size(), 1u);
}

TEST(Pattern, its_last_reading_comes_within_the_time_from_the_first_one) {
  const auto ab = pattern({step("a"), step("b")}, 3'000);
  EXPECT_EQ(matches(ab, "a..b"), Lines{"1-4 a1 b1"});
  EXPECT_EQ(matches(ab, "a...b"), Lines{});
  EXPECT_EQ(matches(ab, "a.a..b"), Lines{"3-6 a1 b1"});
}

TEST(Pattern, repetitions_have_a_least_and_a_greatest_number) {
  EXPECT_EQ(matches(pattern({step("a", "3")}), "aaaaaaa"), (Lines{"1-3 a3", "4-6 a3"}));
  const auto two = pattern({step("a", "2+"), step("b")});
  EXPECT_EQ(matches(two, "abaab"), Lines{"1-5 a3 b1"});
  EXPECT_EQ(matches(two, "ab"), Lines{});
  EXPECT_EQ(matches(pattern({step("x"), step("a", "1-2"), step("b")}), "xaaab"),
            Lines{"1-5 x1 a2 b1"});
}

TEST(Pattern, steps_may_be_optional_or_alternatives) {
  const auto optional_b = pattern({step("a"), optional(step("b")), step("c")});
  EXPECT_EQ(matches(optional_b, "abcac"), (Lines{"1-3 a1 b1 c1", "4-5 a1 b0 c1"}));
  const auto either = pattern({step("a"), step("b", "2"), or_else(step("c")), step("d")});
  EXPECT_EQ(matches(either, "acdabdabbd"), (Lines{"1-3 a1 b0 c1 d1", "4-10 a1 b2 c0 d1"}));
}

TEST(Pattern, a_reading_that_can_be_two_steps_is_tried_as_both) {
  PatternStep any = step("any", "1+");
  any.when = "door <> ''";
  EXPECT_EQ(matches(pattern({step("a"), any, step("b"), step("c")}), "abbc"),
            Lines{"1-4 a1 any1 b1 c1"});
}

TEST(Pattern, two_ways_to_one_place_go_on_as_one) {
  PatternStep also = or_else(step("also"));
  also.when = "door = 'a'";
  const auto both = pattern({step("a"), also, step("b"), absent(step("x"))});
  EXPECT_EQ(matches(both, "abxb"), Lines{});
  EXPECT_EQ(matches(both, "ab" + std::string(58, '.') + "z"), Lines{"1-61 a1 also0 b1"});
}

TEST(Pattern, what_is_absent_is_told_by_the_watermark) {
  const auto left_open = pattern({step("a"), absent(step("x"), 3'000)});
  Stage stage(left_open);
  EXPECT_EQ(stage.turn(readings("ab")), Lines{});
  EXPECT_EQ(stage.turn({{8'000, "k"}, {9'000, "k"}}), Lines{}) << "the watermark is 3,999";
  EXPECT_EQ(stage.turn({{9'001, "k"}}),
            Lines{"p k @4000 match_start=1000 match_end=4000 a=1 a_first=1000 a_last=1000"});
  EXPECT_EQ(matches(left_open, "a..x"), Lines{}) << "the border belongs to it";
  EXPECT_EQ(matches(left_open, "a...x"), Lines{"1-4 a1"});
}

TEST(Pattern, at_the_end_of_the_input_no_absence_is_told_of_the_time_behind_it) {
  for (const WatermarkMode mode : {WatermarkMode::kKey, WatermarkMode::kSource}) {
    auto left_open = pattern({step("a"), absent(step("x"), 3'000)});
    left_open.sources[0].watermark = mode;
    EXPECT_EQ(matches(left_open, "xa"), Lines{});
    EXPECT_EQ(matches(left_open, "xa.z"), Lines{});
    EXPECT_EQ(matches(left_open, "xa..z"), Lines{"2-5 a1"});
    EXPECT_EQ(matches(left_open, "xa..x"), Lines{});
  }
}

TEST(Pattern, an_absence_may_stand_before_other_steps) {
  EXPECT_EQ(matches(pattern({step("a"), absent(step("x")), step("b")}), "axbab"),
            Lines{"4-5 a1 b1"});
  const auto pause = pattern({step("a"), absent(step("x"), 2'000), step("b")});
  EXPECT_EQ(matches(pause, "abbb"), Lines{"1-4 a1 b1"}) << "after those two seconds";
  EXPECT_EQ(matches(pause, "axb.b"), Lines{});
}

TEST(Pattern, another_reading_of_the_step_before_begins_the_absence_anew) {
  const auto quiet = pattern({step("a", "1+"), absent(step("x"), 3'000)});
  EXPECT_EQ(matches(quiet, "a.axa..z"), Lines{"1-8 a3"});
  const auto optional_b = pattern({step("a"), optional(step("b")), absent(step("x"), 3'000)});
  EXPECT_EQ(matches(optional_b, "axb..z"), Lines{"1-6 a1 b1"});
}

TEST(Pattern, what_comes_at_the_time_of_the_reading_before_breaks_no_absence) {
  for (const int64_t for_ms : {0, 3'000}) {
    Stage stage(pattern({step("a"), absent(step("x"), for_ms), step("b")}));
    EXPECT_EQ(stage.all({{0, "k", 0, "a"}, {0, "k", 0, "x"}, {4'000, "k", 0, "b"}}).size(), 1u);
    EXPECT_EQ(stage.all({{9'000, "k", 0, "a"}, {9'001, "k", 0, "x"}, {14'000, "k", 0, "b"}}),
              Lines{});
  }
}

TEST(Pattern, without_for_a_last_absence_lasts_to_the_end_of_within) {
  const auto alone = pattern({step("a"), absent(step("x"))}, 5'000);
  EXPECT_EQ(matches(alone, "a"), Lines{});
  EXPECT_EQ(matches(alone, "a....z"), Lines{"1-6 a1"});
  EXPECT_EQ(matches(alone, "a....x"), Lines{});
  EXPECT_EQ(matches(alone, "a.....x"), Lines{"1-6 a1"});
}

TEST(Pattern, after_a_match_what_had_begun_is_dropped_or_goes_on) {
  EXPECT_EQ(matches(pattern({step("a"), step("b")}), "aabb"), Lines{"1-3 a1 b1"});
  EXPECT_EQ(matches(pattern({step("a"), step("b")}, 60'000, AfterMatch::kNext), "aabb"),
            (Lines{"1-3 a1 b1", "2-3 a1 b1"}));
}

TEST(Pattern, of_too_many_that_have_begun_the_oldest_goes) {
  PipelineOptions options = pattern({step("a"), step("b")}, 60'000, AfterMatch::kNext);
  options.patterns[0].max_partial = 2;
  EXPECT_EQ(matches(options, "aaab"), (Lines{"2-4 a1 b1", "3-4 a1 b1"}));
  Stage stage(options);
  stage.all(readings("aaab"));
  EXPECT_EQ(stage.pipeline().block_status()[0].evicted, 1u);
}

TEST(Pattern, readings_that_were_left_out_before_it_are_no_faults) {
  PipelineOptions options = pattern({step("a")});
  options.patterns[0].steps[0].when = "json_extract(door, '$.a')";
  options.patterns[0].from = "m";
  options.maps.resize(1);
  options.maps[0].name = "m";
  options.maps[0].from = "climate";
  options.maps[0].where = "temp_c > 0";
  Stage stage(options);
  EXPECT_EQ(stage.all({{0, "k", 0, "{"}, {1, "k", 1, "{\"a\":1}"}}).size(), 1u);
  for (const BlockStatus& block : stage.pipeline().block_status()) EXPECT_EQ(block.faults, 0u);
}

TEST(Pattern, a_silent_key_tells_what_has_come_and_when_forgotten_also_what_has_not) {
  Stage stage(pattern({step("a"), step("b")}));
  stage.turn(readings("ab"));
  EXPECT_EQ(stage.turn({}, 30'000).size(), 1u);
  Stage silent(pattern({step("a"), absent(step("x"), 2'000)}));
  silent.turn(readings("a"));
  EXPECT_EQ(silent.turn({}, 30'000), Lines{});
  EXPECT_EQ(silent.turn({}, 3'600'000).size(), 1u);
  EXPECT_EQ(silent.pipeline().block_status()[0].open, 0u);
}

TEST(Pattern, in_source_mode_one_key_brings_the_time_of_all) {
  PipelineOptions options = pattern({step("a"), absent(step("x"), 2'000)});
  options.sources[0].watermark = WatermarkMode::kSource;
  Stage stage(options);
  stage.turn({{1'000, "l", 0, "a"}, {1'000, "k", 0, "a"}});
  EXPECT_EQ(stage.turn({{9'000, "z"}}),
            (Lines{"p k @3000 match_start=1000 match_end=3000 a=1 a_first=1000 a_last=1000",
                   "p l @3000 match_start=1000 match_end=3000 a=1 a_first=1000 a_last=1000"}));
}

TEST(Pattern, other_blocks_read_its_matches) {
  PipelineOptions options = pattern({step("a"), step("b")});
  WindowOptions window;
  window.name = "w";
  window.from = {"p"};
  window.size_ms = 10'000;
  window.select = {{"n", "count()"}, {"longest", "max(match_end - match_start)"}};
  options.windows = {window};
  Stage stage(options);
  EXPECT_EQ(stage.all(readings("aba..b")).back(), "w k [0,10000) #0 final n=2 longest=3000");
}

TEST(Pattern, a_pattern_that_means_nothing_is_an_error) {
  struct Row {
    std::vector<PatternStep> steps;
    const char* item;
  };
  const std::vector<Row> rows = {
      {{}, "steps"},
      {{step("a", "0")}, "steps.a.times"},
      {{step("a", "3-2")}, "steps.a.times"},
      {{step("a", "two")}, "steps.a.times"},
      {{step("a"), optional(step("b"))}, "steps.b.optional"},
      {{absent(step("x")), step("a")}, "steps.x.absent"},
      {{optional(step("a")), absent(step("x")), step("b")}, "steps.x.absent"},
      {{step("a"), absent(step("x")), absent(step("y"))}, "steps.y.absent"},
      {{step("a"), absent(step("x", "2"))}, "steps.x.times"},
      {{step("a"), optional(absent(step("x")))}, "steps.x.optional"},
      {{or_else(step("a"))}, "steps.a.or"},
      {{step("a"), absent(or_else(step("x")))}, "steps.x.or"},
  };
  for (const Row& row : rows) {
    std::vector<BlockError> errors;
    EXPECT_EQ(Pipeline::make(pattern(row.steps), errors), nullptr) << row.item;
    ASSERT_EQ(errors.size(), 1u) << row.item;
    EXPECT_EQ(errors[0].item, row.item) << errors[0].message;
  }
  PatternStep wrong = step("a");
  wrong.when = "dor = 'a'";
  std::vector<BlockError> errors;
  EXPECT_EQ(Pipeline::make(pattern({wrong}), errors), nullptr);
  EXPECT_EQ(errors.at(0).item, "steps.a.when");
}

}  // namespace
}  // namespace wayside
