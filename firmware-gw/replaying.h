// What recovery knows while it replays the journal. Of recovery.cc and damage.cc only.
#pragma once

#include "firmware-gw/loop.h"

namespace wayside {

struct Loop::Replay {
  explicit Replay(const Store::Recovered& recovered) : from(recovered) {}

  const Store::Recovered& from;
  uint64_t expected = 1;    // the entry that comes next
  uint64_t last_entry = 0;  // of the journal, as far as anybody knows of it
  // Up to this entry everything was said, and is in the outbox or delivered: what the replay says
  // differently there is left out.
  uint64_t said_upto = 0;
  // State and numbers are those of the former life.
  bool exact = true;
  std::string why;                            // not; the first reason
  bool renumbered = false;                    // and a new epoch is begun already
  uint64_t left_out = 0;                      // emissions that could not be made again
  std::optional<std::vector<uint64_t>> rows;  // readings of each source before `expected`

  bool rebuilt = false;                // the store is,
  uint64_t rebuilt_after = 0;          // from the journal behind this entry,
  std::vector<uint64_t> rebuilt_rows;  // and so many readings of each source before

  void differs(const std::string& reason) {
    exact = false;
    if (why.empty()) why = reason;
  }
};

}  // namespace wayside
