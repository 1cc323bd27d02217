// The engine against the naive model, which tests/window_golden_test.cc holds against Flink.
#include "tests/window_model.h"

#include <set>

#include "tests/window_trials.h"

namespace wayside {
namespace {

struct ModelOutcome {
  std::vector<Emission> emissions;
  uint64_t late = 0;
};

ModelOutcome run_models(const WindowTrial& trial) {
  ModelOutcome all;
  std::vector<WindowModel> models;
  for (const WindowOptions& window : trial.options.windows) {
    WindowModel& model = models.emplace_back(window, trial.options.sources, kTick);
    for (size_t tick = 0; tick < trial.fleet.size(); ++tick) {
      model.turn(int64_t(tick) * kTick, trial.fleet[tick]);
    }
    model.finish();
    all.emissions.insert(all.emissions.end(), model.emissions().begin(), model.emissions().end());
  }
  // A reading is late when some window missed it and none has it.
  for (size_t i = 0; i < models.front().fates().size(); ++i) {
    const auto any = [&](WindowModel::Fate fate) {
      return std::ranges::any_of(models, [&](const auto& m) { return m.fates()[i] == fate; });
    };
    all.late += any(WindowModel::Fate::kLate) && !any(WindowModel::Fate::kTaken);
  }
  return all;
}

TEST(WindowModel, the_engine_says_what_the_model_says) {
  for (auto [seed, end] = window_trial_seeds(); seed < end; ++seed) {
    const WindowTrial trial = make_window_trial(seed);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + describe(trial.options.windows[0]) + "\n" +
                 describe(trial.options.windows[1]));
    const ModelOutcome model = run_models(trial);
    const Outcome engine = run(trial.options, tick_by_tick(trial.fleet));
    expect_same_lines(timed_lines(engine.emissions), timed_lines(model.emissions));
    EXPECT_EQ(engine.ledger.late, model.late);
    if (HasFailure()) break;
  }
}

// A result as the table below has it: "session open again" for a second one before its end.
std::string way_of(const Emission& e, const WindowOptions& window) {
  const char* kinds[] = {"time", "calendar", "session", "count", "global"};
  const std::string kind = kinds[size_t(window.kind())];
  if (e.type == "late") return kind + " late";
  const bool final = std::get<bool>(e.fields[3].value);
  const bool again = std::get<double>(e.fields[2].value) > 0;
  return kind + (final ? " final" : " open") + (again ? " again" : "");
}

TEST(WindowModel, the_trials_make_all_windows_speak_in_every_way) {
  std::map<std::string, size_t> spoken;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const WindowTrial trial = make_window_trial(seed);
    const auto& windows = trial.options.windows;
    for (const Emission& e : run_models(trial).emissions) {
      ++spoken[way_of(e, e.block == windows[0].name ? windows[0] : windows[1])];
    }
  }
  const std::set<std::string> never = {"count final again", "count open", "count open again",
                                       "count late", "global late"};
  for (const char* kind : {"time", "calendar", "session", "count", "global"}) {
    for (const char* way : {"final", "final again", "open", "open again", "late"}) {
      const std::string what = kind + std::string(" ") + way;
      EXPECT_EQ(spoken[what] > 20, !never.contains(what)) << what << ": " << spoken[what];
    }
  }
}

}  // namespace
}  // namespace wayside
