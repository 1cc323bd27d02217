#include "sensors/simulator_link.h"

#include <string_view>

namespace wayside {
namespace {

constexpr int64_t kMs = 1'000'000, kSecond = 1'000 * kMs;
constexpr int64_t kSlowParts = 300;     // of 10,000: delays of 0.2 to 3 s
constexpr int64_t kRepeatParts = 50;    // of 10,000
constexpr int64_t kBreakageParts = 30;  // of 10,000

}  // namespace

SimulatedLink::SimulatedLink(SimulatorRandom random, int64_t calm_until_ns, uint64_t first_breakage)
    : random_(random), calm_until_ns_(calm_until_ns), breakage_(first_breakage) {
  plan_gap(random_.between(30, 400) * kSecond);
}

void SimulatedLink::plan_gap(int64_t not_before_ns) {
  gap_begin_ns_ = not_before_ns;
  gap_end_ns_ = gap_begin_ns_ + random_.between(10'000, 40'000) * kMs;
}

SimulatedLink::Arrival SimulatedLink::carry(int64_t event_ns, std::string& payload) {
  while (event_ns >= gap_end_ns_) plan_gap(gap_end_ns_ + random_.between(300, 700) * kSecond);
  const bool calm = event_ns < calm_until_ns_;

  int64_t delay = random_.between(0, 430);
  delay = 15 + delay * delay / 1000;  // 15 to 199 ms, the short ones likelier
  if (random_.chance(kSlowParts) && !calm) delay = random_.between(200, 3'000);
  Arrival arrival{event_ns + delay * kMs, {}};
  // What was held leaves at one instant; the fleet's queue keeps the order of equal times.
  if (event_ns >= gap_begin_ns_) arrival.ns = gap_end_ns_ + 50 * kMs;
  if (random_.chance(kRepeatParts)) arrival.repeat = arrival.ns + random_.between(80, 250) * kMs;

  if (random_.chance(kBreakageParts) && !calm) breakage_due_ = true;
  if (breakage_due_) maybe_break(payload);
  return arrival;
}

void SimulatedLink::maybe_break(std::string& payload) {
  constexpr std::string_view kTemperature = "\"t\":";
  switch (breakage_ % 3) {
    case 0:
      payload.resize(payload.size() * static_cast<size_t>(random_.between(30, 90)) / 100);
      break;
    case 1: {
      const size_t key = payload.find(kTemperature);
      if (key == std::string::npos) return;
      const size_t value = key + kTemperature.size();
      payload.insert(payload.find(',', value), 1, '"');
      payload.insert(value, 1, '"');
      break;
    }
    default:
      payload.erase(1, payload.find(','));  // {"ts":1,"a":2} becomes {"a":2}
  }
  ++breakage_;
  breakage_due_ = false;
}

}  // namespace wayside
