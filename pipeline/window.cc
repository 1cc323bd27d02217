#include "pipeline/window.h"

#include <algorithm>

#include "pipeline/paned_windows.h"
#include "pipeline/sliced_windows.h"

namespace wayside {

Window::KeyState& Window::state(uint32_t key) {
  if (key >= states_.size()) states_.resize(key + 1);
  return states_[key];
}

// ---- rows

void Window::process(size_t input, const Rows& rows, EmissionBuffer& out) {
  begin_batch(input, rows);
  if (auto* paned = dynamic_cast<PanedWindows*>(windows_.get())) {
    take_rows(*paned, input, rows, out);
  } else {
    take_rows(static_cast<SlicedWindows&>(*windows_), input, rows, out);
  }
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
  constexpr uint32_t kAhead = 8;  // rows; with many keys each of them is somewhere else
  for (uint32_t row = 0; row < view.rows; ++row) {
    if (row + kAhead < view.rows) {
      const uint32_t near = view.keys[row + kAhead];
      if (near < states_.size()) __builtin_prefetch(&states_[near]);
      windows.prefetch(near);
    }
    const uint32_t key = view.keys[row];
    const bool present = rows.is_present(row);
    if (by_key_ || present) state(key);
    // A reading that `where` leaves out is neither taken nor late: it only moves the watermark.
    if (present && (!where || is_true(where[row]))) {
      const Take took = take(windows, key, view.times[row], row);
      if (took == Take::kTaken) rows.set_taken(row);
      if (took == Take::kLate) {
        ++late_;
        rows.set_late(row);
        if (late_targets_ != 0) emit_late(input, view, row, out);
      }
    }
    const int64_t after = alone ? rows.after[row] : combined(input, key, rows.after[row]);
    if (after > (by_key_ ? states_[key].watermark : watermark_)) advance(key, after);
  }
}

template <class Windows>
Take Window::take(Windows& windows, uint32_t key, int64_t time, uint32_t row) {
  KeyState& s = states_[key];
  if (has_times()) {
    const Take took = windows.take(key, time, row, by_key_ ? s.watermark : watermark_);
    if (took == Take::kTaken && !by_key_) schedule(key);
    return took;
  }
  s.newest_ms = std::max(s.newest_ms, time);
  results_->set_time(time);
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
  return key < states_.size() ? states_[key].watermark : kTimeMin;
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
    states_[key].watermark = watermark;
    if (has_times() && windows_->due(key) <= watermark) windows_->advance(key, watermark);
  } else {
    watermark_ = watermark;
    if (!due_.empty() && due_.begin()->first <= watermark) fire_until(watermark);
  }
  if (!output_->consumers().empty()) results_->on_watermark(key, watermark);
}

// Not by key: what is due fires in order of time, and of the key's name.
void Window::fire_until(int64_t watermark) {
  while (!due_.empty() && due_.begin()->first <= watermark) {
    auto [due, keys] = *due_.begin();
    due_.erase(due_.begin());
    keys_.sort_by_text(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    for (const uint32_t key : keys) {
      if (pager_) pager_->need(key);
      if (windows_->due(key) <= due) windows_->advance(key, due);
      keys_.touch(key);
      states_[key].due = kTimeMax;
      schedule(key);
    }
  }
}

// Puts the key where the watermark finds it. What it leaves behind when it is due earlier is found
// to be nothing.
void Window::schedule(uint32_t key) {
  const int64_t due = has_times() ? windows_->due(key) : kTimeMax;
  if (due >= states_[key].due) return;
  states_[key].due = due;
  due_[due].push_back(key);
}

void Window::on_idle(uint32_t key, EmissionBuffer& out) {
  const int64_t watermark = combined(kNo, key, kTimeMax);
  const bool all_idle = watermark == kTimeMax;
  if (!all_idle) {
    if (by_key_) state(key);
    if (watermark > this->watermark(key)) advance(key, watermark);
  } else if (by_key_ && key < states_.size() && options_.kind() != WindowKind::kCount) {
    results_->set_time(states_[key].newest_ms);
    windows_->tell(key);
  }
  emit(out);
}

// ---- the end

void Window::close(uint32_t key) {
  results_->set_time(states_[key].newest_ms);
  if (options_.kind() != WindowKind::kCount) windows_->close(key);
}

void Window::forget_key(uint32_t key, int64_t, EmissionBuffer& out) {
  if (key >= states_.size()) return;
  close(key);
  windows_->drop(key);
  states_[key] = {};
  emit(out);
}

std::vector<uint32_t> Window::open_keys() const {
  std::vector<uint32_t> keys;
  for (uint32_t key = 0; key < states_.size(); ++key) {
    if (!windows_->empty(key)) keys.push_back(key);
  }
  keys_.sort_by_text(keys);
  return keys;
}

void Window::begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms, EmissionBuffer& out) {
  const bool all_ahead = !by_key_ && watermark_ > limit_ms;
  for (const uint32_t key : by_key_ ? keys : open_keys()) {
    state(key);
    if (all_ahead || (by_key_ && watermark(key) > limit_ms)) {
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
  for (KeyState& s : states_) s.due = kTimeMax;
  watermark_ = kTimeMin;
}

void Window::finish(EmissionBuffer& out) {
  if (has_times() && !by_key_) {
    fire_until(kTimeMax);
  } else {
    for (const uint32_t key : open_keys()) {
      has_times() ? windows_->advance(key, kTimeMax) : close(key);
    }
  }
  emit(out);
}

void Window::emit(EmissionBuffer& out) {
  results_->emit(out, output_->consumers().empty() ? nullptr : output_.get());
}

void Window::emit_late(size_t input, const BatchView& view, size_t row, EmissionBuffer& out) {
  emit(out);
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

// ---- state

BlockStatus Window::status() const {
  uint64_t faults = results_->faults();
  for (const auto& e : expressions_) faults += e->faults();
  return {options_.name, "window", results_->emitted(), windows_->open(), late_, faults};
}

bool Window::save_key(uint32_t key, ByteWriter& out) const {
  if (key >= states_.size()) return false;
  const KeyState& s = states_[key];
  if (windows_->empty(key) && s.watermark == kTimeMin && s.newest_ms == kTimeMin) return false;
  out.fixed(s.watermark);
  out.fixed(s.newest_ms);
  out.varint(s.readings);
  out.fixed<uint8_t>(!windows_->empty(key));
  if (!windows_->empty(key)) windows_->save(key, out);
  return true;
}

void Window::load_key(uint32_t key, ByteReader& in) {
  KeyState& s = state(key);
  s.watermark = in.fixed<int64_t>();
  s.newest_ms = in.fixed<int64_t>();
  s.readings = in.varint();
  if (in.fixed<uint8_t>() != 0) windows_->load(key, in);
  if (!by_key_) schedule(key);
}

void Window::save_totals(ByteWriter& out) const {
  out.fixed(watermark_);
  out.varint(results_->emitted());
  out.varint(late_);
}

void Window::load_totals(ByteReader& in) {
  watermark_ = in.fixed<int64_t>();
  results_->set_emitted(in.varint());
  late_ = in.varint();
}

}  // namespace wayside
