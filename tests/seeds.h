// Which seeds a test at random tries: WAYSIDE_SEEDS of them from WAYSIDE_SEED on, so that more can
// be run than a build waits for, and one of them alone.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace wayside {

struct SeedRange {
  uint64_t begin, end;
};
inline SeedRange seeds(uint64_t by_default) {
  const char* seed = std::getenv("WAYSIDE_SEED");
  const char* count = std::getenv("WAYSIDE_SEEDS");
  const uint64_t begin = seed ? std::strtoull(seed, nullptr, 10) : 1;
  return {begin, begin + (count ? std::strtoull(count, nullptr, 10) : seed ? 1 : by_default)};
}

}  // namespace wayside
