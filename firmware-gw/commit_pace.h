// How long a group waits for its commit because the journal's syncs take long: those that nothing
// hurries take at most half of the time, so that on a slow medium more goes into each. The loop
// thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace wayside {

class CommitPace {
 public:
  static constexpr int64_t kRestMaxMs = 2'000;

  // By the timer's clock.
  void took(int64_t begun_ms, int64_t ended_ms) {
    const int64_t took_ms = std::min(ended_ms - begun_ms, kRestMaxMs);
    lately_ms_ += (static_cast<double>(took_ms) - lately_ms_) / kSmoothed;
    rest_until_ms_ = ended_ms + static_cast<int64_t>(lately_ms_);
  }
  int64_t rest_until_ms() const { return rest_until_ms_; }

 private:
  static constexpr double kSmoothed = 8;  // commits
  double lately_ms_ = 0;
  int64_t rest_until_ms_ = 0;
};

}  // namespace wayside
