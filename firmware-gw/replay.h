// Recorded input through the same engine, offline and as fast as it goes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/config.h"
#include "firmware-gw/moment.h"
#include "pipeline/ledger.h"

namespace wayside {

struct ReplayResult {
  Ledger ledger;
  uint64_t emissions = 0;
};

// Lines out: one JSON object an emission; with a `view` one for each of its rows, at the end.
using LineWriter = std::function<void(std::string_view line)>;

// A dump's lines are "<arrival, RFC 3339 or epoch ms> <topic> <payload>". At its end every window
// is final.
Result<ReplayResult> replay_dumps(const Config& config, const std::vector<std::string>& paths,
                                  const LineWriter& write, const std::string& view = "");
// What is told of a journal: what was said behind `after`, up to `until`.
struct ReplaySpan {
  Moment after{0, kTimeMin};
  Moment until{};
};
// The journal of a gateway; what is open at its end stays open, as it did there.
Result<ReplayResult> replay_journal(const Config& config, const std::string& state_dir,
                                    const ReplaySpan& span, const LineWriter& write,
                                    const std::string& view = "");

}  // namespace wayside
