#include "pipeline/distinct_sketch.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/release.h"

namespace wayside {
namespace {

// A register is chosen by the upper bits of a hash and keeps the largest rank, the place of the
// first bit that is set among the others.
constexpr int kIndexBits = 14;
constexpr int kCoarseBits = 12;  // of former versions
constexpr size_t kRegisters = size_t{1} << kIndexBits;
constexpr size_t kCoarse = size_t{1} << kCoarseBits;
constexpr int kFold = kIndexBits - kCoarseBits;

constexpr int rank_max(size_t registers) { return 65 - std::countr_zero(registers); }

// The two sums of Ertl's paper. They end when nothing changes any more.
double sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double sum = x;
  for (double weight = 1, before = -1; sum != before; weight *= 2) {
    x *= x;
    before = sum;
    sum += x * weight;
  }
  return sum;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double sum = 1 - x;
  for (double weight = 0.5, before = -1; sum != before; weight /= 2) {
    x = std::sqrt(x);
    before = sum;
    sum -= (1 - x) * (1 - x) * weight;
  }
  return sum / 3;
}

}  // namespace

void DistinctSketch::note(uint64_t hash) {
  const int bits = std::countr_zero(ranks_.size());
  const int rank = std::min(std::countl_zero(hash << bits) + 1, rank_max(ranks_.size()));
  uint8_t& most = ranks_[hash >> (64 - bits)];
  most = std::max(most, static_cast<uint8_t>(rank));
}

void DistinctSketch::become_registers() {
  ranks_.resize(kRegisters);
  for (const uint64_t hash : hashes_) note(hash);
  release(hashes_);
}

void DistinctSketch::add(uint64_t hash) {
  if (!ranks_.empty()) {
    note(hash);
    return;
  }
  const auto at = std::lower_bound(hashes_.begin(), hashes_.end(), hash);
  if (at != hashes_.end() && *at == hash) return;
  hashes_.insert(at, hash);
  if (hashes_.size() > kExactMax) become_registers();
}

void DistinctSketch::merge(const DistinctSketch& other) {
  if (other.ranks_.empty()) {
    for (const uint64_t hash : other.hashes_) add(hash);
    return;
  }
  if (ranks_.empty()) become_registers();
  if (other.ranks_.size() < ranks_.size()) become_coarse();
  if (other.ranks_.size() == ranks_.size()) return merge_registers(other.ranks_);
  DistinctSketch coarse = other;
  coarse.become_coarse();
  merge_registers(coarse.ranks_);
}

void DistinctSketch::merge_registers(const std::vector<uint8_t>& ranks) {
  for (size_t i = 0; i < ranks.size(); ++i) ranks_[i] = std::max(ranks_[i], ranks[i]);
}

// The last bits of a register's index become the first ones of the rest.
void DistinctSketch::become_coarse() {
  std::vector<uint8_t> coarse(kCoarse);
  for (size_t i = 0; i < ranks_.size(); ++i) {
    if (ranks_[i] == 0) continue;
    const uint64_t low = i % (1 << kFold);
    const int rank = low == 0 ? ranks_[i] + kFold : kFold - std::bit_width(low) + 1;
    uint8_t& most = coarse[i >> kFold];
    most = std::max(most, static_cast<uint8_t>(rank));
  }
  ranks_ = std::move(coarse);
}

double DistinctSketch::count() const {
  return ranks_.empty() ? static_cast<double>(hashes_.size()) : std::round(estimate());
}

double DistinctSketch::estimate() const {
  std::array<double, rank_max(kCoarse) + 1> having{};  // registers by rank
  for (const uint8_t rank : ranks_) ++having[rank];
  const auto m = static_cast<double>(ranks_.size());
  const int last = rank_max(ranks_.size());
  double sum = m * tau(1 - having[last] / m);
  for (int rank = last - 1; rank > 0; --rank) sum = (sum + having[rank]) / 2;
  sum += m * sigma(having[0] / m);
  constexpr double kAlpha = 0.7213475204444817;  // 1 / (2 ln 2)
  return kAlpha * m * m / sum;
}

void DistinctSketch::save(ByteWriter& out) const {
  out.varint(hashes_.size());
  for (const uint64_t hash : hashes_) out.fixed(hash);
  out.text({reinterpret_cast<const char*>(ranks_.data()), ranks_.size()});
}

void DistinctSketch::load(ByteReader& in) {
  hashes_.resize(in.count(sizeof(uint64_t)));
  for (uint64_t& hash : hashes_) hash = in.fixed<uint64_t>();
  const std::string_view ranks = in.text();
  ranks_.assign(ranks.begin(), ranks.end());
  const bool sound =
      ranks_.empty()
          ? std::is_sorted(hashes_.begin(), hashes_.end())
          : (ranks_.size() == kRegisters || ranks_.size() == kCoarse) && hashes_.empty() &&
                *std::max_element(ranks_.begin(), ranks_.end()) <= rank_max(ranks_.size());
  if (sound) return;
  *this = DistinctSketch();
  in.fail();
}

}  // namespace wayside
