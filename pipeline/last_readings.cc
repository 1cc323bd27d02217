#include "pipeline/last_readings.h"

#include <algorithm>
#include <numeric>

#include "base/time.h"

namespace wayside {

void LastReadings::add_aggregate(std::unique_ptr<Aggregate> aggregate,
                                 const std::vector<Argument>& arguments) {
  std::vector<Use>& uses = uses_.emplace_back();
  for (const Argument& argument : arguments) uses.push_back({argument.place, column_of(argument)});
  aggregate->resize(1);
  aggregates_.push_back(std::move(aggregate));
}

// What several aggregates read is kept once.
size_t LastReadings::column_of(const Argument& argument) {
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (columns_[c].item == argument.item) return c;
  }
  size_t& cells = argument.is_text ? texts_ : numbers_;
  columns_.push_back(
      {argument.item, argument.is_text, aggregates_.size(), argument.place, cells++});
  number_columns_.emplace_back();
  text_columns_.emplace_back();
  return columns_.size() - 1;
}

// ---- rows

void LastReadings::reset(uint32_t id) {
  Pane& pane = panes_[id];
  if (pane.rows.capacity() > kKept) {
    pane = {};
  } else {
    pane.rows.clear();
    pane.free.clear();
    pane.first = 0;
    pane.slots = 0;
  }
  filled_ = kNone;
}

void LastReadings::add(const std::vector<AggregateInput>& inputs, const RowsIntoPanes& target) {
  if (aggregates_.empty()) return;
  filled_ = kNone;
  for (size_t i = 0; i < target.count; ++i) {
    Pane& pane = panes_[target.panes[i]];
    const uint32_t row = target.rows[i];
    const uint32_t slot = take_slot(pane);
    for (const Column& c : columns_) {
      const AggregateInput& in = inputs[c.aggregate];
      if (c.is_text) {
        const AggregateInput::Column& column = in.columns[c.place];
        std::optional<std::string>& cell = pane.texts[slot * texts_ + c.cell];
        cell.reset();
        if (const uint32_t text = column.texts[row]; text != Interner::kNone) {
          cell.emplace(column.dictionary->text(text));
        }
      } else {
        const double* numbers = c.place == kFilter ? in.mask : in.columns[c.place].numbers;
        pane.numbers[slot * numbers_ + c.cell] = numbers[row];
      }
    }
    insert(pane, {inputs.front().times[row], ++last_number_, slot});
    evict(pane);
  }
}

uint32_t LastReadings::take_slot(Pane& pane) const {
  if (!pane.free.empty()) {
    const uint32_t slot = pane.free.back();
    pane.free.pop_back();
    return slot;
  }
  const uint32_t slot = pane.slots++;
  if (pane.numbers.size() < pane.slots * numbers_) pane.numbers.resize(pane.slots * numbers_);
  if (pane.texts.size() < pane.slots * texts_) pane.texts.resize(pane.slots * texts_);
  return slot;
}

void LastReadings::insert(Pane& pane, const Row& row) const {
  auto place = pane.rows.end();  // mostly it is the last one
  const auto begin = pane.rows.begin() + static_cast<ptrdiff_t>(pane.first);
  if (place != begin && is_before(row, *(place - 1))) {
    place = std::upper_bound(begin, pane.rows.end(), row,
                             [this](const Row& a, const Row& b) { return is_before(a, b); });
  }
  pane.rows.insert(place, row);
}

void LastReadings::drop_first(Pane& pane) {
  pane.free.push_back(pane.rows[pane.first++].slot);
  if (pane.first < 16 || pane.first * 2 < pane.rows.size()) return;
  pane.rows.erase(pane.rows.begin(), pane.rows.begin() + static_cast<ptrdiff_t>(pane.first));
  pane.first = 0;
}

void LastReadings::evict(Pane& pane) {
  if (period_ms_ > 0) {
    const int64_t gone = saturating_add(pane.rows.back().time_ms, -period_ms_);
    while (pane.rows[pane.first].time_ms <= gone) drop_first(pane);
  }
  while (pane.rows.size() - pane.first > most_) {
    evicted_ += period_ms_ > 0;
    drop_first(pane);
  }
}

void LastReadings::merge(uint32_t into_id, uint32_t from_id) {
  filled_ = kNone;
  Pane& into = panes_[into_id];
  const Pane& from = panes_[from_id];
  for (size_t i = from.first; i < from.rows.size(); ++i) {
    Row row = from.rows[i];
    const uint32_t slot = take_slot(into);
    std::copy_n(from.numbers.begin() + static_cast<ptrdiff_t>(row.slot * numbers_), numbers_,
                into.numbers.begin() + static_cast<ptrdiff_t>(slot * numbers_));
    std::copy_n(from.texts.begin() + static_cast<ptrdiff_t>(row.slot * texts_), texts_,
                into.texts.begin() + static_cast<ptrdiff_t>(slot * texts_));
    row.slot = slot;
    insert(into, row);
    evict(into);
  }
}

// ---- results

Value LastReadings::result(size_t aggregate, uint32_t pane, uint32_t output) {
  if (filled_ != pane) fill(pane);
  return aggregates_[aggregate]->result(0, output);
}

// Brings the pane's rows into the accumulators, in their order.
void LastReadings::fill(uint32_t id) {
  const Pane& pane = panes_[id];
  const size_t count = pane.rows.size() - pane.first;
  times_.resize(count);
  into_.assign(count, 0);
  from_.resize(count);
  std::iota(from_.begin(), from_.end(), 0);
  dictionary_.clear();
  for (size_t i = 0; i < count; ++i) times_[i] = pane.rows[pane.first + i].time_ms;
  for (size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    number_columns_[c].resize(column.is_text ? 0 : count);
    text_columns_[c].resize(column.is_text ? count : 0);
    for (size_t i = 0; i < count; ++i) {
      const size_t slot = pane.rows[pane.first + i].slot;
      if (column.is_text) {
        const auto& text = pane.texts[slot * texts_ + column.cell];
        text_columns_[c][i] = text ? dictionary_.intern(*text) : Interner::kNone;
      } else {
        number_columns_[c][i] = pane.numbers[slot * numbers_ + column.cell];
      }
    }
  }
  for (size_t a = 0; a < aggregates_.size(); ++a) {
    AggregateInput input;
    input.times = times_.data();
    for (const Use& use : uses_[a]) {
      const double* numbers = number_columns_[use.column].data();
      if (use.place == kFilter) {
        input.mask = numbers;
      } else if (columns_[use.column].is_text) {
        input.columns[use.place] = {nullptr, text_columns_[use.column].data(), &dictionary_};
      } else {
        input.columns[use.place].numbers = numbers;
      }
    }
    aggregates_[a]->reset(0);
    aggregates_[a]->add(input, {into_.data(), from_.data(), count});
  }
  filled_ = id;
}

// ---- state

void LastReadings::save(uint32_t id, ByteWriter& out) const {
  const Pane& pane = panes_[id];
  out.varint(pane.rows.size() - pane.first);
  for (size_t i = pane.first; i < pane.rows.size(); ++i) {
    const Row& row = pane.rows[i];
    out.fixed(row.time_ms);
    out.fixed(row.number);
    for (size_t n = 0; n < numbers_; ++n) out.fixed(pane.numbers[row.slot * numbers_ + n]);
    for (size_t t = 0; t < texts_; ++t) {
      const auto& text = pane.texts[row.slot * texts_ + t];
      out.fixed<uint8_t>(text.has_value());
      if (text) out.text(*text);
    }
  }
}

void LastReadings::load(uint32_t id, ByteReader& in) {
  filled_ = kNone;
  Pane& pane = panes_[id];
  for (size_t n = in.count(16); n > 0 && in.ok(); --n) {
    Row row{};
    row.time_ms = in.fixed<int64_t>();
    row.number = in.fixed<uint64_t>();
    row.slot = take_slot(pane);
    for (size_t c = 0; c < numbers_; ++c) {
      pane.numbers[row.slot * numbers_ + c] = in.fixed<double>();
    }
    for (size_t t = 0; t < texts_; ++t) {
      std::optional<std::string>& text = pane.texts[row.slot * texts_ + t];
      text.reset();
      if (in.fixed<uint8_t>() != 0) text.emplace(in.text());
    }
    insert(pane, row);
    evict(pane);  // as a smaller limit has it
    last_number_ = std::max(last_number_, row.number);
  }
}

}  // namespace wayside
