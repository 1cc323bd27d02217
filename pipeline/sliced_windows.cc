#include "pipeline/sliced_windows.h"

#include <algorithm>

namespace wayside {

SlicedWindows::SlicedWindows(const WindowOptions& o, WindowGrid grid, Panes& panes,
                             WindowListener& listener)
    : grid_(std::move(grid)),
      lateness_(o.kind() == WindowKind::kCount ? 0 : o.allowed_lateness_ms),
      keeps_slices_(lateness_ > 0),
      retract_(o.retract),
      panes_(panes),
      listener_(listener),
      scratch_(make(0)) {}

// ---- readings

uint32_t SlicedWindows::lower_bound(const Key& key, int64_t start) const {
  if (key.slices.empty() || starts_[key.slices.back()] < start) return key.slices.size();
  const auto place = std::lower_bound(key.slices.begin(), key.slices.end(), start,
                                      [&](uint32_t p, int64_t s) { return starts_[p] < s; });
  return static_cast<uint32_t>(place - key.slices.begin());
}

uint32_t SlicedWindows::make(int64_t start) {
  const uint32_t pane = panes_.make();
  if (pane >= starts_.capacity()) starts_.reserve(panes_.capacity() + panes_.capacity() / 16);
  if (pane >= starts_.size()) starts_.resize(panes_.capacity());
  starts_[pane] = start;
  return pane;
}

Take SlicedWindows::take(uint32_t id, int64_t time, uint32_t row, int64_t watermark) {
  if (cleanup(grid_.last_start(time)) <= watermark) return Take::kLate;
  if (id >= keys_.size()) keys_.resize(id + 1);
  Key& key = keys_[id];
  const int64_t start = grid_.slice_start(time);
  uint32_t at = lower_bound(key, start);
  if (at == key.slices.size() || starts_[key.slices[at]] != start) {
    set_next(key, start, watermark);
    at = insert(key, at, start);
    set_due(key);
  }
  add_row(key, at, row);
  if (!told_.empty()) mark_changed(id, start);
  if (keeps_slices_ && last(grid_.first_start(start)) <= watermark) revise(id, start, watermark);
  return Take::kTaken;
}

// A slice has come: windows that it is in and that are not complete will close.
void SlicedWindows::set_next(Key& key, int64_t slice, int64_t watermark) const {
  int64_t window = grid_.first_start(slice);
  if (last(window) <= watermark) window = grid_.first_start(watermark + 1);
  if (window <= slice) key.next = std::min(key.next, window);
}

// A new slice into the stretch it belongs to. Between front and back, or back and what is open, it
// is the first of the later one.
uint32_t SlicedWindows::insert(Key& key, uint32_t at, int64_t start) {
  const uint32_t pane = make(start);
  const bool of_windows_to_come = start >= key.next;
  if (at < key.done || (at == key.done && !of_windows_to_come)) {
    ++key.done;
  } else if (at < key.done + key.front) {
    // Its sum begins as that of the slice behind it.
    const uint32_t sum = keeps_slices_ ? make(start) : pane;
    panes_.flush();
    panes_.merge(sum, suffix(key, at - key.done));
    if (keeps_slices_) key.suffixes.insert(at - key.done, sum);
    ++key.front;
  } else if (at < key.open_begin()) {
    key.back_start = std::min(key.back_start, start);
    ++key.back;
  }
  key.slices.insert(at, pane);
  return at;
}

void SlicedWindows::add_row(Key& key, uint32_t at, uint32_t row) {
  const bool in_front = at >= key.done && at < key.done + key.front;
  if (keeps_slices_ || !in_front) panes_.add(key.slices[at], row);
  if (in_front) {
    for (uint32_t i = 0; i <= at - key.done; ++i) panes_.add(suffix(key, i), row);
  } else if (at >= key.done + key.front && at < key.open_begin()) {
    panes_.add(key.back_sum, row);
  }
}

// Complete windows that the slice is in, and that may still be revised, speak again. Each of them
// is some slices before it, and some from it on: the former are summed up once, from it backwards,
// the latter grow from window to window.
void SlicedWindows::revise(uint32_t id, int64_t slice, int64_t watermark) {
  panes_.flush();
  int64_t window = grid_.first_start(slice);
  while (window <= slice && cleanup(window) <= watermark) window = grid_.next_start(window);
  if (window > slice || last(window) > watermark) return;
  const Key& key = keys_[id];
  const uint32_t own = lower_bound(key, slice);
  uint32_t first = lower_bound(key, window);
  sum_before(key, first, own);
  const uint32_t behind = make(0);
  for (uint32_t next = own; window <= slice && last(window) <= watermark;
       window = grid_.next_start(window)) {
    for (; next < key.slices.size() && starts_[key.slices[next]] < grid_.end(window); ++next) {
      panes_.merge(behind, key.slices[next]);
    }
    for (; first < own && starts_[key.slices[first]] < window; ++first) {
      panes_.release(before_.back());
      before_.pop_back();
    }
    panes_.reset(scratch_);
    if (!before_.empty()) panes_.merge(scratch_, before_.back());
    panes_.merge(scratch_, behind);
    speak(id, window, true, scratch_);
  }
  for (const uint32_t pane : before_) panes_.release(pane);
  panes_.release(behind);
}

// Of each slice in [first, end) the sum of it and those behind it: into before_, the last one
// first.
void SlicedWindows::sum_before(const Key& key, uint32_t first, uint32_t end) {
  before_.clear();
  for (uint32_t i = end; i > first; --i) {
    const uint32_t sum = make(0);
    panes_.merge(sum, key.slices[i - 1]);
    if (!before_.empty()) panes_.merge(sum, before_.back());
    before_.push_back(sum);
  }
}

// ---- windows close

void SlicedWindows::set_due(Key& key) const {
  key.due = key.next == kNever ? kNever : last(key.next);
  if (keeps_slices_ && !key.slices.empty()) {
    key.due = std::min(key.due, cleanup(grid_.last_start(starts_[key.slices[0]])));
  }
}

void SlicedWindows::advance(uint32_t id, int64_t watermark) {
  panes_.flush();
  Key& key = keys_[id];
  while (key.due <= watermark && key.due != kNever) {
    const int64_t now = key.due;
    if (key.next != kNever && last(key.next) <= now) close_next(id);
    drop_old(id, now);
    set_due(key);
  }
}

void SlicedWindows::close_next(uint32_t id) {
  Key& key = keys_[id];
  const int64_t start = key.next;
  const uint32_t sum = sum_of_next(key);
  if (sum != kNone) speak(id, start, true, sum);
  key.next = grid_.next_start(start);
  skip_empty(key);
}

// The sum of the window that closes next; kNone: it is empty.
uint32_t SlicedWindows::sum_of_next(Key& key) {
  const int64_t end = grid_.end(key.next);
  for (uint32_t i = key.open_begin(); i < key.slices.size(); ++i) {
    const uint32_t pane = key.slices[i];
    if (starts_[pane] >= end) break;
    if (key.back_sum == kNone) key.back_sum = make(0);
    panes_.merge(key.back_sum, pane);
    key.back_start = std::min(key.back_start, starts_[pane]);
    ++key.back;
  }
  pass_front(key);
  if (key.front == 0 && key.back_start < key.next) flip(key);
  if (key.front == 0) return key.back > 0 ? key.back_sum : kNone;
  if (key.back == 0) return suffix(key, 0);
  panes_.assign(scratch_, suffix(key, 0));
  panes_.merge(scratch_, key.back_sum);
  return scratch_;
}

// Slices of the front that are before the next window are done.
void SlicedWindows::pass_front(Key& key) {
  while (key.front > 0 && starts_[key.slices[key.done]] < key.next) {
    --key.front;
    if (keeps_slices_) {
      panes_.release(key.suffixes[0]);
      key.suffixes.pop_front();
      ++key.done;
    } else {
      panes_.release(key.slices[0]);
      key.slices.pop_front();
    }
  }
}

// The front is used up: what the next window needs of the back becomes the front.
void SlicedWindows::flip(Key& key) {
  while (key.back > 0 && starts_[key.slices[key.done]] < key.next) {
    --key.back;
    if (keeps_slices_) {
      ++key.done;
    } else {
      panes_.release(key.slices[0]);
      key.slices.pop_front();
    }
  }
  key.front = std::exchange(key.back, 0);
  key.back_start = kNever;
  if (key.back_sum != kNone) panes_.reset(key.back_sum);
  uint32_t behind = kNone;
  for (uint32_t i = key.front; i > 0; --i) {
    uint32_t sum = key.slices[key.done + i - 1];
    if (keeps_slices_) {
      const uint32_t slice = sum;
      sum = make(starts_[slice]);
      panes_.merge(sum, slice);
      key.suffixes.insert(0, sum);
    }
    if (behind != kNone) panes_.merge(sum, behind);
    behind = sum;
  }
}

// Windows without a reading do not speak.
void SlicedWindows::skip_empty(Key& key) const {
  uint32_t at = key.done;  // few of the others are behind it
  while (at < key.slices.size() && starts_[key.slices[at]] < key.next) ++at;
  key.next = at == key.slices.size()
                 ? kNever
                 : std::max(key.next, grid_.first_start(starts_[key.slices[at]]));
}

// Slices that no window will read again.
void SlicedWindows::drop_old(uint32_t id, int64_t watermark) {
  Key& key = keys_[id];
  while (!key.slices.empty() && cleanup(grid_.last_start(starts_[key.slices[0]])) <= watermark) {
    drop_first(key);
  }
  if (key.slices.empty()) drop(id);
  if (auto found = told_.find(id); found != told_.end()) {
    std::deque<Told>& all = found->second;
    while (!all.empty() && cleanup(all.front().start) <= watermark) all.pop_front();
    if (all.empty()) told_.erase(found);
  }
  if (retract_) listener_.on_gone(id, kTimeMin, saturating_add(watermark, 1 - lateness_));
}

void SlicedWindows::drop_first(Key& key) {
  if (key.done > 0) {
    --key.done;
  } else if (key.front > 0) {
    --key.front;
    if (keeps_slices_) {
      panes_.release(key.suffixes[0]);
      key.suffixes.pop_front();
    }
  } else if (key.back > 0) {
    --key.back;  // its part of the sum is gone with the next flip
  }
  panes_.release(key.slices[0]);
  key.slices.pop_front();
}

void SlicedWindows::drop(uint32_t id) {
  if (id >= keys_.size()) return;
  panes_.flush();
  Key& key = keys_[id];
  while (!key.slices.empty()) drop_first(key);
  if (key.back_sum != kNone) panes_.release(key.back_sum);
  key = Key();
  told_.erase(id);
}

// ---- results

uint32_t SlicedWindows::sum_between(const Key& key, int64_t start, int64_t end) {
  panes_.reset(scratch_);
  for (uint32_t i = lower_bound(key, start); i < key.slices.size(); ++i) {
    if (starts_[key.slices[i]] >= end) break;
    panes_.merge(scratch_, key.slices[i]);
  }
  return scratch_;
}

std::deque<SlicedWindows::Told>::iterator SlicedWindows::told_from(std::deque<Told>& all,
                                                                   int64_t start) {
  return std::lower_bound(all.begin(), all.end(), start,
                          [](const Told& t, int64_t s) { return t.start < s; });
}

SlicedWindows::Told& SlicedWindows::told(uint32_t id, int64_t start) {
  std::deque<Told>& all = told_[id];
  const auto place = told_from(all, start);
  if (place != all.end() && place->start == start) return *place;
  return *all.insert(place, {start, 0, false, false});
}

void SlicedWindows::mark_changed(uint32_t id, int64_t slice) {
  const auto found = told_.find(id);
  if (found == told_.end()) return;
  auto t = told_from(found->second, grid_.first_start(slice));
  for (; t != found->second.end() && t->start <= slice; ++t) t->changed = true;
}

void SlicedWindows::speak(uint32_t id, int64_t start, bool final, uint32_t pane) {
  WindowResult result{id, start, grid_.end(start), 0, final, false, pane};
  const bool is_told = told_.contains(id);
  if (keeps_slices_ || !final || is_told) {
    Told& t = told(id, start);
    result.revision = t.revision++;
    result.revised = final && t.at_end;
    t.at_end |= final;
    t.changed = false;
  }
  listener_.on_result(result);
}

void SlicedWindows::tell(uint32_t id) {
  if (id >= keys_.size() || keys_[id].next == kNever) return;
  const Key& key = keys_[id];
  if (const auto found = told_.find(id); found != told_.end()) {
    const auto t = told_from(found->second, key.next);
    if (t != found->second.end() && t->start == key.next && !t->changed) return;
  }
  panes_.flush();
  // The front's slices are not there on their own any more where their panes hold suffixes.
  panes_.reset(scratch_);
  uint32_t i = key.done;
  if (!keeps_slices_ && key.front > 0) {
    panes_.merge(scratch_, suffix(key, 0));
    i += key.front;
  }
  const int64_t end = grid_.end(key.next);
  for (; i < key.slices.size() && starts_[key.slices[i]] < end; ++i) {
    if (starts_[key.slices[i]] >= key.next) panes_.merge(scratch_, key.slices[i]);
  }
  speak(id, key.next, false, scratch_);
}

void SlicedWindows::close(uint32_t id) {
  if (id >= keys_.size()) return;
  panes_.flush();
  while (keys_[id].next != kNever) close_next(id);
  drop(id);
}

void SlicedWindows::close_ahead(uint32_t id, int64_t limit) {
  if (id >= keys_.size()) return;
  Key& key = keys_[id];
  panes_.flush();
  // What is ahead is open: the watermark has not come there.
  int64_t window = grid_.next_start(grid_.last_start(limit));
  const uint32_t kept = std::max(lower_bound(key, window), key.open_begin());
  if (kept >= key.slices.size()) return;
  for (uint32_t at = kept; at < key.slices.size(); at = lower_bound(key, window)) {
    window = std::max(window, grid_.first_start(starts_[key.slices[at]]));
    speak(id, window, true, sum_between(key, window, grid_.end(window)));
    window = grid_.next_start(window);
  }
  while (key.slices.size() > kept) {
    panes_.release(key.slices.back());
    key.slices.pop_back();
  }
  if (auto found = told_.find(id); found != told_.end()) {
    std::erase_if(found->second, [&](const Told& t) { return t.start > limit; });
  }
  if (retract_) listener_.on_gone(id, limit + 1, kTimeMax);
  if (key.slices.empty()) return drop(id);
  skip_empty(key);
  set_due(key);
}

int64_t SlicedWindows::over_at(uint32_t id) const {
  return empty(id) ? kTimeMin : cleanup(grid_.last_start(starts_[keys_[id].slices.back()]));
}

bool SlicedWindows::missed(int64_t time, int64_t& start, int64_t& end) const {
  start = grid_.last_start(time);
  end = grid_.end(start);
  return true;
}

}  // namespace wayside
