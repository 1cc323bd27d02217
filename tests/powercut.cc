// Cuts the power of a simulated gateway at random calls to its disk, life after life, and asks what
// became of the readings that were acknowledged.
//
//   powercut [--cuts N] [--seed S]
//
// Before the real thing come the canaries: worlds with a planted error each, which have to be
// noticed by what the error does, in a world that is good without it, or the test proves nothing.
// The last line of output is a JSON object. Exit 0 only if nothing was lost, doubled or corrupt, no
// start was slow, and all canaries were caught. A seed makes nearly the same world again: the order
// of its threads is the system's.
#include <cstdio>
#include <string>

#include "base/log.h"
#include "tests/options.h"
#include "tests/world.h"

namespace wayside {
namespace {

constexpr size_t kReadings = 600;
constexpr auto kPatience = std::chrono::seconds(20);
constexpr auto kCanaryPatience = std::chrono::seconds(1);  // what is lost does not come
constexpr auto kStartMax = std::chrono::seconds(5);
constexpr uint64_t kLivesMax = 8;
constexpr uint64_t kCanaryCuts = 200;

struct Sum {
  uint64_t cuts = 0;
  World::Verdict verdict;
  std::chrono::microseconds slowest_start{0};
};

struct Trial {
  Canary canary = Canary::kNone;
  std::chrono::milliseconds patience = kPatience;
};

// Lives in one world, each cut short but the last.
World::Verdict history(const Script& script, uint64_t seed, uint64_t calls, const Trial& trial,
                       Sum& sum) {
  World world(script, seed, trial.canary);
  World::End end = World::End::kDark;
  for (uint64_t life = 1; life <= kLivesMax && end == World::End::kDark; ++life) {
    const bool cut = life < kLivesMax && (life == 1 || world.random()() % 3 != 0);
    // A start is short, and more can go wrong in it.
    const uint64_t range = world.random()() % 3 == 0 ? calls / 8 : calls;
    world.disk().lose_power_at(cut ? 1 + world.random()() % range : 0);
    end = world.live(trial.patience);
    if (end != World::End::kDark) break;
    ++sum.cuts;
    world.disk().power_cycle();
  }
  sum.slowest_start = std::max(sum.slowest_start, world.slowest_start());
  World::Verdict verdict = world.verdict();
  // What a canary has lost never comes: to wait for it is no error of its own.
  const bool stuck = end == World::End::kStuck && trial.canary == Canary::kNone;
  if (!stuck && end != World::End::kRefused) return verdict;
  ++verdict.corrupt;
  verdict.why = (stuck ? "stuck; " : "refused; ") + verdict.why;
  return verdict;
}

Sum torture(const Script& script, uint64_t seed, uint64_t calls, uint64_t cuts) {
  Sum sum;
  for (uint64_t i = 0; sum.cuts < cuts; ++i) {
    const World::Verdict verdict = history(script, seed + i, calls, {}, sum);
    sum.verdict += verdict;
    if (verdict.good()) continue;
    std::fprintf(stderr, "powercut: world %llu: %s\n", static_cast<unsigned long long>(seed + i),
                 verdict.why.c_str());
  }
  return sum;
}

// ---- canaries

struct Planted {
  Canary canary;
  const char* name;
  uint64_t World::Verdict::*does;  // what has to be seen
};
constexpr Planted kCanaries[] = {
    {Canary::kEarlyAck, "acknowledged before the commit", &World::Verdict::lost},
    {Canary::kJournalUnsynced, "journal without fdatasync", &World::Verdict::lost},
    {Canary::kStoreUnsynced, "SQLite with synchronous = OFF", &World::Verdict::corrupt},
    {Canary::kCardLies, "a card that lies about flush", &World::Verdict::lost},
    {Canary::kSinkUnsynced, "file uplink without fdatasync", &World::Verdict::lost},
    {Canary::kThinnedUnsynced, "thinned readings without fdatasync", &World::Verdict::corrupt},
    {Canary::kMarkForgotten, "the mark of the far system forgotten", &World::Verdict::duplicates},
};

// A world that is bad without the canary, too, or only slow, catches nothing.
bool is_caught(const Script& script, const Planted& planted, uint64_t seed, uint64_t calls) {
  Sum sum;
  while (sum.cuts < kCanaryCuts) {
    const World::Verdict verdict =
        history(script, ++seed, calls, {planted.canary, kCanaryPatience}, sum);
    if (verdict.*planted.does == 0) continue;
    Sum ignored;
    if (!history(script, seed, calls, {Canary::kNone, kCanaryPatience}, ignored).good()) continue;
    std::fprintf(stderr, "powercut: canary \"%s\": caught after %llu cuts: %s\n", planted.name,
                 static_cast<unsigned long long>(sum.cuts), verdict.why.c_str());
    return true;
  }
  std::fprintf(stderr, "powercut: canary \"%s\": NOT CAUGHT after %llu cuts\n", planted.name,
               static_cast<unsigned long long>(sum.cuts));
  return false;
}

int main(uint64_t cuts, uint64_t seed) {
  std::fprintf(stderr, "powercut: seed %llu\n", static_cast<unsigned long long>(seed));
  const Script script = make_script(seed, kReadings);
  uint64_t calls = 0;
  {
    World world(script, seed);
    (void)world.live(kPatience);
    calls = world.disk().calls();
  }
  size_t caught = 0;
  for (const Planted& planted : kCanaries) caught += is_caught(script, planted, seed, calls);
  const Sum sum = torture(script, seed, calls, cuts);
  const World::Verdict& v = sum.verdict;
  std::printf(
      "{\"cuts\": %llu, \"calls_a_life\": %llu, \"lost\": %llu, \"duplicates\": %llu, \"corrupt\": "
      "%llu, "
      "\"slowest_start_ms\": %.1f, \"canaries\": %zu, \"canaries_caught\": %zu, \"seed\": %llu}\n",
      static_cast<unsigned long long>(sum.cuts), static_cast<unsigned long long>(calls),
      static_cast<unsigned long long>(v.lost), static_cast<unsigned long long>(v.duplicates),
      static_cast<unsigned long long>(v.corrupt), double(sum.slowest_start.count()) / 1000,
      std::size(kCanaries), caught, static_cast<unsigned long long>(seed));
  const bool quick = sum.slowest_start <= kStartMax;
  return v.good() && quick && caught == std::size(kCanaries) ? 0 : 1;
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  const wayside::Options options(argc, argv);
  const uint64_t cuts = options.number("--cuts", 1'000);
  const uint64_t seed = options.number("--seed", std::random_device{}());
  wayside::set_log_level(wayside::LogLevel::kOff);
  return wayside::main(cuts, seed);
}
