#include "pipeline/watch.h"

#include <algorithm>

#include "base/hash.h"

namespace wayside {

void Watch::add(Rule& rule, const std::string& when) {
  rules_.push_back(&rule);
  rule_items_.push_back({rule.name() + ".when", when});
}

void Watch::add(RobustZDetector& detector, const std::string& field) {
  detectors_.push_back(&detector);
  detector_items_.push_back({detector.name() + ".field", field});
}

void Watch::compile(ExpressionEngine& engine, std::vector<BlockError>& errors) {
  auto items = rule_items_;
  items.insert(items.end(), detector_items_.begin(), detector_items_.end());
  ordered_ = std::make_unique<OrderedReadings>(
      items.size(), input_.time().by_key() ? WatermarkMode::kKey : WatermarkMode::kSource);
  const size_t before = errors.size();
  for (const auto& item : items) {  // one by one, so that all faults are told
    ColumnExpressions alone;
    BlockError error;
    if (alone.compile(engine, input_.schema(), {item}, error)) continue;
    const size_t dot = error.item.rfind('.');
    error.block = error.item.substr(0, dot);
    error.item = error.item.substr(dot + 1);
    errors.push_back(std::move(error));
  }
  BlockError none;
  if (errors.size() == before) (void)values_.compile(engine, input_.schema(), items, none);
}

// ---- rows

void Watch::process(size_t, const Rows& rows, EmissionBuffer& out) {
  const BatchView& view = rows.view;
  values_.evaluate(view, rows.present);
  std::vector<const double*> values;
  for (size_t v = 0; v < rules_.size() + detectors_.size(); ++v) {
    values.push_back(values_.values(v));
  }
  const bool by_key = input_.time().by_key();
  for (size_t row = 0; row < view.rows; ++row) {
    const uint32_t key = view.keys[row];
    const int64_t after = rows.after[row];
    out.set_place(rows.place(row));
    if (rows.is_present(row)) take(rows, row, values, out);
    if (!by_key && after > watermark_) {
      watermark_ = after;
      release_due(out);
    } else if (by_key && after != kTimeMin) {
      ordered_->refuse_until(key, after);
      release(key, after, out);
    }
  }
}

void Watch::release(uint32_t key, int64_t watermark, EmissionBuffer& out) {
  ordered_->release(key, watermark, consumer(key, out));
  for (Rule* rule : rules_) rule->on_watermark(key, watermark, out);
  keys_.touch(key);
}

// Not by key: one key's reading releases those of all, and brings the time that raises an alarm of
// another.
void Watch::release_due(EmissionBuffer& out) {
  due_.clear();
  ordered_->add_due_keys(watermark_, due_);
  for (const Rule* rule : rules_) rule->add_due_keys(watermark_, due_);
  keys_.sort_by_text(due_);
  due_.erase(std::unique(due_.begin(), due_.end()), due_.end());
  for (const uint32_t key : due_) release(key, watermark_, out);
}

// It is late if the watermark had passed it when it came, in whichever row of the batch.
void Watch::take(const Rows& rows, size_t row, const std::vector<const double*>& values,
                 EmissionBuffer& out) {
  const uint32_t key = rows.view.keys[row];
  const int64_t time = rows.view.times[row];
  const bool passed = time <= (input_.time().by_key() ? rows.after[row] : watermark_);
  if (passed || !ordered_->add(key, time, values, row)) return take_late(rows, row, values, out);
  rows.set_taken(row);
  if (!ordered_->is_over_limit(key)) return;
  const int64_t watermark = std::max(watermark_, rows.after[row]);
  ordered_->shorten(key, std::max(watermark, ordered_->refused_until(key)), consumer(key, out));
}

void Watch::take_late(const Rows& rows, size_t row, const std::vector<const double*>& values,
                      EmissionBuffer& out) {
  size_t judged = 0;
  for (size_t r = 0; r < rules_.size(); ++r) {
    if (!judges_late(*rules_[r])) continue;
    rules_[r]->on_late(rows.view.keys[row], rows.view.times[row], values[r][row], out);
    ++judged;
  }
  judged > 0 ? rows.set_taken(row) : rows.set_late(row);
  late_ += judged < rules_.size() + detectors_.size();
}

void Watch::consume(uint32_t key, int64_t time, const double* values, EmissionBuffer& out) {
  for (Rule* rule : rules_) rule->on_reading(key, time, *values++, out);
  for (RobustZDetector* detector : detectors_) detector->on_reading(key, time, *values++, out);
}

void Watch::release_waiting(EmissionBuffer& out) {
  std::vector<uint32_t> keys = ordered_->waiting_keys();
  keys_.sort_by_text(keys);
  for (const uint32_t key : keys) {
    keys_.touch(key);
    ordered_->release_all(key, consumer(key, out));
  }
}

// The newest reading brings the time up to which the end of the input tells anything.
void Watch::finish(EmissionBuffer& out) {
  const int64_t newest = std::max(watermark_, ordered_->newest());
  release_waiting(out);
  if (input_.time().by_key()) return;  // each key's last reading has brought its own
  watermark_ = newest;
  release_due(out);
}

void Watch::on_idle(uint32_t key, EmissionBuffer& out) {
  if (!input_.time().is_idle(key)) return;  // one of several sources behind the stream
  if (key == KeyTable::kNone) return release_waiting(out);
  ordered_->release_all(key, consumer(key, out));
}

void Watch::forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) {
  ordered_->release_all(key, consumer(key, out));
  ordered_->forget_key(key);
  for (Rule* rule : rules_) rule->forget_key(key, newest_ms, out);
  for (RobustZDetector* detector : detectors_) detector->forget_key(key);
}

void Watch::begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms, EmissionBuffer& out) {
  if (input_.time().by_key()) {
    for (const uint32_t key : keys) begin_key_anew(key, limit_ms, out);
    return;
  }
  if (watermark_ <= limit_ms) return;
  release_waiting(out);
  for (const uint32_t key : ordered_->keys()) {
    ordered_->forget_key(key);
    keys_.touch(key);
  }
  watermark_ = kTimeMin;
}

// What it has seen ends if that is ahead; if another source has held it back, only what waits.
void Watch::begin_key_anew(uint32_t key, int64_t limit_ms, EmissionBuffer& out) {
  keys_.touch(key);
  if (ordered_->refused_until(key) <= limit_ms) return ordered_->drop_ahead(key, limit_ms);
  ordered_->release_all(key, consumer(key, out));
  forget_key(key, ordered_->refused_until(key), out);
}

BlockStatus Watch::status() const {
  return {name_, "order", 0, ordered_->waiting(), late_, 0, 0, ordered_->evicted()};
}

void Watch::save_totals(ByteWriter& out) const {
  out.fixed(watermark_);
  out.varint(ordered_->evicted());
  out.varint(late_);
}

void Watch::load_totals(ByteReader& in) {
  watermark_ = in.fixed<int64_t>();
  // These were not always counted.
  if (in.left() > 0) ordered_->set_evicted(in.varint());
  if (in.left() > 0) late_ = in.varint();
}

uint64_t Watch::fingerprint() const {
  uint64_t values = 2;  // 1 had no totals
  for (const Rule* rule : rules_) values = hash64(rule->name(), values ^ rule->fingerprint());
  for (const auto* d : detectors_) values = hash64(d->name(), values ^ d->fingerprint());
  return values;
}

}  // namespace wayside
