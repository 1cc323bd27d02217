#include "pipeline/window_results.h"

#include <algorithm>

#include "pipeline/burst.h"

namespace wayside {
namespace {

void set_field(NamedValue& field, const char* name, Value value) {
  field.name = name;
  field.value = std::move(value);
}

}  // namespace

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
  if (shape_.having.empty()) return true;
  names = {"having"};
  texts = {shape_.having};
  having_ = compile(known);
  return having_ != nullptr;
}

void WindowResults::on_result(const WindowResult& r) {
  const int64_t time = shape_.has_times ? r.end - 1 : time_ms_;
  rows_.push_back({r.key, r.revision, r.start, r.end, time, r.final, r.revised});
  for (size_t i = 0; i < shape_.items.size(); ++i) {
    const ResultItem& item = shape_.items[i];
    values_[i].push_back(item.derived.empty() ? panes_.result(item.aggregate, r.pane, item.output)
                                              : Value());
  }
}

void WindowResults::emit(EmissionBuffer& out, const Stream* stream) {
  if (rows_.empty() && moves_.empty()) return;
  kept_.assign(rows_.size(), 1);
  if (!rows_.empty() && (derived_ || having_)) {
    Table shown = table();
    if (derived_) derive(shown);
    if (having_) judge(shown);
  }
  for (size_t row = 0; row < rows_.size(); ++row) {
    if (!kept_[row]) continue;
    ++emitted_;
    tell(row, out);
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

// A row that cannot be evaluated keeps NULL.
void WindowResults::derive(Table& table) {
  std::vector<std::vector<Value>*> targets;
  for (size_t i = 0; i < shape_.items.size(); ++i) {
    if (!shape_.items[i].derived.empty()) targets.push_back(&values_[i]);
  }
  auto take = [&](size_t row, const ExpressionSet::RowValues& values) {
    for (size_t d = 0; d < targets.size(); ++d) (*targets[d])[row] = values.value(d);
  };
  faults_ += !derived_->evaluate(table, take).ok();
  for (const auto* values : targets) table.columns.push_back({.values = values->data()});
}

// Which rows does `having` let leave? Not those that cannot be evaluated.
void WindowResults::judge(const Table& table) {
  kept_.assign(rows_.size(), 0);
  auto take = [&](size_t row, const ExpressionSet::RowValues& values) {
    kept_[row] = values.truth(0) == 1;
  };
  faults_ += !having_->evaluate(table, take).ok();
}

void WindowResults::tell(size_t row, EmissionBuffer& out) const {
  const Row& r = rows_[row];
  Emission* e = out.next(shape_.targets);
  if (!e) return;
  e->lane = Lane::kResult;
  e->critical = false;
  e->type = "window";
  e->block = shape_.block;
  e->key = keys_.text(r.key);
  e->time_ms = r.time;
  e->fields.resize(4 + shape_.items.size());
  set_field(e->fields[0], "window_start", shape_.has_times ? Value(double(r.start)) : Value());
  set_field(e->fields[1], "window_end", shape_.has_times ? Value(double(r.end)) : Value());
  set_field(e->fields[2], "revision", double(r.revision));
  set_field(e->fields[3], "final", r.final);
  for (size_t i = 0; i < shape_.items.size(); ++i) {
    e->fields[4 + i].name = shape_.items[i].alias;
    e->fields[4 + i].value = values_[i][row];
  }
}

// ---- for the blocks behind

// First final results only, each before the watermark that closed its window.
void WindowResults::push(const Stream& stream, EmissionBuffer& out) {
  batch_.columns.resize(stream.schema().fields.size());
  size_t move = 0;
  for (size_t row = 0; row <= rows_.size(); ++row) {
    while (move < moves_.size() && moves_[move].before <= row) push_move(moves_[move++]);
    if (row < rows_.size() && kept_[row] && rows_[row].final && !rows_[row].revised) push_row(row);
  }
  if (batch_.times.empty()) return;
  Rows rows;
  rows.view = {batch_.times.size(), batch_.times.data(), batch_keys_.data(), {}, &batch_.texts};
  for (size_t c = 0; c < batch_.columns.size(); ++c) {
    const bool text = stream.schema().fields[c].type == FieldType::kText;
    rows.view.columns.push_back({text ? nullptr : batch_.columns[c].numbers.data(),
                                 text ? batch_.columns[c].texts.data() : nullptr});
  }
  rows.after = after_.data();
  rows.present = present_.data();
  stream.push(rows, out);
  clear_burst(batch_);
  clear_burst(batch_keys_);
  clear_burst(after_);
  clear_burst(present_);
}

void WindowResults::push_row(size_t row) {
  const Row& r = rows_[row];
  batch_.times.push_back(r.time);
  batch_keys_.push_back(r.key);
  after_.push_back(kTimeMin);  // it moves nothing; what does comes behind it
  present_.push_back(1);
  batch_.columns[0].texts.push_back(batch_.texts.intern(keys_.text(r.key)));
  batch_.columns[1].numbers.push_back(shape_.has_times ? double(r.start) : kNull);
  batch_.columns[2].numbers.push_back(shape_.has_times ? double(r.end) : kNull);
  size_t c = 3;
  for (const bool derived : {false, true}) {
    for (size_t i = 0; i < shape_.items.size(); ++i) {
      const ResultItem& item = shape_.items[i];
      if (item.derived.empty() == derived) continue;
      const Value& value = values_[i][row];
      if (item.type == FieldType::kText) {
        const auto* text = std::get_if<std::string>(&value);
        batch_.columns[c++].texts.push_back(text ? batch_.texts.intern(*text) : Interner::kNone);
      } else {
        const auto* number = std::get_if<double>(&value);
        batch_.columns[c++].numbers.push_back(number ? *number : kNull);
      }
    }
  }
}

void WindowResults::push_move(const Move& move) {
  batch_.times.push_back(move.watermark);
  batch_keys_.push_back(move.key);
  after_.push_back(move.watermark);
  present_.push_back(0);
  for (Column& c : batch_.columns) {
    if (&c == &batch_.columns[0]) {
      const bool none = move.key == KeyTable::kNone;
      c.texts.push_back(none ? Interner::kNone : batch_.texts.intern(keys_.text(move.key)));
    } else {
      // Which of the two a column has does not matter where there is no reading.
      c.numbers.push_back(kNull);
      c.texts.push_back(Interner::kNone);
    }
  }
}

}  // namespace wayside
