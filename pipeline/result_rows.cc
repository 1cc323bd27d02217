#include "pipeline/result_rows.h"

#include "pipeline/burst.h"
#include "pipeline/keys.h"

namespace wayside {

void ResultRows::begin(uint32_t key, std::string_view key_text, int64_t time_ms, uint32_t place) {
  batch_.times.push_back(time_ms);
  keys_.push_back(key);
  after_.push_back(kTimeMin);
  present_.push_back(1);
  taken_back_.push_back(0);
  places_.push_back(place);
  batch_.columns[0].texts.push_back(batch_.texts.intern(key_text));
  column_ = 1;
}

void ResultRows::set_window(double start, double end) {
  batch_.columns[column_++].numbers.push_back(start);
  batch_.columns[column_++].numbers.push_back(end);
}

void ResultRows::add(const Value& value, FieldType type) {
  Column& column = batch_.columns[column_];
  const auto* text = std::get_if<std::string>(&value);
  if (type == FieldType::kText) {
    column.texts.push_back(text ? batch_.texts.intern(*text) : Interner::kNone);
  } else {
    const auto* number = std::get_if<double>(&value);
    column.numbers.push_back(number ? *number : kNull);
    if (text) {
      column.texts.resize(keys_.size() - 1, Interner::kNone);
      column.texts.push_back(batch_.texts.intern(*text));
      has_texts_[column_] = 1;
    }
  }
  ++column_;
}

void ResultRows::move(uint32_t key, std::string_view key_text, int64_t watermark, uint32_t place) {
  batch_.times.push_back(watermark);
  keys_.push_back(key);
  after_.push_back(watermark);
  present_.push_back(0);
  taken_back_.push_back(0);
  places_.push_back(place);
  for (Column& c : batch_.columns) {
    if (&c == &batch_.columns[0]) {
      const bool none = key == KeyTable::kNone;
      c.texts.push_back(none ? Interner::kNone : batch_.texts.intern(key_text));
    } else {
      // Which of the two a column has does not matter where there is no reading.
      c.numbers.resize(keys_.size(), kNull);
      c.texts.resize(keys_.size(), Interner::kNone);
    }
  }
}

void ResultRows::push(const Stream& stream, EmissionBuffer& out) {
  if (batch_.times.empty()) return;
  Rows rows;
  rows.view = {batch_.times.size(), batch_.times.data(), keys_.data(), {}, &batch_.texts};
  for (size_t c = 0; c < batch_.columns.size(); ++c) {
    const bool text = stream.schema().fields[c].type == FieldType::kText;
    Column& column = batch_.columns[c];
    if (has_texts_[c]) column.texts.resize(keys_.size(), Interner::kNone);
    rows.view.columns.push_back({text ? nullptr : column.numbers.data(),
                                 text || has_texts_[c] ? column.texts.data() : nullptr});
  }
  rows.after = after_.data();
  rows.present = present_.data();
  rows.places = places_.data();
  if (takes_back_) rows.taken_back = taken_back_.data();
  stream.push(rows, out);
  clear_burst(batch_);
  clear_burst(keys_);
  clear_burst(after_);
  clear_burst(present_);
  clear_burst(taken_back_);
  clear_burst(places_);
  takes_back_ = false;
  has_texts_.assign(has_texts_.size(), 0);
}

}  // namespace wayside
