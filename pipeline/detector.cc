#include "pipeline/detector.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"

namespace wayside {
namespace {

constexpr size_t kWarmUp = 6;  // values before the first score

double median_of_sorted(const std::vector<double>& sorted) {
  const size_t n = sorted.size();
  return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

}  // namespace

uint64_t RobustZDetector::fingerprint() const {
  return hash64(options_.field + '/' + std::to_string(options_.history) + '<' + options_.from);
}

RobustZDetector::Score RobustZDetector::score(const Key& key, double value) {
  const double median = median_of_sorted(key.sorted);
  deviations_.clear();
  double sum = 0;
  for (double x : key.sorted) {
    deviations_.push_back(std::abs(x - median));
    sum += deviations_.back();
  }
  const auto middle = deviations_.begin() + static_cast<ptrdiff_t>(deviations_.size() / 2);
  std::nth_element(deviations_.begin(), middle, deviations_.end());
  double mad = *middle;
  if (deviations_.size() % 2 == 0) mad = (mad + *std::max_element(deviations_.begin(), middle)) / 2;
  double spread = mad / 0.6745;
  if (spread == 0) spread = sum / double(key.sorted.size()) / 0.7979;
  spread = std::max(spread, 0.01 * std::abs(median));
  const double distance = std::abs(value - median);
  return {distance == 0 ? 0 : distance / std::max(spread, 1e-12), median};
}

void RobustZDetector::learn(Key& key, double value) const {
  if (key.recent.size() < options_.history) {
    key.recent.push_back(value);
  } else {
    key.sorted.erase(std::lower_bound(key.sorted.begin(), key.sorted.end(), key.recent[key.next]));
    key.recent[key.next] = value;
    key.next = (key.next + 1) % options_.history;
  }
  key.sorted.insert(std::upper_bound(key.sorted.begin(), key.sorted.end(), value), value);
}

void RobustZDetector::on_reading(uint32_t id, int64_t time, double value, EmissionBuffer& out) {
  if (is_null(value)) return;
  if (id >= states_.size()) states_.resize(id + 1);
  Key& key = states_[id];
  if (key.recent.size() >= kWarmUp) {
    const Score s = score(key, value);
    if (!key.high && s.score >= options_.threshold) {
      key.high = true;
      ++raised_;
      Emission e;
      e.targets = targets_;
      e.type = "anomaly";
      e.block = options_.name;
      e.key = keys_.text(id);
      e.time_ms = time;
      e.fields = {{options_.field, value}, {"expected", s.expected}, {"score", s.score}};
      out.add(std::move(e));
    } else if (s.score < options_.threshold / 2) {
      key.high = false;
    }
  }
  learn(key, value);
}

void RobustZDetector::forget_key(uint32_t key) {
  if (key < states_.size()) states_[key] = {};
}

bool RobustZDetector::save_key(uint32_t id, ByteWriter& out) const {
  if (id >= states_.size() || states_[id].recent.empty()) return false;
  const Key& key = states_[id];
  out.fixed<uint8_t>(key.high);
  out.varint(key.next);
  out.varint(key.recent.size());
  for (double x : key.recent) out.fixed(x);
  return true;
}

void RobustZDetector::load_key(uint32_t id, ByteReader& in) {
  if (id >= states_.size()) states_.resize(id + 1);
  Key& key = states_[id];
  key.high = in.fixed<uint8_t>();
  key.next = static_cast<uint32_t>(in.varint());
  const size_t n = in.count(8);
  for (size_t i = 0; i < n; ++i) key.recent.push_back(in.fixed<double>());
  key.sorted = key.recent;
  std::sort(key.sorted.begin(), key.sorted.end());
}

}  // namespace wayside
