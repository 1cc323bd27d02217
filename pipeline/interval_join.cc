#include "pipeline/interval_join.h"

#include <algorithm>

namespace wayside {

// ---- rows

void IntervalJoin::process(size_t input, const Rows& rows, EmissionBuffer& out) {
  const BatchView& view = rows.view;
  sides_[input].evaluate(view, rows.present);
  for (size_t row = 0; row < view.rows; ++row) {
    const uint32_t key = view.keys[row];
    output_->set_place(rows.place(row));
    if (rows.is_present(row)) {
      const bool taken = take(input, key, view.times[row], row, out);
      taken ? rows.set_taken(row) : rows.set_late(row);
      late_ += !taken;
    }
    advance(key, goal(input, key, rows.after[row]));
    if (by_key_ || rows.is_present(row)) trim(key);
  }
  output_->flush(out);
}

bool IntervalJoin::take(size_t input, uint32_t key, int64_t time, size_t row, EmissionBuffer& out) {
  if (time <= watermark(key)) return false;
  const size_t other = input == kLeft ? kRight : kLeft;
  keep(key, input, time, row);
  const std::string bytes = sides_[input].pack(row);
  const Readings& partners = state(key).readings[other];
  const auto end = partners.upper_bound(saturating_add(time, reach(input)));
  for (auto p = partners.lower_bound(saturating_add(time, -reach(other))); p != end; ++p) {
    const bool is_left = input == kLeft;
    add_pair(key, std::max(time, p->first), is_left ? bytes : p->second,
             is_left ? &p->second : &bytes);
    if (output_->rows() >= kRowsMax) output_->flush_full(out);
  }
  return true;
}

// A reading whose last possible partner the watermark has passed has none any more.
void IntervalJoin::trim(uint32_t key) {
  for (const size_t input : {kLeft, kRight}) {
    Readings& readings = state(key).readings[input];
    const int64_t passed = saturating_add(watermark(key), -reach(input));
    erase(key, input, readings.begin(), readings.upper_bound(passed));
    if (readings.size() <= options_.max_rows) continue;
    erase(key, input, readings.begin(), std::next(readings.begin()));
    ++evicted_;
  }
}

// ---- time

int64_t IntervalJoin::goal(size_t input, uint32_t key, int64_t after) const {
  int64_t goal = kTimeMax;
  for (const Input i : {kLeft, kRight}) {
    if (i != input && is_input_idle(i, key)) continue;
    goal = std::min(goal, input_watermark(i, input, key, after));
  }
  return goal;
}

void IntervalJoin::advance(uint32_t key, int64_t to) {
  if (to <= watermark(key)) return;
  set_watermark(key, to);
  output_->on_watermark(key, to);
}

// While both inputs are idle, event time stands still.
void IntervalJoin::on_idle(uint32_t key, EmissionBuffer& out) {
  const int64_t to = goal(kNeither, key, kTimeMin);
  if (to != kTimeMax) advance(key, to);
  output_->flush(out);
}

void IntervalJoin::drop_ahead(uint32_t key, int64_t limit_ms) {
  for (const size_t input : {kLeft, kRight}) {
    Readings& readings = state(key).readings[input];
    erase(key, input, readings.upper_bound(limit_ms), readings.end());
  }
}

}  // namespace wayside
