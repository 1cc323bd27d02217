#include "bench/engine_load.h"

#include <algorithm>
#include <random>

#include "sensors/admission.h"

namespace wayside {
namespace {

constexpr size_t kTurnReadings = 1'000;

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

}  // namespace

WindowOptions window(int64_t size_ms, int64_t every_ms) {
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

std::vector<Sums> sums_by_key(const Load& load, const ReadingBatch& batch) {
  std::vector<Sums> sums(load.keys);
  for (size_t i = 0; i < batch.rows(); ++i) {
    Sums& s = sums[batch.keys()[i]];
    const double temp = batch.columns[1].numbers[i];
    ++s.n;
    s.sum += temp;
    s.min = std::min(s.min, temp);
    s.max = std::max(s.max, temp);
  }
  return sums;
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

}  // namespace wayside
