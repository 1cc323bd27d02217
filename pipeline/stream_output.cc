#include "pipeline/stream_output.h"

#include "pipeline/burst.h"

namespace wayside {

StreamOutput::StreamOutput(Shape shape, const EventTime& time, const KeyTable& keys)
    : shape_(std::move(shape)),
      stream_(shape_.block, shape_.schema, time),
      keys_(keys),
      batch_(shape_.schema) {}

void StreamOutput::begin_row(uint32_t key, int64_t time_ms) {
  // The row moves no watermark; what does comes behind it.
  add_row(key, time_ms, kTimeMin, true);
  column_ = shape_.schema.key == 0 ? 1 : 0;
}

void StreamOutput::add_row(uint32_t key, int64_t time_ms, int64_t after_ms, bool present) {
  batch_.times.push_back(time_ms);
  batch_keys_.push_back(key);
  after_.push_back(after_ms);
  present_.push_back(present);
  places_.push_back(place_);
  const bool none = key == KeyTable::kNone;
  batch_.columns[shape_.schema.key].texts.push_back(none ? Interner::kNone
                                                         : batch_.texts.intern(keys_.text(key)));
}

void StreamOutput::add(double number, uint32_t text) {
  const bool is_text = shape_.schema.fields[column_].type == FieldType::kText;
  Column& column = batch_.columns[column_];
  is_text ? column.texts.push_back(text) : column.numbers.push_back(number);
  if (++column_ == shape_.schema.key) ++column_;
}

void StreamOutput::on_watermark(uint32_t key, int64_t watermark_ms) {
  if (stream_.consumers().empty()) return;
  begin_row(key, watermark_ms);
  after_.back() = watermark_ms;
  present_.back() = 0;
  while (column_ < shape_.schema.fields.size()) add_null();
}

void StreamOutput::flush(EmissionBuffer& out) {
  flush_full(out);
  place_ = Cause::kNoReading;
}

void StreamOutput::flush_full(EmissionBuffer& out) {
  for (size_t row = 0; row < batch_.rows(); ++row) {
    if (!present_[row]) continue;
    ++emitted_;
    tell(row, out);
  }
  if (batch_.rows() > 0 && !stream_.consumers().empty()) push(out);
  clear_burst(batch_);
  clear_burst(batch_keys_);
  clear_burst(after_);
  clear_burst(present_);
  clear_burst(places_);
}

void StreamOutput::tell(size_t row, EmissionBuffer& out) const {
  out.set_place(places_[row]);
  Emission* e = out.next(shape_.targets);
  if (!e) return;
  e->lane = Lane::kResult;
  e->critical = false;
  e->type = shape_.type;
  e->block = shape_.block;
  e->key = keys_.text(batch_keys_[row]);
  e->time_ms = batch_.times[row];
  e->fields.resize(shape_.schema.fields.size() - 1);
  auto field = e->fields.begin();
  for (size_t c = 0; c < shape_.schema.fields.size(); ++c) {
    if (c == shape_.schema.key) continue;
    field->name = shape_.schema.fields[c].name;
    field->value = value(c, row);
    ++field;
  }
}

Value StreamOutput::value(size_t column, size_t row) const {
  const Column& c = batch_.columns[column];
  const FieldType type = shape_.schema.fields[column].type;
  if (type == FieldType::kText) {
    if (c.texts[row] == Interner::kNone) return {};
    return std::string(batch_.texts.text(c.texts[row]));
  }
  if (is_null(c.numbers[row])) return {};
  if (type == FieldType::kBool) return c.numbers[row] != 0;
  return c.numbers[row];
}

void StreamOutput::push(EmissionBuffer& out) {
  Rows rows;
  rows.view = {batch_.rows(), batch_.times.data(), batch_keys_.data(), {}, &batch_.texts};
  for (size_t c = 0; c < batch_.columns.size(); ++c) {
    const bool text = shape_.schema.fields[c].type == FieldType::kText;
    rows.view.columns.push_back({text ? nullptr : batch_.columns[c].numbers.data(),
                                 text ? batch_.columns[c].texts.data() : nullptr});
  }
  rows.after = after_.data();
  rows.present = present_.data();
  rows.places = places_.data();
  stream_.push(rows, out);
}

}  // namespace wayside
