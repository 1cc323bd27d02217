#include "pipeline/explode.h"

#include "base/release.h"
#include "sensors/readings.h"

namespace wayside {

Schema Explode::schema_of(const Schema& input) {
  Schema schema = input;
  for (const char* name : {"value", "position"}) {
    const size_t at = schema.find(name);
    if (at == schema.fields.size()) schema.fields.emplace_back();
    schema.fields[at] = {name, FieldType::kNumber};
  }
  return schema;
}

Explode::Explode(const Schema& input) : input_columns_(input.fields.size()) {
  const Schema schema = schema_of(input);
  value_ = schema.find("value");
  position_ = schema.find("position");
  columns_.resize(schema.fields.size());
  for (const Field& f : schema.fields) is_text_.push_back(f.type == FieldType::kText);
}

void Explode::clear() {
  dictionary_.clear();
  for (Column& c : columns_) {
    c.numbers.clear();
    c.texts.clear();
  }
  times_.clear();
  after_.clear();
  keys_.clear();
  origins_.clear();
  present_.clear();
  places_.clear();
}

// Only with its last element a reading moves the watermark; one without elements moves it alone.
Rows Explode::expand(const Rows& rows, const uint32_t* arrays, const Interner& texts,
                     size_t& begin) {
  clear();
  for (; begin < rows.view.rows && times_.size() < kRowsMax; ++begin) {
    if (elements_.capacity() > kRowsMax) release(elements_);
    elements_.clear();
    const bool there = rows.is_present(begin) && arrays[begin] != Interner::kNone;
    if (there && !array_.parse(texts.text(arrays[begin]), kReadingsMax, elements_)) {
      elements_.clear();
      ++faults_;
    }
    for (size_t i = 0; i < elements_.size(); ++i) {
      add(rows, begin, elements_[i], static_cast<double>(i), true);
    }
    if (elements_.empty()) add(rows, begin, {}, kNull, false);
    after_.back() = rows.after[begin];
  }
  return shown(rows);
}

void Explode::add(const Rows& rows, size_t row, const JsonElement& element, double position,
                  bool present) {
  const BatchView& view = rows.view;
  times_.push_back(view.times[row]);
  keys_.push_back(view.keys[row]);
  after_.push_back(kTimeMin);
  present_.push_back(present);
  places_.push_back(rows.place(row));
  origins_.push_back(rows.origins ? rows.origins[row] : static_cast<uint32_t>(row));
  for (size_t c = 0; c < input_columns_; ++c) {
    if (c == value_ || c == position_) continue;
    if (is_text_[c]) {
      columns_[c].texts.push_back(dictionary_.translate(view.columns[c].texts[row], *view.texts));
    } else {
      columns_[c].numbers.push_back(view.columns[c].numbers[row]);
    }
  }
  const double* number = std::get_if<double>(&element.value);
  const std::string* text = std::get_if<std::string>(&element.value);
  if (!element.digits.empty()) text = &element.digits;
  columns_[value_].numbers.push_back(number ? *number : kNull);
  columns_[value_].texts.push_back(text ? dictionary_.add(*text) : Interner::kNone);
  columns_[position_].numbers.push_back(position);
}

Rows Explode::shown(const Rows& rows) const {
  Rows made;
  made.view = {times_.size(), times_.data(), keys_.data(), {}, &dictionary_.texts()};
  for (size_t c = 0; c < columns_.size(); ++c) {
    const bool both = c == value_;
    made.view.columns.push_back({is_text_[c] ? nullptr : columns_[c].numbers.data(),
                                 is_text_[c] || both ? columns_[c].texts.data() : nullptr, both});
  }
  made.after = after_.data();
  made.present = present_.data();
  made.fates = rows.fates;
  made.origins = origins_.data();
  made.places = places_.data();
  return made;
}

}  // namespace wayside
