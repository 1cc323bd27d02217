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
  const auto place = std::upper_bound(key.begin(), key.times.cend(), time);
  const auto index = static_cast<size_t>(place - key.times.cbegin());
  const bool is_first = index == key.first;
  if (is_first) unmark(id);
  key.times.insert(place, time);
  key.values.insert(key.values.begin() + static_cast<ptrdiff_t>(index * values_), values_, 0.0);
  for (size_t v = 0; v < values_; ++v) key.values[index * values_ + v] = values[v][row];
  ++waiting_;
  if (is_first) mark(id);
  return true;
}

void OrderedReadings::release(uint32_t id, int64_t watermark, const Consumer& consumer) {
  Key& key = state(id);
  key.released = std::max(key.released, watermark);
  if (key.waiting() == 0 || *key.begin() > watermark) return;
  const auto end = std::upper_bound(key.begin(), key.times.cend(), watermark);
  hand_over(id, static_cast<size_t>(end - key.begin()), consumer);
}

// Readings of the oldest's own time may still come: they leave behind it.
void OrderedReadings::shorten(uint32_t id, int64_t watermark, const Consumer& consumer) {
  release(id, watermark, consumer);
  Key& key = state(id);
  if (key.waiting() <= kMaxWaiting) return;
  key.released = std::max(key.released, *key.begin() - 1);
  hand_over(id, 1, consumer);
  ++evicted_;
}

void OrderedReadings::hand_over(uint32_t id, size_t n, const Consumer& consumer) {
  if (n == 0) return;
  Key& key = state(id);
  unmark(id);
  for (size_t i = key.first; i < key.first + n; ++i) {
    consumer(key.times[i], key.values.data() + i * values_);
  }
  key.first += n;
  shrink(key);
  waiting_ -= n;
  mark(id);
}

void OrderedReadings::shrink(Key& key) const {
  if (key.first < key.waiting()) return;
  key.times.erase(key.times.begin(), key.times.begin() + static_cast<ptrdiff_t>(key.first));
  key.values.erase(key.values.begin(),
                   key.values.begin() + static_cast<ptrdiff_t>(key.first * values_));
  key.first = 0;
}

void OrderedReadings::drop_ahead(uint32_t id, int64_t limit_ms) {
  Key& key = state(id);
  unmark(id);
  const auto first = std::upper_bound(key.begin(), key.times.cend(), limit_ms);
  const auto kept = first - key.times.cbegin();
  waiting_ -= key.times.size() - static_cast<size_t>(kept);
  key.times.erase(first, key.times.end());
  key.values.erase(key.values.begin() + kept * static_cast<ptrdiff_t>(values_), key.values.end());
  mark(id);
}

void OrderedReadings::mark(uint32_t id) {
  if (!by_source_ || keys_[id].waiting() == 0) return;
  if (node_.empty()) {
    oldest_.emplace(*keys_[id].begin(), id);
  } else {
    node_.value() = {*keys_[id].begin(), id};
    oldest_.insert(std::move(node_));
  }
}

void OrderedReadings::unmark(uint32_t id) {
  if (by_source_ && keys_[id].waiting() > 0) node_ = oldest_.extract({*keys_[id].begin(), id});
}

int64_t OrderedReadings::newest() const {
  int64_t newest = kTimeMin;
  for (const Key& key : keys_) {
    if (key.waiting() > 0) newest = std::max(newest, key.times.back());
  }
  return newest;
}

void OrderedReadings::add_due_keys(int64_t watermark, std::vector<uint32_t>& keys) const {
  for (const auto& [time, key] : oldest_) {
    if (time > watermark) break;
    keys.push_back(key);
  }
}

void OrderedReadings::release_all(uint32_t id, const Consumer& consumer) {
  const Key& key = state(id);
  if (key.waiting() > 0) release(id, key.times.back(), consumer);
}

std::vector<uint32_t> OrderedReadings::waiting_keys() const {
  std::vector<uint32_t> keys;
  for (uint32_t id = 0; id < keys_.size(); ++id) {
    if (keys_[id].waiting() > 0) keys.push_back(id);
  }
  return keys;
}

std::vector<uint32_t> OrderedReadings::keys() const {
  std::vector<uint32_t> keys;
  for (uint32_t id = 0; id < keys_.size(); ++id) {
    if (keys_[id].waiting() > 0 || keys_[id].released != kTimeMin) keys.push_back(id);
  }
  return keys;
}

void OrderedReadings::forget_key(uint32_t id) {
  if (id >= keys_.size()) return;
  waiting_ -= keys_[id].waiting();
  unmark(id);
  keys_[id] = {};
}

bool OrderedReadings::save_key(uint32_t id, ByteWriter& out) const {
  if (id >= keys_.size()) return false;
  const Key& key = keys_[id];
  if (key.waiting() == 0 && key.released == kTimeMin) return false;
  out.fixed(key.released);
  out.varint(key.waiting());
  for (size_t i = key.first; i < key.times.size(); ++i) out.fixed(key.times[i]);
  for (size_t i = key.first * values_; i < key.values.size(); ++i) out.fixed(key.values[i]);
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
