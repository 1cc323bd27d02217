// Finds a pattern in the readings of a key, in order of event time. A nondeterministic automaton
// after Agrawal, Diao, Gyllstrom and Immerman, "Efficient Pattern Matching over Event Streams"
// (SIGMOD 2008), with their strategy "skip till next match": a reading that a run can take is
// taken, by each way it can be; others are passed over. Of a run only numbers are kept, no
// readings: how many each step has taken, and the times of the first and the last one. Runs that
// began with the same reading and stand at the same place have one future, so one of them stays.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "pipeline/pattern_plan.h"

namespace wayside {

class PatternMatcher {
 public:
  struct Taken {
    uint32_t count = 0;
    int64_t first_ms = 0, last_ms = 0;
    bool operator==(const Taken&) const = default;
  };
  struct Match {
    int64_t start_ms, end_ms;
    std::vector<Taken> taken;  // by step
  };
  // A match that has begun, by one way to take its readings.
  struct Run {
    uint64_t id = 0;  // of the reading that it began with, counted among the runs there are
    int64_t start_ms = 0;
    size_t step = 0;      // that took the last reading
    bool passed = false;  // the absence behind it is over, or
    bool broken = false;  // it has come, and only another reading before it makes that good
    std::vector<Taken> taken;
  };
  using Runs = std::vector<Run>;  // of a key; in order of their beginning

  // The plan outlives it.
  explicit PatternMatcher(const PatternPlan& plan) : plan_(plan) {}

  // A reading, and by step whether its condition holds. What it completes is added to `matches`.
  void take(Runs& runs, int64_t time, const double* conditions, std::vector<Match>& matches);
  // All readings up to here have been seen.
  void pass(Runs& runs, int64_t watermark, std::vector<Match>& matches);
  // When pass() has to do next; kTimeMax for never.
  int64_t due(const Runs& runs) const;

  uint64_t evicted() const { return evicted_; }  // runs that a limit pushed out
  void set_evicted(uint64_t n) { evicted_ = n; }

  void save(const Runs& runs, ByteWriter& out) const;
  void load(Runs& runs, ByteReader& in) const;

 private:
  struct Reading {
    int64_t time;
    const double* conditions;
  };
  bool matches(size_t step, const Reading& r) const { return is_true(r.conditions[step]); }
  int64_t expiry(const Run& run) const { return saturating_add(run.start_ms, plan_.within_ms); }
  const PatternPlan::Step& step(const Run& run) const { return plan_.steps[run.step]; }
  const Taken& last(const Run& run) const { return run.taken[run.step]; }
  size_t guard(const Run& run) const;
  int64_t guard_end(const Run& run) const;
  bool is_complete(const Run& run) const;
  bool can_wait(const Run& run) const;
  void follow(Run run, const Reading& r, Runs& next) const;
  bool go_on(const Run& run, size_t group, const Reading& r, Runs& next) const;
  void begin(uint64_t id, const Reading& r, Runs& next) const;
  static void add(Run run, Runs& next);
  bool settle(size_t from, Runs& next, std::vector<Match>& matches) const;
  void end(const Run& run, int64_t end_ms, std::vector<Match>& matches) const {
    matches.push_back({run.start_ms, end_ms, run.taken});
  }
  void end_absence(Runs& runs, size_t at, int64_t end_ms, std::vector<Match>& matches) const;

  const PatternPlan& plan_;
  uint64_t evicted_ = 0;
};

}  // namespace wayside
