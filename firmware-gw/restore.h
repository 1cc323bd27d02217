// `wayside restore`: a store of the past in a folder of its own, which can be run.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"
#include "firmware-gw/moment.h"

namespace wayside {

struct Restored {
  uint64_t entry = 0;  // the last one of the copy
  int64_t committed_ms = 0;
  std::string epoch;     // of the ids that it gives
  uint64_t pending = 0;  // events and readings that its uplinks have still to deliver
  uint64_t lost = 0;     // events that the original has still to deliver by uplinks it has not got
};

// Copies the journal of `config`'s gateway, which may be running, up to `until` into `dir`, and
// makes the store that it leads to. What the gateway has delivered by now is not delivered again,
// and what the copy says from there on has ids of an epoch of its own. `dir` must not hold anything
// yet; nor does it after an error.
Result<Restored> restore(const Config& config, const Moment& until, const std::string& dir);

}  // namespace wayside
