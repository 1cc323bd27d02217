// Windows of all kinds under many schedules, as tests/pipeline_schedules_test.cc has them for a
// configuration with all kinds of blocks.
#include <random>

#include "pipeline/emission_codec.h"
#include "tests/window_trials.h"

namespace wayside {
namespace {

TEST(WindowSchedules, neither_the_cuts_nor_saving_and_loading_at_any_point_matter) {
  for (auto [seed, end] = window_trial_seeds(); seed < end; ++seed) {
    const WindowTrial trial = make_window_trial(seed);
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

}  // namespace
}  // namespace wayside
