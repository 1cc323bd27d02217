// The results of a window: derived columns, `having`, and what becomes of late readings.
#include "pipeline/window.h"

namespace wayside {
namespace {

double as_number(const Value& value) {
  const double* number = std::get_if<double>(&value);
  return number ? *number : kNull;
}

}  // namespace

// The results that wait, as a table for the expressions over them.
struct Window::ResultColumns {
  std::vector<std::vector<double>> numbers;  // by aggregate
  std::vector<std::string> keys;
  std::vector<int64_t> starts, ends;
  std::vector<std::vector<Value>> derived;  // by derived item
  Table table;                              // over those above
};

void Window::emit_results(EmissionBuffer& out) {
  if (results_.empty()) return;
  ResultColumns columns;
  if (derived_ || having_) fill(columns);
  if (derived_) derive(columns);
  const std::vector<uint8_t> kept = having_ ? judge(columns) : std::vector<uint8_t>();
  for (size_t row = 0; row < results_.size(); ++row) {
    if (having_ && !kept[row]) continue;
    ++emitted_;
    out.add(emission_of(row, columns));
  }
  results_.clear();
}

void Window::fill(ResultColumns& columns) const {
  columns.numbers.resize(aggregates_.size());
  for (const Result& r : results_) {
    for (size_t a = 0; a < aggregates_.size(); ++a) {
      const Aggregate& g = aggregates_[a];
      columns.numbers[a].push_back(as_number(g.function->result(r.accumulators.data() + g.offset)));
    }
    columns.keys.push_back(keys_.text(r.key));
    columns.starts.push_back(r.start);
    columns.ends.push_back(r.start + options_.size_ms);
  }
  columns.table.rows = results_.size();
  auto& shown = columns.table.columns;
  for (const auto& numbers : columns.numbers) shown.push_back({.numbers = numbers.data()});
  shown.push_back({.strings = columns.keys.data()});
  shown.push_back({.integers = columns.starts.data()});
  shown.push_back({.integers = columns.ends.data()});
}

// A row that cannot be evaluated keeps NULL.
void Window::derive(ResultColumns& columns) {
  columns.derived.assign(derived_items_.size(), std::vector<Value>(results_.size()));
  auto take = [&](size_t row, const ExpressionSet::RowValues& values) {
    for (size_t d = 0; d < columns.derived.size(); ++d) columns.derived[d][row] = values.value(d);
  };
  (void)derived_->evaluate(columns.table, take).ok();
  for (const auto& values : columns.derived) {
    columns.table.columns.push_back({.values = values.data()});
  }
}

// By row: does `having` let it leave? One that cannot be evaluated stays.
std::vector<uint8_t> Window::judge(const ResultColumns& columns) {
  std::vector<uint8_t> kept(results_.size(), 0);
  auto take = [&](size_t row, const ExpressionSet::RowValues& values) {
    kept[row] = values.truth(0) == 1;
  };
  (void)having_->evaluate(columns.table, take).ok();
  return kept;
}

Emission Window::emission_of(size_t row, const ResultColumns& columns) const {
  const Result& r = results_[row];
  Emission e;
  e.targets = targets_;
  e.type = "window";
  e.block = name_;
  e.key = keys_.text(r.key);
  e.time_ms = last_ms(r.start);
  e.fields.reserve(4 + outputs_.size());
  e.fields.push_back({"window_start", double(r.start)});
  e.fields.push_back({"window_end", double(r.start + options_.size_ms)});
  e.fields.push_back({"revision", double(r.revision)});
  e.fields.push_back({"final", r.final});
  for (const Output& o : outputs_) {
    if (o.derived) {
      e.fields.push_back({o.alias, columns.derived[o.index][row]});
    } else {
      const Aggregate& a = aggregates_[o.index];
      e.fields.push_back({o.alias, a.function->result(r.accumulators.data() + a.offset)});
    }
  }
  return e;
}

void Window::emit_late(size_t input, const BatchView& view, size_t row, int64_t start,
                       EmissionBuffer& out) {
  emit_results(out);
  Emission e;
  e.targets = late_targets_;
  e.type = "late";
  e.block = name_;
  e.key = keys_.text(view.keys[row]);
  e.time_ms = view.times[row];
  e.fields.push_back({"window_start", double(start)});
  e.fields.push_back({"window_end", double(start + options_.size_ms)});
  const Schema& schema = *inputs_[input].schema;
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    const ColumnView& c = view.columns[i];
    Value value;
    if (c.numbers && !is_null(c.numbers[row])) value = c.numbers[row];
    if (c.texts && c.texts[row] != Interner::kNone)
      value = std::string(view.texts->text(c.texts[row]));
    if (i != schema.key) e.fields.push_back({schema.fields[i].name, std::move(value)});
  }
  out.add(std::move(e));
}

}  // namespace wayside
