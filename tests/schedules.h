// Readings cut into turns, and what a pipeline says of them: however they are cut, and wherever it
// begins anew from what was saved, it has to say the same.
#pragma once

#include <functional>

#include "tests/seeds.h"
#include "tests/stage.h"

namespace wayside {

constexpr int64_t kTick = 1'000;
using Fleet = std::vector<std::vector<Reading>>;  // by tick, in order of arrival

struct Cut {
  int64_t timer_ms;
  std::vector<Reading> readings;
  std::vector<Note> notes = {};
};
using Schedule = std::vector<Cut>;

// `cut(i)`: does a turn end before the i-th reading of a tick? Each tick has at least one turn.
inline Schedule make_schedule(const Fleet& fleet, const std::function<bool(size_t)>& cut) {
  Schedule schedule;
  for (size_t tick = 0; tick < fleet.size(); ++tick) {
    schedule.push_back({int64_t(tick) * kTick, {}});
    for (size_t i = 0; i < fleet[tick].size(); ++i) {
      if (i > 0 && cut(i)) schedule.push_back({int64_t(tick) * kTick, {}});
      schedule.back().readings.push_back(fleet[tick][i]);
    }
  }
  return schedule;
}
inline Schedule tick_by_tick(const Fleet& fleet) {
  return make_schedule(fleet, [](size_t) { return false; });
}
inline Schedule one_by_one(const Fleet& fleet) {
  return make_schedule(fleet, [](size_t) { return true; });
}

// At the first turn of their ticks.
using NotesByTick = std::map<size_t, Note>;
inline Schedule with_notes(Schedule schedule, const NotesByTick& notes) {
  for (const auto& [tick, note] : notes) {
    const int64_t timer_ms = int64_t(tick) * kTick;
    const auto first = std::find_if(schedule.begin(), schedule.end(),
                                    [&](const Cut& cut) { return cut.timer_ms == timer_ms; });
    if (first != schedule.end()) first->notes.push_back(note);
  }
  return schedule;
}

struct Outcome {
  std::vector<Emission> emissions;
  Ledger ledger;
};

// With `reload` the state is saved after each turn, and where that says so, a pipeline goes on that
// knows nothing else.
inline Outcome run(const PipelineOptions& options, const Schedule& schedule,
                   const std::function<bool()>& reload = nullptr) {
  Stage stage(options);
  SavedState saved;
  Outcome result;
  uint64_t in = 0;
  const auto keep = [&] {
    result.emissions.insert(result.emissions.end(), stage.emissions().begin(),
                            stage.emissions().end());
  };
  for (const Cut& turn : schedule) {
    stage.turn(turn.readings, turn.timer_ms, turn.notes);
    keep();
    in += turn.readings.size();
    EXPECT_EQ(stage.ledger().in, in);
    EXPECT_TRUE(stage.ledger().balanced());
    if (!reload) continue;
    saved.apply(stage.pipeline().save_changes());
    if (reload()) stage.reopen(saved);
  }
  stage.finish();
  keep();
  result.ledger = stage.ledger();
  return result;
}

// Blocks and keys have an order each; between them it depends on the cuts.
inline std::map<std::string, Lines> by_block_and_key(const std::vector<Emission>& emissions) {
  std::map<std::string, Lines> result;
  for (const Emission& e : emissions) result[e.block + ' ' + e.key].push_back(to_line(e));
  return result;
}
inline Lines numbered(const std::vector<Emission>& emissions) {
  Lines lines;
  for (const Emission& e : emissions)
    lines.push_back(std::to_string(e.sequence) + ' ' + to_line(e));
  return lines;
}

inline void expect_same_fates(const Ledger& a, const Ledger& b) {
  EXPECT_EQ(a.used, b.used);
  EXPECT_EQ(a.late, b.late);
  EXPECT_EQ(a.dropped, b.dropped);
}

}  // namespace wayside
