// How far a gateway is, for those who read its folder beside it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "storage/mark.h"

namespace wayside {

// The last entry that the gateway running on this folder calls safe: all that are there now, unless
// the disk takes longer than two seconds. Where none runs, UINT64_MAX: the next start takes all
// that is whole. Unavailable: there is no journal, or the gateway does not say.
Result<uint64_t> committed_entry(const std::string& state_dir);

// What the gateway running on this folder has delivered by now, by uplink: its store is told only
// now and then. Nothing: none runs.
Result<std::optional<std::map<std::string, Mark>>> delivered_marks(const std::string& state_dir);

}  // namespace wayside
