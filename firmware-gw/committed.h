// How far a journal may be believed, for those who read it beside the gateway.
#pragma once

#include <cstdint>
#include <string>

namespace wayside {

// The last entry that the gateway running on this folder calls safe. Where none runs, UINT64_MAX:
// the next start takes all that is whole.
uint64_t committed_entry(const std::string& state_dir);

}  // namespace wayside
