// Readings that contradict the last good one, and agree with each other: a real step, if they are
// enough of them.
#pragma once

#include "base/bytes.h"
#include "sensors/options.h"

namespace wayside {

struct Doubt {
  uint32_t readings = 0;
  int64_t since_ms = 0;
  int64_t newest_ms = 0;

  // One more. `agrees`: with the last one of them; else they begin anew with it.
  void add(int64_t time_ms, bool agrees) {
    if (!agrees) *this = {0, time_ms, time_ms};
    ++readings;
    newest_ms = time_ms;
  }
  bool is_settled(const AcceptOptions& accept) const {
    if (accept.ms > 0) return readings > 0 && newest_ms - since_ms >= accept.ms;
    return accept.readings > 0 && readings >= accept.readings;
  }
  void save(ByteWriter& out) const {
    out.fixed(readings);
    out.fixed(since_ms);
    out.fixed(newest_ms);
  }
  void load(ByteReader& in) {
    readings = in.fixed<uint32_t>();
    since_ms = in.fixed<int64_t>();
    newest_ms = in.fixed<int64_t>();
  }
};

}  // namespace wayside
