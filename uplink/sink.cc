#include "uplink/sink.h"

#include <algorithm>

namespace wayside {

namespace {

// Its rows are those of the entry behind it, which may be the next epoch's. How many readings were
// seen up to there the backlog finds out when it reads on.
void end_before(RawPosition& at, uint64_t first_entry) {
  if (at.entry + 1 < first_entry) return;
  at.entry = first_entry - 1;
  at.rows = 0;
}

bool is_further(const Mark& a, const Mark& b) {
  return a.delivered_upto[0] > b.delivered_upto[0] || a.delivered_upto[1] > b.delivered_upto[1] ||
         std::pair(a.raw.entry, a.raw.rows) > std::pair(b.raw.entry, b.raw.rows);
}

}  // namespace

std::optional<Mark> in_last_epoch(Mark mark, const std::vector<Epoch>& epochs) {
  auto epoch = std::find_if(epochs.begin(), epochs.end(),
                            [&](const Epoch& e) { return e.name == mark.epoch; });
  if (epoch == epochs.end()) return std::nullopt;
  while (++epoch != epochs.end()) {
    mark.entry = mark.chain = 0;  // these are about the end of its own epoch
    const uint64_t last = epoch->first_sequence - 1;
    for (uint64_t& upto : mark.delivered_upto) upto = std::min(upto, last);
    end_before(mark.raw, epoch->first_entry);
    for (BacklogPart& part : mark.backlog) {
      part.result_upto = std::min(part.result_upto, last);
      part.result_end = std::min(part.result_end, last);
      end_before(part.raw, epoch->first_entry);
      end_before(part.raw_end, epoch->first_entry);
    }
  }
  mark.epoch = epochs.back().name;
  return mark;
}

Mark resume_from(const Mark& local, const std::optional<Mark>& remembered,
                 const std::vector<Epoch>& epochs) {
  const auto ours = remembered ? in_last_epoch(*remembered, epochs) : std::nullopt;
  if (!ours) return local;
  // After the end of its epoch a mark's counts say nothing: another store may have gone on there.
  const bool further = remembered->epoch == ours->epoch ? ours->settled() >= local.settled()
                                                        : is_further(*ours, local);
  return further ? *ours : local;
}

}  // namespace wayside
