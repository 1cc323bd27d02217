#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

constexpr int64_t kAheadMs = 900'000'000;

// A turn at `wall_ms` before which our clock was set, or merely confirmed.
struct ClockTurn {
  int64_t wall_ms;
  ClockState state = ClockState::kSynced;
  ClockState before = ClockState::kUnset;
  int64_t step_ms = 5'000;
};

class PipelineClock : public testing::Test {
 protected:
  PipelineClock() {
    options_.sources = {climate(), climate("doors")};
    for (SourceOptions& s : options_.sources) s.time_path = "ts";
    for (const std::vector<std::string>& from :
         {std::vector<std::string>{"climate"}, std::vector<std::string>{"climate", "doors"}}) {
      WindowOptions& w = options_.windows.emplace_back();
      w.name = from.size() == 1 ? "one" : "both";
      w.from = from;
      w.size_ms = 10'000;
      w.select = {{"n", "count()"}};
    }
  }
  Lines turn(Stage& stage, const ClockTurn& at, const std::vector<Reading>& readings) {
    Group group = stage.make_group(readings, at.wall_ms);
    group.turns[0].now.clock = at.state;
    group.notes = {{Note::Kind::kClock, 0, to_text(at.state),
                    at.step_ms != 0 ? to_text(at.before) : "", at.step_ms}};
    EmissionBuffer out;
    stage.pipeline().turn(group, 0, out);
    stage.pipeline().end_group(group);
    return to_lines(out.pending());
  }

  PipelineOptions options_;
};

TEST_F(PipelineClock, that_it_was_set_is_an_incident_and_that_it_is_confirmed_is_none) {
  Stage stage(options_);
  EXPECT_EQ(turn(stage, {9'000}, {}),
            Lines{"clock_set  @9000 text=our clock is synced; it was set by 5000 ms state=synced "
                  "state_before=unset step_ms=5000 time_before=4000"});
  EXPECT_EQ(turn(stage, {9'000, ClockState::kSynced, ClockState::kHeld, 0}, {}), Lines{});
}

TEST_F(PipelineClock, keys_ahead_of_a_time_that_is_sure_begin_anew_in_windows_over_several_too) {
  Stage stage(options_);
  stage.turn({{kAheadMs, "a", 1, "", 0}, {kAheadMs, "a", 1, "", 1}, {3'000, "b", 1, "", 0}});
  const Lines told = turn(stage, {5'000, ClockState::kSynced, ClockState::kUnset, 0},
                          {{4'000, "a"}, {4'000, "a", 1, "", 1}, {4'000, "b"}});
  EXPECT_EQ(told, (Lines{"one a [900000000,900010000) #0 final n=1",
                         "both a [900000000,900010000) #0 final n=2"}));
  EXPECT_EQ(stage.ledger().late, 0u);
  EXPECT_EQ(stage.finish(),
            (Lines{"one a [0,10000) #0 final n=1", "one b [0,10000) #0 final n=2",
                   "both a [0,10000) #0 final n=2", "both b [0,10000) #0 final n=2"}));
}

TEST_F(PipelineClock, a_window_that_another_source_held_back_goes_on) {
  for (const auto scope : {WatermarkMode::kKey, WatermarkMode::kSource}) {
    for (SourceOptions& s : options_.sources) s.watermark = scope;
    Stage stage(options_);
    stage.turn({{3'000, "a", 1, "", 1}, {kAheadMs, "a", 1, "", 0}});
    EXPECT_EQ(turn(stage, {5'000, ClockState::kSynced, ClockState::kUnset, 0}, {}),
              (Lines{"one a [900000000,900010000) #0 final n=1",
                     "both a [900000000,900010000) #0 final n=1"}));
    turn(stage, {6'000, ClockState::kSynced, ClockState::kSynced, 0},
         {{6'000, "a", 1, "", 1}, {4'000, "a", 1, "", 0}});
    EXPECT_EQ(stage.finish(),
              (Lines{"one a [0,10000) #0 final n=1", "both a [0,10000) #0 final n=3"}));
  }
}

TEST_F(PipelineClock, of_overlapping_windows_that_are_ahead_only_those_with_a_reading_are_told) {
  options_.windows[1].every_ms = 5'000;
  options_.windows.erase(options_.windows.begin());
  Stage stage(options_);
  stage.turn({{3'000, "a", 1, "", 1}, {kAheadMs, "a"}, {2 * kAheadMs, "a"}});
  EXPECT_EQ(turn(stage, {5'000, ClockState::kSynced, ClockState::kUnset, 0}, {}),
            (Lines{"both a [899995000,900005000) #0 final n=1",
                   "both a [900000000,900010000) #0 final n=1",
                   "both a [1799995000,1800005000) #0 final n=1",
                   "both a [1800000000,1800010000) #0 final n=1"}));
}

// Both read what two sources make together: one of them was ahead, the other one still knows "a".
class TwoSourcesClock : public PipelineClock {
 protected:
  TwoSourcesClock() {
    options_.windows.clear();
    options_.joins.resize(1);
    options_.joins[0].name = "pair";
    options_.joins[0].from = "climate";
    options_.joins[0].with = "doors";
    options_.joins[0].select = {{"other", "temp_c"}};
    options_.uplinks = {"out", "none"};
    options_.joins[0].to = {"none"};
  }
  static Lines of(const std::string& block, Lines lines) {
    std::erase_if(lines, [&](const std::string& line) { return !line.starts_with(block + ' '); });
    return lines;
  }
};

TEST_F(TwoSourcesClock, a_rule_goes_on_for_a_key_that_was_ahead_in_one_of_them) {
  options_.rules.resize(1);
  options_.rules[0].name = "hot";
  options_.rules[0].from = "pair";
  options_.rules[0].when = "temp_c > 5";
  Stage stage(options_);
  stage.turn({{1'000, "a", 1, "", 1}, {kAheadMs, "a", 9, "", 0}});
  EXPECT_EQ(of("hot", turn(stage, {5'000, ClockState::kSynced, ClockState::kUnset, 0}, {})),
            (Lines{"hot a @900000000 state=raised severity=warning since=900000000",
                   "hot a @900000000 state=cleared severity=warning since=900000000"}));
  EXPECT_EQ(of("hot", stage.all({{2'000, "a", 9, "", 0}, {3'000, "a", 1, "", 0}})),
            (Lines{"hot a @2000 state=raised severity=warning since=2000",
                   "hot a @3000 state=cleared severity=warning since=2000"}));
}

TEST_F(TwoSourcesClock, a_pattern_that_waits_for_the_other_one_goes_on) {
  options_.joins[0].before_ms = options_.joins[0].after_ms = 1'000;
  PatternOptions pattern;
  pattern.name = "p";
  pattern.from = "pair";
  pattern.within_ms = 60'000;
  pattern.steps.resize(2);
  pattern.steps[0].name = "open";
  pattern.steps[0].when = "temp_c = 1";
  pattern.steps[1].name = "shut";
  pattern.steps[1].when = "temp_c = 2";
  pattern.steps[1].absent = true;
  options_.patterns = {pattern};
  Stage stage(options_);
  stage.turn({{1'000, "a", 1, "", 0},
              {1'000, "a", 1, "", 1},
              {9'000, "a", 0, "", 1},
              {9'000, "a", 0, "", 0},
              {kAheadMs, "a", 0, "", 0}});
  EXPECT_EQ(of("p", turn(stage, {10'000, ClockState::kSynced, ClockState::kUnset, 0}, {})), Lines{})
      << "the absence has not lasted long enough";
  EXPECT_EQ(of("p", stage.all({{20'000, "a", 2, "", 0}, {20'000, "a", 0, "", 1}})), Lines{});
}

TEST_F(PipelineClock, a_time_that_is_only_held_ends_nothing) {
  Stage stage(options_);
  stage.turn({{kAheadMs, "a"}});
  EXPECT_EQ(turn(stage, {5'000, ClockState::kHeld, ClockState::kHeld, 0}, {}), Lines{});
}

TEST_F(PipelineClock, a_source_that_takes_any_future_keeps_its_event_time) {
  for (SourceOptions& s : options_.sources) s.max_future_ms.reset();
  Stage stage(options_);
  stage.turn({{kAheadMs, "a"}});
  EXPECT_EQ(turn(stage, {5'000, ClockState::kSynced, ClockState::kHeld, 0}, {}), Lines{});
}

TEST_F(PipelineClock, what_is_said_while_it_is_unset_is_marked_until_it_is_set) {
  Stage stage(options_);
  for (const ClockState state : {ClockState::kUnset, ClockState::kSynced}) {
    Group group = stage.make_group({{0, "a"}, {20'000, "a"}}, 0);
    group.turns[0].now.clock = state;
    EmissionBuffer out;
    stage.pipeline().turn(group, 0, out);
    for (const Emission& e : out.pending()) {
      EXPECT_EQ(e.clock_unset, state == ClockState::kUnset);
    }
  }
}

TEST_F(PipelineClock, rolled_over_readings_are_counted_and_told_once_also_across_a_restart) {
  Stage stage(options_);
  SavedState saved;
  size_t told = 0;
  for (int life = 0; life < 3; ++life) {
    Group group = stage.make_group({{1'000, "a"}}, 0);
    group.notes = {{Note::Kind::kRolledOver, 0, "climate", "a says …", 4}};
    EmissionBuffer out;
    stage.pipeline().turn(group, 0, out);
    for (const Emission& e : out.pending()) told += e.block == "gps_rollover";
    saved.apply(stage.pipeline().save_changes());
    stage.reopen(saved);
  }
  EXPECT_EQ(told, 1u);
  EXPECT_EQ(stage.pipeline().source_status()[0].rolled_over, 12u);
}

}  // namespace
}  // namespace wayside
