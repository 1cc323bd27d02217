// Finds a pattern in the readings of a key, in order of event time. A nondeterministic automaton
// after Agrawal, Diao, Gyllstrom and Immerman, "Efficient Pattern Matching over Event Streams"
// (SIGMOD 2008), with their strategy "skip till next match": a reading that a run can take is
// taken, by each way it can be; others are passed over. Of a run only numbers are kept, no
// readings: how many each step has taken, and the times of the first and the last one. Runs that
// began with the same reading and stand at the same place have one future, so one of them stays.
#pragma once

#include <array>
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
  // By step; few of them are without memory of their own, since a run is copied at each way on.
  class TakenSteps {
   public:
    void resize(size_t steps) {
      size_ = steps;
      if (steps > few_.size()) many_.resize(steps);
    }
    Taken& operator[](size_t step) { return begin()[step]; }
    const Taken& operator[](size_t step) const { return begin()[step]; }
    Taken* begin() { return size_ > few_.size() ? many_.data() : few_.data(); }
    const Taken* begin() const { return size_ > few_.size() ? many_.data() : few_.data(); }
    Taken* end() { return begin() + size_; }
    const Taken* end() const { return begin() + size_; }

   private:
    size_t size_ = 0;
    std::array<Taken, 4> few_;
    std::vector<Taken> many_;
  };
  // A match that has begun, by one way to take its readings.
  struct Run {
    uint64_t id = 0;  // of the reading that it began with, counted among the runs there are
    int64_t start_ms = 0;
    size_t step = 0;      // that took the last reading
    bool passed = false;  // the absence behind it is over, or
    bool broken = false;  // it has come, and only another reading before it makes that good
    TakenSteps taken;
  };
  // Of a key; in order of their beginning.
  struct Runs {
    std::vector<Run> list;
    int64_t due = kTimeMax;  // when pass() has to do next; kTimeMax for never
    size_t size() const { return list.size(); }
    bool empty() const { return list.empty(); }
  };

  // The plan outlives it.
  explicit PatternMatcher(const PatternPlan& plan) : plan_(plan) {}

  // A reading, and by step whether its condition holds. What it completes is added to `matches`.
  void take(Runs& runs, int64_t time, const double* conditions, std::vector<Match>& matches);
  // All readings up to here have been seen.
  void pass(Runs& runs, int64_t watermark, std::vector<Match>& matches);
  uint64_t evicted() const { return evicted_; }  // runs that a limit pushed out
  void set_evicted(uint64_t n) { evicted_ = n; }

  void save(const Runs& runs, ByteWriter& out) const;
  void load(Runs& runs, ByteReader& in) const;

 private:
  struct Reading {
    int64_t time;
    const double* conditions;
  };
  // The runs behind a reading. Those that began with one reading stand together: a group, in which
  // each place is found at once however many there are.
  class RunsBehind {
   public:
    void begin_group();
    bool has(const Run& run);  // in the group, at the same place
    void push(Run run) { list.push_back(std::move(run)); }
    void drop_group() { list.resize(from); }

    std::vector<Run> list;
    size_t from = 0;  // the group begins here

   private:
    struct Slot {
      uint32_t group = 0;  // others are empty
      uint32_t run = 0;
    };
    static constexpr size_t kFew = 16;  // are looked through
    void index();
    size_t slot_of(const Run& run) const;
    std::vector<Slot> slots_;
    uint32_t group_ = 0;
    size_t indexed_ = 0;  // runs before it are in the slots
  };
  bool matches(size_t step, const Reading& r) const { return is_true(r.conditions[step]); }
  int64_t expiry(const Run& run) const { return saturating_add(run.start_ms, plan_.within_ms); }
  const PatternPlan::Step& step(const Run& run) const { return plan_.steps[run.step]; }
  const Taken& last(const Run& run) const { return run.taken[run.step]; }
  size_t guard(const Run& run) const;
  int64_t guard_end(const Run& run) const;
  bool is_complete(const Run& run) const;
  bool can_wait(const Run& run) const;
  bool matches_any(const Reading& r) const;
  void follow(Run& run, const Reading& r);
  bool go_on(const Run& run, size_t group, const Reading& r);
  void begin(uint64_t id, const Reading& r);
  void add(Run run);
  bool settle(std::vector<Match>& matches);
  void end(const Run& run, int64_t end_ms, std::vector<Match>& matches) const {
    matches.push_back({run.start_ms, end_ms, {run.taken.begin(), run.taken.end()}});
  }
  void end_absences(std::vector<Run>& runs, int64_t watermark, std::vector<Match>& matches);
  int64_t due(const std::vector<Run>& runs) const;

  const PatternPlan& plan_;
  uint64_t evicted_ = 0;
  RunsBehind next_;  // while a reading is taken
  struct Ending {
    int64_t end_ms;
    size_t run;
  };
  std::vector<Ending> endings_;
  std::vector<uint8_t> gone_;  // by run
};

}  // namespace wayside
