#include "pipeline/order.h"

#include <algorithm>

#include "base/hash.h"
#include "pipeline/burst.h"

namespace wayside {

Order::Order(const OrderOptions& options, const Stream& input, KeyTable& keys)
    : options_(options),
      input_(input),
      keys_(keys),
      by_key_(input.time().by_key() && !options.over_all_keys),
      waiting_(!by_key_),
      batch_(input.schema()) {
  if (input.time().by_key() && options.over_all_keys) merged_.emplace();
  const EventTime& time = merged_ ? static_cast<const EventTime&>(*merged_) : input.time();
  output_ = std::make_unique<Stream>(options.name, input.schema(), time);
}

Order::Progress& Order::progress(uint32_t key) {
  if (!by_key_) return all_;
  if (key >= by_key_progress_.size()) by_key_progress_.resize(key + 1);
  return by_key_progress_[key];
}

// ---- rows

void Order::process(size_t, const Rows& rows, EmissionBuffer& out) {
  for (size_t row = 0; row < rows.view.rows; ++row) {
    const uint32_t key = rows.view.keys[row];
    place_ = rows.place(row);
    if (rows.is_present(row)) {
      if (take(rows, row)) {
        rows.set_taken(row);
      } else {
        ++late_;
        rows.set_late(row);
      }
    }
    move(key, merged_ ? merged_->advance(key, rows.after[row]) : rows.after[row]);
    if (input_.time().by_key()) keys_.touch(key);
  }
  place_ = Cause::kNoReading;
  flush(out);
}

bool Order::take(const Rows& rows, size_t row) {
  const uint32_t key = rows.view.keys[row];
  Progress& p = progress(key);
  if (rows.view.times[row] <= p.released) return false;
  waiting_.add(key, rows.view.times[row], WaitingRows::pack(input_.schema(), rows.view, row));
  keys_.touch(key);
  if (!is_over_limit(key)) return true;
  // Readings of the oldest one's own time may still come: they leave behind it.
  p.released = std::max(p.released, first_time(key) - 1);
  leave(by_key_ ? waiting_.take_first(key) : waiting_.take_first());
  ++evicted_;
  return true;
}

bool Order::is_over_limit(uint32_t key) const {
  return (by_key_ ? waiting_.size(key) : waiting_.size()) > options_.max_waiting;
}

void Order::move(uint32_t key, int64_t watermark) {
  Progress& p = progress(key);
  if (watermark <= p.watermark) return;
  p.watermark = watermark;
  release(key, watermark);
  push_watermark(key, watermark);
}

void Order::release(uint32_t key, int64_t until_ms) {
  Progress& p = progress(key);
  p.released = std::max(p.released, until_ms);
  while (first_time(key) <= until_ms && first_time(key) != kTimeMax) {
    leave(by_key_ ? waiting_.take_first(key) : waiting_.take_first());
  }
}

// Of a key, or of all.
void Order::release_all(uint32_t key) {
  Progress& p = progress(key);
  while (by_key_ ? !waiting_.empty(key) : waiting_.size() > 0) {
    p.released = std::max(p.released, first_time(key));
    leave(by_key_ ? waiting_.take_first(key) : waiting_.take_first());
  }
}

void Order::leave(WaitingRows::Row row) {
  ++passed_;
  batch_.times.push_back(row.time_ms);
  batch_keys_.push_back(row.key);
  after_.push_back(kTimeMin);  // it moves nothing; what does comes behind it
  present_.push_back(1);
  places_.push_back(place_);
  WaitingRows::unpack(input_.schema(), row.bytes, batch_);
  keys_.touch(row.key);
}

void Order::push_watermark(uint32_t key, int64_t watermark) {
  batch_.times.push_back(watermark);
  batch_keys_.push_back(key);
  after_.push_back(watermark);
  present_.push_back(0);
  places_.push_back(place_);
  const std::vector<Field>& fields = input_.schema().fields;
  for (size_t c = 0; c < fields.size(); ++c) {
    if (fields[c].type == FieldType::kText) {
      batch_.columns[c].texts.push_back(Interner::kNone);
    } else {
      batch_.columns[c].numbers.push_back(kNull);
    }
  }
}

void Order::flush(EmissionBuffer& out) {
  if (batch_.times.empty()) return;
  Rows rows;
  rows.view = {batch_.times.size(), batch_.times.data(), batch_keys_.data(), {}, &batch_.texts};
  for (size_t c = 0; c < batch_.columns.size(); ++c) {
    const bool text = input_.schema().fields[c].type == FieldType::kText;
    rows.view.columns.push_back({text ? nullptr : batch_.columns[c].numbers.data(),
                                 text ? batch_.columns[c].texts.data() : nullptr});
  }
  rows.after = after_.data();
  rows.present = present_.data();
  rows.places = places_.data();
  output_->push(rows, out);
  clear_burst(batch_);
  clear_burst(batch_keys_);
  clear_burst(after_);
  clear_burst(present_);
  clear_burst(places_);
}

// ---- silence, and the end

void Order::on_idle(uint32_t key, EmissionBuffer& out) {
  if (merged_) {
    if (!input_.time().is_idle(key)) return;
    if (merged_->leave(key)) move(KeyTable::kNone, merged_->watermark(key));
    if (merged_->is_idle(key)) release_all(key);
  } else if (input_.time().is_idle(key)) {
    release_all(key);
  }
  flush(out);
}

// What waits of the key leaves, even before its turn, since there is no key behind it any more.
void Order::forget_key(uint32_t key, int64_t, EmissionBuffer& out) {
  place_ = out.cause().place;
  if (merged_ && merged_->leave(key)) move(KeyTable::kNone, merged_->watermark(key));
  while (!waiting_.empty(key)) leave(waiting_.take_first(key));
  if (by_key_ && key < by_key_progress_.size()) by_key_progress_[key] = {};
  flush(out);
  place_ = Cause::kNoReading;
}

void Order::evict_key(uint32_t key, EmissionBuffer& out) {
  const Progress passed = progress(key);
  forget_key(key, kTimeMin, out);
  if (by_key_) progress(key) = passed;
}

void Order::begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms, EmissionBuffer& out) {
  if (merged_) merged_->begin_anew(keys, limit_ms);
  std::vector<uint32_t> ahead = by_key_ ? keys : waiting_.keys();
  keys_.sort_by_text(ahead);
  for (const uint32_t key : ahead) {
    while (!waiting_.empty(key) && waiting_.last_time(key) > limit_ms) {
      leave(waiting_.take_first(key));
    }
    if (by_key_ && progress(key).released > limit_ms) progress(key) = {};
    keys_.touch(key);
  }
  if (all_.released > limit_ms) all_ = {};
  flush(out);
}

void Order::finish(EmissionBuffer& out) {
  std::vector<uint32_t> keys = by_key_ ? waiting_.keys() : std::vector<uint32_t>{KeyTable::kNone};
  keys_.sort_by_text(keys);
  for (const uint32_t key : keys) release_all(key);
  flush(out);
}

// ---- state

BlockStatus Order::status() const {
  return {options_.name, "ordered", passed_, waiting_.size(), late_, 0, 0, evicted_};
}

uint64_t Order::fingerprint() const {
  std::string text = by_key_ ? "by key" : "over all";
  for (const Field& f : input_.schema().fields) {
    text.append("/").append(f.name).append(":").append(std::to_string(int(f.type)));
  }
  return hash64(text + '<' + options_.from);
}

bool Order::save_key(uint32_t key, ByteWriter& out) const {
  const bool moved = key < by_key_progress_.size() && by_key_progress_[key].released != kTimeMin;
  const bool active = merged_ && merged_->is_active(key);
  if (!moved && !active && waiting_.empty(key)) return false;
  out.fixed(moved ? by_key_progress_[key] : Progress());
  out.fixed<uint8_t>(active);
  if (active) merged_->save_key(key, out);
  waiting_.save_key(key, out);
  return true;
}

void Order::load_key(uint32_t key, ByteReader& in) {
  const auto saved = in.fixed<Progress>();
  if (by_key_) progress(key) = saved;
  if (in.fixed<uint8_t>() != 0 && merged_) merged_->load_key(key, in);
  waiting_.load_key(key, input_.schema(), in);
}

void Order::save_totals(ByteWriter& out) const {
  out.fixed(all_);
  out.varint(passed_);
  out.varint(late_);
  out.varint(evicted_);
  waiting_.save_totals(out);
  if (merged_) merged_->save_totals(out);
}

void Order::load_totals(ByteReader& in) {
  all_ = in.fixed<Progress>();
  passed_ = in.varint();
  late_ = in.varint();
  evicted_ = in.varint();
  waiting_.load_totals(in);
  if (merged_) merged_->load_totals(in);
}

}  // namespace wayside
