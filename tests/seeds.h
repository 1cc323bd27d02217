// Which seeds a test at random tries: WAYSIDE_SEEDS of them from WAYSIDE_SEED on, so that more can
// be run than a build waits for, and one of them alone. With WAYSIDE_SEEDS_ONE_IN = n a test tries
// an n-th of its own number: where it is slow, and all are tried elsewhere.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace wayside {

struct SeedRange {
  uint64_t begin, end;
};
inline SeedRange seeds(uint64_t by_default) {
  const char* seed = std::getenv("WAYSIDE_SEED");
  const char* count = std::getenv("WAYSIDE_SEEDS");
  const char* one_in = std::getenv("WAYSIDE_SEEDS_ONE_IN");
  const uint64_t begin = seed ? std::strtoull(seed, nullptr, 10) : 1;
  const uint64_t share = one_in ? std::max<uint64_t>(std::strtoull(one_in, nullptr, 10), 1) : 1;
  by_default = std::max<uint64_t>(by_default / share, 1);
  return {begin, begin + (count ? std::strtoull(count, nullptr, 10) : seed ? 1 : by_default)};
}

}  // namespace wayside
