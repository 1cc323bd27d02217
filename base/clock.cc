#include "base/clock.h"

#include <time.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

namespace wayside {
namespace {

constexpr int64_t kWeekMs = 7LL * 86'400'000;

int64_t boot_clock_ms() {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return static_cast<int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

int64_t wall_clock_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

}  // namespace

SystemClock::SystemClock(std::string_view saved, const Now& last) {
  const int64_t boot_ms = boot_clock_ms();
  const size_t space = saved.find(' ');
  if (space != std::string_view::npos && saved.substr(0, space) == boot_id()) {
    offset_ms_ = std::strtoll(std::string(saved.substr(space + 1)).c_str(), nullptr, 10);
    if (boot_ms + offset_ms_ >= last.timer_ms) return;
  }
  if (last.timer_ms == 0) {
    offset_ms_ = wall_clock_ms() - boot_ms;
    return;
  }
  int64_t away_ms = wall_clock_ms() - last.wall_ms;
  if (away_ms < 0 || away_ms > kWeekMs) away_ms = 0;
  offset_ms_ = last.timer_ms + away_ms - boot_ms;
}

Now SystemClock::now() { return {wall_clock_ms(), boot_clock_ms() + offset_ms_}; }

std::string SystemClock::save() const { return boot_id() + ' ' + std::to_string(offset_ms_); }

}  // namespace wayside
