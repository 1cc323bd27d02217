// The simulator's chance: splitmix64 (Steele, Lea, Flood 2014, public-domain constants), integers
// only, so that a seed gives the same draws on every platform. A value; copies go on independently.
#pragma once

#include <cstdint>

namespace wayside {

class SimulatorRandom {
 public:
  // Different streams of one seed are independent for all practical purposes.
  SimulatorRandom(uint64_t seed, uint64_t stream) : state_(seed) {
    state_ = bits() ^ (stream * 0xd1342543de82ef95u);
    state_ = bits();
  }

  uint64_t bits() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // Uniform in [low, high], both included; high - low < 2^31.
  int64_t between(int64_t low, int64_t high) {
    const uint64_t count = static_cast<uint64_t>(high - low) + 1;
    return low + static_cast<int64_t>(((bits() >> 32) * count) >> 32);
  }
  // True `parts` times in 10,000.
  bool chance(int64_t parts) { return between(0, 9999) < parts; }

 private:
  uint64_t state_;
};

}  // namespace wayside
