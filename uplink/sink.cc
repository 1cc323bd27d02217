#include "uplink/sink.h"

#include <algorithm>

namespace wayside {

std::optional<Mark> in_last_epoch(Mark mark, const std::vector<Epoch>& epochs) {
  auto epoch = std::find_if(epochs.begin(), epochs.end(),
                            [&](const Epoch& e) { return e.name == mark.epoch; });
  if (epoch == epochs.end()) return std::nullopt;
  while (++epoch != epochs.end()) {
    for (uint64_t& upto : mark.delivered_upto) upto = std::min(upto, epoch->first_sequence - 1);
    if (mark.raw_entry < epoch->first_entry) continue;
    mark.raw_entry = epoch->first_entry - 1;
    mark.raw_rows = 0;
  }
  mark.epoch = epochs.back().name;
  return mark;
}

}  // namespace wayside
