#include "sensors/clean.h"

#include <limits>

namespace wayside {

Cleaner::Cleaner(const SourceOptions& options, const Schema& schema)
    : scratch_(schema.fields.size()) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const FieldOptions& field : options.fields) {
    if (!field.min && !field.max) continue;
    ranges_.push_back(
        {schema.find(field.name), field.min.value_or(-kInfinity), field.max.value_or(kInfinity)});
  }
  for (const std::string& name : options.keep) kept_columns_.push_back(schema.find(name));
  for (const Field& field : schema.fields) is_text_.push_back(field.type == FieldType::kText);
}

void Cleaner::clean(ReadingBatch& batch, size_t begin, size_t end, const uint32_t* keys,
                    BatchView& view) {
  view.rows = end - begin;
  view.times = batch.times.data() + begin;
  view.keys = keys;
  view.texts = &batch.texts;
  view.columns.resize(batch.columns.size());
  for (size_t i = 0; i < batch.columns.size(); ++i) {
    const Column& c = batch.columns[i];
    view.columns[i] = {is_text_[i] ? nullptr : c.numbers.data() + begin,
                       is_text_[i] ? c.texts.data() + begin : nullptr};
  }
  apply_ranges(batch, begin, end, view);
  for (size_t k = 0; k < kept_columns_.size(); ++k) carry(batch, k, keys, view);
}

void Cleaner::apply_ranges(const ReadingBatch& batch, size_t begin, size_t end, BatchView& view) {
  for (const Range& range : ranges_) {
    auto& clean = scratch_[range.column].numbers;
    const auto& sent = batch.columns[range.column].numbers;
    clean.assign(sent.begin() + begin, sent.begin() + end);
    for (double& number : clean) {
      if (number < range.min || number > range.max) {
        number = kNull;
        ++out_of_range_;
      }
    }
    view.columns[range.column].numbers = clean.data();
  }
}

Cleaner::Kept& Cleaner::kept_of(uint32_t key, size_t kept) {
  if (key >= kept_.size()) kept_.resize(key + 1);
  if (kept_[key].empty()) kept_[key].resize(kept_columns_.size());
  return kept_[key][kept];
}

void Cleaner::carry(ReadingBatch& batch, size_t k, const uint32_t* keys, BatchView& view) {
  const size_t column = kept_columns_[k];
  const bool text = is_text_[column];
  Column& out = scratch_[column];
  if (text) {
    out.texts.assign(view.columns[column].texts, view.columns[column].texts + view.rows);
  } else if (view.columns[column].numbers != out.numbers.data()) {
    out.numbers.assign(view.columns[column].numbers, view.columns[column].numbers + view.rows);
  }
  for (size_t i = 0; i < view.rows; ++i) {
    Kept& kept = kept_of(keys[i], k);
    const int64_t time = view.times[i];
    const bool came = text ? out.texts[i] != Interner::kNone : !is_null(out.numbers[i]);
    if (!came) {
      const Kept::Version& valid = time >= kept.current.since_ms ? kept.current : kept.previous;
      if (!valid.set || time < valid.since_ms) continue;
      if (text) {
        out.texts[i] = batch.texts.intern(valid.text);
      } else {
        out.numbers[i] = valid.number;
      }
      continue;
    }
    if (time < kept.current.since_ms) continue;
    std::string_view new_text = text ? batch.texts.text(out.texts[i]) : std::string_view();
    const double new_number = text ? 0 : out.numbers[i];
    const bool same = kept.current.set &&
                      (text ? kept.current.text == new_text : kept.current.number == new_number);
    if (same) continue;
    std::swap(kept.previous, kept.current);
    kept.current.since_ms = time;
    kept.current.number = new_number;
    kept.current.text = new_text;
    kept.current.set = true;
  }
  view.columns[column] = {text ? nullptr : out.numbers.data(), text ? out.texts.data() : nullptr};
}

bool Cleaner::save_key(uint32_t key, ByteWriter& out) const {
  if (key >= kept_.size() || kept_[key].empty()) return false;
  for (const Kept& kept : kept_[key]) {
    for (const Kept::Version* v : {&kept.current, &kept.previous}) {
      out.fixed<uint8_t>(v->set);
      out.fixed(v->since_ms);
      out.fixed(v->number);
      out.text(v->text);
    }
  }
  return true;
}

void Cleaner::load_key(uint32_t key, ByteReader& in) {
  for (size_t k = 0; k < kept_columns_.size(); ++k) {
    Kept& kept = kept_of(key, k);
    for (Kept::Version* v : {&kept.current, &kept.previous}) {
      v->set = in.fixed<uint8_t>();
      v->since_ms = in.fixed<int64_t>();
      v->number = in.fixed<double>();
      v->text = in.text();
    }
  }
}

void Cleaner::forget_key(uint32_t key) {
  if (key < kept_.size()) kept_[key].clear();
}

}  // namespace wayside
