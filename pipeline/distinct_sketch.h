// How many different hashes there were: exact up to kExactMax of them, then HyperLogLog (Flajolet,
// Fusy, Gandouet and Meunier 2007) with the estimator of Ertl ("New cardinality estimation
// algorithms for HyperLogLog sketches", 2017, algorithm 6), which needs no table of corrections.
// 16,384 registers: a standard error of 1.04 / √16384 = 0.8 %. What is kept depends on the set of
// hashes alone, not on their order. State of former versions has 4096 registers, and keeps them;
// what is merged with it has no more than these.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace wayside {

class DistinctSketch {
 public:
  static constexpr size_t kExactMax = 2'048;  // they take what the registers do

  void add(uint64_t hash);
  void merge(const DistinctSketch& other);
  double count() const;  // a whole number

  void save(ByteWriter& out) const;
  void load(ByteReader& in);
  size_t heap_bytes() const { return hashes_.size() * sizeof(uint64_t) + ranks_.size(); }

 private:
  void become_registers();
  void note(uint64_t hash);
  void become_coarse();
  void merge_registers(const std::vector<uint8_t>& ranks);
  double estimate() const;

  std::vector<uint64_t> hashes_;  // ascending; empty once there are registers
  std::vector<uint8_t> ranks_;
};

}  // namespace wayside
