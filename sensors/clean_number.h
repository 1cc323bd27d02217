// A number judged by its own past, of its key. In this order:
//
// stuck_after: the very same value for so long is stuck; until another one comes it is marked, or
// becomes nothing. Readings more than half of that apart prove nothing: it begins anew.
// max_rate: what has changed faster since the last good value becomes nothing. Once enough readings
// agree with each other they are right, and the step was real. Within a second a value may change
// as much as in a second.
// smooth: the median of the last values, in order of arrival; of an even number of them, at the
// beginning, the mean of the middle two.
//
// A reading that is older than the newest is judged, and teaches nothing about rate and stuck.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "sensors/clean_reason.h"
#include "sensors/doubt.h"
#include "sensors/reading.h"

namespace wayside {

// What a key's number was. Empty: nothing came yet.
struct NumberPast {
  double good = kNull;
  int64_t good_ms = kTimeMin;
  double doubted = kNull;  // the last value that contradicts it
  Doubt doubt;
  double same = kNull;
  int64_t same_since_ms = kTimeMin;
  int64_t newest_ms = kTimeMin;
  std::vector<double> last;  // of a median, and the place that comes next
  uint32_t next = 0;

  void save(ByteWriter& out) const;
  void load(ByteReader& in);
};

class NumberCleaner {
 public:
  NumberCleaner(size_t column, const FieldCleaning& options);

  size_t column() const { return column_; }
  uint32_t median() const { return median_; }
  // What is left of a value that came, and why it was changed or is doubted: for each reason
  // `because` is called, in their order.
  template <class Because>
  double clean(NumberPast& past, int64_t time_ms, double value, Because because) const {
    if (options_.stuck_after_ms > 0 && is_stuck(past, time_ms, value)) {
      because(Reason::kStuck);
      if (options_.on_stuck == OnStuck::kRemove) return kNull;
    }
    if (options_.max_rate > 0 && is_too_fast(past, time_ms, value)) {
      because(Reason::kTooFast);
      return kNull;
    }
    if (median_ == 0) return value;
    const double smooth = smoothed(past, value);
    if (smooth != value) because(Reason::kSmoothed);
    return smooth;
  }

 private:
  bool is_reachable(double from, int64_t from_ms, double to, int64_t to_ms) const;
  bool is_too_fast(NumberPast& past, int64_t time_ms, double value) const;
  bool is_stuck(NumberPast& past, int64_t time_ms, double value) const;
  double smoothed(NumberPast& past, double value) const;

  size_t column_;
  FieldCleaning options_;
  uint32_t median_;  // 0: off
};

}  // namespace wayside
