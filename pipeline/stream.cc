#include "pipeline/stream.h"

#include "pipeline/block.h"

namespace wayside {
namespace {

// One row; `origin` holds its place among the readings, for as long as it is used.
Rows single(const Rows& rows, size_t row, uint32_t& origin) {
  Rows one = rows;
  one.view.rows = 1;
  one.view.times += row;
  one.view.keys += row;
  for (ColumnView& c : one.view.columns) {
    if (c.numbers) c.numbers += row;
    if (c.texts) c.texts += row;
  }
  one.after += row;
  if (one.present) one.present += row;
  origin = rows.origins ? rows.origins[row] : static_cast<uint32_t>(row);
  one.origins = &origin;
  return one;
}

}  // namespace

void Stream::push(const Rows& rows, EmissionBuffer& out) const {
  if (!one_by_one_ || rows.view.rows <= 1) {
    for (const Consumer& c : consumers_) c.block->process(c.input, rows, out);
    return;
  }
  for (size_t row = 0; row < rows.view.rows; ++row) {
    uint32_t origin;
    const Rows one = single(rows, row, origin);
    for (const Consumer& c : consumers_) c.block->process(c.input, one, out);
  }
}

}  // namespace wayside
