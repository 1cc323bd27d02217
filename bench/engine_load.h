// What the benchmarks of the engine give it.
#pragma once

#include "pipeline/pipeline.h"

namespace wayside {

constexpr int64_t kStartMs = 1'700'000'000'000;

// One reading a millisecond of event time, of random keys.
struct Load {
  size_t keys = 1'000;
  size_t readings = 1'000'000;
  int64_t max_disorder_ms = 0;
  double late_share = 0;  // comes up to max_disorder_ms after its time
};

Group make_readings(const Load& load);

// The floor: the same sums with no event time at all.
struct Sums {
  double n = 0, sum = 0, min = 1e300, max = -1e300;
};
std::vector<Sums> sums_by_key(const Load& load, const ReadingBatch& batch);

// Over "readings", with count, sum, min and max.
WindowOptions window(int64_t size_ms, int64_t every_ms = 0);
WindowOptions sessions(int64_t gap_ms);
std::unique_ptr<Pipeline> make_pipeline(const Load& load, const WindowOptions& w);

}  // namespace wayside
