// What systemd-timesyncd leaves behind: a file that it touches whenever it has set or confirmed the
// clock. Read where the kernel may not be asked.
#pragma once

#include <cstdint>

namespace wayside {

class SyncMark {
 public:
  // By then the kernel, too, takes a clock that nobody has confirmed for unsynchronised: its error
  // grows by 500 ppm, to 16 s.
  static constexpr int64_t kLongestMs = 32'000'000;
  // Between the two clocks there is nothing but steps: both are slewed alike.
  static constexpr int64_t kStepMs = 100;

  // Is the system clock right, as far as the mark tells? `touched_ms` is when that was touched, by
  // the system clock; 0: there is none. Somebody who sets the clock behind it makes it worthless.
  bool vouches(int64_t touched_ms, int64_t system_ms, int64_t boot_ms);

 private:
  int64_t touched_ms_ = 0;
  int64_t offset_ms_ = 0;  // of the system clock to the boot clock, when that mark was first seen
};

}  // namespace wayside
