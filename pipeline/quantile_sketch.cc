#include "pipeline/quantile_sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace wayside {
namespace {

constexpr int kMantissaBits = 52;
constexpr int kOctaveBits = 6;  // an octave has 64 bins
constexpr int kShift = kMantissaBits - kOctaveBits;
// Of the last bin below infinity; below the first one are numbers that are as good as 0.
constexpr int32_t kLastKey = (2047 << kOctaveBits) - 1;
constexpr int32_t kFirstKey = 1 << kOctaveBits;

}  // namespace

int32_t QuantileSketch::key_of(double x) {
  const auto bits = std::bit_cast<uint64_t>(std::abs(x));
  const int32_t key = std::min(static_cast<int32_t>(bits >> kShift), kLastKey);
  if (key < kFirstKey) return 0;
  return x < 0 ? -key : key;
}

double QuantileSketch::middle_of(int32_t key) {
  if (key == 0) return 0;
  const uint64_t begin = static_cast<uint64_t>(std::abs(key)) << kShift;
  const double middle = std::bit_cast<double>(begin | uint64_t{1} << (kShift - 1));
  return key < 0 ? -middle : middle;
}

void QuantileSketch::add(double x) {
  least_ = std::min(least_, x);
  most_ = std::max(most_, x);
  const int32_t key = key_of(x);
  size_t from = 0;
  for (size_t n = bins_.size(); n > 0;) {  // a binary search without branches, which is faster here
    const size_t half = (n + 1) / 2;
    from += bins_[from + half - 1].key < key ? half : 0;
    n -= half;
  }
  const auto at = bins_.begin() + from;
  if (at != bins_.end() && at->key == key) {
    ++at->count;
    return;
  }
  bins_.insert(at, Bin{key, 1});
  limit();
}

size_t QuantileSketch::missing(const QuantileSketch& other) const {
  size_t n = 0;
  auto mine = bins_.begin();
  for (const Bin& bin : other.bins_) {
    while (mine != bins_.end() && mine->key < bin.key) ++mine;
    n += mine == bins_.end() || mine->key != bin.key;
  }
  return n;
}

void QuantileSketch::merge(const QuantileSketch& other) {
  least_ = std::min(least_, other.least_);
  most_ = std::max(most_, other.most_);
  size_t mine = bins_.size();
  size_t to = mine + missing(other);
  bins_.resize(to);
  // From the end, so that nothing is overwritten that is still to be moved.
  for (size_t theirs = other.bins_.size(); theirs > 0;) {
    if (mine > 0 && bins_[mine - 1].key > other.bins_[theirs - 1].key) {
      bins_[--to] = bins_[--mine];
      continue;
    }
    Bin bin = other.bins_[--theirs];
    if (mine > 0 && bins_[mine - 1].key == bin.key) bin.count += bins_[--mine].count;
    bins_[--to] = bin;
  }
  limit();
}

// The bins around zero become the one of zero, until there are no more than kBinsMax.
void QuantileSketch::limit() {
  if (bins_.size() <= kBinsMax) return;
  auto begin = std::lower_bound(bins_.begin(), bins_.end(), 0,
                                [](const Bin& bin, int key) { return bin.key < key; });
  auto end = begin;
  uint64_t zeros = 0;
  while (bins_.size() - (end - begin) + 1 > kBinsMax) {
    const bool below = begin != bins_.begin() && (end == bins_.end() || -begin[-1].key < end->key);
    zeros += below ? (--begin)->count : (end++)->count;
  }
  *begin = Bin{0, zeros};
  bins_.erase(begin + 1, end);
}

double QuantileSketch::quantile(double share) const {
  uint64_t n = 0;
  for (const Bin& bin : bins_) n += bin.count;
  // 0.29 · 100 is a little less than 29: what is as good as a whole number is one.
  const double place = share * static_cast<double>(n - 1);
  auto rank = std::min(n - 1, static_cast<uint64_t>(place + 1e-9 + place * 1e-15));
  size_t i = 0;
  for (; i + 1 < bins_.size() && rank >= bins_[i].count; ++i) rank -= bins_[i].count;
  return std::clamp(middle_of(bins_[i].key), least_, most_);
}

void QuantileSketch::save(ByteWriter& out) const {
  out.varint(bins_.size());
  if (bins_.empty()) return;
  int64_t last = 0;
  for (const Bin& bin : bins_) {
    out.signed_varint(bin.key - last);
    out.varint(bin.count);
    last = bin.key;
  }
  out.fixed(least_);
  out.fixed(most_);
}

void QuantileSketch::load(ByteReader& in) {
  *this = QuantileSketch();
  const size_t n = in.count(2);
  bins_.reserve(n);
  int64_t key = 0;
  for (size_t i = 0; i < n; ++i) {
    const int64_t step = in.signed_varint();
    const uint64_t count = in.varint();
    const bool forward = i == 0 ? step >= -kLastKey : step > 0;
    if (!forward || step > 2 * kLastKey || key + step > kLastKey) in.fail();
    if (!in.ok()) break;
    key += step;
    bins_.push_back(Bin{key, count});
  }
  if (n == 0) return;
  least_ = in.fixed<double>();
  most_ = in.fixed<double>();
  if (!in.ok() || !(least_ <= most_)) {
    in.fail();
    *this = QuantileSketch();
  }
}

}  // namespace wayside
