#include "pipeline/quality.h"

namespace wayside {
namespace {

int64_t part_of(int64_t time_ms, int64_t every_ms) {
  return time_ms / every_ms - (time_ms % every_ms < 0);
}

}  // namespace

QualityFigures& QualityFigures::operator+=(const QualityFigures& other) {
  readings += other.readings;
  faulty += other.faulty;
  complete += other.complete;
  expected += other.expected;
  lag_ms += other.lag_ms;
  return *this;
}

void Quality::add(const BatchView& view, const std::vector<Cleaner::Change>& changes,
                  int64_t wall_ms) {
  auto change = changes.begin();
  for (size_t row = 0; row < view.rows; ++row) {
    bool faulty = false;
    for (; change != changes.end() && change->row == row; ++change) {
      faulty |= is_fault(change->reason);
    }
    if (view.keys[row] >= keys_.size()) keys_.resize(view.keys[row] + 1);
    count(keys_[view.keys[row]], view.times[row], faulty, wall_ms);
  }
}

void Quality::count(Key& key, int64_t time_ms, bool faulty, int64_t wall_ms) {
  QualityFigures one{1, faulty, 0, 0, wall_ms - time_ms};
  const int64_t part = part_of(time_ms, every_ms_);
  if (key.figures.readings == 0) key.newest_part = part - 1;
  const int64_t ahead = part - key.newest_part;
  if (ahead > 0) {
    one.expected = static_cast<uint64_t>(ahead);
    one.complete = 1;
    key.came = (ahead < kPartsMax ? key.came << ahead : 0) | 1;
    key.newest_part = part;
  } else if (-ahead < kPartsMax) {
    const uint64_t bit = uint64_t{1} << -ahead;
    const bool is_counted = static_cast<uint64_t>(-ahead) < key.figures.expected;
    one.complete = is_counted && !(key.came & bit);
    key.came |= bit;
  }
  key.figures += one;
  total_ += one;
}

QualityFigures Quality::of_key(uint32_t key) const {
  return key < keys_.size() ? keys_[key].figures : QualityFigures();
}

bool Quality::save_key(uint32_t key, ByteWriter& out) const {
  if (key >= keys_.size() || keys_[key].figures.readings == 0) return false;
  out.fixed(keys_[key]);
  return true;
}

void Quality::load_key(uint32_t key, ByteReader& in) {
  if (key >= keys_.size()) keys_.resize(key + 1);
  keys_[key] = in.fixed<Key>();
}

void Quality::forget_key(uint32_t key) {
  if (key < keys_.size()) keys_[key] = {};
}

}  // namespace wayside
