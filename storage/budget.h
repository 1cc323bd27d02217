// Who may have how much of the disk. The journal takes what the store leaves; at the limit it gives
// way first, down to what recovery needs, and then the outbox has to lose its oldest emissions.
#pragma once

#include <cstdint>

namespace wayside {

struct Room {
  uint64_t max_bytes = 0;  // what we may take in all
  uint64_t min_free = 0;   // what has to stay free on the file system
  uint64_t free_bytes = 0;
  uint64_t journal_bytes = 0;  // its files
  uint64_t journal_least = 0;  // of them, what recovery needs
  uint64_t store_bytes = 0;    // the database and its log
  uint64_t store_unused = 0;   // of them, what it can fill without growing
  uint64_t store_reserve = 0;  // what it has to have at hand
};

struct Budget {
  uint64_t total_bytes = 0;    // for both
  uint64_t journal_bytes = 0;  // that its files may take
  uint64_t store_excess = 0;   // that have to go out of the outbox
};

Budget budget_of(const Room& room);

}  // namespace wayside
