// What the gateway costs the card: counted since the store was made, told as a rate, and, if the
// card's endurance is known, as the years it will last. Owned by the loop.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/disk.h"

namespace wayside {

// How fast something that only grows has been growing of late.
class Growth {
 public:
  static constexpr int64_t kStepMs = 10'000;
  static constexpr size_t kHour = 360;  // steps

  explicit Growth(size_t steps = kHour) : steps_(steps) {}
  void add(int64_t timer_ms, uint64_t total);
  // Per second, over the last steps or what there is of them; 0 while that is too short to tell.
  double per_s() const;

 private:
  struct Sample {
    int64_t timer_ms;
    uint64_t total;
  };
  size_t steps_;
  std::deque<Sample> samples_;
};

struct FlashStatus {
  uint64_t written_bytes = 0;
  uint64_t flushes = 0;
  uint64_t payload_bytes = 0;
  uint64_t endurance_bytes = 0;  // of the card; 0: not known
  double gb_per_day = 0;
  double bytes_per_payload_byte() const;
  double years_left() const;  // 0: cannot be told
};

class FlashMeter {
 public:
  explicit FlashMeter(uint64_t endurance_bytes) { status_.endurance_bytes = endurance_bytes; }

  // As save() gave it in a former life.
  void restore(std::string_view saved);
  std::string save() const;

  void add_payload(uint64_t bytes) { status_.payload_bytes += bytes; }
  // `use` is that of this process.
  void look(int64_t timer_ms, const Disk::Use& use);
  const FlashStatus& status() const { return status_; }

 private:
  Disk::Use before_;  // of former lives
  FlashStatus status_;
  Growth growth_;
};

}  // namespace wayside
