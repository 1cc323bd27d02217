// How far a journal may be believed, for those who read it beside the gateway.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace wayside {

// The last entry that the gateway running on this folder calls safe: all that are there now, unless
// the disk takes longer than two seconds. Where none runs, UINT64_MAX: the next start takes all
// that is whole.
Result<uint64_t> committed_entry(const std::string& state_dir);

}  // namespace wayside
