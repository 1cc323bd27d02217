// What a reading costs behind the decoder: keys, watermarks, windows, results. Beside it the floor:
// the same batches summed into an array by dense key, with no event time at all.
#include <benchmark/benchmark.h>

#include <random>

#include "pipeline/pipeline.h"
#include "sensors/admission.h"

namespace wayside {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr size_t kTurnReadings = 1'000;

// One reading a millisecond of event time, of random keys.
struct Load {
  size_t keys = 1'000;
  size_t readings = 1'000'000;
  int64_t max_disorder_ms = 0;
  double late_share = 0;  // comes up to max_disorder_ms after its time
};

SourceOptions source(const Load& load) {
  SourceOptions s;
  s.name = "readings";
  s.topic = "fleet/{device}/reading";
  s.key = "device";
  s.max_disorder_ms = load.max_disorder_ms;
  s.max_future_ms = std::nullopt;
  s.idle_after_ms = s.forget_after_ms = 365 * kDayMs;  // every result is a final one
  s.max_keys = 1'000'000;
  for (const char* name : {"temp", "speed"}) {
    s.fields.emplace_back().name = name;
    s.fields.back().path = name;
  }
  return s;
}

WindowOptions window(int64_t size_ms, int64_t every_ms = 0) {
  WindowOptions w;
  w.name = "w";
  w.from = {"readings"};
  w.size_ms = size_ms;
  w.every_ms = every_ms;
  w.select = {{"n", "count()"},
              {"sum_temp", "sum(temp)"},
              {"min_temp", "min(temp)"},
              {"max_temp", "max(temp)"}};
  return w;
}

WindowOptions sessions(int64_t gap_ms) {
  WindowOptions w = window(0);
  w.gap_ms = gap_ms;
  return w;
}

Group make_readings(const Load& load) {
  Group group;
  group.batches.emplace_back(*make_schema(source(load)));
  group.duplicates.resize(1);
  group.rows_before.resize(1);
  ReadingBatch& batch = group.batches.front();
  std::vector<uint32_t> keys;
  for (size_t k = 0; k < load.keys; ++k)
    keys.push_back(batch.texts.intern("device-" + std::to_string(k)));
  std::mt19937_64 random(1);
  for (size_t i = 0; i < load.readings; ++i) {
    int64_t time = kStartMs + static_cast<int64_t>(i);
    if (static_cast<double>(random() % 1'000) < load.late_share * 1'000) {
      time -= static_cast<int64_t>(random() % static_cast<uint64_t>(load.max_disorder_ms));
    }
    batch.times.push_back(time);
    batch.columns[0].texts.push_back(keys[random() % load.keys]);
    batch.columns[1].numbers.push_back(static_cast<double>(random() % 4'000) / 100);
    batch.columns[2].numbers.push_back(static_cast<double>(random() % 3'000) / 100);
  }
  for (size_t begin = 0; begin < load.readings; begin += kTurnReadings) {
    const int64_t now = kStartMs + static_cast<int64_t>(begin);
    group.turns.push_back(
        {{now, now},
         {{0, static_cast<uint32_t>(begin), static_cast<uint32_t>(begin + kTurnReadings)}}});
  }
  return group;
}

std::unique_ptr<Pipeline> make_pipeline(const Load& load, const WindowOptions& w) {
  PipelineOptions o;
  o.sources = {source(load)};
  o.uplinks = {"out"};
  o.windows = {w};
  std::vector<BlockError> errors;
  auto made = Pipeline::make(std::move(o), errors);
  if (!made) std::abort();
  return made;
}

// All readings through a pipeline; the state is saved each `save_every` turns, 0: never.
void run(benchmark::State& state, const Load& load, const WindowOptions& w, size_t save_every = 0) {
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
      if (save_every > 0 && turn % save_every == 0) {
        benchmark::DoNotOptimize(pipeline->save_changes());
      }
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
  struct Sums {
    double n = 0, sum = 0, min = 1e300, max = -1e300;
  };
  const Group group = make_readings(load);
  const ReadingBatch& batch = group.batches.front();
  for (auto _ : state) {
    std::vector<Sums> sums(load.keys);
    for (size_t i = 0; i < batch.rows(); ++i) {
      Sums& s = sums[batch.keys()[i]];
      const double temp = batch.columns[1].numbers[i];
      ++s.n;
      s.sum += temp;
      s.min = std::min(s.min, temp);
      s.max = std::max(s.max, temp);
    }
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
  add("engine.sessions_100k_keys", [](auto& s) { run(s, {100'000}, sessions(5'000)); });
  add("engine.checkpointed", [](auto& s) { run(s, {}, window(10'000), 1'000); });
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  wayside::add_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
