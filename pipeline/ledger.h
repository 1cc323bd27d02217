// The ledger of readings: each that came in has exactly one fate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace wayside {

struct Ledger {
  uint64_t used = 0;
  uint64_t late = 0;  // too late for every block that it was for
  uint64_t duplicate = 0;
  uint64_t quarantined = 0;
  uint64_t dropped = 0;  // a limit was reached

  // Counted apart from the fates, where the message came in.
  uint64_t in = 0;

  bool balanced() const { return in == used + late + duplicate + quarantined + dropped; }
  Ledger& operator+=(const Ledger& o) {
    used += o.used;
    late += o.late;
    duplicate += o.duplicate;
    quarantined += o.quarantined;
    dropped += o.dropped;
    in += o.in;
    return *this;
  }
};

}  // namespace wayside
