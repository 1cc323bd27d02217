#include "pipeline/pattern_matcher.h"

#include <algorithm>

namespace wayside {

using Plan = PatternPlan;

// ---- readings

void PatternMatcher::take(Runs& runs, int64_t time, const double* conditions,
                          std::vector<Match>& matches) {
  pass(runs, time - 1, matches);
  const Reading reading{time, conditions};
  Runs next;
  bool past_last = false;
  for (size_t i = 0; i < runs.size() && !past_last;) {
    const uint64_t id = runs[i].id;
    const size_t from = next.size();
    for (; i < runs.size() && runs[i].id == id; ++i) follow(std::move(runs[i]), reading, next);
    past_last = settle(from, next, matches);
  }
  if (!past_last) {
    const size_t from = next.size();
    begin(next.empty() ? 0 : next.back().id + 1, reading, next);
    past_last = settle(from, next, matches);
  }
  if (past_last) next.clear();
  while (next.size() > plan_.max_partial) {
    next.erase(next.begin());
    ++evicted_;
  }
  runs = std::move(next);
}

// Of the runs from `from` on, which began with one reading, the first that is complete is a match,
// and then none of them goes on. True: nor does any other.
bool PatternMatcher::settle(size_t from, Runs& next, std::vector<Match>& matches) const {
  const auto begin = next.begin() + static_cast<ptrdiff_t>(from);
  const auto done =
      std::find_if(begin, next.end(), [&](const Run& run) { return is_complete(run); });
  if (done == next.end()) return false;
  end(*done, last(*done).last_ms, matches);
  next.erase(begin, next.end());
  return plan_.after_match == AfterMatch::kPastLast;
}

// The ways on for a run: its step takes the reading, or one behind it; or else it waits.
void PatternMatcher::follow(Run run, const Reading& r, Runs& next) const {
  bool goes_on = false;
  const bool in_time = r.time <= expiry(run);
  if (in_time && !run.passed && last(run).count < step(run).max && matches(run.step, r)) {
    Run stays = run;
    ++stays.taken[run.step].count;
    stays.taken[run.step].last_ms = r.time;
    stays.broken = false;
    add(std::move(stays), next);
    goes_on = true;
  }
  const size_t absent = guard(run);
  if (absent != Plan::kNone && r.time > last(run).last_ms && matches(absent, r)) run.broken = true;
  if (in_time && last(run).count >= step(run).min) {
    size_t group = step(run).group;
    if (run.passed) group = plan_.steps[plan_.groups[group].guard].group;
    goes_on |= go_on(run, group + 1, r, next);
  }
  if (!goes_on && can_wait(run)) next.push_back(std::move(run));
}

// The steps from `group` on that may come next. False: none of them takes the reading.
bool PatternMatcher::go_on(const Run& run, size_t group, const Reading& r, Runs& next) const {
  bool taken = false;
  for (; group < plan_.groups.size(); ++group) {
    const Plan::Group& g = plan_.groups[group];
    if (g.absent) {
      const bool ends_by_time = plan_.steps[g.begin].for_ms > 0 || plan_.is_last(group);
      if (ends_by_time || run.broken) break;
      continue;
    }
    for (size_t s = g.begin; s < g.end; ++s) {
      if (!matches(s, r)) continue;
      Run goes = run;
      goes.step = s;
      goes.passed = goes.broken = false;
      goes.taken[s] = {1, r.time, r.time};
      add(std::move(goes), next);
      taken = true;
    }
    if (!g.skippable) break;
  }
  return taken;
}

void PatternMatcher::begin(uint64_t id, const Reading& r, Runs& next) const {
  Run run;
  run.id = id;
  run.start_ms = r.time;
  run.taken.resize(plan_.steps.size());
  go_on(run, 0, r, next);
}

void PatternMatcher::add(Run run, Runs& next) {
  const Taken& taken = run.taken[run.step];
  for (auto known = next.rbegin(); known != next.rend() && known->id == run.id; ++known) {
    const Taken& other = known->taken[known->step];
    if (known->step == run.step && known->passed == run.passed && known->broken == run.broken &&
        other.count == taken.count && other.last_ms == taken.last_ms) {
      return;
    }
  }
  next.push_back(std::move(run));
}

bool PatternMatcher::is_complete(const Run& run) const {
  return plan_.is_last(step(run).group) && last(run).count >= step(run).min;
}

// A run whose absence was broken needs another reading before that.
bool PatternMatcher::can_wait(const Run& run) const {
  const size_t group = step(run).group;
  const bool optional_before = plan_.groups[group].guard != Plan::kNone &&
                               plan_.steps[plan_.groups[group].guard].group > group + 1;
  return !run.broken || last(run).count < step(run).max || optional_before;
}

// ---- time

// The absence that the run waits for, or kNone.
size_t PatternMatcher::guard(const Run& run) const {
  const bool waits = !run.passed && !run.broken && last(run).count >= step(run).min;
  return waits ? plan_.groups[step(run).group].guard : Plan::kNone;
}

int64_t PatternMatcher::guard_end(const Run& run) const {
  const size_t absent = guard(run);
  if (absent == Plan::kNone) return kTimeMax;
  const Plan::Step& s = plan_.steps[absent];
  if (s.for_ms > 0) return saturating_add(last(run).last_ms, s.for_ms);
  return plan_.is_last(s.group) ? expiry(run) : kTimeMax;
}

void PatternMatcher::pass(Runs& runs, int64_t watermark, std::vector<Match>& matches) {
  while (!runs.empty()) {
    const auto earlier = [&](const Run& a, const Run& b) { return guard_end(a) < guard_end(b); };
    const auto at = std::min_element(runs.begin(), runs.end(), earlier);
    const int64_t end_ms = guard_end(*at);
    if (end_ms > watermark || end_ms == kTimeMax) break;
    end_absence(runs, static_cast<size_t>(at - runs.begin()), end_ms, matches);
  }
  std::erase_if(
      runs, [&](const Run& run) { return expiry(run) <= watermark && guard_end(run) == kTimeMax; });
}

// What was absent has been so for long enough.
void PatternMatcher::end_absence(Runs& runs, size_t at, int64_t end_ms,
                                 std::vector<Match>& matches) const {
  Run& run = runs[at];
  if (!plan_.is_last(plan_.steps[guard(run)].group)) {
    run.passed = true;
    return;
  }
  end(run, end_ms, matches);
  const uint64_t id = run.id;
  const bool all = plan_.after_match == AfterMatch::kPastLast;
  std::erase_if(runs, [&](const Run& r) { return all || r.id == id; });
}

int64_t PatternMatcher::due(const Runs& runs) const {
  int64_t due = kTimeMax;
  for (const Run& run : runs) {
    const int64_t end_ms = guard_end(run);
    due = std::min(due, end_ms == kTimeMax ? expiry(run) : end_ms);
  }
  return due;
}

// ---- state

void PatternMatcher::save(const Runs& runs, ByteWriter& out) const {
  out.varint(runs.size());
  for (const Run& run : runs) {
    out.varint(run.id);
    out.fixed(run.start_ms);
    out.varint(run.step);
    out.fixed<uint8_t>(static_cast<uint8_t>(run.passed | run.broken << 1));
    for (const Taken& taken : run.taken) {
      out.varint(taken.count);
      out.fixed(taken.first_ms);
      out.fixed(taken.last_ms);
    }
  }
}

void PatternMatcher::load(Runs& runs, ByteReader& in) const {
  for (size_t n = in.count(11); n > 0 && in.ok(); --n) {
    Run& run = runs.emplace_back();
    run.id = in.varint();
    run.start_ms = in.fixed<int64_t>();
    run.step = in.varint();
    const auto flags = in.fixed<uint8_t>();
    run.passed = flags & 1;
    run.broken = flags & 2;
    run.taken.resize(plan_.steps.size());
    for (Taken& taken : run.taken) {
      taken.count = static_cast<uint32_t>(in.varint());
      taken.first_ms = in.fixed<int64_t>();
      taken.last_ms = in.fixed<int64_t>();
    }
    if (run.step < plan_.steps.size()) continue;
    in.fail();
    runs.pop_back();
  }
}

}  // namespace wayside
