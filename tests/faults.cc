// Makes each call to the disk of a simulated gateway fail, once and from then on until it heals, as
// an I/O error, a full disk and a read error, and each allocation of SQLite; and asks whether the
// gateway goes on by itself.
//
//   faults [--every N] [--seed S]
//
// --every 3 takes every third call only. The last line of output is a JSON object. Exit 0 only if
// nothing was lost or doubled and nothing got stuck.
#include <sqlite3.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/log.h"
#include "tests/world.h"

namespace wayside {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kReadings = 250;
constexpr auto kPatience = milliseconds(20'000);
constexpr auto kSick = milliseconds(8);  // how long it stays broken, many attempts
constexpr uint64_t kForGood = UINT64_MAX;
constexpr int kStartsMax = 3;
constexpr uint64_t kMemoryEvery = 7;  // there are so many allocations

struct Sum {
  uint64_t points = 0;
  uint64_t wedged = 0;
  milliseconds slowest{0};  // from the end of the fault until everything was delivered
  World::Verdict verdict;
};

struct Fault {
  std::string name;
  std::function<void(World&)> plant;
  std::function<bool(World&)> has_struck;
  std::function<void(World&)> heal;
};

void try_fault(const Script& script, uint64_t seed, const Fault& fault, Sum& sum) {
  World world(script, seed);
  fault.plant(world);
  std::optional<steady_clock::time_point> broken;
  std::optional<steady_clock::time_point> healed;
  const auto heal = [&] {
    fault.heal(world);
    healed = steady_clock::now();
  };
  const auto look = [&] {
    if (!broken && fault.has_struck(world)) broken = steady_clock::now();
    if (broken && !healed && steady_clock::now() - *broken >= kSick) heal();
  };
  World::End end = world.live(kPatience, look);
  for (int starts = 1; end == World::End::kRefused && starts < kStartsMax; ++starts) {
    heal();  // a supervisor starts it again
    end = world.live(kPatience, look);
  }
  if (!fault.has_struck(world)) return;  // it has no such call
  ++sum.points;
  const World::Verdict verdict = world.verdict();
  sum.verdict += verdict;
  if (end != World::End::kComplete) ++sum.wedged;
  if (healed) {
    const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - *healed);
    sum.slowest = std::max(sum.slowest, took);
  }
  if (end == World::End::kComplete && verdict.good()) return;
  std::fprintf(stderr, "faults: seed %llu, %s: %s%s\n", static_cast<unsigned long long>(seed),
               fault.name.c_str(), end == World::End::kComplete ? "" : "stuck; ",
               verdict.why.c_str());
}

uint64_t calls_of(const Script& script, uint64_t seed) {
  World world(script, seed);
  (void)world.live(kPatience);
  return world.disk().calls();
}

void disk_faults(const Script& script, uint64_t seed, uint64_t every, Sum& sum) {
  const uint64_t calls = calls_of(script, seed);
  const std::pair<FaultyDisk::Fault, const char*> kinds[] = {
      {FaultyDisk::Fault::kAny, "I/O error"},
      {FaultyDisk::Fault::kFull, "no space"},
      {FaultyDisk::Fault::kRead, "read error"}};
  for (const auto& [kind, name] : kinds) {
    for (const uint64_t count : {uint64_t{1}, kForGood}) {
      for (uint64_t n = 1 + seed % every; n <= calls; n += every) {
        const Fault fault{
            std::string(name) + (count == 1 ? " once" : " for good") + " at " + std::to_string(n),
            [&, n](World& world) { world.disk().fail_calls(n, count, kind); },
            [](World& world) { return world.disk().failures() > 0; },
            [](World& world) { world.disk().heal(); }};
        try_fault(script, seed + n, fault, sum);
      }
    }
  }
}

// Somebody else takes all of the room, at any moment, and gives it back later.
void full_disks(const Script& script, uint64_t seed, uint64_t every, Sum& sum) {
  const uint64_t calls = calls_of(script, seed);
  for (uint64_t n = 1 + seed % every; n <= calls; n += every) {
    const Fault fault{"full at " + std::to_string(n),
                      [&, n](World& world) { world.disk().fill_at(n); },
                      [](World& world) { return world.disk().refused() > 0; },
                      [](World& world) { world.disk().fill_at(0); }};
    try_fault(script, seed + n, fault, sum);
  }
}

// ---- memory, which SQLite asks for by way of this

struct {
  sqlite3_mem_methods usual;
  std::atomic<uint64_t> calls{0};
  std::atomic<uint64_t> fail_from{0};  // by number of call; 0: none
  std::atomic<uint64_t> fail_upto{0};
  std::atomic<uint64_t> failures{0};
  bool fails() {
    const uint64_t call = ++calls;
    const bool fail = fail_from != 0 && call >= fail_from && call <= fail_upto;
    failures += fail;
    return fail;
  }
} memory;

void* faulty_malloc(int size) { return memory.fails() ? nullptr : memory.usual.xMalloc(size); }
void* faulty_realloc(void* old, int size) {
  return memory.fails() ? nullptr : memory.usual.xRealloc(old, size);
}

void interpose_memory() {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory.usual);
  sqlite3_mem_methods faulty = memory.usual;
  faulty.xMalloc = faulty_malloc;
  faulty.xRealloc = faulty_realloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &faulty);
}

// Of a gateway without expressions: they end the process when there is no memory.
void memory_faults(uint64_t seed, uint64_t every, Sum& sum) {
  const Script script = make_script(seed, kReadings, false);
  uint64_t before = memory.calls;
  (void)calls_of(script, seed);
  const uint64_t calls = memory.calls - before;
  for (const uint64_t count : {uint64_t{1}, kForGood}) {
    for (uint64_t n = 1 + seed % every; n <= calls; n += every) {
      uint64_t failures = 0;
      const Fault fault{"no memory" + std::string(count == 1 ? " once" : " for good") + " at " +
                            std::to_string(n),
                        [&](World&) {
                          failures = memory.failures;
                          memory.fail_upto = count == 1 ? memory.calls + n : kForGood;
                          memory.fail_from = memory.calls + n;
                        },
                        [&](World&) { return memory.failures > failures; },
                        [](World&) { memory.fail_from = 0; }};
      try_fault(script, seed + n, fault, sum);
      memory.fail_from = 0;
    }
  }
}

int main(uint64_t every, uint64_t seed) {
  std::fprintf(stderr, "faults: seed %llu\n", static_cast<unsigned long long>(seed));
  const Script script = make_script(seed, kReadings);
  Sum sum;
  every = std::max<uint64_t>(every, 1);
  disk_faults(script, seed, every, sum);
  full_disks(script, seed, every, sum);
  const uint64_t disk_points = sum.points;
  memory_faults(seed, every * kMemoryEvery, sum);
  const World::Verdict& v = sum.verdict;
  std::printf(
      "{\"points\": %llu, \"disk_points\": %llu, \"lost\": %llu, \"duplicates\": %llu, "
      "\"corrupt\": %llu, \"wedged\": "
      "%llu, "
      "\"slowest_recovery_ms\": %lld, \"seed\": %llu}\n",
      static_cast<unsigned long long>(sum.points), static_cast<unsigned long long>(disk_points),
      static_cast<unsigned long long>(v.lost), static_cast<unsigned long long>(v.duplicates),
      static_cast<unsigned long long>(v.corrupt), static_cast<unsigned long long>(sum.wedged),
      static_cast<long long>(sum.slowest.count()), static_cast<unsigned long long>(seed));
  return v.good() && sum.wedged == 0 ? 0 : 1;
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  uint64_t every = 1;
  uint64_t seed = std::random_device{}();
  for (int i = 1; i + 1 < argc; i += 2) {
    const uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (!std::strcmp(argv[i], "--every")) every = value;
    if (!std::strcmp(argv[i], "--seed")) seed = value;
  }
  wayside::set_log_level(wayside::LogLevel::kOff);
  wayside::interpose_memory();
  return wayside::main(every, seed);
}
