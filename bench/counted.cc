// counted MODE READINGS: one pass over as many readings, for tools that count instructions. Modes:
// made (only makes them), floor, tumbling, sliding. What a mode adds to `made` is its own cost.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bench/engine_load.h"

namespace wayside {
namespace {

void run_pipeline(const Load& load, Group& group, const WindowOptions& w) {
  auto pipeline = make_pipeline(load, w);
  EmissionBuffer out;
  for (size_t turn = 0; turn < group.turns.size(); ++turn) {
    pipeline->turn(group, turn, out);
    out.clear();
  }
  if (pipeline->total().used != load.readings) std::abort();
}

int run(std::string_view mode, size_t readings) {
  const Load load{.keys = 100, .readings = readings};
  Group group = make_readings(load);
  if (mode == "floor") std::printf("%g\n", sums_by_key(load, group.batches.front()).back().sum);
  if (mode == "tumbling") run_pipeline(load, group, window(10'000));
  if (mode == "sliding") run_pipeline(load, group, window(60'000, 1'000));
  return 0;
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  return wayside::run(argv[1], std::strtoull(argv[2], nullptr, 10));
}
