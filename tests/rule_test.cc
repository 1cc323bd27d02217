#include "pipeline/rule.h"

#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

constexpr double kYes = 1, kNo = 0;

// A rule on its own, with conditions given by hand; times in seconds.
class RuleAlone : public testing::Test {
 protected:
  RuleAlone() : key_(keys_.intern("a")) {}
  Rule make(int64_t for_s, Severity severity = Severity::kWarning) const {
    RuleOptions options;
    options.name = "door";
    options.from = "climate";
    options.when = "door = 'open'";
    options.for_ms = for_s * 1'000;
    options.severity = severity;
    return Rule(options, 1, keys_);
  }
  struct Step {
    int64_t time_s;
    double condition;
  };
  // "raised@10 since 0", …
  Lines run(Rule& rule, const std::vector<Step>& steps, int64_t watermark_s = -1) {
    EmissionBuffer out;
    for (const Step& step : steps) rule.on_reading(key_, step.time_s * 1'000, step.condition, out);
    if (watermark_s >= 0) rule.on_watermark(key_, watermark_s * 1'000, out);
    Lines lines;
    for (const Emission& e : out.pending()) {
      lines.push_back(to_text(e.fields[0].value) + '@' + std::to_string(e.time_ms / 1'000) +
                      " since " +
                      std::to_string(int64_t(std::get<double>(e.fields[2].value)) / 1'000));
    }
    return lines;
  }

  KeyTable keys_;
  uint32_t key_;
};

TEST_F(RuleAlone, raises_once_the_condition_has_held_long_enough_and_clears_when_it_ends) {
  const struct {
    const char* what;
    std::vector<Step> steps;
    int64_t watermark_s;
    Lines expected;
  } cases[] = {
      {"never true", {{0, kNo}, {30, kNo}}, 60, {}},
      {"not long enough", {{0, kYes}, {9, kNo}, {30, kNo}}, 60, {}},
      {"to the second", {{0, kYes}, {10, kNo}}, -1, {"raised@10 since 0", "cleared@10 since 0"}},
      {"over several readings", {{0, kYes}, {5, kYes}, {12, kYes}}, -1, {"raised@10 since 0"}},
      {"only once", {{0, kYes}, {20, kYes}, {40, kYes}}, 60, {"raised@10 since 0"}},
      {"the watermark alone", {{0, kYes}}, 10, {"raised@10 since 0"}},
      {"the watermark too early", {{0, kYes}}, 9, {}},
      {"an interruption starts anew",
       {{0, kYes}, {6, kNo}, {7, kYes}, {16, kYes}, {17, kYes}},
       -1,
       {"raised@17 since 7"}},
      {"again after it was cleared",
       {{0, kYes}, {15, kNo}, {20, kYes}, {30, kYes}},
       -1,
       {"raised@10 since 0", "cleared@15 since 0", "raised@30 since 20"}},
      {"nothing to clear", {{0, kNo}, {1, kNo}}, -1, {}},
      {"NULL says nothing",
       {{0, kNull}, {1, kYes}, {5, kNull}, {11, kNull}, {12, kNull}},
       -1,
       {"raised@11 since 1"}},
      {"any number but 0 is true", {{0, -0.5}, {10, 7}}, -1, {"raised@10 since 0"}},
      {"before 1970",
       {{-20, kYes}, {-5, kNo}},
       -1,
       {"raised@-10 since -20", "cleared@-5 since -20"}},
  };
  for (const auto& c : cases) {
    Rule rule = make(10);
    EXPECT_EQ(run(rule, c.steps, c.watermark_s), c.expected) << c.what;
  }
}

TEST_F(RuleAlone, without_a_duration_it_raises_at_once) {
  Rule rule = make(0);
  EXPECT_EQ(run(rule, {{3, kYes}, {4, kYes}, {5, kNo}}),
            (Lines{"raised@3 since 3", "cleared@5 since 3"}));
}

TEST_F(RuleAlone, an_alarm_has_its_own_lane_and_only_critical_ones_hurry) {
  for (Severity severity : {Severity::kInfo, Severity::kWarning, Severity::kCritical}) {
    Rule rule = make(0, severity);
    EmissionBuffer out;
    rule.on_reading(key_, 0, kYes, out);
    ASSERT_EQ(out.pending().size(), 1u);
    const Emission& e = out.pending()[0];
    EXPECT_EQ(e.lane, Lane::kAlarm);
    EXPECT_EQ(e.type, "alarm");
    EXPECT_EQ(out.has_critical(), severity == Severity::kCritical);
    EXPECT_EQ(rule.raised(), 1u);
  }
}

TEST_F(RuleAlone, a_saved_state_goes_on_in_every_phase) {
  const std::vector<Step> steps = {{0, kYes}, {4, kYes},  {10, kYes},
                                   {12, kNo}, {13, kYes}, {30, kNo}};
  Rule whole = make(10);
  const Lines expected = run(whole, steps);
  ASSERT_EQ(expected.size(), 4u);
  auto rule = std::make_unique<Rule>(make(10));
  Lines lines;
  for (const Step& step : steps) {
    for (std::string& line : run(*rule, {step})) lines.push_back(std::move(line));
    std::string bytes;
    ByteWriter writer(bytes);
    const bool saved = rule->save_key(key_, writer);
    rule = std::make_unique<Rule>(make(10));
    if (!saved) continue;
    ByteReader reader(bytes);
    rule->load_key(key_, reader);
    EXPECT_TRUE(reader.ok() && reader.left() == 0);
  }
  EXPECT_EQ(lines, expected);
}

TEST_F(RuleAlone, state_of_another_rule_is_not_taken_over) {
  RuleOptions options;
  options.when = "a";
  options.from = "climate";
  const auto fingerprint = [&] { return Rule(options, 1, keys_).fingerprint(); };
  const uint64_t before = fingerprint();
  options.severity = Severity::kCritical;
  EXPECT_EQ(fingerprint(), before) << "the severity says nothing about the state";
  options.when = "b";
  EXPECT_NE(fingerprint(), before);
  options.when = "a";
  options.for_ms = 1;
  EXPECT_NE(fingerprint(), before);
}

PipelineOptions open_door(WatermarkMode mode) {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].watermark = mode;
  options.rules.resize(1);
  options.rules[0] = {"open_10s", "climate", "door = 'open'", 10'000, Severity::kCritical, {}};
  return options;
}
const std::string kRaised = "open_10s a @11000 state=raised severity=critical since=1000";
const std::string kCleared = "open_10s a @12000 state=cleared severity=critical since=1000";

TEST(RuleInPipeline, the_order_of_arrival_within_the_disorder_does_not_matter) {
  for (WatermarkMode mode : {WatermarkMode::kKey, WatermarkMode::kSource}) {
    std::vector<Reading> readings = {{1'000, "a", 0, "open"},
                                     {5'000, "a", 0, "open"},
                                     {8'000, "a", 0, "open"},
                                     {12'000, "a", 0, "shut"}};
    do {
      Stage stage(open_door(mode));
      EXPECT_EQ(stage.all(readings), (Lines{kRaised, kCleared}));
      std::swap(readings[1], readings[2]);  // 3 s behind
    } while (readings[1].time_ms == 8'000);
  }
}

TEST(RuleInPipeline, in_source_mode_another_device_can_bring_the_time_that_raises) {
  Stage stage(open_door(WatermarkMode::kSource));
  EXPECT_EQ(stage.turn({{1'000, "a", 0, "open"}}), Lines{});
  EXPECT_EQ(stage.turn({{8'000, "b", 0, "shut"}}), Lines{}) << "now a's reading has left its queue";
  EXPECT_EQ(stage.turn({{16'000, "b", 0, "shut"}}), Lines{})
      << "a's door has been open for 9.999 s";
  EXPECT_EQ(stage.turn({{16'001, "b", 0, "shut"}}), Lines{kRaised});
  EXPECT_EQ(stage.turn({{30'000, "b", 0, "shut"}}), Lines{});
}

TEST(RuleInPipeline, in_key_mode_it_cannot) {
  Stage stage(open_door(WatermarkMode::kKey));
  stage.turn({{1'000, "a", 0, "open"}});
  EXPECT_EQ(stage.turn({{900'000, "b", 0, "shut"}}), Lines{});
  EXPECT_EQ(stage.turn({{12'000, "a", 0, "shut"}, {30'000, "a", 0, "shut"}}),
            (Lines{kRaised, kCleared}));
}

TEST(RuleInPipeline, in_source_mode_what_waits_is_seen_when_the_whole_source_falls_silent) {
  Stage stage(open_door(WatermarkMode::kSource));
  EXPECT_EQ(stage.turn({{12'000, "b", 0, "open"}, {12'000, "a", 0, "shut"}}), Lines{});
  EXPECT_EQ(stage.turn({{11'000, "a", 0, "open"}, {22'000, "b", 0, "open"}}, 15'000), Lines{});
  EXPECT_EQ(stage.turn({}, 44'000), Lines{});
  EXPECT_EQ(stage.turn({}, 45'000),
            Lines{"open_10s b @22000 state=raised severity=critical since=12000"});
  EXPECT_EQ(stage.pipeline().source_status()[0].waiting, 0u);
  EXPECT_EQ(stage.turn({{22'000, "b", 0, "shut"}}, 46'000), Lines{}) << "its place is gone";
  EXPECT_EQ(stage.ledger().late, 1u);
}

TEST(RuleInPipeline, the_alarm_of_a_forgotten_device_is_cleared_at_its_last_reading) {
  Stage stage(open_door(WatermarkMode::kKey));
  EXPECT_EQ(
      stage.turn({{1'000, "a", 0, "open"}, {20'000, "a", 0, "open"}, {9'000, "b", 0, "open"}}),
      Lines{kRaised});
  EXPECT_EQ(stage.turn({}, 3'599'000), Lines{});
  EXPECT_EQ(stage.turn({}, 3'600'000),
            Lines{"open_10s a @20000 state=cleared severity=critical since=1000"});
}

TEST(RuleInPipeline, in_source_mode_a_forgotten_devices_alarm_is_not_cleared_before_it_was_raised) {
  Stage stage(open_door(WatermarkMode::kSource));
  EXPECT_EQ(stage.turn({{1'000, "a", 0, "open"}, {30'000, "b", 0, "shut"}}), Lines{kRaised});
  EXPECT_EQ(stage.turn({}, 3'600'000),
            Lines{"open_10s a @11000 state=cleared severity=critical since=1000"});
}

TEST(RuleInPipeline, what_waits_is_seen_when_the_device_falls_silent) {
  Stage stage(open_door(WatermarkMode::kKey));
  EXPECT_EQ(stage.turn({{1'000, "a", 0, "open"}, {12'000, "a", 0, "shut"}}), Lines{});
  EXPECT_EQ(stage.turn({}, 29'000), Lines{});
  EXPECT_EQ(stage.turn({}, 30'000), (Lines{kRaised, kCleared}));
}

// ---- results that come late

// A window in which a late reading opens windows of its own.
PipelineOptions late_window() {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].max_disorder_ms = 0;
  WindowOptions w;
  w.name = "w";
  w.from = {"climate"};
  w.size_ms = 10'000;
  w.allowed_lateness_ms = 3'600'000;
  w.select = {{"m", "max(temp_c)"}};
  options.uplinks = {"out", "none"};
  w.to = {"none"};
  options.windows = {w};
  return options;
}
Lines of(const std::string& block, const Lines& lines) {
  Lines found;
  for (const std::string& line : lines) {
    if (line.starts_with(block + " ")) found.push_back(line);
  }
  return found;
}

TEST(LateResult, is_judged_by_a_rule_without_a_duration) {
  for (const WatermarkMode mode : {WatermarkMode::kKey, WatermarkMode::kSource}) {
    PipelineOptions options = late_window();
    options.sources[0].watermark = mode;
    options.rules.push_back({"hot", "w", "m > 5", 0, Severity::kCritical, {}});
    Stage stage(options);
    stage.turn({{100'000, "a", 1}, {200'000, "a", 1}});
    EXPECT_EQ(of("hot", stage.turn({{15'000, "a", 99}})),
              (Lines{"hot a @19999 state=raised severity=critical since=19999",
                     "hot a @19999 state=cleared severity=critical since=19999"}));
    EXPECT_EQ(of("hot", stage.turn({{35'000, "a", 1}})), Lines{});
    EXPECT_EQ(stage.pipeline().block_status().back().late, 0u);
    EXPECT_EQ(stage.pipeline().block_status().back().emitted, 1u);
  }
}

TEST(LateResult, changes_nothing_of_an_alarm_that_is_raised) {
  PipelineOptions options = late_window();
  options.rules.push_back({"hot", "w", "m > 5", 0, Severity::kCritical, {}});
  Stage stage(options);
  EXPECT_EQ(of("hot", stage.turn({{100'000, "a", 9}, {200'000, "a", 9}})).size(), 1u);
  EXPECT_EQ(of("hot", stage.turn({{15'000, "a", 99}, {35'000, "a", 1}})), Lines{});
  EXPECT_EQ(of("hot", stage.turn({{205'000, "a", 1}, {215'000, "a", 1}, {225'000, "a", 1}})),
            (Lines{"hot a @219999 state=cleared severity=critical since=109999"}));
}

TEST(LateResult, is_counted_where_only_readings_in_order_say_anything) {
  PipelineOptions options = late_window();
  options.rules.push_back({"held", "w", "m > 5", 1'000, Severity::kCritical, {}});
  options.detectors.resize(1);
  options.detectors[0].name = "drift";
  options.detectors[0].from = "w";
  options.detectors[0].field = "m";
  options.patterns.resize(1);
  options.patterns[0].name = "seen";
  options.patterns[0].from = "w";
  options.patterns[0].within_ms = 60'000;
  options.patterns[0].steps = {{"one", "m > 5"}, {"two", "m > 5"}};
  Stage stage(options);
  SavedState saved;
  stage.turn({{100'000, "a", 1}, {200'000, "a", 1}, {15'000, "a", 99}});
  saved.apply(stage.pipeline().save_changes());
  stage.reopen(saved);
  for (const BlockStatus& b : stage.pipeline().block_status()) {
    if (b.name != "w") EXPECT_EQ(b.late, 1u) << b.name;
  }
}

TEST(LateResult, a_late_reading_of_a_source_is_late_for_every_rule) {
  PipelineOptions options = late_window();
  options.windows.clear();
  options.rules.push_back({"hot", "climate", "temp_c > 5", 0, Severity::kCritical, {}});
  Stage stage(options);
  stage.turn({{100'000, "a", 1}});
  EXPECT_EQ(stage.turn({{15'000, "a", 99}}), Lines{});
  EXPECT_EQ(stage.ledger().late, 1u);
  EXPECT_EQ(stage.pipeline().block_status().back().late, 1u);
}

TEST(RuleInPipeline, at_the_end_of_the_input_another_key_may_have_brought_the_time) {
  PipelineOptions options = open_door(WatermarkMode::kSource);
  Stage stage(options);
  EXPECT_EQ(stage.all({{1'000, "a", 0, "open"}, {10'999, "b", 0, "shut"}}), Lines{});
  Stage later(options);
  EXPECT_EQ(later.all({{1'000, "a", 0, "open"}, {11'000, "b", 0, "shut"}}), Lines{kRaised});
}

}  // namespace
}  // namespace wayside
