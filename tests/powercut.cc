// Cuts the power of a simulated gateway at random calls to its disk, life after life, and asks what
// became of the readings that were acknowledged.
//
//   powercut [--cuts N] [--seed S]
//
// Before the real thing come the canaries: worlds with a planted error each, which have to be
// noticed, or the test proves nothing. The last line of output is a JSON object. Exit 0 only if
// nothing was lost, doubled or corrupt, and all canaries were caught.
#include <cstdio>
#include <cstring>
#include <string>

#include "base/log.h"
#include "tests/world.h"

namespace wayside {
namespace {

constexpr size_t kReadings = 600;
constexpr auto kPatience = std::chrono::seconds(20);
constexpr auto kCanaryPatience = std::chrono::seconds(1);  // what is lost does not come
constexpr uint64_t kLivesMax = 8;
constexpr uint64_t kCanaryCuts = 200;

struct Sum {
  uint64_t cuts = 0;
  World::Verdict verdict;
  std::chrono::microseconds slowest_start{0};
};

// Lives in one world, each cut short but the last.
World::Verdict history(const Script& script, uint64_t seed, uint64_t calls, Canary canary,
                       Sum& sum) {
  World world(script, seed, canary);
  for (uint64_t life = 1; life <= kLivesMax; ++life) {
    const bool cut = life < kLivesMax && (life == 1 || world.random()() % 3 != 0);
    // A start is short, and more can go wrong in it.
    const uint64_t range = world.random()() % 3 == 0 ? calls / 8 : calls;
    world.disk().lose_power_at(cut ? 1 + world.random()() % range : 0);
    const World::End end = world.live(canary == Canary::kNone ? kPatience : kCanaryPatience);
    const bool odd = end == World::End::kStuck || end == World::End::kRefused;
    if (odd && canary == Canary::kNone) {
      World::Verdict verdict = world.verdict();
      ++verdict.corrupt;
      verdict.why = (end == World::End::kStuck ? "stuck; " : "refused; ") + verdict.why;
      return verdict;
    }
    if (end != World::End::kDark) break;
    ++sum.cuts;
    world.disk().power_cycle();
  }
  sum.slowest_start = std::max(sum.slowest_start, world.slowest_start());
  return world.verdict();
}

Sum run(const Script& script, uint64_t seed, uint64_t calls, uint64_t cuts, Canary canary) {
  Sum sum;
  for (uint64_t i = 0; sum.cuts < cuts; ++i) {
    const World::Verdict verdict = history(script, seed + i, calls, canary, sum);
    sum.verdict += verdict;
    if (verdict.good()) continue;
    if (canary != Canary::kNone) break;  // caught
    std::fprintf(stderr, "powercut: world %llu: %s\n", static_cast<unsigned long long>(seed + i),
                 verdict.why.c_str());
  }
  return sum;
}

struct Planted {
  Canary canary;
  const char* name;
};
constexpr Planted kCanaries[] = {
    {Canary::kEarlyAck, "acknowledged before the commit"},
    {Canary::kJournalUnsynced, "journal without fdatasync"},
    {Canary::kStoreUnsynced, "SQLite with synchronous = OFF"},
    {Canary::kCardLies, "a card that lies about flush"},
    {Canary::kSinkUnsynced, "file uplink without fdatasync"},
    {Canary::kMarkForgotten, "the mark of the far system forgotten"},
};

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
  for (const Planted& planted : kCanaries) {
    const Sum sum = run(script, seed, calls, kCanaryCuts, planted.canary);
    caught += !sum.verdict.good();
    std::fprintf(stderr, "powercut: canary \"%s\": %s after %llu cuts%s%s\n", planted.name,
                 sum.verdict.good() ? "NOT CAUGHT" : "caught",
                 static_cast<unsigned long long>(sum.cuts), sum.verdict.good() ? "" : ": ",
                 sum.verdict.why.c_str());
  }
  const Sum sum = run(script, seed, calls, cuts, Canary::kNone);
  const World::Verdict& v = sum.verdict;
  std::printf(
      "{\"cuts\": %llu, \"calls_a_life\": %llu, \"lost\": %llu, \"duplicates\": %llu, \"corrupt\": "
      "%llu, "
      "\"slowest_start_ms\": %.1f, \"canaries\": %zu, \"canaries_caught\": %zu, \"seed\": %llu}\n",
      static_cast<unsigned long long>(sum.cuts), static_cast<unsigned long long>(calls),
      static_cast<unsigned long long>(v.lost), static_cast<unsigned long long>(v.duplicates),
      static_cast<unsigned long long>(v.corrupt), double(sum.slowest_start.count()) / 1000,
      std::size(kCanaries), caught, static_cast<unsigned long long>(seed));
  return v.good() && caught == std::size(kCanaries) ? 0 : 1;
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  uint64_t cuts = 1'000;
  uint64_t seed = std::random_device{}();
  for (int i = 1; i + 1 < argc; i += 2) {
    const uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (!std::strcmp(argv[i], "--cuts")) cuts = value;
    if (!std::strcmp(argv[i], "--seed")) seed = value;
  }
  wayside::set_log_level(wayside::LogLevel::kOff);
  return wayside::main(cuts, seed);
}
