// What a reading costs behind the decoder: watermarks, windows, results. Beside it the floor: the
// same sums by key, with no event time at all.
#include <benchmark/benchmark.h>

#include <random>

#include "pipeline/pipeline.h"
#include "sensors/admission.h"

namespace wayside {
namespace {

constexpr size_t kReadings = 200'000;
constexpr size_t kKeys = 200;
constexpr size_t kTurnReadings = 2'000;
constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kDisorderMs = 2'000;

SourceOptions source() {
  SourceOptions s;
  s.name = "readings";
  s.topic = "fleet/{device}/reading";
  s.key = "device";
  s.max_disorder_ms = 5'000;
  s.max_future_ms = std::nullopt;
  for (const char* name : {"temp", "speed"}) {
    s.fields.emplace_back().name = name;
    s.fields.back().path = name;
  }
  return s;
}

PipelineOptions tumbling() {
  PipelineOptions o;
  o.sources = {source()};
  o.uplinks = {"out"};
  WindowOptions w;
  w.name = "w10";
  w.from = {"readings"};
  w.size_ms = 10'000;
  w.select = {{"n", "count()"},
              {"avg_temp", "avg(temp)"},
              {"min_temp", "min(temp)"},
              {"max_temp", "max(temp)"},
              {"max_speed", "max(speed)"}};
  o.windows = {w};
  return o;
}

// A fleet's readings in order of arrival: a device sends ten times a second, up to two seconds
// late.
Group make_readings() {
  Group group;
  group.batches.emplace_back(*make_schema(source()));
  group.duplicates.resize(1);
  group.rows_before.resize(1);
  ReadingBatch& batch = group.batches.front();
  std::vector<uint32_t> keys;
  for (size_t k = 0; k < kKeys; ++k)
    keys.push_back(batch.texts.intern("device-" + std::to_string(k)));
  std::mt19937_64 random(1);
  for (size_t i = 0; i < kReadings; ++i) {
    const int64_t arrival_ms = kStartMs + static_cast<int64_t>(i) * 100 / kKeys;
    batch.times.push_back(arrival_ms - static_cast<int64_t>(random() % kDisorderMs));
    batch.columns[0].texts.push_back(keys[i % kKeys]);
    batch.columns[1].numbers.push_back(static_cast<double>(random() % 4'000) / 100);
    batch.columns[2].numbers.push_back(static_cast<double>(random() % 3'000) / 100);
  }
  for (uint32_t begin = 0; begin < kReadings; begin += kTurnReadings) {
    group.turns.push_back({{kStartMs, kStartMs}, {{0, begin, begin + uint32_t(kTurnReadings)}}});
  }
  return group;
}

void engine_tumbling(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<BlockError> errors;
    auto pipeline = Pipeline::make(tumbling(), errors);
    Group group = make_readings();
    EmissionBuffer out;
    state.ResumeTiming();
    for (size_t turn = 0; turn < group.turns.size(); ++turn) {
      pipeline->turn(group, turn, out);
      out.clear();
    }
    if (pipeline->total().used != kReadings) state.SkipWithError("readings are missing");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kReadings));
}
BENCHMARK(engine_tumbling)->Name("engine.tumbling")->Unit(benchmark::kMillisecond);

void engine_floor(benchmark::State& state) {
  struct Sums {
    double n = 0, sum = 0, min = 1e300, max = -1e300, max_speed = -1e300;
  };
  const Group group = make_readings();
  const ReadingBatch& batch = group.batches.front();
  for (auto _ : state) {
    std::vector<Sums> sums(kKeys);
    for (size_t i = 0; i < batch.rows(); ++i) {
      Sums& s = sums[batch.keys()[i]];
      const double temp = batch.columns[1].numbers[i];
      ++s.n;
      s.sum += temp;
      s.min = std::min(s.min, temp);
      s.max = std::max(s.max, temp);
      s.max_speed = std::max(s.max_speed, batch.columns[2].numbers[i]);
    }
    benchmark::DoNotOptimize(sums.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kReadings));
}
BENCHMARK(engine_floor)->Name("engine.floor")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace wayside

BENCHMARK_MAIN();
