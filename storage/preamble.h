// What a journal file says of the time before it: enough for a store that has to be made again when
// older files are gone. docs/architecture.md draws the format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/store.h"

namespace wayside {

struct Preamble {
  uint64_t last_sequence = 0;  // emissions given
  std::vector<Epoch> epochs;
  using Counts = std::vector<std::pair<std::string, uint64_t>>;
  Counts emitted;      // by uplink
  Counts rows_before;  // by source

  // At most `max_bytes`: the oldest epochs are left out, then it is empty.
  std::string encode(size_t max_bytes) const;
  static std::optional<Preamble> decode(std::string_view bytes);
};

}  // namespace wayside
