#include "pipeline/window_results.h"

#include <algorithm>

#include "pipeline/burst.h"

namespace wayside {
// Columns of results: the key by its field's name, window_start, window_end, the aggregates by
// alias, and behind them what is derived.
std::vector<Field> WindowResults::columns() const {
  std::vector<Field> columns = {{shape_.key_name, FieldType::kText}};
  columns.push_back({"window_start", FieldType::kNumber});
  columns.push_back({"window_end", FieldType::kNumber});
  for (const bool derived : {false, true}) {
    for (const ResultItem& item : shape_.items) {
      if (item.derived.empty() != derived) columns.push_back({item.alias, item.type});
    }
  }
  return columns;
}

Schema WindowResults::schema() const { return {columns(), 0}; }

bool WindowResults::compile(ExpressionEngine& engine, BlockError& error) {
  values_.resize(shape_.items.size());
  std::vector<Field> known = columns();
  std::vector<std::string> names, texts;
  for (const ResultItem& item : shape_.items) {
    if (item.derived.empty()) continue;
    names.push_back("select." + item.alias);
    texts.push_back(item.derived);
  }
  auto compile = [&](const std::vector<Field>& fields) {
    ExpressionError wrong;
    auto set = engine.compile(fields, texts, wrong);
    if (set) return set;
    error.item = names[wrong.expression];
    error.offset = wrong.offset;
    error.message = wrong.message;
    if (error.message.starts_with("unknown field") && !error.message.ends_with('?')) {
      error.message += "; known here are the other aliases, the key, window_start and window_end";
    }
    return set;
  };
  const std::vector<Field> plain(known.begin(), known.end() - static_cast<ptrdiff_t>(texts.size()));
  if (!texts.empty() && !(derived_ = compile(plain))) return false;
  if (derived_) {
    find_types(plain);
    known = columns();
  }
  if (shape_.having.empty()) return true;
  names = {"having"};
  texts = {shape_.having};
  having_ = compile(known);
  return having_ != nullptr;
}

// What is derived is a text where it gives texts, and no number, of numbers and texts of all kinds.
void WindowResults::find_types(const std::vector<Field>& plain) {
  static const double kNumbers[] = {kNull, 0, 1, -1, 0.5, 1e3, 1e12};
  static const std::string kTexts[] = {"", "0", "a", "A", "-1", "open", "2026-01-01"};
  Table table;
  table.rows = std::size(kNumbers);
  for (const Field& field : plain) {
    TableColumn column;
    if (field.type == FieldType::kText) {
      column.strings = kTexts;
    } else {
      column.numbers = kNumbers;
    }
    table.columns.push_back(column);
  }
  std::vector<ResultItem*> derived;
  for (ResultItem& item : shape_.items) {
    if (!item.derived.empty()) derived.push_back(&item);
  }
  std::vector<uint8_t> texts(derived.size()), numbers(derived.size());
  (void)derived_->evaluate(table, [&](size_t, const ExpressionSet::RowValues& values) {
    for (size_t d = 0; d < derived.size(); ++d) {
      const Value value = values.value(d);
      texts[d] |= std::holds_alternative<std::string>(value);
      numbers[d] |= std::holds_alternative<double>(value);
    }
  });
  for (size_t d = 0; d < derived.size(); ++d) {
    if (texts[d] && !numbers[d]) derived[d]->type = FieldType::kText;
  }
}

void WindowResults::on_result(const WindowResult& r) {
  const int64_t time = shape_.has_times ? r.end - 1 : time_ms_;
  ++told_in_turn_;
  rows_.push_back({r.key, r.revision, r.start, r.end, time, r.final, r.revised, place()});
  for (size_t i = 0; i < shape_.items.size(); ++i) {
    const ResultItem& item = shape_.items[i];
    values_[i].push_back(item.derived.empty() ? panes_.result(item.aggregate, r.pane, item.output)
                                              : Value());
  }
}

void WindowResults::emit(EmissionBuffer& out, const Stream* stream, const Stream* changes) {
  if (rows_.empty() && moves_.empty() && gone_.empty()) return;
  kept_.assign(rows_.size(), 1);
  if (!rows_.empty() && (derived_ || having_)) {
    Table shown = table();
    if (derived_) derive(shown);
    if (having_) judge(shown);
  }
  if (shape_.retract) {
    tell_with_retraction(out, changes != nullptr);
    if (changes) changes_.push(*changes, out);
  } else {
    constexpr size_t kAhead = 8;  // rows; with many keys each of them is somewhere else
    for (size_t row = 0; row < rows_.size(); ++row) {
      if (row + kAhead < rows_.size()) __builtin_prefetch(&keys_.text(rows_[row + kAhead].key));
      if (kept_[row]) tell(row, out);
    }
  }
  if (stream) push(*stream, out);
  clear_burst(rows_);
  clear_burst(moves_);
  for (auto& values : values_) clear_burst(values);
}

// The rows as the expressions over them see them, without what is derived.
Table WindowResults::table() {
  key_texts_.clear();
  starts_.clear();
  ends_.clear();
  for (const Row& r : rows_) {
    key_texts_.push_back(keys_.text(r.key));
    starts_.push_back(r.start);
    ends_.push_back(r.end);
  }
  Table table;
  table.rows = rows_.size();
  table.columns.push_back({.strings = key_texts_.data()});
  table.columns.push_back({.integers = starts_.data()});
  table.columns.push_back({.integers = ends_.data()});
  for (size_t i = 0; i < shape_.items.size(); ++i) {
    if (shape_.items[i].derived.empty()) table.columns.push_back({.values = values_[i].data()});
  }
  return table;
}

void WindowResults::derive(Table& table) {
  std::vector<std::vector<Value>*> targets;
  for (size_t i = 0; i < shape_.items.size(); ++i) {
    if (!shape_.items[i].derived.empty()) targets.push_back(&values_[i]);
  }
  auto take = [&](size_t row, const ExpressionSet::RowValues& values) {
    for (size_t d = 0; d < targets.size(); ++d) (*targets[d])[row] = values.value(d);
  };
  faults_ += derived_->evaluate(table, take).rows.size();
  for (const auto* values : targets) table.columns.push_back({.values = values->data()});
}

// Which rows does `having` let leave? Not those that cannot be evaluated.
void WindowResults::judge(const Table& table) {
  kept_.assign(rows_.size(), 0);
  auto take = [&](size_t row, const ExpressionSet::RowValues& values) {
    kept_[row] = values.truth(0) == 1;
  };
  faults_ += having_->evaluate(table, take).rows.size();
}

// An event of the window; its values are for the caller to fill in. Null: nobody wants it.
Emission* WindowResults::begin(const Row& r, bool taken_back, EmissionBuffer& out) const {
  out.set_place(r.place);
  Emission* e = out.next(shape_.targets, teller_);
  if (!e) return nullptr;
  if (e->fields.empty()) name_fields(*e);
  e->key = keys_.text(r.key);
  e->time_ms = r.time;
  e->fields[0].value = shape_.has_times ? Value(double(r.start)) : Value();
  e->fields[1].value = shape_.has_times ? Value(double(r.end)) : Value();
  e->fields[2].value = double(r.revision);
  e->fields[3].value = r.final;
  if (shape_.retract) e->fields[4].value = taken_back;
  return e;
}

void WindowResults::name_fields(Emission& e) const {
  e.lane = Lane::kResult;
  e.critical = false;
  e.type = "window";
  e.block = shape_.block;
  e.fields.resize(first_value() + shape_.items.size());
  const char* names[] = {"window_start", "window_end", "revision", "final", "retracted"};
  for (size_t i = 0; i < first_value(); ++i) e.fields[i].name = names[i];
  for (size_t i = 0; i < shape_.items.size(); ++i) {
    e.fields[first_value() + i].name = shape_.items[i].alias;
  }
}

void WindowResults::tell(size_t row, EmissionBuffer& out) {
  ++emitted_;
  Emission* e = begin(rows_[row], false, out);
  for (size_t i = 0; e && i < shape_.items.size(); ++i) {
    e->fields[first_value() + i].value = values_[i][row];
  }
}

// As a row of a stream.
template <class ValueOf>
void WindowResults::add_row(ResultRows& to, const Row& r, ValueOf value_of) {
  to.begin(r.key, keys_.text(r.key), r.time, r.place);
  to.set_window(shape_.has_times ? double(r.start) : kNull,
                shape_.has_times ? double(r.end) : kNull);
  for (const bool derived : {false, true}) {
    for (size_t i = 0; i < shape_.items.size(); ++i) {
      const ResultItem& item = shape_.items[i];
      if (item.derived.empty() != derived) to.add(value_of(i), item.type);
    }
  }
}

// ---- what is taken back

// What the window was told to be, or those that have become one with it, is taken back before it is
// told anew, if `having` lets it.
void WindowResults::tell_in_place(size_t row, EmissionBuffer& out, bool changes) {
  const Row& r = rows_[row];
  const int64_t last = shape_.merge ? r.end - 1 : r.start;
  for (const FormerResult& former : former_.take(r.key, r.start, last)) {
    take_back(r, former, out, changes);
  }
  if (!kept_[row]) return;
  tell(row, out);
  FormerResult told{r.start, r.end, r.time, r.revision, r.final, {}};
  for (const auto& values : values_) told.values.push_back(values[row]);
  if (changes && r.final) {
    add_row(changes_, r, [&](size_t item) -> const Value& { return told.values[item]; });
  }
  former_.add(r.key, std::move(told));
}

// The very result, with a mark.
void WindowResults::take_back(const Row& by, const FormerResult& f, EmissionBuffer& out,
                              bool changes) {
  ++emitted_;
  const Row row{by.key, f.revision, f.start, f.end, f.time_ms, f.final, true, by.place};
  Emission* e = begin(row, true, out);
  for (size_t i = 0; e && i < shape_.items.size(); ++i) {
    e->fields[first_value() + i].value = f.values[i];
  }
  if (!changes || !f.final) return;
  add_row(changes_, row, [&](size_t item) -> const Value& { return f.values[item]; });
  changes_.take_back();
}

void WindowResults::tell_with_retraction(EmissionBuffer& out, bool changes) {
  size_t gone = 0;
  for (size_t row = 0; row <= rows_.size(); ++row) {
    for (; gone < gone_.size() && gone_[gone].before <= row; ++gone) {
      former_.drop(gone_[gone].key, gone_[gone].from, gone_[gone].to);
    }
    if (row < rows_.size()) tell_in_place(row, out, changes);
  }
  clear_burst(gone_);
}

// ---- for the blocks behind

// First final results only; with `purge` all, for each is of other readings.
bool WindowResults::is_for_readers(const Row& r) const {
  return shape_.purge || (r.final && !r.revised);
}

// Each before the watermark that closed its window.
void WindowResults::push(const Stream& stream, EmissionBuffer& out) {
  size_t move = 0;
  for (size_t row = 0; row <= rows_.size(); ++row) {
    for (; move < moves_.size() && moves_[move].before <= row; ++move) {
      const Move& m = moves_[move];
      const bool none = m.key == KeyTable::kNone;
      results_.move(m.key, none ? std::string_view() : keys_.text(m.key), m.watermark, m.place);
    }
    if (row == rows_.size() || !kept_[row] || !is_for_readers(rows_[row])) continue;
    add_row(results_, rows_[row], [&](size_t item) -> const Value& { return values_[item][row]; });
  }
  results_.push(stream, out);
}

}  // namespace wayside
