#include "pipeline/quality.h"

#include <cstdlib>

namespace wayside {
namespace {

// Parts from one reading to another, to the nearest; half of one is none yet.
int64_t parts_between(int64_t from_ms, int64_t to_ms, int64_t every_ms) {
  const int64_t apart_ms = to_ms - from_ms;
  const int64_t parts = (std::abs(apart_ms) + (every_ms - 1) / 2) / every_ms;
  return apart_ms < 0 ? -parts : parts;
}

bool is_far(int64_t from_ms, int64_t to_ms) {
  return std::abs(to_ms - from_ms) > Quality::kApartMaxMs;
}

}  // namespace

QualityFigures& QualityFigures::operator+=(const QualityFigures& other) {
  readings += other.readings;
  faulty += other.faulty;
  complete += other.complete;
  expected += other.expected;
  timed += other.timed;
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
    count(key_at(view.keys[row]), view.times[row], faulty, wall_ms);
  }
}

Quality::Key& Quality::key_at(uint32_t key) {
  if (key >= keys_.size()) keys_.resize(key + 1);
  if (!keys_[key]) keys_[key] = std::make_unique<Key>();
  return *keys_[key];
}

void Quality::count(Key& key, int64_t time_ms, bool faulty, int64_t wall_ms) {
  QualityFigures one{1, faulty};
  if (!is_far(time_ms, wall_ms)) {
    one.timed = 1;
    one.lag_ms = wall_ms - time_ms;
  }
  const bool begins = key.figures.readings == 0 || is_far(key.newest_ms, time_ms);
  const int64_t ahead = begins ? 1 : parts_between(key.newest_ms, time_ms, every_ms_);
  if (ahead > 0) {
    one.expected = static_cast<uint64_t>(ahead);
    one.complete = 1;
    key.came = (begins || ahead >= kPartsMax ? 0 : key.came << ahead) | 1;
    key.newest_ms = time_ms;
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
  return key < keys_.size() && keys_[key] ? keys_[key]->figures : QualityFigures();
}

bool Quality::save_key(uint32_t key, ByteWriter& out) const {
  if (key >= keys_.size() || !keys_[key]) return false;
  out.fixed(*keys_[key]);
  return true;
}

void Quality::load_key(uint32_t key, ByteReader& in) { key_at(key) = in.fixed<Key>(); }

void Quality::forget_key(uint32_t key) {
  if (key < keys_.size()) keys_[key].reset();
}

}  // namespace wayside
