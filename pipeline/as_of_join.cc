#include "pipeline/as_of_join.h"

#include <algorithm>

namespace wayside {

// ---- rows

void AsOfJoin::process(size_t input, const Rows& rows, EmissionBuffer& out) {
  const BatchView& view = rows.view;
  sides_[input].evaluate(view, rows.present);
  for (size_t row = 0; row < view.rows; ++row) {
    const uint32_t key = view.keys[row];
    output_->set_place(rows.place(row));
    if (rows.is_present(row)) {
      const bool taken = input == kLeft ? take_left(key, view.times[row], row)
                                        : take_right(key, view.times[row], row);
      taken ? rows.set_taken(row) : rows.set_late(row);
      late_ += !taken;
    }
    advance(key, goal(input, key, rows.after[row]));
    if (by_key_ || rows.is_present(row)) trim(key);
  }
  output_->flush(out);
}

bool AsOfJoin::take_left(uint32_t key, int64_t time, size_t row) {
  if (time <= watermark(key)) return false;
  unmark(key);
  keep(key, kLeft, time, row);
  mark(key);
  return true;
}

bool AsOfJoin::take_right(uint32_t key, int64_t time, size_t row) {
  if (time < oldest_useful(key)) return false;
  const auto [begin, end] = state(key).readings[kRight].equal_range(time);
  erase(key, kRight, begin, end);
  keep(key, kRight, time, row);
  return true;
}

// Left readings that wait, or may still come, are above the watermark: of the right ones that are
// not, the last one serves all of them, but for its age.
int64_t AsOfJoin::oldest_useful(uint32_t key) {
  const int64_t passed = watermark(key);
  if (passed == kTimeMin) return kTimeMin;
  const Readings& right = state(key).readings[kRight];
  const auto above = right.upper_bound(passed);
  const int64_t last = above == right.begin() ? kTimeMin : std::prev(above)->first;
  if (options_.within_ms == 0) return last;
  return std::max(last, saturating_add(passed, 1 - options_.within_ms));
}

void AsOfJoin::trim(uint32_t key) {
  Readings& left = state(key).readings[kLeft];
  Readings& right = state(key).readings[kRight];
  erase(key, kRight, right.begin(), right.lower_bound(oldest_useful(key)));
  if (right.size() > options_.max_rows) {
    erase(key, kRight, right.begin(), std::next(right.begin()));
    ++evicted_;
  }
  if (left.size() > options_.max_rows) {
    release(key, left.begin(), std::next(left.begin()));
    ++evicted_;
  }
}

const std::string* AsOfJoin::match(const Readings& right, int64_t time) const {
  const auto above = right.upper_bound(time);
  if (above == right.begin()) return nullptr;
  const auto& [match_time, bytes] = *std::prev(above);
  const bool too_old = options_.within_ms > 0 && time - match_time > options_.within_ms;
  return too_old ? nullptr : &bytes;
}

void AsOfJoin::release(uint32_t key, Readings::iterator begin, Readings::iterator end) {
  if (begin == end) return;
  unmark(key);
  for (auto left = begin; left != end; ++left) {
    const std::string* right = match(state(key).readings[kRight], left->first);
    if (right || !options_.inner) add_pair(key, left->first, left->second, right);
  }
  erase(key, kLeft, begin, end);
  mark(key);
}

// ---- time

int64_t AsOfJoin::newest_waiting(uint32_t key) {
  auto newest = [&](uint32_t k) {
    const Readings& left = state(k).readings[kLeft];
    return left.empty() ? kTimeMin : left.rbegin()->first;
  };
  if (by_key_) return newest(key);
  int64_t all = kTimeMin;
  for (const auto& [time, waits] : oldest_) all = std::max(all, newest(waits));
  return all;
}

// Where the watermark may go, once the row of `input` has come.
int64_t AsOfJoin::goal(size_t input, uint32_t key, int64_t after) {
  const int64_t left = input_watermark(kLeft, input, key, after);
  int64_t right = input_watermark(kRight, input, key, after);
  if (input != kRight && is_input_idle(kRight, key)) right = kTimeMax;
  right = std::max(right, saturating_add(left, -options_.max_wait_ms));
  const int64_t both = std::min(left, right);
  return is_input_idle(kLeft, key) ? std::max(both, newest_waiting(key)) : both;
}

void AsOfJoin::advance(uint32_t key, int64_t to) {
  if (to <= watermark(key)) return;
  set_watermark(key, to);
  by_key_ ? release_until(key, to) : release_all_keys(to);
  output_->on_watermark(key, to);
}

void AsOfJoin::release_until(uint32_t key, int64_t upto) {
  Readings& left = state(key).readings[kLeft];
  release(key, left.begin(), left.upper_bound(upto));
}

// In order of time, and of the key's name.
void AsOfJoin::release_all_keys(int64_t upto) {
  std::vector<uint32_t> keys;
  while (!oldest_.empty() && oldest_.begin()->first <= upto) {
    const int64_t time = oldest_.begin()->first;
    keys.clear();
    for (auto at = oldest_.begin(); at != oldest_.end() && at->first == time; ++at) {
      keys.push_back(at->second);
    }
    keys_.sort_by_text(keys);
    for (const uint32_t key : keys) {
      release_until(key, time);
      keys_.touch(key);
    }
  }
}

void AsOfJoin::mark(uint32_t key) {
  const Readings& left = state(key).readings[kLeft];
  if (!by_key_ && !left.empty()) oldest_.emplace(left.begin()->first, key);
}

void AsOfJoin::unmark(uint32_t key) {
  const Readings& left = state(key).readings[kLeft];
  if (!by_key_ && !left.empty()) oldest_.erase({left.begin()->first, key});
}

void AsOfJoin::on_idle(uint32_t key, EmissionBuffer& out) {
  advance(key, goal(kNeither, key, kTimeMin));
  output_->flush(out);
}

// ---- the end

void AsOfJoin::drop(uint32_t key) { drop_ahead(key, kTimeMin); }

void AsOfJoin::drop_ahead(uint32_t key, int64_t limit_ms) {
  Readings& left = state(key).readings[kLeft];
  Readings& right = state(key).readings[kRight];
  release(key, left.upper_bound(limit_ms), left.end());
  erase(key, kRight, right.upper_bound(limit_ms), right.end());
}

void AsOfJoin::finish(EmissionBuffer& out) {
  if (by_key_) {
    for (const uint32_t key : keys_with_state()) release_until(key, kTimeMax);
  } else {
    release_all_keys(kTimeMax);
  }
  output_->flush(out);
}

void AsOfJoin::load_key(uint32_t key, ByteReader& in) {
  Join::load_key(key, in);
  mark(key);
}

}  // namespace wayside
