// What limits took, by class, until it is told: at once the first time, then together, so that a
// disk that stays full does not fill the alarm lane. Owned by the loop.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sensors/group.h"

namespace wayside {

// In the order in which they go; and readings of which others of their device were kept.
enum class LossClass : uint8_t { kRaw, kResult, kAlarm, kThinned };
constexpr size_t kLossClasses = 4;

class Losses {
 public:
  explicit Losses(int64_t interval_ms) : interval_ms_(interval_ms) {}

  // `from_ms` and `to_ms`: when the oldest and the newest of them were.
  void add(LossClass what, uint64_t count, int64_t from_ms, int64_t to_ms);
  // The journal now begins behind `gone` readings that an uplink forwards; those it has still to
  // deliver are `waiting`, as ranges. How many of them are lost that were not before.
  using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;  // after the first, up to the second
  uint64_t newly_lost(const std::string& uplink, const Ranges& waiting, uint64_t gone);
  // The uplink counts anew: it forwards other sources than before.
  void forget(const std::string& uplink) { gone_.erase(uplink); }
  // Up to where that was looked at: the journal's oldest entry then, 0 for never, and its time.
  struct Looked {
    uint64_t oldest = 0;
    int64_t wall_ms = 0;
  };
  Looked looked;
  // What is due to be told, as notes before turn `turn`.
  std::vector<Note> tell(int64_t timer_ms, uint32_t turn);

  // Totals since the store was made and what is untold, as save() gave them in a former life.
  void restore(std::string_view saved);
  std::string save() const;
  uint64_t total(LossClass what) const { return classes_[static_cast<size_t>(what)].total; }

 private:
  struct Class {
    uint64_t total = 0;
    uint64_t untold = 0;
    int64_t from_ms = 0;
    int64_t to_ms = 0;
    int64_t told_ms = INT64_MIN;  // timer clock
  };
  const int64_t interval_ms_;
  std::array<Class, kLossClasses> classes_;
  std::map<std::string, uint64_t> gone_;  // by uplink: readings up to here are accounted for
};

}  // namespace wayside
