// Quantiles of numbers to within 0.8 % of the value, in bounded memory: DDSketch (Masson, Rim and
// Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB
// 2019) with its bitwise mapping. A bin is a 64th of an octave, so it is the upper bits of a
// number.
//
// Beyond kBinsMax bins the smallest magnitudes count as 0. That takes readings spread over more
// than nineteen decades, of one sign; whatever the order of adding and merging, the same bins
// remain.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/bytes.h"

namespace wayside {

class QuantileSketch {
 public:
  static constexpr size_t kBinsMax = 4095;

  void add(double x);  // no NaN; infinities count as the largest numbers
  void merge(const QuantileSketch& other);
  bool empty() const { return bins_.empty(); }
  // The value of rank ⌊share · (n − 1)⌋, counted from 0; of all-equal values it is exact. Not for
  // an empty one.
  double quantile(double share) const;

  void save(ByteWriter& out) const;
  void load(ByteReader& in);
  size_t heap_bytes() const { return bins_.size() * sizeof(Bin); }

 private:
  // Keys are in the order of the values: 0 for zero, negative for negative ones.
  struct Bin {
    int64_t key : 18;
    uint64_t count : 46;
  };
  static_assert(sizeof(Bin) == 8);

  static int32_t key_of(double x);
  static double middle_of(int32_t key);
  size_t missing(const QuantileSketch& other) const;
  void limit();

  std::vector<Bin> bins_;  // by key
  double least_ = std::numeric_limits<double>::infinity();
  double most_ = -std::numeric_limits<double>::infinity();
};

}  // namespace wayside
