#include "pipeline/key_limit.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "base/release.h"

namespace wayside {
namespace {

// What a reading is taken to add at least, and after how many of them sizes are taken in any case.
constexpr uint64_t kLeastGrowth = 16;
constexpr uint64_t kMostReadings = 16 << 10;
constexpr size_t kAhead = 16;  // rows; with many keys each of them is somewhere else

}  // namespace

// ---- rows

// A run of rows ends before one whose key has no room.
void KeyLimit::process(size_t input, const Rows& rows, EmissionBuffer& out) {
  size_t begin = 0;
  for (size_t row = 0; row < rows.view.rows; ++row) {
    if (row + kAhead < rows.view.rows) {
      const uint32_t coming = rows.view.keys[row + kAhead];
      if (coming < last_.size()) __builtin_prefetch(&last_[coming]);
    }
    if (!rows.is_present(row)) continue;
    const uint32_t key = rows.view.keys[row];
    if (!knows(key)) {
      make_room(key);
      if (known_ >= bounds_.max_keys) {
        if (row > begin) inner().process(input, slice(rows, begin, row, origins_), out);
        begin = row;
        out.set_place(rows.place(row));  // it needs the room
        while (known_ >= bounds_.max_keys) evict_coldest(out);
      }
      ++known_;
    }
    last_[key] = ++readings_;
  }
  if (begin == 0) {
    inner().process(input, rows, out);
  } else {
    inner().process(input, slice(rows, begin, rows.view.rows, origins_), out);
  }
}

void KeyLimit::make_room(uint32_t key) {
  if (key < last_.size()) return;
  last_.resize(key + 1);
  bytes_.resize(key + 1);
}

void KeyLimit::measure(const std::vector<uint32_t>& changed) {
  for (const uint32_t key : changed) {
    if (!knows(key)) continue;
    if (!inner().is_loaded(key)) {
      set_bytes(key, inner().bytes_away(key));
      continue;
    }
    scratch_.clear();
    ByteWriter writer(scratch_);
    (void)inner().save_key(key, writer);
    set_bytes(key, scratch_.size());
  }
  const uint64_t came = std::max<uint64_t>(readings_ - measured_, 1);
  const uint64_t grown = total_bytes_ - std::min(measured_bytes_, total_bytes_);
  const uint64_t room = bounds_.max_bytes - std::min(total_bytes_, bounds_.max_bytes);
  // At twice the pace there is still room by then.
  const uint64_t readings = room / std::max(kLeastGrowth, 2 * grown / came);
  next_measure_ = readings_ + std::min(readings, kMostReadings + total_bytes_ / 4);
  measured_ = readings_;
  measured_bytes_ = total_bytes_;
}

void KeyLimit::shrink(EmissionBuffer& out) {
  while (total_bytes_ > bounds_.max_bytes && known_ > 0) evict_coldest(out);
}

void KeyLimit::set_bytes(uint32_t key, size_t bytes) {
  constexpr size_t kMost = std::numeric_limits<uint32_t>::max();
  total_bytes_ -= bytes_[key];
  bytes_[key] = static_cast<uint32_t>(std::min(bytes, kMost));
  total_bytes_ += bytes_[key];
}

// ---- keys that end

void KeyLimit::evict_coldest(EmissionBuffer& out) {
  const uint32_t key = take_coldest();
  forget(key);
  ++evicted_;
  keys_.touch(key);
  inner().evict_key(key, out);
  if (witness_) witness_->ended(*this, keys_.text(key), out.cause());
}

// Each entry is made void by a reading of its key, or gives a key that goes: between two times that
// they are sorted there are as many of these as entries.
uint32_t KeyLimit::take_coldest() {
  while (true) {
    while (!by_warmth_.empty()) {
      const auto [number, key] = by_warmth_.back();
      by_warmth_.pop_back();
      if (knows(key) && last_[key] == number) return key;
    }
    for (uint32_t key = 0; key < last_.size(); ++key) {
      if (knows(key)) by_warmth_.emplace_back(last_[key], key);
    }
    std::sort(by_warmth_.begin(), by_warmth_.end(), std::greater<>());
  }
}

void KeyLimit::forget(uint32_t key) {
  if (!knows(key)) return;
  set_bytes(key, 0);
  last_[key] = 0;
  --known_;
}

void KeyLimit::forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) {
  forget(key);
  inner().forget_key(key, newest_ms, out);
}

// ---- state

BlockStatus KeyLimit::status() const {
  BlockStatus status = inner().status();
  status.keys = known_;
  status.evicted_keys = evicted_;
  return status;
}

void KeyLimit::load_key(uint32_t key, ByteReader& in) {
  const size_t before = in.left();
  inner().load_key(key, in);
  make_room(key);
  set_bytes(key, before - in.left());
  unplaced_.push_back(key);
}

bool KeyLimit::save_place(uint32_t key, ByteWriter& out) const {
  if (!knows(key)) return false;
  out.varint(last_[key]);
  return true;
}

void KeyLimit::load_place(uint32_t key, ByteReader& in) {
  make_room(key);
  last_[key] = in.varint();
  known_ += last_[key] != 0;
}

void KeyLimit::save_places(ByteWriter& out) const {
  out.varint(readings_);
  out.varint(evicted_);
  out.varint(measured_);
  out.varint(measured_bytes_);
  out.varint(next_measure_);
  out.varint(bounds_.max_bytes);
}

void KeyLimit::load_places(ByteReader& in) {
  readings_ = in.varint();
  evicted_ = in.varint();
  if (in.left() > 0) {  // former versions measured each time
    measured_ = in.varint();
    measured_bytes_ = in.varint();
    next_measure_ = in.varint();
    if (in.left() == 0 || in.varint() != bounds_.max_bytes)
      next_measure_ = 0;  // that was for another limit
  }
  has_places_ = true;
}

// Keys that were saved when there was no limit get their places by name, and keep them.
void KeyLimit::loaded() {
  std::erase_if(unplaced_, [&](uint32_t key) { return knows(key); });
  keys_.sort_by_text(unplaced_);
  for (const uint32_t key : unplaced_) {
    if (has_places_) {  // it has had no reading
      set_bytes(key, 0);
      continue;
    }
    last_[key] = ++readings_;
    ++known_;
    keys_.touch(key);
  }
  release(unplaced_);
}

}  // namespace wayside
