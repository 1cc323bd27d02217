// The engine against the naive model, which tests/window_golden_test.cc holds against Flink.
#include "tests/window_model.h"

#include <deque>
#include <set>

#include "tests/window_trials.h"

namespace wayside {
namespace {

struct ModelOutcome {
  std::vector<Emission> emissions;
  uint64_t late = 0;
};

// The models of a trial: two read its sources, the third one results of the first, whose `n` it
// knows as temp_c.
std::deque<WindowModel> make_models(const WindowTrial& trial) {
  std::deque<WindowModel> models;
  for (WindowOptions window : trial.options.windows) {
    for (auto& [alias, sql] : window.select) {
      if (const size_t at = sql.find("(n)"); at != std::string::npos)
        sql.replace(at, 3, "(temp_c)");
    }
    models.emplace_back(window, trial.options.sources, kTick);
  }
  if (models.size() == 3) models[0].set_reader(models[2]);
  return models;
}

ModelOutcome run_models(const WindowTrial& trial) {
  std::deque<WindowModel> models = make_models(trial);
  for (size_t m : {0, 1}) {
    for (size_t tick = 0; tick < trial.fleet.size(); ++tick) {
      models[m].turn(int64_t(tick) * kTick, trial.fleet[tick]);
    }
    models[m].finish();
  }
  ModelOutcome all;
  for (const WindowModel& model : models) {
    all.emissions.insert(all.emissions.end(), model.emissions().begin(), model.emissions().end());
  }
  // A reading is late when some window missed it and none has it.
  for (size_t i = 0; i < models[0].fates().size(); ++i) {
    const WindowModel::Fate fates[] = {models[0].fates()[i], models[1].fates()[i]};
    const auto any = [&](WindowModel::Fate fate) { return fates[0] == fate || fates[1] == fate; };
    all.late += any(WindowModel::Fate::kLate) && !any(WindowModel::Fate::kTaken);
  }
  return all;
}

TEST(WindowModel, the_engine_says_what_the_model_says) {
  for (auto [seed, end] = seeds(1'000); seed < end; ++seed) {
    const WindowTrial trial = make_window_trial(seed);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + describe(trial));
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
  if (window.retract && std::get<bool>(e.fields[4].value)) return kind + " taken back";
  const bool final = std::get<bool>(e.fields[3].value);
  const bool again = std::get<double>(e.fields[2].value) > 0;
  return kind + (final ? " final" : " open") + (again ? " again" : "");
}

TEST(WindowModel, the_trials_make_all_windows_speak_in_every_way) {
  std::map<std::string, size_t> spoken;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const WindowTrial trial = make_window_trial(seed);
    for (const Emission& e : run_models(trial).emissions) {
      for (const WindowOptions& window : trial.options.windows) {
        if (window.name == e.block) ++spoken[way_of(e, window)];
      }
    }
  }
  const std::set<std::string> never = {"count final again", "count open",       "count open again",
                                       "count late",        "count taken back", "global late"};
  for (const char* kind : {"time", "calendar", "session", "count", "global"}) {
    for (const char* way : {"final", "final again", "open", "open again", "taken back", "late"}) {
      const std::string what = kind + std::string(" ") + way;
      EXPECT_EQ(spoken[what] > 20, !never.contains(what)) << what << ": " << spoken[what];
    }
  }
}

}  // namespace
}  // namespace wayside
