#include "base/clock.h"

#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>

#include <chrono>
#include <fstream>

namespace wayside {
namespace {

// If we are kept from running between two clocks for longer, they say nothing about each other.
constexpr int64_t kAtOnceMs = 50;
constexpr int kAttempts = 5;
constexpr int kBatteryClocks = 4;
// The kernel's largest error: it grows to that by 500 ppm since the last synchronisation, and is
// set to it when anybody sets the clock. STA_UNSYNC would do, but chrony leaves it set without
// rtcsync.
constexpr long kUnknownErrorUs = 16'000'000;
constexpr const char* kTimesyncMark = "/run/systemd/timesync/synchronized";

std::string boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

bool has_battery_clock() {
  for (int i = 0; i < kBatteryClocks; ++i) {
    int has_set_the_system_clock = 0;
    std::ifstream("/sys/class/rtc/rtc" + std::to_string(i) + "/hctosys") >>
        has_set_the_system_clock;
    if (has_set_the_system_clock == 1) return true;
  }
  return false;
}

int64_t touched_ms(const char* path) {
  struct stat found {};
  if (::stat(path, &found) != 0) return 0;
  return int64_t{found.st_mtim.tv_sec} * 1000 + found.st_mtim.tv_nsec / 1'000'000;
}

// Where the kernel may not be asked (ProtectClock=yes), timesyncd's mark is. It is looked at first:
// it follows the step, so that the time read behind it has that step in it.
ClockReading read_clocks_by_mark(SyncMark& mark) {
  using namespace std::chrono;
  ClockReading reading;
  const int64_t touched = touched_ms(kTimesyncMark);
  reading.boot_ms = boot_clock_ms();
  reading.system_ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  if (boot_clock_ms() - reading.boot_ms > kAtOnceMs) return reading;
  reading.synchronised = mark.vouches(touched, reading.system_ms, reading.boot_ms);
  return reading;
}

// The kernel gives its time and whether that is synchronised in one call, so that no step can come
// between.
ClockReading read_clocks(SyncMark& mark) {
  using namespace std::chrono;
  ClockReading reading;
  for (int i = 0; i < kAttempts; ++i) {
    reading.boot_ms = boot_clock_ms();
    timex kernel{};
    if (adjtimex(&kernel) < 0) return read_clocks_by_mark(mark);
    const int64_t per_ms = kernel.status & STA_NANO ? 1'000'000 : 1'000;
    reading.system_ms = int64_t{kernel.time.tv_sec} * 1000 + kernel.time.tv_usec / per_ms;
    reading.synchronised = kernel.maxerror < kUnknownErrorUs;
    if (boot_clock_ms() - reading.boot_ms <= kAtOnceMs) return reading;
  }
  reading.synchronised = false;
  reading.boot_ms = boot_clock_ms();
  reading.system_ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  return reading;
}

ClockReading first_reading(SyncMark& mark) {
  ClockReading reading = read_clocks(mark);
  reading.has_battery = has_battery_clock();
  return reading;
}

}  // namespace

int64_t boot_clock_ms() {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return static_cast<int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

SystemClock::SystemClock(const ClockOptions& options, std::string_view saved, const Now& last)
    : time_(options, boot_id(), saved, last, first_reading(mark_)) {}

Now SystemClock::now() { return time_.at(read_clocks(mark_)); }

}  // namespace wayside
