// What the engine keeps: memory, what a checkpoint costs beside the readings of a second, how long
// a start takes. state_bench DIR: the store is made there. A JSON line a figure.
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "bench/engine_load.h"
#include "storage/store.h"

namespace wayside {
namespace {

using std::chrono::steady_clock;

void figure(const char* name, double value, const char* unit) {
  std::printf("{\"name\": \"engine.%s\", \"value\": %.4g, \"unit\": \"%s\"}\n", name, value, unit);
  std::fflush(stdout);
}

double seconds_since(steady_clock::time_point begun) {
  return std::chrono::duration<double>(steady_clock::now() - begun).count();
}

template <class T>
T must(Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "state_bench: %s\n", result.error().message.c_str());
  std::exit(1);
}
void must(const Status& status) {
  if (!status.ok()) (void)must(Result<int>(status.error()));
}

double allocated_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

// A reading of each key in each of so many seconds.
Load each_second(size_t keys, size_t seconds) { return {keys, keys * seconds}; }
Group readings_of_each(const Load& load) {
  Group group = make_readings({load.keys, load.keys});  // for its dictionary
  ReadingBatch& batch = group.batches.front();
  const std::vector<double> temps(load.readings, 20);
  batch.times.clear();
  batch.columns[0].texts.clear();
  batch.columns[1].numbers = batch.columns[2].numbers = temps;
  group.turns.clear();
  for (uint32_t i = 0; i < load.readings; ++i) {
    const int64_t second = i / static_cast<int64_t>(load.keys);
    batch.times.push_back(kStartMs + second * 1'000);
    batch.columns[0].texts.push_back(batch.texts.intern("device-" + std::to_string(i % load.keys)));
    if (i % 1'000 != 0) continue;
    const int64_t now = kStartMs + second * 1'000;
    const auto end = std::min<uint32_t>(i + 1'000, static_cast<uint32_t>(load.readings));
    group.turns.push_back({{now, now}, {{0, i, end}}});
  }
  return group;
}

void feed(Pipeline& pipeline, Group& group) {
  EmissionBuffer out;
  for (size_t turn = 0; turn < group.turns.size(); ++turn) {
    pipeline.turn(group, turn, out);
    out.clear();
  }
}

// What the pipeline holds then.
double bytes_with(const Load& load, const WindowOptions& w) {
  Group group = readings_of_each(load);
  const double before = allocated_bytes();
  const auto pipeline = make_pipeline(load, w);
  feed(*pipeline, group);
  return allocated_bytes() - before;
}

void memory() {
  constexpr size_t kKeys = 10'000, kSlices = 60;  // a full window
  const WindowOptions sliding = window(60'000, 1'000);
  const double one = bytes_with(each_second(kKeys, 1), sliding);
  const double many = bytes_with(each_second(kKeys, kSlices), sliding);
  figure("memory.bytes_per_key_and_slice", (many - one) / (kKeys * (kSlices - 1)), "byte");
  figure("memory.100k_keys", bytes_with(each_second(100'000, 1), window(10'000)) / 1e6, "MB");
}

// What the loop stands still for where the journal begins a new file.
void snapshot(Store& store, const std::string& state_dir) {
  const std::string path = state_dir + "/snapshot";
  const auto begun = steady_clock::now();
  must(store.copy_state(path, [](std::string_view) { return true; }));
  const auto file = must(posix_disk().open(path, Disk::Mode::kReadWrite));
  must(file->sync_data());
  figure("snapshot.100k_keys", seconds_since(begun), "s");
  figure("snapshot.100k_keys.bytes", static_cast<double>(must(file->size())), "byte");
}

// All keys have changed since the last checkpoint, each second.
void checkpoint(const std::string& dir, size_t keys, const char* share, const char* restore) {
  constexpr int kTimes = 11;
  const Load load = each_second(keys, 1);
  Group group = readings_of_each(load);
  auto pipeline = make_pipeline(load, window(10'000));
  const std::string state_dir = dir + "/" + std::to_string(keys);
  must(posix_disk().make_dirs(state_dir));
  auto store = must(Store::open(posix_disk(), state_dir));
  std::vector<double> seconds;
  for (uint64_t time = 1; time <= kTimes; ++time) {
    feed(*pipeline, group);
    const auto begun = steady_clock::now();
    Store::Changes changes;
    changes.checkpoint.emplace();
    changes.checkpoint->at.entry = time;
    changes.checkpoint->rows = pipeline->save_changes();
    must(store->apply(changes, 0));
    seconds.push_back(seconds_since(begun));
  }
  std::sort(seconds.begin(), seconds.end());
  figure(share, seconds[kTimes / 2], "share of a second");

  pipeline = make_pipeline(load, window(10'000));
  store = nullptr;
  const auto begun = steady_clock::now();
  store = must(Store::open(posix_disk(), state_dir));
  (void)must(store->recover([&](StateRow row) { return pipeline->load_row(row); }));
  pipeline->loaded();
  if (restore) figure(restore, seconds_since(begun), "s");
  if (restore) snapshot(*store, state_dir);
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "state_bench DIR\n");
    return 2;
  }
  wayside::memory();
  wayside::checkpoint(argv[1], 1'000, "checkpoint.1000_keys", nullptr);
  wayside::checkpoint(argv[1], 100'000, "checkpoint.100k_keys", "restore.100k_keys");
}
