#include "pipeline/stream.h"

#include <numeric>

#include "pipeline/block.h"

namespace wayside {
Rows slice(const Rows& rows, size_t begin, size_t end, std::vector<uint32_t>& origins) {
  Rows part = rows;
  part.view.rows = end - begin;
  part.view.times += begin;
  part.view.keys += begin;
  for (ColumnView& c : part.view.columns) {
    if (c.numbers) c.numbers += begin;
    if (c.texts) c.texts += begin;
  }
  part.after += begin;
  if (part.present) part.present += begin;
  if (rows.origins) {
    part.origins += begin;
  } else if (rows.fates) {
    origins.resize(end - begin);
    std::iota(origins.begin(), origins.end(), static_cast<uint32_t>(begin));
    part.origins = origins.data();
  }
  return part;
}

void Stream::push(const Rows& rows, EmissionBuffer& out) const {
  if (!one_by_one_ || rows.view.rows <= 1) {
    for (const Consumer& c : consumers_) c.block->process(c.input, rows, out);
    return;
  }
  std::vector<uint32_t> origins;
  for (size_t row = 0; row < rows.view.rows; ++row) {
    const Rows one = slice(rows, row, row + 1, origins);
    for (const Consumer& c : consumers_) c.block->process(c.input, one, out);
  }
}

}  // namespace wayside
