// What a reading costs behind the decoder: keys, watermarks, windows, results. Beside it the floor:
// the same batches summed into an array by dense key, with no event time at all.
#include <benchmark/benchmark.h>

#include "bench/engine_load.h"

namespace wayside {
namespace {

// All readings through a pipeline.
void run(benchmark::State& state, const Load& load, const WindowOptions& w) {
  Group group = make_readings(load);
  uint64_t results = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto pipeline = make_pipeline(load, w);
    EmissionBuffer out;
    state.ResumeTiming();
    for (size_t turn = 0; turn < group.turns.size(); ++turn) {
      pipeline->turn(group, turn, out);
      out.clear();
    }
    state.PauseTiming();
    if (pipeline->total().used != load.readings) state.SkipWithError("readings are missing");
    results = out.last_sequence();
    pipeline.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * load.readings));
  state.counters["results_a_reading"] = double(results) / double(load.readings);
}

void floor_of(benchmark::State& state, const Load& load) {
  const Group group = make_readings(load);
  for (auto _ : state) {
    const auto sums = sums_by_key(load, group.batches.front());
    benchmark::DoNotOptimize(sums.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * load.readings));
}

template <class Run>
void add(const char* name, Run run) {
  benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kMillisecond);
}

void add_all() {
  add("engine.floor", [](auto& s) { floor_of(s, {}); });
  add("engine.tumbling", [](auto& s) { run(s, {}, window(10'000)); });
  add("engine.tumbling_sql", [](auto& s) {
    WindowOptions w = window(10'000);
    w.where = "speed >= 0 AND temp < 100";
    w.select[1].second = "sum(temp * 1.8 + 32)";
    run(s, {}, w);
  });
  add("engine.out_of_order", [](auto& s) {
    run(s, {1'000, 1'000'000, 30'000, 0.2}, window(10'000));
  });
  add("engine.sliding_60s_1s", [](auto& s) { run(s, {}, window(60'000, 1'000)); });
  add("engine.sliding_60s_1s_50_keys", [](auto& s) { run(s, {50}, window(60'000, 1'000)); });
  add("engine.sliding_60s_1s_100_keys", [](auto& s) { run(s, {100}, window(60'000, 1'000)); });
  add("engine.sliding_3600s_1s_100_keys", [](auto& s) {
    run(s, {100, 8'000'000}, window(3'600'000, 1'000));
  });
  add("engine.sliding_out_of_order", [](auto& s) {
    run(s, {1'000, 1'000'000, 30'000, 0.2}, window(60'000, 1'000));
  });
  add("engine.sliding_60s_1s_allowed_lateness_1h_100_keys", [](auto& s) {
    WindowOptions w = window(60'000, 1'000);
    w.allowed_lateness_ms = 3'600'000;
    run(s, {100, 8'000'000}, w);
  });
  add("engine.sessions_100k_keys", [](auto& s) { run(s, {100'000, 4'000'000}, sessions(5'000)); });
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  wayside::add_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
