#include "sensors/clean.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/features.h"
#include "base/hash.h"

namespace wayside {
namespace {

bool judges_by_more_than_ranges(const SourceOptions& options) {
  return options.position.is_set() ||
         std::any_of(options.fields.begin(), options.fields.end(),
                     [](const FieldOptions& f) { return f.cleaning.is_on(); });
}

bool changes_values(const SourceOptions& options) {
  return judges_by_more_than_ranges(options) ||
         std::any_of(options.fields.begin(), options.fields.end(),
                     [](const FieldOptions& f) { return f.min || f.max; });
}

}  // namespace

// Not with commands, whose last fields are known by their place. With ranges alone only where it is
// asked for by a name of its own: what is said of such sources stays word for word what it was
// before there were marks, also in a replay.
bool has_mark(const SourceOptions& options) {
  if (options.mark.empty() || options.is_answered) return false;
  return judges_by_more_than_ranges(options) ||
         (options.mark != SourceOptions().mark && changes_values(options));
}

Schema cleaned_schema(const SourceOptions& options, Schema schema) {
  for (const std::string& name : options.attributes) {
    schema.fields.push_back({name, FieldType::kText});
  }
  if (has_mark(options)) schema.fields.push_back({options.mark, FieldType::kText});
  return schema;
}

Cleaner::Cleaner(const SourceOptions& options, const Schema& schema)
    : devices_(options, schema),
      fields_(schema.fields),
      counts_changes_(changes_values(options)),
      marks_changes_(has_mark(options)),
      orders_changes_(marks_changes_ || options.expect_every_ms > 0),
      scratch_(schema.fields.size()),
      changed_(schema.fields.size()) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const FieldOptions& field : options.fields) {
    const size_t column = schema.find(field.name);
    if (field.min || field.max) {
      ranges_.push_back({column, field.min.value_or(-kInfinity), field.max.value_or(kInfinity)});
    }
  }
  if constexpr (kHasDevices) list_judged(options, schema);
  list_kept(options, schema);
}

// What was another field, in another unit or calibrated otherwise, teaches nothing.
void Cleaner::list_judged(const SourceOptions& options, const Schema& schema) {
  std::string meaning = "1";
  const auto means = [&](const FieldOptions& f) {
    meaning += fmt::format("/{}={}*{}+{}", f.name, f.path, f.scale, f.shift);
    if (const uint64_t calibrated = devices_.meaning(schema.find(f.name))) {
      meaning += fmt::format("~{}", calibrated);
    }
  };
  for (const FieldOptions& field : options.fields) {
    if (!field.cleaning.judges()) continue;
    numbers_.emplace_back(schema.find(field.name), field.cleaning);
    means(field);
    meaning += fmt::format(":{}", numbers_.back().median());
  }
  if (const PositionOptions& p = options.position; p.is_set()) {
    position_.emplace(p);
    if (!p.smooth.empty()) filter_.emplace(p);
    at_ = {schema.find(p.lat), schema.find(p.lon), schema.find(p.fix), schema.find(p.hdop),
           schema.find(p.speed)};
    for (const FieldOptions& field : options.fields) {
      if (field.name == p.lat || field.name == p.lon) means(field);
    }
    meaning += p.smooth;
  }
  past_fingerprint_ = hash64(meaning);
}

void Cleaner::list_kept(const SourceOptions& options, const Schema& schema) {
  const auto add = [&](const std::string& name, int64_t fill_ms) {
    const size_t column = schema.find(name);
    if (column == fields_.size()) return;  // the configuration's check tells
    kept_columns_.push_back({column, fill_ms});
    const std::string meaning = name + std::to_string(static_cast<int>(fields_[column].type));
    kept_fingerprint_ = hash64(fill_ms == kTimeMax ? meaning : meaning + "/f", kept_fingerprint_);
  };
  for (const std::string& name : options.keep) add(name, kTimeMax);
  for (const FieldOptions& field : options.fields) {
    if (field.cleaning.fill_ms > 0) add(field.name, field.cleaning.fill_ms);
  }
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
    const bool text = fields_[i].type == FieldType::kText;
    view.columns[i] = {text ? nullptr : c.numbers.data() + begin,
                       text ? c.texts.data() + begin : nullptr};
  }
  changes_.clear();
  if (devices_.is_on()) devices_.look_at(batch, begin, view.rows);
  calibrate(batch, begin, view);
  apply_ranges(batch, begin, view);
  if constexpr (kHasDevices) {
    if (position_) judge_positions(batch, begin, view);
    for (size_t n = 0; n < numbers_.size(); ++n) judge_numbers(batch, begin, n, view);
  }
  for (size_t k = 0; k < kept_columns_.size(); ++k) carry(batch, k, keys, view);
  for (size_t a = 0; a < devices_.attributes(); ++a) {
    view.columns.push_back({nullptr, devices_.attribute(a)});
  }
  if (counts_changes_) mark(batch, view);
}

// The column's numbers as they are by now, to be changed.
double* Cleaner::scratch(const ReadingBatch& batch, size_t begin, size_t column, BatchView& view) {
  auto& numbers = scratch_[column].numbers;
  if (view.columns[column].numbers != numbers.data()) {
    const auto sent = batch.columns[column].numbers.begin() + begin;
    numbers.assign(sent, sent + view.rows);
    view.columns[column].numbers = numbers.data();
  }
  return numbers.data();
}

void Cleaner::calibrate(const ReadingBatch& batch, size_t begin, BatchView& view) {
  for (size_t field = 0; field < devices_.fields(); ++field) {
    double* numbers = scratch(batch, begin, devices_.column(field), view);
    for (size_t row = 0; row < view.rows; ++row) {
      const Calibration* calibration = devices_.calibration(field, row);
      if (calibration) numbers[row] = calibration->apply(numbers[row]);
    }
  }
}

const Calibration* Cleaner::calibration(size_t row, size_t column) const {
  for (size_t field = 0; field < devices_.fields(); ++field) {
    if (devices_.column(field) == column) return devices_.calibration(field, row);
  }
  return nullptr;
}

void Cleaner::apply_ranges(const ReadingBatch& batch, size_t begin, BatchView& view) {
  for (const Range& range : ranges_) {
    double* numbers = scratch(batch, begin, range.column, view);
    for (size_t row = 0; row < view.rows; ++row) {
      if (numbers[row] < range.min || numbers[row] > range.max) {
        numbers[row] = kNull;
        ++out_of_range_;
        change(row, range.column, Reason::kOutOfRange);
      }
    }
  }
}

Cleaner::Past& Cleaner::past_of(uint32_t key) {
  if (key >= pasts_.size()) pasts_.resize(key + 1);
  auto& past = pasts_[key];
  if (!past) past = std::make_unique<Past>(Past{std::vector<NumberPast>(numbers_.size()), {}, {}});
  return *past;
}

void Cleaner::judge_positions(const ReadingBatch& batch, size_t begin, BatchView& view) {
  double* lat = scratch(batch, begin, at_.lat, view);
  double* lon = scratch(batch, begin, at_.lon, view);
  const auto number = [&](size_t column, size_t row) {
    return column < fields_.size() ? view.columns[column].numbers[row] : kNull;
  };
  const auto remove = [&](double* numbers, size_t row, size_t column, Reason reason) {
    if (is_null(numbers[row])) return;
    numbers[row] = kNull;
    change(row, column, reason);
  };
  for (size_t row = 0; row < view.rows; ++row) {
    std::optional<Reason> reason;
    const bool is_whole = !is_null(lat[row]) && !is_null(lon[row]);
    if (is_whole) {
      reason = position_->judge(past_of(view.keys[row]).position,
                                {view.times[row], lat[row], lon[row], number(at_.fix, row),
                                 number(at_.hdop, row), number(at_.speed, row)});
    } else if (!is_null(batch.columns[at_.lat].numbers[begin + row]) &&
               !is_null(batch.columns[at_.lon].numbers[begin + row])) {
      reason = Reason::kIncomplete;  // its range has removed one of them
    } else if (!PositionCleaner::is_on_earth(lat[row], lon[row])) {
      reason = Reason::kOutOfRange;
    }
    if (reason) {
      remove(lat, row, at_.lat, *reason);
      remove(lon, row, at_.lon, *reason);
    } else if (is_whole && filter_) {
      smooth_position(row, number(at_.hdop, row), lat, lon, view);
    }
  }
}

void Cleaner::smooth_position(size_t row, double hdop, double* lat, double* lon, BatchView& view) {
  const double lat_before = lat[row], lon_before = lon[row];
  filter_->smooth(past_of(view.keys[row]).track, view.times[row], hdop, lat[row], lon[row]);
  if (lat[row] != lat_before) change(row, at_.lat, Reason::kSmoothed);
  if (lon[row] != lon_before) change(row, at_.lon, Reason::kSmoothed);
}

void Cleaner::judge_numbers(const ReadingBatch& batch, size_t begin, size_t n, BatchView& view) {
  const NumberCleaner& cleaner = numbers_[n];
  double* numbers = scratch(batch, begin, cleaner.column(), view);
  for (size_t row = 0; row < view.rows; ++row) {
    if (is_null(numbers[row])) continue;
    numbers[row] = cleaner.clean(past_of(view.keys[row]).numbers[n], view.times[row], numbers[row],
                                 [&](Reason why) { change(row, cleaner.column(), why); });
  }
}

// ---- what is kept

Cleaner::Kept& Cleaner::kept_of(uint32_t key, size_t kept) {
  if (key >= kept_.size()) kept_.resize(key + 1);
  if (kept_[key].empty()) kept_[key].resize(kept_columns_.size());
  return kept_[key][kept];
}

void Cleaner::carry(ReadingBatch& batch, size_t k, const uint32_t* keys, BatchView& view) {
  const auto [column, fill_ms] = kept_columns_[k];
  const bool fills = fill_ms != kTimeMax;
  const bool text = fields_[column].type == FieldType::kText;
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
      if (fills && time - valid.until_ms > fill_ms) continue;
      if (text) {
        out.texts[i] = batch.texts.intern(valid.text);
      } else {
        out.numbers[i] = valid.number;
      }
      if (fills) change(i, column, Reason::kFilled);
      continue;
    }
    // What is kept for ever knows only since when it is so.
    if (time < (fills ? kept.current.until_ms : kept.current.since_ms)) continue;
    std::string_view new_text = text ? batch.texts.text(out.texts[i]) : std::string_view();
    const double new_number = text ? 0 : out.numbers[i];
    const bool same = kept.current.set &&
                      (text ? kept.current.text == new_text : kept.current.number == new_number);
    if (same) {
      kept.current.until_ms = std::max(kept.current.until_ms, time);
      continue;
    }
    std::swap(kept.previous, kept.current);
    kept.current.since_ms = kept.current.until_ms = time;
    kept.current.number = new_number;
    kept.current.text = new_text;
    kept.current.set = true;
  }
  view.columns[column] = {text ? nullptr : out.numbers.data(), text ? out.texts.data() : nullptr};
}

// ---- what is told of it

void Cleaner::mark(ReadingBatch& batch, BatchView& view) {
  if (!orders_changes_) return;
  std::stable_sort(changes_.begin(), changes_.end(),
                   [](const Change& a, const Change& b) { return a.row < b.row; });
  if (!marks_changes_) return;
  marks_.assign(view.rows, Interner::kNone);
  std::string text;
  for (auto at = changes_.begin(); at != changes_.end();) {
    const uint32_t row = at->row;
    text = " ";
    for (; at != changes_.end() && at->row == row; ++at) {
      text.append(fields_[at->column].name).append(":");
      text.append(name_of(at->reason)).append(" ");
    }
    marks_[row] = batch.texts.intern(text);
  }
  view.columns.push_back({nullptr, marks_.data()});
}

// ---- state

bool Cleaner::save_key(uint32_t key, ByteWriter& out) const {
  if (key >= kept_.size() || kept_[key].empty()) return false;
  for (size_t k = 0; k < kept_columns_.size(); ++k) {
    const Kept& kept = kept_[key][k];
    for (const Kept::Version* v : {&kept.current, &kept.previous}) {
      out.fixed<uint8_t>(v->set);
      out.fixed(v->since_ms);
      out.fixed(v->number);
      out.text(v->text);
      if (kept_columns_[k].fill_ms != kTimeMax) out.fixed(v->until_ms);
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
      if (kept_columns_[k].fill_ms != kTimeMax) v->until_ms = in.fixed<int64_t>();
    }
  }
}

bool Cleaner::save_past(uint32_t key, ByteWriter& out) const {
  if (key >= pasts_.size() || !pasts_[key]) return false;
  const Past& past = *pasts_[key];
  for (const NumberPast& number : past.numbers) number.save(out);
  if (position_) past.position.save(out);
  if (filter_) past.track.save(out);
  return true;
}

void Cleaner::load_past(uint32_t key, ByteReader& in) {
  Past& past = past_of(key);
  for (NumberPast& number : past.numbers) number.load(in);
  if (position_) past.position.load(in);
  if (filter_) past.track.load(in);
}

// Those that were, by the names of their fields: the configuration may have others by now.
void Cleaner::save_counts(ByteWriter& out) const {
  for (size_t column = 0; column < fields_.size(); ++column) {
    for (size_t reason = 0; reason < kReasons; ++reason) {
      const uint64_t n = changed_[column][reason];
      if (n == 0) continue;
      out.text(fields_[column].name);
      out.varint(reason);
      out.varint(n);
    }
  }
}

void Cleaner::load_counts(ByteReader& in) {
  while (in.ok() && in.left() > 0) {
    const std::string_view name = in.text();
    const uint64_t reason = in.varint();
    const uint64_t n = in.varint();
    for (size_t column = 0; column < fields_.size() && reason < kReasons; ++column) {
      if (fields_[column].name == name) changed_[column][reason] = n;
    }
  }
}

void Cleaner::forget_key(uint32_t key) {
  if (key < kept_.size()) kept_[key].clear();
  if (key < pasts_.size()) pasts_[key].reset();
}

}  // namespace wayside
