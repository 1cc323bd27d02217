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
  if (part.taken_back) part.taken_back += begin;
  if (part.places) part.places += begin;
  if (rows.origins) {
    part.origins += begin;
  } else if (rows.fates) {
    origins.resize(end - begin);
    std::iota(origins.begin(), origins.end(), static_cast<uint32_t>(begin));
    part.origins = origins.data();
  } else if (part.first_place != Cause::kNoReading) {
    part.first_place += static_cast<uint32_t>(begin);
  }
  return part;
}

void Stream::push(const Rows& rows, EmissionBuffer& out) const {
  if (!one_by_one_ || rows.view.rows <= 1) {
    for (const Consumer& c : consumers_) give(c, rows, out);
    return;
  }
  std::vector<uint32_t> origins;
  for (size_t row = 0; row < rows.view.rows; ++row) {
    const Rows one = slice(rows, row, row + 1, origins);
    for (const Consumer& c : consumers_) give(c, one, out);
  }
}

void Stream::give(const Consumer& consumer, const Rows& rows, EmissionBuffer& out) const {
  if (witness_) return give_before_witness(consumer, rows, out);
  consumer.block->process(consumer.input, rows, out);
}

void Stream::give_before_witness(const Consumer& consumer, const Rows& rows,
                                 EmissionBuffer& out) const {
  constexpr uint32_t kFirst = 0;
  std::vector<uint32_t> origins;
  for (size_t row = 0; row < rows.view.rows; ++row) {
    Fates fate{{0}, {0}, {0}, {}};
    const uint32_t place = rows.place(row);
    Rows one = slice(rows, row, row + 1, origins);
    one.fates = &fate;
    one.origins = &kFirst;
    one.places = &place;
    consumer.block->process(consumer.input, one, out);
    witness_->saw(*this, *consumer.block, consumer.input, one, fate);
    if (fate.taken[0]) rows.set_taken(row);
    if (fate.late[0]) rows.set_late(row);
    if (fate.dropped[0]) rows.set_dropped(row);
    if (!fate.verdicts.empty())
      rows.set_verdict(row, static_cast<Fates::Verdict>(fate.verdicts[0]));
  }
}

}  // namespace wayside
