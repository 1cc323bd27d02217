#include "pipeline/watermark.h"

#include <algorithm>
#include <functional>

namespace wayside {

WatermarkTracker::WatermarkTracker(const SourceOptions& options, int64_t tick_ms)
    : by_key_(options.watermark == WatermarkMode::kKey),
      disorder_ms_(options.max_disorder_ms),
      idle_after_ms_(options.idle_after_ms),
      forget_after_ms_(options.forget_after_ms),
      tick_ms_(tick_ms) {}

int64_t WatermarkTracker::on_grid(int64_t deadline_ms) const {
  int64_t rest = deadline_ms % tick_ms_;
  if (rest < 0) rest += tick_ms_;
  return rest == 0 ? deadline_ms : deadline_ms - rest + tick_ms_;
}

void WatermarkTracker::start(int64_t timer_ms) {
  if (source_started_) return;
  source_started_ = true;
  source_heard_ms_ = timer_ms;
}

int64_t WatermarkTracker::deadline(const Key& key) const {
  return on_grid(key.heard_ms + (by_key_ && !key.idle ? idle_after_ms_ : forget_after_ms_));
}

void WatermarkTracker::watch(uint32_t id) {
  Key& key = keys_[id];
  const int64_t at_ms = deadline(key);
  if (key.watched_ms <= at_ms) return;  // it is looked at early enough
  key.watched_ms = at_ms;
  deadlines_.push_back({at_ms, id});
  std::push_heap(deadlines_.begin(), deadlines_.end(), std::greater<>());
  if (deadlines_.size() > 2 * known_keys_ + 64) drop_void_deadlines();
}

// A key that falls silent again and again leaves one behind each time, for as long as forget_after.
void WatermarkTracker::drop_void_deadlines() {
  std::erase_if(deadlines_, [&](const Deadline& d) {
    return !knows(d.key) || keys_[d.key].watched_ms != d.at_ms;
  });
  std::make_heap(deadlines_.begin(), deadlines_.end(), std::greater<>());
}

WatermarkTracker::Deadline WatermarkTracker::take_first() {
  std::pop_heap(deadlines_.begin(), deadlines_.end(), std::greater<>());
  const Deadline first = deadlines_.back();
  deadlines_.pop_back();
  return first;
}

void WatermarkTracker::settle_first() {
  while (!deadlines_.empty()) {
    const Deadline first = deadlines_.front();
    const bool holds = knows(first.key) && keys_[first.key].watched_ms == first.at_ms;
    if (holds && deadline(keys_[first.key]) == first.at_ms) return;
    take_first();
    if (!holds) continue;
    keys_[first.key].watched_ms = kTimeMax;
    watch(first.key);
  }
}

void WatermarkTracker::hear(uint32_t id, int64_t timer_ms) {
  if (id >= keys_.size()) keys_.resize(id + 1);
  Key& key = keys_[id];
  key.heard_ms = timer_ms;
  if (key.known && !key.idle) return;
  // An idle key was to be looked at later than it is now.
  const bool is_new = !key.known;
  key.known = true;
  key.idle = false;
  known_keys_ += is_new;
  watch(id);
}

void WatermarkTracker::advance(const BatchView& view, int64_t timer_ms,
                               std::vector<int64_t>& after) {
  after.resize(view.rows);
  start(timer_ms);
  for (size_t i = 0; i < view.rows; ++i) {
    hear(view.keys[i], timer_ms);
    Key& key = keys_[view.keys[i]];
    int64_t& newest = by_key_ ? key.newest_ms : source_newest_ms_;
    newest = std::max(newest, view.times[i]);
    after[i] = behind(newest);
    if (!by_key_) key.newest_ms = std::max(key.newest_ms, view.times[i]);
  }
  if (view.rows == 0) return;
  source_heard_ms_ = timer_ms;
  source_idle_ = false;
}

int64_t WatermarkTracker::watermark(uint32_t key) const {
  if (!by_key_) return behind(source_newest_ms_);
  return knows(key) ? behind(keys_[key].newest_ms) : kTimeMin;
}

int64_t WatermarkTracker::newest_ms() const {
  int64_t newest = source_newest_ms_;
  for (const Key& key : keys_) newest = std::max(newest, key.newest_ms);
  return newest;
}

std::optional<std::vector<uint32_t>> WatermarkTracker::take_ahead(int64_t limit_ms) {
  if (newest_ms() <= limit_ms) return std::nullopt;
  std::vector<uint32_t> ahead;
  for (uint32_t id = 0; id < keys_.size(); ++id) {
    if (keys_[id].known && (!by_key_ || keys_[id].newest_ms > limit_ms)) ahead.push_back(id);
  }
  source_newest_ms_ = kTimeMin;
  return ahead;
}

bool WatermarkTracker::is_idle(uint32_t key) const {
  if (!by_key_) return source_idle_;
  return !knows(key) || keys_[key].idle;
}

void WatermarkTracker::expire(int64_t timer_ms, std::vector<uint32_t>& idle,
                              std::vector<uint32_t>& forgotten) {
  idle.clear();
  forgotten.clear();
  if (!by_key_ && source_started_ && on_grid(source_heard_ms_ + idle_after_ms_) <= timer_ms) {
    source_idle_ = true;
  }
  for (settle_first(); !deadlines_.empty() && deadlines_.front().at_ms <= timer_ms;
       settle_first()) {
    const uint32_t id = take_first().key;
    Key& key = keys_[id];
    key.watched_ms = kTimeMax;
    if (!by_key_ || key.idle) {
      forgotten.push_back(id);
      continue;
    }
    key.idle = true;
    idle.push_back(id);
    watch(id);
  }
}

int64_t WatermarkTracker::next_timer() {
  settle_first();
  int64_t next = deadlines_.empty() ? kTimeMax : deadlines_.front().at_ms;
  if (!by_key_ && source_started_ && !source_idle_) {
    next = std::min(next, on_grid(source_heard_ms_ + idle_after_ms_));
  }
  return next;
}

void WatermarkTracker::forget_key(uint32_t id) {
  if (!knows(id)) return;
  Key& key = keys_[id];
  key = {};
  --known_keys_;
}

bool WatermarkTracker::save_key(uint32_t id, ByteWriter& out) const {
  if (!knows(id)) return false;
  const Key& key = keys_[id];
  out.fixed<uint8_t>(key.idle);
  out.fixed(key.newest_ms);
  out.fixed(key.heard_ms);
  return true;
}

void WatermarkTracker::load_key(uint32_t id, ByteReader& in) {
  if (id >= keys_.size()) keys_.resize(id + 1);
  Key& key = keys_[id];
  key.known = true;
  ++known_keys_;
  key.idle = in.fixed<uint8_t>();
  key.newest_ms = in.fixed<int64_t>();
  key.heard_ms = in.fixed<int64_t>();
  watch(id);
}

void WatermarkTracker::save_totals(ByteWriter& out) const {
  out.fixed(source_newest_ms_);
  out.fixed(source_heard_ms_);
  out.fixed<uint8_t>(source_started_);
  out.fixed<uint8_t>(source_idle_);
}

void WatermarkTracker::load_totals(ByteReader& in) {
  source_newest_ms_ = in.fixed<int64_t>();
  source_heard_ms_ = in.fixed<int64_t>();
  source_started_ = in.fixed<uint8_t>();
  source_idle_ = in.fixed<uint8_t>();
}

}  // namespace wayside
