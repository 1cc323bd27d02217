#include "pipeline/processing_time.h"

#include <algorithm>

namespace wayside {

int64_t ProcessingTime::timer_of(int64_t watermark_ms, int64_t tick_ms) const {
  if (watermark_ms == kTimeMax || now_ms_ == kTimeMin) return kTimeMax;
  const int64_t due_ms = timer_ms_ + std::max<int64_t>(watermark_ms + 1 - now_ms_, 1);
  return (due_ms + tick_ms - 1) / tick_ms * tick_ms;
}

void ProcessingTime::begin_turn(const Now& now, EmissionBuffer& out) {
  timer_ms_ = now.timer_ms;
  if (now.wall_ms <= now_ms_) return;
  now_ms_ = now.wall_ms;
  // A row that is no reading: it only moves the watermark of all.
  const uint32_t key = KeyTable::kNone, text = Interner::kNone;
  const uint8_t absent = 0;
  const int64_t after = watermark(key);
  Rows rows;
  rows.view = {1, &now_ms_, &key, {}, nullptr};
  for (const Field& field : output_.schema().fields) {
    const bool is_text = field.type == FieldType::kText;
    rows.view.columns.push_back({is_text ? nullptr : &kNull, is_text ? &text : nullptr});
  }
  const Interner no_texts;
  rows.view.texts = &no_texts;
  rows.after = &after;
  rows.present = &absent;
  output_.push(rows, out);
}

void ProcessingTime::process(size_t, const Rows& in, EmissionBuffer& out) {
  times_.assign(in.view.rows, now_ms_);
  after_.assign(in.view.rows, watermark(0));
  Rows rows = in;
  rows.view.times = times_.data();
  rows.after = after_.data();
  output_.push(rows, out);
}

}  // namespace wayside
