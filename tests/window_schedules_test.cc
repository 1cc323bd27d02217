// Windows of all kinds under many schedules, as tests/pipeline_schedules_test.cc has them for a
// configuration with all kinds of blocks.
#include <random>

#include "pipeline/emission_codec.h"
#include "tests/window_trials.h"

namespace wayside {
namespace {

// Rules and a detector that see results of windows, in the order of their time.
void add_watches(PipelineOptions& options) {
  if (options.windows[0].at_end) {
    options.rules.push_back({"many", "one", "n >= 2", 0, Severity::kInfo, {"out"}});
  }
  if (options.windows[1].at_end) {
    options.rules.push_back({"long", "two", "n < 3", 2 * kTick, Severity::kInfo, {"out"}});
  }
  DetectorOptions drift;
  drift.name = "drift";
  drift.from = "one";
  drift.field = "n";
  drift.history = 8;
  drift.threshold = 1;
  if (options.windows[0].at_end) options.detectors.push_back(drift);
}

TEST(WindowSchedules, neither_the_cuts_nor_saving_and_loading_at_any_point_matter) {
  for (auto [seed, end] = seeds(1'000); seed < end; ++seed) {
    WindowTrial trial = make_window_trial(seed);
    add_watches(trial.options);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + describe(trial));
    std::mt19937_64 random(seed);
    const Schedule schedule = make_schedule(trial.fleet, [&](size_t) { return random() % 3 == 0; });
    const Outcome whole = run(trial.options, tick_by_tick(trial.fleet));
    const Outcome cut = run(trial.options, schedule);
    expect_same_lines(timed_lines(cut.emissions), timed_lines(whole.emissions));
    expect_same_fates(cut.ledger, whole.ledger);
    const Outcome reloaded =
        run(trial.options, schedule, [&] { return random() % schedule.size() < 3; });
    EXPECT_EQ(digest_of(reloaded.emissions), digest_of(cut.emissions));
    expect_same_lines(timed_lines(reloaded.emissions), timed_lines(cut.emissions));
    expect_same_fates(reloaded.ledger, cut.ledger);
    if (HasFailure()) break;
  }
}

TEST(WindowSchedules, when_all_is_forgotten_nothing_is_left_in_the_store) {
  for (auto [seed, end] = seeds(200); seed < end; ++seed) {
    WindowTrial trial = make_window_trial(seed);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + describe(trial));
    add_watches(trial.options);
    for (SourceOptions& source : trial.options.sources) {
      source.idle_after_ms = 4 * kTick;
      source.forget_after_ms = 6 * kTick;
    }
    trial.fleet.resize(trial.fleet.size() + 20);
    Stage stage(trial.options);
    SavedState saved;
    for (const Cut& turn : tick_by_tick(trial.fleet)) {
      stage.turn(turn.readings, turn.timer_ms);
      saved.apply(stage.pipeline().save_changes());
    }
    // The longest of them is a month, and one that reads it may be as long.
    for (int64_t day = 1; day < 80; ++day) {
      stage.turn({}, int64_t(trial.fleet.size()) * kTick + day * kDayMs);
      saved.apply(stage.pipeline().save_changes());
    }
    for (const StateRow& row : saved.rows()) EXPECT_EQ(row.key, "") << row.component;
    for (const auto& block : stage.pipeline().block_status())
      EXPECT_EQ(block.open, 0u) << block.name;
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace wayside
