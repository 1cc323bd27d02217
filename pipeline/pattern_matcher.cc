#include "pipeline/pattern_matcher.h"

#include <algorithm>
#include <bit>

namespace wayside {

using Plan = PatternPlan;

// ---- runs behind a reading

namespace {

bool is_same_place(const PatternMatcher::Run& a, const PatternMatcher::Run& b) {
  const PatternMatcher::Taken &x = a.taken[a.step], &y = b.taken[b.step];
  return a.step == b.step && a.passed == b.passed && a.broken == b.broken && x.count == y.count &&
         x.last_ms == y.last_ms;
}

}  // namespace

void PatternMatcher::RunsBehind::begin_group() {
  from = indexed_ = list.size();
  if (++group_ != 0) return;
  std::fill(slots_.begin(), slots_.end(), Slot());
  group_ = 1;
}

size_t PatternMatcher::RunsBehind::slot_of(const Run& run) const {
  const Taken& last = run.taken[run.step];
  uint64_t hash = static_cast<uint64_t>(last.last_ms) * 0x9E3779B97F4A7C15U;
  hash ^= (uint64_t{last.count} << 16) + (run.step << 2) + (size_t{run.passed} << 1) + run.broken;
  hash *= 0x9E3779B97F4A7C15U;
  return (hash >> 32) & (slots_.size() - 1);
}

void PatternMatcher::RunsBehind::index() {
  const size_t wanted = 4 * (list.size() - from);
  if (slots_.size() < wanted) {
    slots_.assign(std::bit_ceil(wanted), {});
    indexed_ = from;
  }
  for (; indexed_ < list.size(); ++indexed_) {
    size_t at = slot_of(list[indexed_]);
    while (slots_[at].group == group_) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {group_, static_cast<uint32_t>(indexed_)};
  }
}

bool PatternMatcher::RunsBehind::has(const Run& run) {
  if (list.size() - from <= kFew) {
    return std::any_of(list.begin() + static_cast<ptrdiff_t>(from), list.end(),
                       [&](const Run& known) { return is_same_place(known, run); });
  }
  index();
  for (size_t at = slot_of(run); slots_[at].group == group_; at = (at + 1) & (slots_.size() - 1)) {
    if (is_same_place(list[slots_[at].run], run)) return true;
  }
  return false;
}

// ---- readings

// What meets no condition changes nothing.
void PatternMatcher::take(Runs& runs, int64_t time, const double* conditions,
                          std::vector<Match>& matches) {
  pass(runs, time - 1, matches);
  const Reading reading{time, conditions};
  if (!matches_any(reading)) return;
  next_.list.clear();
  bool past_last = false;
  for (size_t i = 0; i < runs.size() && !past_last;) {
    const uint64_t id = runs.list[i].id;
    next_.begin_group();
    for (; i < runs.size() && runs.list[i].id == id; ++i) follow(runs.list[i], reading);
    past_last = settle(matches);
  }
  if (!past_last) {
    const uint64_t id = next_.list.empty() ? 0 : next_.list.back().id + 1;
    next_.begin_group();
    begin(id, reading);
    past_last = settle(matches);
  }
  if (past_last) next_.list.clear();
  if (next_.list.size() > plan_.max_partial) {
    const size_t over = next_.list.size() - plan_.max_partial;
    next_.list.erase(next_.list.begin(), next_.list.begin() + static_cast<ptrdiff_t>(over));
    evicted_ += over;
  }
  runs.list.swap(next_.list);
  runs.due = due(runs.list);
}

bool PatternMatcher::matches_any(const Reading& r) const {
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    if (matches(s, r)) return true;
  }
  return false;
}

// Of the runs that began with one reading the first that is complete is a match, and then none of
// them goes on. True: nor does any other.
bool PatternMatcher::settle(std::vector<Match>& matches) {
  const auto done =
      std::find_if(next_.list.begin() + static_cast<ptrdiff_t>(next_.from), next_.list.end(),
                   [&](const Run& run) { return is_complete(run); });
  if (done == next_.list.end()) return false;
  end(*done, last(*done).last_ms, matches);
  next_.drop_group();
  return plan_.after_match == AfterMatch::kPastLast;
}

// The ways on for a run: its step takes the reading, or one behind it; or else it waits.
void PatternMatcher::follow(Run& run, const Reading& r) {
  bool goes_on = false;
  const bool in_time = r.time <= expiry(run);
  if (in_time && !run.passed && last(run).count < step(run).max && matches(run.step, r)) {
    Run stays = run;
    ++stays.taken[run.step].count;
    stays.taken[run.step].last_ms = r.time;
    stays.broken = false;
    add(std::move(stays));
    goes_on = true;
  }
  const size_t absent = guard(run);
  if (absent != Plan::kNone && r.time > last(run).last_ms && matches(absent, r)) run.broken = true;
  if (in_time && last(run).count >= step(run).min) {
    size_t group = step(run).group;
    if (run.passed) group = plan_.steps[plan_.groups[group].guard].group;
    goes_on |= go_on(run, group + 1, r);
  }
  if (!goes_on && can_wait(run)) next_.push(std::move(run));
}

// The steps from `group` on that may come next. False: none of them takes the reading.
bool PatternMatcher::go_on(const Run& run, size_t group, const Reading& r) {
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
      add(std::move(goes));
      taken = true;
    }
    if (!g.skippable) break;
  }
  return taken;
}

void PatternMatcher::begin(uint64_t id, const Reading& r) {
  Run run;
  run.id = id;
  run.start_ms = r.time;
  run.taken.resize(plan_.steps.size());
  go_on(run, 0, r);
}

void PatternMatcher::add(Run run) {
  if (!next_.has(run)) next_.push(std::move(run));
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
  if (runs.empty() || runs.due > watermark) return;
  end_absences(runs.list, watermark, matches);
  std::erase_if(runs.list, [&](const Run& run) {
    return expiry(run) <= watermark && guard_end(run) == kTimeMax;
  });
  runs.due = due(runs.list);
}

// What was absent has been so for long enough: in order of time, then of the runs.
void PatternMatcher::end_absences(std::vector<Run>& runs, int64_t watermark,
                                  std::vector<Match>& matches) {
  endings_.clear();
  for (size_t i = 0; i < runs.size(); ++i) {
    const int64_t end_ms = guard_end(runs[i]);
    if (end_ms <= watermark && end_ms != kTimeMax) endings_.push_back({end_ms, i});
  }
  if (endings_.empty()) return;
  std::stable_sort(endings_.begin(), endings_.end(),
                   [](const Ending& a, const Ending& b) { return a.end_ms < b.end_ms; });
  gone_.assign(runs.size(), 0);
  for (const auto& [end_ms, i] : endings_) {
    if (gone_[i]) continue;
    if (!plan_.is_last(plan_.steps[guard(runs[i])].group)) {
      runs[i].passed = true;
      continue;
    }
    end(runs[i], end_ms, matches);
    if (plan_.after_match == AfterMatch::kPastLast) return runs.clear();
    for (size_t r = i; r < runs.size() && runs[r].id == runs[i].id; ++r) gone_[r] = 1;
    for (size_t r = i; r-- > 0 && runs[r].id == runs[i].id;) gone_[r] = 1;
  }
  size_t kept = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (gone_[i]) continue;
    if (kept != i) runs[kept] = std::move(runs[i]);
    ++kept;
  }
  runs.resize(kept);
}

int64_t PatternMatcher::due(const std::vector<Run>& runs) const {
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
  for (const Run& run : runs.list) {
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
    Run& run = runs.list.emplace_back();
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
    runs.list.pop_back();
  }
  runs.due = due(runs.list);
}

}  // namespace wayside
