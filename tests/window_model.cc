#include "tests/window_model.h"

#include <chrono>
#include <numeric>
#include <tuple>

namespace wayside {
namespace {

int64_t floor_to(int64_t t, int64_t step) { return t - ((t % step) + step) % step; }

}  // namespace

WindowModel::WindowModel(WindowOptions options, const std::vector<SourceOptions>& sources,
                         int64_t tick_ms)
    : options_(std::move(options)), tick_ms_(tick_ms) {
  for (const SourceOptions& source : sources) {
    const auto& from = options_.from;
    Source& made = sources_.emplace_back();
    made.options = source;
    made.read = std::find(from.begin(), from.end(), source.name) != from.end();
  }
}

// ---- what was heard, and how far time is

void WindowModel::turn(int64_t timer_ms, const std::vector<Reading>& readings) {
  for (Source& source : sources_) {
    if (!started_) source.whole.heard_ms = timer_ms;
    if (source.read) run_timers(source, timer_ms);
  }
  for (auto at = lingering_.begin(); at != lingering_.end();) {
    const bool waits = at->second.due_ms > timer_ms;
    const bool kept = waits || !let_go(at->first, timer_ms, at->second);
    at = kept ? next(at) : lingering_.erase(at);
  }
  started_ = true;
  for (const Reading& reading : readings) {
    fates_.push_back(Fate::kPassedBy);
    if (!sources_[reading.source].read) continue;
    if (options_.where.empty() || model_condition(options_.where, reading)) take(reading);
    hear(reading, timer_ms);
    advance(reading.key, combined(reading.key));
  }
}

void WindowModel::hear(const Reading& reading, int64_t timer_ms) {
  Source& source = sources_[reading.source];
  for (Heard* heard : {&source.keys[reading.key], &source.whole}) {
    heard->newest_ms = std::max(heard->newest_ms, reading.time_ms);
    heard->heard_ms = timer_ms;
    heard->idle = false;
  }
}

bool WindowModel::is_idle(const Source& source, const std::string& key) const {
  if (!by_key()) return source.whole.idle;
  return !source.keys.contains(key) || source.keys.at(key).idle;
}

int64_t WindowModel::behind(const Source& source, const std::string& key) const {
  const int64_t newest_ms = by_key() ? source.keys.at(key).newest_ms : source.whole.newest_ms;
  return newest_ms == kTimeMin ? kTimeMin : newest_ms - source.options.max_disorder_ms - 1;
}

// The watermark over all sources that are not idle; kTimeMax when all are.
int64_t WindowModel::combined(const std::string& key) const {
  int64_t least = kTimeMax;
  for (const Source& source : sources_) {
    if (source.read && !is_idle(source, key)) least = std::min(least, behind(source, key));
  }
  return least;
}

int64_t WindowModel::on_grid(int64_t time_ms) const {
  return floor_to(time_ms + tick_ms_ - 1, tick_ms_);
}

void WindowModel::run_timers(Source& source, int64_t timer_ms) {
  const auto is_over = [&](const Heard& heard, int64_t wait_ms) {
    return on_grid(heard.heard_ms + wait_ms) <= timer_ms;
  };
  std::vector<std::string> forgotten;
  for (auto& [key, heard] : source.keys) {
    if (by_key() && !heard.idle && is_over(heard, source.options.idle_after_ms)) {
      heard.idle = true;
      on_idle(key);
    }
    const bool may_go = heard.idle || !by_key();
    if (may_go && is_over(heard, source.options.forget_after_ms)) forgotten.push_back(key);
  }
  if (!by_key() && !source.whole.idle && is_over(source.whole, source.options.idle_after_ms)) {
    source.whole.idle = true;
    on_idle("");
  }
  for (const std::string& key : forgotten) {
    const Heard& heard = source.keys.at(key);
    const int64_t behind_ms = heard.heard_ms - heard.newest_ms;
    source.keys.erase(key);
    if (!is_known(key)) lingering_[key] = {behind_ms, timer_ms};
  }
}

bool WindowModel::is_known(const std::string& key) const {
  return std::any_of(sources_.begin(), sources_.end(),
                     [&](const Source& s) { return s.read && s.keys.contains(key); });
}

// How long it takes until the time of the key's last window is over; 0: there is none.
int64_t WindowModel::open_for(const std::string& key, int64_t event_ms) const {
  const auto found = keys_.find(key);
  if (found == keys_.end() || options_.kind() == WindowKind::kGlobal) return 0;
  int64_t open_ms = 0;
  for (const Open& w : found->second.open) {
    open_ms = std::max(open_ms, w.end - 1 + options_.allowed_lateness_ms - event_ms);
  }
  return open_ms;
}

// What is open goes on; so does the reader of what is open. True: all has ended.
bool WindowModel::let_go(const std::string& key, int64_t timer_ms, Lingering& left) {
  if (is_known(key)) return true;
  const int64_t event_ms = timer_ms - left.behind_ms;
  const int64_t own_ms = open_for(key, event_ms);
  if (own_ms == 0) forget(key);
  const int64_t its_ms = reader_ ? reader_->open_for(key, event_ms) : 0;
  if (own_ms == 0 && its_ms == 0 && reader_) reader_->forget(key);
  left.due_ms = kTimeMax;
  for (const int64_t ms : {own_ms, its_ms}) {
    if (ms > 0) left.due_ms = std::min(left.due_ms, on_grid(timer_ms + ms));
  }
  return left.due_ms == kTimeMax;
}

void WindowModel::on_idle(const std::string& key) {
  const int64_t to = combined(key);
  if (to != kTimeMax) return advance(key, to);
  if (!by_key()) return;
  tell(key);
  if (reader_) reader_->tell(key);
}

// Of windows that overlap only the one that ends next.
void WindowModel::tell(const std::string& key) {
  const bool overlap = options_.every_ms > 0 && options_.every_ms < options_.size_ms;
  for (Open& window : keys_[key].open) {
    if (window.ended && overlap) continue;
    if (window.changed && options_.at_end) fire(key, window, false);
    if (overlap) return;
  }
}

void WindowModel::forget(const std::string& key) {
  for (Open& window : keys_[key].open) {
    if (!options_.at_end || (window.ended && !window.changed)) continue;
    fire(key, window, true);
  }
  keys_.erase(key);
}

void WindowModel::advance(const std::string& key, int64_t to) {
  if (to <= watermark(key)) return;
  watermark(key) = to;
  if (by_key()) {
    advance_key(key, keys_[key], to);
  } else {
    for (auto& [each, state] : keys_) advance_key(each, state, to);
  }
  if (reader_) reader_->advance(key, to);
}

// ---- which windows a reading belongs to

void WindowModel::take(const Reading& reading) {
  Key& key = keys_[reading.key];
  key.newest_ms = std::max(key.newest_ms, reading.time_ms);
  fates_.back() = Fate::kTaken;  // unless one of these finds another one
  if (options_.kind() == WindowKind::kCount) return take_by_count(reading);
  if (options_.kind() == WindowKind::kSession) return take_into_session(reading);
  take_into_spans(reading);
}

void WindowModel::take_by_count(const Reading& reading) {
  auto& all = keys_[reading.key].readings;
  all.push_back(reading);
  const size_t every = options_.every_count ? options_.every_count : options_.count;
  if (all.size() % every != 0) return;
  const size_t n = std::min<size_t>(all.size(), options_.count);
  Open window;
  window.readings.assign(all.end() - ptrdiff_t(n), all.end());
  window.arrivals.resize(n);
  std::iota(window.arrivals.begin(), window.arrivals.end(), 0);
  fire(reading.key, window, true);
}

// All that hold the time, the oldest first.
std::vector<WindowModel::Span> WindowModel::spans(int64_t t) const {
  using namespace std::chrono;
  if (options_.kind() == WindowKind::kGlobal) return {{kTimeMin, kTimeMax}};
  if (options_.kind() == WindowKind::kCalendar) {
    const sys_days day = floor<days>(sys_time<milliseconds>(milliseconds(t)));
    const auto ms = [](sys_days d) { return milliseconds(d.time_since_epoch()).count(); };
    if (options_.calendar == CalendarUnit::kDay) return {{ms(day), ms(day + days(1))}};
    if (options_.calendar == CalendarUnit::kWeek) {
      const sys_days monday = day - (weekday(day) - Monday);
      return {{ms(monday), ms(monday + days(7))}};
    }
    const year_month_day date(day);
    const year_month_day first = date.year() / date.month() / 1;
    return {{ms(first), ms(first + months(1))}};
  }
  const int64_t every = options_.every_ms ? options_.every_ms : options_.size_ms;
  std::vector<Span> all;
  int64_t start = floor_to(t - options_.offset_ms, every) + options_.offset_ms;
  for (; start + options_.size_ms > t; start -= every) {
    all.insert(all.begin(), {start, start + options_.size_ms});
  }
  return all;
}

bool WindowModel::is_late(const Span& span, const std::string& key) {
  return watermark(key) >= saturating_add(span.second, options_.allowed_lateness_ms - 1);
}

void WindowModel::take_into_spans(const Reading& reading) {
  const std::vector<Span> all = spans(reading.time_ms);
  bool taken = false;
  for (const Span& span : all) {
    if (is_late(span, reading.key)) continue;
    taken = true;
    auto& open = keys_[reading.key].open;
    auto window = std::find_if(open.begin(), open.end(),
                               [&](const Open& w) { return w.start == span.first; });
    if (window == open.end()) {
      window = std::find_if(open.begin(), open.end(),
                            [&](const Open& w) { return w.start > span.first; });
      window = open.insert(window, Open());
      std::tie(window->start, window->end) = span;
      window->ended = window->end - 1 <= watermark(reading.key);
    }
    add(reading, *window);
  }
  if (taken) return;
  // Between two windows there is none to miss; what is late there is late all the same, as in
  // Flink.
  fates_.back() = Fate::kPassedBy;
  if (all.empty() && !is_late({0, reading.time_ms + 1}, reading.key)) return;
  if (all.empty()) return tell_late(reading, {}, {});
  tell_late(reading, double(all.back().first), double(all.back().second));
}

// What it touches becomes one session with it.
void WindowModel::take_into_session(const Reading& reading) {
  auto& open = keys_[reading.key].open;
  Open whole;
  whole.start = reading.time_ms;
  whole.end = reading.time_ms + options_.gap_ms;
  std::vector<Open> others;
  for (const Open& w : open) {
    if (w.start > whole.end || w.end < reading.time_ms) others.push_back(w);
  }
  for (const Open& w : open) {
    if (w.start > reading.time_ms + options_.gap_ms || w.end < reading.time_ms) continue;
    whole.start = std::min(whole.start, w.start);
    whole.end = std::max(whole.end, w.end);
    whole.readings.insert(whole.readings.end(), w.readings.begin(), w.readings.end());
    whole.arrivals.insert(whole.arrivals.end(), w.arrivals.begin(), w.arrivals.end());
    whole.early_due_ms = std::min(whole.early_due_ms, w.early_due_ms);
    whole.since_early += w.since_early;
    whole.revision = std::max(whole.revision, w.revision);
    whole.changed |= w.changed;
    whole.told |= w.told;
    whole.former.insert(whole.former.end(), w.former.begin(), w.former.end());
  }
  if (is_late({whole.start, whole.end}, reading.key)) {
    return tell_late(reading, double(whole.start), double(whole.end));
  }
  whole.ended = whole.end - 1 <= watermark(reading.key);
  open = others;
  const auto after =
      std::find_if(open.begin(), open.end(), [&](const Open& w) { return w.start > whole.start; });
  add(reading, *open.insert(after, whole));
}

// ---- results

void WindowModel::add(const Reading& reading, Open& window) {
  window.readings.push_back(reading);
  window.arrivals.push_back(fates_.size());
  window.changed = true;
  if (options_.early_ms > 0 && !window.ended && window.early_due_ms == kTimeMax) {
    const int64_t due_ms = floor_to(reading.time_ms, options_.early_ms) + options_.early_ms;
    window.early_due_ms = due_ms;
  }
  const bool counted = options_.early_count > 0 && ++window.since_early >= options_.early_count;
  if (counted) window.since_early = 0;
  if (counted || (window.ended && options_.at_end)) {
    fire(reading.key, window, window.ended);
  }
}

int64_t WindowModel::next_due(const Open& window) const {
  const int64_t last_ms = window.end - 1;
  if (!window.ended) return std::min(last_ms, window.early_due_ms);
  return saturating_add(last_ms, options_.allowed_lateness_ms);
}

// All that is due, the earliest first.
void WindowModel::advance_key(const std::string& key, Key& state, int64_t to) {
  for (;;) {
    const auto next =
        std::min_element(state.open.begin(), state.open.end(),
                         [&](const Open& a, const Open& b) { return next_due(a) < next_due(b); });
    if (next == state.open.end() || next_due(*next) > to) return;
    if (next->ended) {
      state.open.erase(next);
    } else if (next_due(*next) == next->end - 1) {
      next->ended = true;
      next->early_due_ms = kTimeMax;
      if (options_.at_end) fire(key, *next, true);
    } else {
      next->early_due_ms += options_.early_ms;
      fire(key, *next, false);
    }
  }
}

// A window for all times has no last early result, so that it is only told once.
void WindowModel::finish() {
  for (auto& [key, state] : keys_) {
    if (options_.kind() == WindowKind::kGlobal) {
      for (Open& w : state.open) w.early_due_ms = kTimeMax;
    }
    advance_key(key, state, kTimeMax);
  }
  if (reader_) reader_->finish();
}

// What the evictor leaves of its readings.
std::vector<Reading> WindowModel::counted(const Open& window) const {
  if (!options_.keeps_last()) return window.readings;
  const bool by_time = options_.last_ms > 0;
  std::vector<std::tuple<int64_t, size_t, size_t>> order;  // the last one first
  int64_t newest_ms = kTimeMin;
  for (size_t i = 0; i < window.readings.size(); ++i) {
    const int64_t time_ms = window.readings[i].time_ms;
    order.emplace_back(by_time ? time_ms : 0, window.arrivals[i], i);
    newest_ms = std::max(newest_ms, time_ms);
  }
  std::sort(order.rbegin(), order.rend());
  std::vector<Reading> left;
  for (const auto& [time_ms, arrival, i] : order) {
    if (by_time && time_ms <= newest_ms - options_.last_ms) break;
    if (left.size() == (by_time ? options_.max_last : options_.last_count)) break;
    left.insert(left.begin(), window.readings[i]);
  }
  return left;
}

void WindowModel::fire(const std::string& key, Open& window, bool final) {
  if (window.readings.empty()) return;
  const bool bounded =
      options_.kind() != WindowKind::kCount && options_.kind() != WindowKind::kGlobal;
  Emission e;
  e.type = "window";
  e.block = options_.name;
  e.key = key;
  e.time_ms = bounded ? window.end - 1 : std::max(keys_[key].newest_ms, watermark(key) + 1);
  e.fields.push_back({"window_start", bounded ? Value(double(window.start)) : Value()});
  e.fields.push_back({"window_end", bounded ? Value(double(window.end)) : Value()});
  e.fields.push_back({"revision", double(window.revision++)});
  e.fields.push_back({"final", final});
  if (options_.retract) e.fields.push_back({"retracted", false});
  for (const Emission& former : window.former) {
    emissions_.push_back(former);
    emissions_.back().fields[4].value = true;
  }
  window.former.clear();
  for (const auto& [alias, sql] : options_.select) {
    e.fields.push_back({alias, model_aggregate(sql, counted(window))});
  }
  if (model_having(options_.having, e.fields)) {
    if (reader_ && (options_.purge || (final && !window.told))) reader_->take_result(e);
    if (options_.retract) window.former = {e};
    emissions_.push_back(std::move(e));
  }
  window.told |= final;
  window.changed = false;
  if (!options_.purge) return;
  window.readings.clear();
  window.arrivals.clear();
}

// Its `n` is the reader's value.
void WindowModel::take_result(const Emission& result) {
  const auto n = std::ranges::find(result.fields, "n", &NamedValue::name);
  const double* value = std::get_if<double>(&n->value);
  fates_.push_back(Fate::kPassedBy);
  take({result.time_ms, result.key, value ? *value : kNull});
}

void WindowModel::tell_late(const Reading& reading, Value start, Value end) {
  fates_.back() = Fate::kLate;
  if (options_.late_to.empty()) return;
  Emission e;
  e.type = "late";
  e.block = options_.name;
  e.key = reading.key;
  e.time_ms = reading.time_ms;
  e.fields.push_back({"window_start", std::move(start)});
  e.fields.push_back({"window_end", std::move(end)});
  e.fields.push_back({"temp_c", is_null(reading.temp_c) ? Value() : Value(reading.temp_c)});
  e.fields.push_back({"door", reading.door.empty() ? Value() : Value(reading.door)});
  emissions_.push_back(std::move(e));
}

}  // namespace wayside
