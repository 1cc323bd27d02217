#include "storage/budget.h"

#include <algorithm>

namespace wayside {
namespace {

uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

}  // namespace

Budget budget_of(const Room& room) {
  const uint64_t used = room.journal_bytes + room.store_bytes;
  const uint64_t ours = std::min(room.max_bytes, less(used + room.free_bytes, room.min_free));
  Budget budget;
  budget.total_bytes = ours;
  budget.journal_bytes = std::max(room.journal_least, less(ours, room.store_bytes));
  // What the store has at hand if the journal is at its least. Its files never shrink, so that
  // their size is no excess by itself.
  const uint64_t at_hand = room.store_unused + less(ours, room.journal_least + room.store_bytes);
  budget.store_excess = less(room.store_reserve, at_hand);
  return budget;
}

}  // namespace wayside
