#include "pipeline/window.h"

#include <algorithm>

#include "pipeline/paned_windows.h"
#include "pipeline/sliced_windows.h"

namespace wayside {
namespace {

constexpr size_t kNearKeys = 4'096;  // whose state the caches hold

}  // namespace

void Window::know(uint32_t key) {
  if (knows(key)) return;
  if (by_key_) {
    watermarks_.resize(key + 1, kTimeMin);
  } else {
    due_of_.resize(key + 1, kTimeMax);
  }
  if (!has_times()) counted_.resize(key + 1);
}

std::vector<Stream*> Window::outputs() {
  if (!changes_) return {output_.get()};
  return {output_.get(), changes_.get()};
}

// ---- rows

void Window::process(size_t input, const Rows& rows, EmissionBuffer& out) {
  begin_batch(input, rows);
  results_->set_rows(&rows);
  if (auto* paned = dynamic_cast<PanedWindows*>(windows_.get())) {
    take_rows(*paned, input, rows, out);
  } else {
    take_rows(static_cast<SlicedWindows&>(*windows_), input, rows, out);
  }
  results_->set_rows(nullptr);
  panes_.flush();
  emit(out);
}

void Window::begin_batch(size_t input, const Rows& rows) {
  const BatchView& view = rows.view;
  ColumnExpressions& expressions = *expressions_[input];
  expressions.evaluate(view, rows.present);
  aggregate_inputs_.resize(reads_.size());
  for (size_t a = 0; a < reads_.size(); ++a) {
    AggregateInput& in = aggregate_inputs_[a];
    in.times = view.times;
    in.mask = reads_[a].filter == kNo ? nullptr : expressions.values(reads_[a].filter);
    for (size_t c = 0; c < AggregateInput::kColumnsMax; ++c) {
      const size_t item = reads_[a].columns[c];
      if (item == kNo) continue;
      in.columns[c] = {expressions.values(item), expressions.texts(item),
                       expressions.dictionary(item)};
    }
  }
  panes_.begin(aggregate_inputs_);
}

template <class Windows>
void Window::take_rows(Windows& windows, size_t input, const Rows& rows, EmissionBuffer& out) {
  const BatchView& view = rows.view;
  const double* where = where_ == kNo ? nullptr : expressions_[input]->values(where_);
  const bool alone = inputs_.size() == 1;
  // With many keys each of them is somewhere else.
  const uint32_t ahead = keys_.capacity() > kNearKeys ? 16 : UINT32_MAX / 2;
  for (uint32_t row = 0; row < view.rows; ++row) {
    if (row + ahead < view.rows) {
      const uint32_t coming = view.keys[row + ahead];
      if (coming < watermarks_.size()) __builtin_prefetch(&watermarks_[coming]);
      windows.prefetch(coming);
      windows.prefetch_panes(view.keys[row + ahead / 2]);
    }
    const uint32_t key = view.keys[row];
    results_->set_row(row);
    const bool present = rows.is_present(row);
    if (by_key_ || present) know(key);
    // A reading that `where` leaves out is neither taken nor late: it only moves the watermark.
    if (present && (!where || is_true(where[row]))) {
      const Take took = take(windows, key, view.times[row], row);
      if (took == Take::kTaken) rows.set_taken(row);
      if (took == Take::kLate) {
        ++late_;
        rows.set_late(row);
        if (late_targets_ != 0) emit_late(input, rows, row, out);
      }
    }
    const int64_t after = alone ? rows.after[row] : combined(input, key, rows.after[row]);
    if (after > (by_key_ ? watermarks_[key] : watermark_)) advance(key, after);
  }
}

// Of results that have no times of their own: late for nobody who reads them.
void Window::set_time_of(uint32_t key) {
  if (!has_times()) results_->set_time(std::max(counted_[key].newest_ms, watermark(key) + 1));
}

template <class Windows>
Take Window::take(Windows& windows, uint32_t key, int64_t time, uint32_t row) {
  if (has_times()) {
    const Take took = windows.take(key, time, row, by_key_ ? watermarks_[key] : watermark_);
    if (took == Take::kTaken && !by_key_) schedule(key);
    return took;
  }
  Counted& s = counted_[key];
  s.newest_ms = std::max(s.newest_ms, time);
  set_time_of(key);
  if (options_.kind() == WindowKind::kGlobal) {
    return windows.take(key, time, row, kTimeMin);
  }
  const auto number = static_cast<int64_t>(s.readings++);
  windows.take(key, number, row, number - 1);
  if (windows.due(key) <= number) windows.advance(key, number);
  return Take::kTaken;
}

// ---- time

int64_t Window::watermark(uint32_t key) const {
  if (!by_key_) return watermark_;
  return knows(key) ? watermarks_[key] : kTimeMin;
}

bool Window::is_idle(uint32_t key) const {
  return std::all_of(inputs_.begin(), inputs_.end(),
                     [&](const Stream* s) { return s->time().is_idle(key); });
}

int64_t Window::combined(size_t input, uint32_t key, int64_t after) const {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const EventTime& time = inputs_[i]->time();
    if (i == input || time.is_idle(key)) continue;
    after = std::min(after, time.watermark(key));
  }
  return after;
}

void Window::advance(uint32_t key, int64_t watermark) {
  if (by_key_) {
    if (has_times() && windows_->due(key) <= watermark) watermark = fire_key(key, watermark);
    watermarks_[key] = watermark;
  } else {
    if (!due_.empty() && due_.begin()->first <= watermark) watermark = fire_until(watermark);
    watermark_ = watermark;
  }
  if (!output_->consumers().empty()) results_->on_watermark(key, watermark);
}

// How far the watermark comes with what the turn has room for.
int64_t Window::fire_key(uint32_t key, int64_t watermark) {
  int64_t due = windows_->due(key);
  for (; due <= watermark && !is_full(); due = windows_->due(key)) {
    windows_->advance(key, due);
    if (due == kTimeMax) break;
  }
  const bool waits = due <= watermark && is_full() && due != kTimeMax;
  const int64_t reached = waits ? due - 1 : watermark;
  set_behind(key, reached, watermark);
  return reached;
}

void Window::set_behind(uint32_t key, int64_t reached, int64_t watermark) {
  if (reached < watermark) {
    behind_[key] = watermark;
  } else if (!behind_.empty()) {
    behind_.erase(key);
  }
}

// The turn has room again. What was due earlier than its reading came has no reading.
void Window::go_on(EmissionBuffer& out) {
  results_->begin_turn();
  if (behind_.empty()) return;
  std::vector<uint32_t> keys;
  for (const auto& [key, watermark] : behind_) keys.push_back(key);
  if (by_key_) keys_.sort_by_text(keys);
  for (const uint32_t key : keys) {
    if (is_full()) break;
    if (by_key_ && pager_) pager_->need(key);
    advance(key, behind_.at(key));
    if (by_key_) keys_.touch(key);
  }
  emit(out);
}

// Not by key: what is due fires in order of time, and of the key's name. As fire_key().
int64_t Window::fire_until(int64_t watermark) {
  while (!due_.empty() && due_.begin()->first <= watermark) {
    if (is_full()) {
      const int64_t reached = due_.begin()->first - 1;
      set_behind(KeyTable::kNone, reached, watermark);
      return reached;
    }
    auto [due, keys] = *due_.begin();
    due_.erase(due_.begin());
    keys_.sort_by_text(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    for (const uint32_t key : keys) {
      if (pager_) pager_->need(key);
      if (windows_->due(key) <= due) windows_->advance(key, due);
      keys_.touch(key);
      due_of_[key] = kTimeMax;
      schedule(key);
    }
  }
  set_behind(KeyTable::kNone, watermark, watermark);
  return watermark;
}

// Puts the key where the watermark finds it. What it leaves behind when it is due earlier is found
// to be nothing.
void Window::schedule(uint32_t key) {
  const int64_t due = has_times() ? windows_->due(key) : kTimeMax;
  if (due >= due_of_[key]) return;
  due_of_[key] = due;
  due_[due].push_back(key);
}

void Window::on_idle(uint32_t key, EmissionBuffer& out) {
  const int64_t watermark = combined(kNo, key, kTimeMax);
  const bool all_idle = watermark == kTimeMax;
  if (!all_idle) {
    if (by_key_) know(key);
    if (watermark > this->watermark(key)) advance(key, watermark);
  } else if (by_key_ && knows(key) && options_.kind() != WindowKind::kCount) {
    set_time_of(key);
    windows_->tell(key);
  }
  emit(out);
}

// ---- the end

void Window::close(uint32_t key) {
  set_time_of(key);
  if (options_.kind() != WindowKind::kCount) windows_->close(key);
}

void Window::forget_key(uint32_t key, int64_t, EmissionBuffer& out) {
  if (!knows(key)) return;
  results_->set_place(out.cause().place);
  close(key);
  windows_->drop(key);
  (by_key_ ? watermarks_[key] : due_of_[key]) = by_key_ ? kTimeMin : kTimeMax;
  if (!has_times()) counted_[key] = {};
  behind_.erase(key);
  emit(out);
  results_->set_place(Cause::kNoReading);
  results_->forget(key);
}

void Window::evict_key(uint32_t key, EmissionBuffer& out) {
  const int64_t passed = watermark(key);
  forget_key(key, kTimeMin, out);
  if (by_key_ && knows(key)) watermarks_[key] = passed;
}

// What has no end of its own ends with its key.
int64_t Window::open_for(uint32_t key, int64_t time_ms) {
  if (!has_times() || !knows(key)) return 0;
  const int64_t over = windows_->over_at(key);
  const int64_t now = options_.processing_time ? watermark_ : time_ms;
  return over <= now ? 0 : over - now;
}

void Window::unload_key(uint32_t key) {
  windows_->drop(key);
  results_->forget(key);
}

std::vector<uint32_t> Window::open_keys() const {
  std::vector<uint32_t> keys;
  for (uint32_t key = 0; knows(key); ++key) {
    if (!windows_->empty(key)) keys.push_back(key);
  }
  keys_.sort_by_text(keys);
  return keys;
}

void Window::begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms, EmissionBuffer& out) {
  const auto is_ahead = [&](uint32_t key) {  // now, or with what a turn had no room for
    const auto waits = behind_.find(key);
    return (waits == behind_.end() ? watermark(key) : waits->second) > limit_ms;
  };
  const bool all_ahead = !by_key_ && is_ahead(KeyTable::kNone);
  for (const uint32_t key : by_key_ ? keys : open_keys()) {
    know(key);
    if (all_ahead || (by_key_ && is_ahead(key))) {
      forget_key(key, limit_ms, out);
    } else if (has_times()) {
      // Another input has held the watermark back: what it lets be open goes on.
      windows_->close_ahead(key, limit_ms);
      emit(out);
    }
    keys_.touch(key);
  }
  if (!all_ahead) return;
  due_.clear();
  std::fill(due_of_.begin(), due_of_.end(), kTimeMax);
  watermark_ = kTimeMin;
  behind_.clear();
}

// Again and again, until it is not behind any more.
void Window::finish(EmissionBuffer& out) {
  results_->begin_turn();
  behind_.clear();
  if (has_times() && !by_key_) {
    fire_until(kTimeMax);
  } else {
    for (const uint32_t key : open_keys()) {
      if (is_full()) {
        set_behind(key, kTimeMin, kTimeMax);
        break;
      }
      has_times() ? void(fire_key(key, kTimeMax)) : close(key);
    }
  }
  emit(out);
}

void Window::emit(EmissionBuffer& out) {
  const auto read = [](const std::unique_ptr<Stream>& stream) {
    return stream && !stream->consumers().empty() ? stream.get() : nullptr;
  };
  results_->emit(out, read(output_), read(changes_));
}

void Window::emit_late(size_t input, const Rows& rows, size_t row, EmissionBuffer& out) {
  emit(out);
  out.set_place(rows.place(row));
  const BatchView& view = rows.view;
  Emission e;
  e.targets = late_targets_;
  e.type = "late";
  e.block = options_.name;
  e.key = keys_.text(view.keys[row]);
  e.time_ms = view.times[row];
  int64_t start = 0, end = 0;
  const bool missed = windows_->missed(view.times[row], start, end);
  e.fields.push_back({"window_start", missed ? Value(double(start)) : Value()});
  e.fields.push_back({"window_end", missed ? Value(double(end)) : Value()});
  const Schema& schema = inputs_[input]->schema();
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    const ColumnView& c = view.columns[i];
    Value value;
    if (c.numbers && !is_null(c.numbers[row])) value = c.numbers[row];
    if (c.texts && c.texts[row] != Interner::kNone)
      value = std::string(view.texts->text(c.texts[row]));
    const std::string& name = schema.fields[i].name;
    // A result that comes late has a window of its own; that it is late for matters here.
    if (i == schema.key || name == "window_start" || name == "window_end") continue;
    e.fields.push_back({name, std::move(value)});
  }
  out.add(std::move(e));
}

}  // namespace wayside
