#include "pipeline/ordered.h"

#include <algorithm>

namespace wayside {

OrderedReadings::Key& OrderedReadings::state(uint32_t key) {
  if (key >= keys_.size()) keys_.resize(key + 1);
  return keys_[key];
}

bool OrderedReadings::add(uint32_t id, int64_t time, const std::vector<const double*>& values,
                          size_t row) {
  Key& key = state(id);
  if (time <= key.released) return false;
  const auto place = std::upper_bound(key.times.begin(), key.times.end(), time);
  const auto index = static_cast<size_t>(place - key.times.begin());
  if (index == 0) unmark(id);
  key.times.insert(place, time);
  key.values.insert(key.values.begin() + static_cast<ptrdiff_t>(index * values_), values_, 0.0);
  for (size_t v = 0; v < values_; ++v) key.values[index * values_ + v] = values[v][row];
  ++waiting_;
  if (index == 0) mark(id);
  return true;
}

void OrderedReadings::release(uint32_t id, int64_t watermark, const Consumer& consumer) {
  Key& key = state(id);
  key.released = std::max(key.released, watermark);
  const auto end = std::upper_bound(key.times.begin(), key.times.end(), watermark);
  hand_over(id, static_cast<size_t>(end - key.times.begin()), consumer);
}

// Readings of the oldest's own time may still come: they leave behind it.
void OrderedReadings::shorten(uint32_t id, int64_t watermark, const Consumer& consumer) {
  release(id, watermark, consumer);
  Key& key = state(id);
  if (key.times.size() <= kMaxWaiting) return;
  key.released = std::max(key.released, key.times.front() - 1);
  hand_over(id, 1, consumer);
  ++evicted_;
}

void OrderedReadings::hand_over(uint32_t id, size_t n, const Consumer& consumer) {
  if (n == 0) return;
  Key& key = state(id);
  unmark(id);
  for (size_t i = 0; i < n; ++i) consumer(key.times[i], key.values.data() + i * values_);
  key.times.erase(key.times.begin(), key.times.begin() + static_cast<ptrdiff_t>(n));
  key.values.erase(key.values.begin(), key.values.begin() + static_cast<ptrdiff_t>(n * values_));
  waiting_ -= n;
  mark(id);
}

void OrderedReadings::drop_ahead(uint32_t id, int64_t limit_ms) {
  Key& key = state(id);
  unmark(id);
  const auto first = std::upper_bound(key.times.begin(), key.times.end(), limit_ms);
  const auto kept = first - key.times.begin();
  waiting_ -= key.times.size() - static_cast<size_t>(kept);
  key.times.erase(first, key.times.end());
  key.values.erase(key.values.begin() + kept * static_cast<ptrdiff_t>(values_), key.values.end());
  mark(id);
}

void OrderedReadings::mark(uint32_t id) {
  if (by_source_ && !keys_[id].times.empty()) oldest_.emplace(keys_[id].times.front(), id);
}

void OrderedReadings::unmark(uint32_t id) {
  if (by_source_ && !keys_[id].times.empty()) oldest_.erase({keys_[id].times.front(), id});
}

void OrderedReadings::add_due_keys(int64_t watermark, std::vector<uint32_t>& keys) const {
  for (const auto& [time, key] : oldest_) {
    if (time > watermark) break;
    keys.push_back(key);
  }
}

void OrderedReadings::release_all(uint32_t id, const Consumer& consumer) {
  const Key& key = state(id);
  if (!key.times.empty()) release(id, key.times.back(), consumer);
}

std::vector<uint32_t> OrderedReadings::waiting_keys() const {
  std::vector<uint32_t> keys;
  for (uint32_t id = 0; id < keys_.size(); ++id) {
    if (!keys_[id].times.empty()) keys.push_back(id);
  }
  return keys;
}

std::vector<uint32_t> OrderedReadings::keys() const {
  std::vector<uint32_t> keys;
  for (uint32_t id = 0; id < keys_.size(); ++id) {
    if (!keys_[id].times.empty() || keys_[id].released != kTimeMin) keys.push_back(id);
  }
  return keys;
}

void OrderedReadings::forget_key(uint32_t id) {
  if (id >= keys_.size()) return;
  waiting_ -= keys_[id].times.size();
  unmark(id);
  keys_[id] = {};
}

bool OrderedReadings::save_key(uint32_t id, ByteWriter& out) const {
  if (id >= keys_.size()) return false;
  const Key& key = keys_[id];
  if (key.times.empty() && key.released == kTimeMin) return false;
  out.fixed(key.released);
  out.varint(key.times.size());
  for (int64_t t : key.times) out.fixed(t);
  for (double v : key.values) out.fixed(v);
  return true;
}

void OrderedReadings::load_key(uint32_t id, ByteReader& in) {
  Key& key = state(id);
  key.released = in.fixed<int64_t>();
  const size_t n = in.count(8);
  for (size_t i = 0; i < n; ++i) key.times.push_back(in.fixed<int64_t>());
  for (size_t i = 0; i < n * values_; ++i) key.values.push_back(in.fixed<double>());
  waiting_ += n;
  mark(id);
}

}  // namespace wayside
