// Makes each call to the disk of a simulated gateway fail, once and from then on until it heals, as
// an I/O error, a full disk and a read error, and each allocation of SQLite, in a first life and in
// one that has a power cut behind it; and asks whether the gateway goes on by itself.
//
//   faults [--every N] [--seed S]
//
// --every 3 takes every third call only. The last line of output is a JSON object. Exit 0 only if
// nothing was lost or doubled, nothing got stuck or recovered slowly, and each kind of fault
// struck. A seed makes nearly the same worlds again: the order of their threads is the system's.
#include <sqlite3.h>

#include <atomic>
#include <cstdio>
#include <string>

#include "base/log.h"
#include "tests/options.h"
#include "tests/world.h"

namespace wayside {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kReadings = 250;
constexpr auto kPatience = milliseconds(20'000);
constexpr uint64_t kSickFailures = 20;
constexpr auto kSickMax = milliseconds(50);  // of what does not fail that often
constexpr auto kRecoveryMax = milliseconds(5'000);
constexpr uint64_t kForGood = UINT64_MAX;
constexpr int kStartsMax = 3;
constexpr uint64_t kMemoryEvery = 7;  // there are so many allocations

struct Sum {
  uint64_t points = 0;
  uint64_t wedged = 0;
  uint64_t idle_kinds = 0;  // that never struck
  milliseconds slowest{0};  // from the end of the fault until everything was delivered
  World::Verdict verdict;
};

struct Fault {
  std::string name;
  uint64_t failures;  // until it heals
  bool fills;         // the disk; calls that only say so leave what can be freed in doubt
  std::function<uint64_t(const World&)> calls;  // that it may strike, so far
  std::function<void(World&, uint64_t n)> plant;
  std::function<uint64_t(const World&)> struck;  // since it was planted
  std::function<void(World&)> heal;
};

enum class Life { kFirst, kAfterCut };

// A full disk is no reason not to start, for the journal gives way; in a first life there is none.
bool may_refuse(const Fault& fault, Life life) { return !fault.fills || life == Life::kFirst; }

void begin(World& world, Life life, uint64_t cut_at) {
  if (life == Life::kFirst) return;
  world.disk().lose_power_at(cut_at);
  (void)world.live(kPatience);
  world.disk().power_cycle();
}

class Trial {
 public:
  Trial(World& world, const Fault& fault) : world_(world), fault_(fault) {}

  World::End run() {
    const auto look = [this] { look_at(steady_clock::now()); };
    World::End end = world_.live(kPatience, look);
    for (int starts = 1; end == World::End::kRefused && starts < kStartsMax; ++starts) {
      refused_ = true;
      heal();  // a supervisor starts it again
      end = world_.live(kPatience, look);
    }
    ended_ = steady_clock::now();
    return end;
  }
  bool refused() const { return refused_; }
  milliseconds recovery() const {
    if (!healed_) return milliseconds(0);
    return std::chrono::duration_cast<milliseconds>(ended_ - *healed_);
  }

 private:
  void look_at(steady_clock::time_point now) {
    const uint64_t struck = fault_.struck(world_);
    if (!broken_ && struck > 0) broken_ = now;
    if (!broken_ || healed_) return;
    if (struck >= fault_.failures || now - *broken_ >= kSickMax) heal();
  }
  void heal() {
    fault_.heal(world_);
    healed_ = steady_clock::now();
  }

  World& world_;
  const Fault& fault_;
  bool refused_ = false;
  std::optional<steady_clock::time_point> broken_;
  std::optional<steady_clock::time_point> healed_;
  steady_clock::time_point ended_;
};

void try_fault(World& world, const Fault& fault, Life life, const std::string& name, Sum& sum) {
  Trial trial(world, fault);
  const World::End end = trial.run();
  const bool wedged = end != World::End::kComplete || (trial.refused() && !may_refuse(fault, life));
  const World::Verdict verdict = world.verdict();
  sum.points += fault.struck(world) > 0;
  sum.verdict += verdict;
  sum.wedged += wedged;
  sum.slowest = std::max(sum.slowest, trial.recovery());
  if (!wedged && verdict.good()) return;
  std::fprintf(stderr, "faults: %s: %s%s%s\n", name.c_str(),
               end == World::End::kComplete ? "" : "stuck; ", trial.refused() ? "refused; " : "",
               verdict.why.c_str());
}

void try_calls(const Script& script, uint64_t seed, uint64_t every, const Fault& fault, Life life,
               Sum& sum) {
  World usual(script, seed);
  (void)usual.live(kPatience);
  const uint64_t cut_at = usual.disk().calls() / 2;
  World model(script, seed);
  begin(model, life, cut_at);
  const uint64_t before = fault.calls(model);
  (void)model.live(kPatience);
  const uint64_t calls = fault.calls(model) - before;
  const uint64_t points = sum.points;
  for (uint64_t n = 1 + seed % every; n <= calls; n += every) {
    World world(script, seed + n);
    begin(world, life, cut_at);
    fault.plant(world, n);
    const std::string when = life == Life::kFirst ? "" : " after a cut";
    try_fault(
        world, fault, life,
        "seed " + std::to_string(seed) + ", " + fault.name + when + " at " + std::to_string(n),
        sum);
    fault.heal(world);
  }
  if (sum.points > points) return;
  ++sum.idle_kinds;
  std::fprintf(stderr, "faults: %s never struck\n", fault.name.c_str());
}

void try_both_lives(const Script& script, uint64_t seed, uint64_t every, const Fault& fault,
                    Sum& sum) {
  for (const Life life : {Life::kFirst, Life::kAfterCut}) {
    try_calls(script, seed, every, fault, life, sum);
  }
}

void disk_faults(const Script& script, uint64_t seed, uint64_t every, Sum& sum) {
  const std::pair<FaultyDisk::Fault, const char*> kinds[] = {
      {FaultyDisk::Fault::kAny, "I/O error"},
      {FaultyDisk::Fault::kFull, "no space"},
      {FaultyDisk::Fault::kRead, "read error"}};
  for (const auto& [kind, name] : kinds) {
    for (const uint64_t count : {uint64_t{1}, kForGood}) {
      const Fault fault{
          std::string(name) + (count == 1 ? " once" : " for good"),
          count == 1 ? 1 : kSickFailures,
          false,
          [kind = kind](const World& world) { return world.disk().calls(kind); },
          [kind = kind, count](World& w, uint64_t n) { w.disk().fail_calls(n, count, kind); },
          [](const World& world) { return world.disk().failures(); },
          [](World& world) { world.disk().heal(); }};
      try_both_lives(script, seed, every, fault, sum);
    }
  }
}

// Somebody else takes all of the room, at any moment, and gives it back later.
void full_disks(const Script& script, uint64_t seed, uint64_t every, Sum& sum) {
  const Fault fault{"full",
                    kSickFailures,
                    true,
                    [](const World& world) { return world.disk().calls(); },
                    [](World& world, uint64_t n) { world.disk().fill_at(n); },
                    [](const World& world) { return world.disk().refused(); },
                    [](World& world) { world.disk().fill_at(0); }};
  try_both_lives(script, seed, every, fault, sum);
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
  for (const uint64_t count : {uint64_t{1}, kForGood}) {
    uint64_t failures = 0;
    const Fault fault{"no memory" + std::string(count == 1 ? " once" : " for good"),
                      count == 1 ? 1 : kSickFailures,
                      false,
                      [](const World&) -> uint64_t { return memory.calls; },
                      [&](World&, uint64_t n) {
                        failures = memory.failures;
                        memory.fail_upto = count == 1 ? memory.calls + n : kForGood;
                        memory.fail_from = memory.calls + n;
                      },
                      [&](const World&) { return memory.failures - failures; },
                      [](World&) { memory.fail_from = 0; }};
    try_both_lives(script, seed, every, fault, sum);
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
  const bool quick = sum.slowest <= kRecoveryMax;
  return v.good() && sum.wedged == 0 && sum.idle_kinds == 0 && quick ? 0 : 1;
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  const wayside::Options options(argc, argv);
  const uint64_t every = options.number("--every", 1);
  const uint64_t seed = options.number("--seed", std::random_device{}());
  wayside::set_log_level(wayside::LogLevel::kOff);
  wayside::interpose_memory();
  return wayside::main(every, seed);
}
