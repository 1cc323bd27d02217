#include "pipeline/running_state.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace wayside {

// ---- how it is made

std::unique_ptr<RunningState> RunningState::make(const StateOptions& options, const Stream& input,
                                                 const KeyTable& keys, ExpressionEngine& engine,
                                                 uint32_t targets, BlockError& error) {
  std::unique_ptr<RunningState> made(new RunningState(options, input, keys, targets));
  return made->compile(engine, error) ? std::move(made) : nullptr;
}

bool RunningState::compile(ExpressionEngine& engine, BlockError& error) {
  Schema schema = input_.schema();
  for (const auto& [name, expression] : options_.next) {
    if (schema.find(name) < schema.fields.size()) {
      error.item = "next." + name;
      error.message = "what it reads has a field of this name; choose another one";
      return false;
    }
    items_.push_back({name, type_of(schema, expression)});
    schema.fields.push_back(items_.back());
  }
  values_.resize(items_.size());
  made_.resize(items_.size());
  if (!options_.where.empty() &&
      !where_.compile(engine, input_.schema(), {{"where", options_.where}}, error)) {
    return false;
  }
  init_ = compile_items(engine, input_.schema(), "init", options_.init, error);
  if (!init_) return false;
  next_ = compile_items(engine, schema, "next", options_.next, error);
  if (!next_) return false;
  output_ = std::make_unique<Stream>(options_.name, std::move(schema), input_.time());
  return true;
}

// In the order of `next`; a name that has no first value begins as NULL.
std::unique_ptr<ExpressionSet> RunningState::compile_items(
    ExpressionEngine& engine, const Schema& seen, const char* item,
    const std::vector<std::pair<std::string, std::string>>& expressions, BlockError& error) {
  std::vector<std::string> texts;
  for (const Field& field : items_) {
    const auto at = std::find_if(expressions.begin(), expressions.end(),
                                 [&](const auto& e) { return e.first == field.name; });
    texts.push_back(at == expressions.end() ? "NULL" : at->second);
  }
  ExpressionError wrong;
  auto set = engine.compile(visible_columns(seen), texts, wrong);
  if (set) return set;
  error.item = std::string(item) + "." + items_[wrong.expression].name;
  error.offset = wrong.offset;
  error.message = wrong.message;
  return nullptr;
}

// ---- rows

void RunningState::process(size_t, const Rows& rows, EmissionBuffer& out) {
  begin_batch(rows);
  size_t begin = 0;
  for (size_t row = 0; row < rows.view.rows; ++row) {
    if (!present_[row]) continue;
    const uint32_t key = rows.view.keys[row];
    const int64_t time_ms = rows.view.times[row];
    rows.set_taken(row);
    Key& state = states_[key];
    if (begins(key, time_ms)) {
      // Readings of the key that are before it see the values that it had.
      if (state.stretch == stretch_) {
        run(rows, begin, row, out);
        begin = row;
        ++stretch_;
      }
      known_ += !state.known;
      state = {true, kTimeMin, stretch_};
      set_first_values(rows, row);
      begun_[row] = 1;
    }
    state.newest_ms = std::max(state.newest_ms, time_ms);
    state.stretch = stretch_;
  }
  run(rows, begin, rows.view.rows, out);
  push(rows, out);
}

void RunningState::begin_batch(const Rows& rows) {
  const BatchView& view = rows.view;
  if (!options_.where.empty()) where_.evaluate(view, rows.present);
  ++stretch_;
  present_.resize(view.rows);
  begun_.assign(view.rows, 0);
  faulty_.assign(view.rows, 0);
  size_t room = states_.size();
  for (size_t row = 0; row < view.rows; ++row) {
    present_[row] = takes(rows, row);
    if (present_[row]) room = std::max<size_t>(room, view.keys[row] + 1);
  }
  states_.resize(room);
  for (auto& values : values_) values.resize(room);
  for (size_t i = 0; i < items_.size(); ++i) {
    made_[i].numbers.assign(items_[i].type == FieldType::kText ? 0 : view.rows, kNull);
    made_[i].texts.assign(items_[i].type == FieldType::kText ? view.rows : 0, Interner::kNone);
  }
  dictionary_.clear();
  table_ = {};
  table_.dictionary = view.texts;
  for (const ColumnView& c : view.columns) {
    table_.columns.push_back({.numbers = c.numbers, .texts = c.texts});
  }
}

bool RunningState::takes(const Rows& rows, size_t row) const {
  return rows.is_present(row) && (options_.where.empty() || is_true(where_.values(0)[row]));
}

bool RunningState::begins(uint32_t key, int64_t time_ms) const {
  const Key& state = states_[key];
  if (!state.known) return true;
  return options_.ttl_ms > 0 && time_ms > saturating_add(state.newest_ms, options_.ttl_ms);
}

// A text in the place of a number, or the other way round, is NULL, and a fault.
Value RunningState::typed(size_t item, const ExpressionSet::RowValues& values,
                          bool& mistyped) const {
  Value value = values.value(item);
  if (std::holds_alternative<std::monostate>(value)) return value;
  const bool is_text = std::holds_alternative<std::string>(value);
  if (is_text == (items_[item].type == FieldType::kText)) return value;
  mistyped = true;
  return {};
}

void RunningState::count_faults(const std::vector<size_t>& rows) {
  for (const size_t row : rows) {
    if (std::exchange(faulty_[row], 1) == 0) ++faults_;
  }
}

void RunningState::set_first_values(const Rows& rows, size_t row) {
  const uint32_t key = rows.view.keys[row];
  for (auto& values : values_) values[key] = std::monostate();
  Table table = table_;
  table.columns.push_back({.integers = rows.view.times});
  table.begin = row;
  table.rows = row + 1;
  bool mistyped = false;
  count_faults(init_
                   ->evaluate(table,
                              [&](size_t, const ExpressionSet::RowValues& made) {
                                for (size_t i = 0; i < items_.size(); ++i)
                                  values_[i][key] = typed(i, made, mistyped);
                              })
                   .rows);
  if (mistyped) count_faults({row});
}

// One scan: SQL asks for the columns of a row when it comes to it, so that it sees what the rows
// before have made of the values.
void RunningState::run(const Rows& rows, size_t begin, size_t end, EmissionBuffer& out) {
  if (begin == end) return;
  Table table = table_;
  for (const auto& values : values_) {
    table.columns.push_back({.values = values.data(), .places = rows.view.keys});
  }
  table.columns.push_back({.integers = rows.view.times});
  table.begin = begin;
  table.rows = end;
  table.present = present_.data();
  size_t at = begin;
  const auto faults =
      next_->evaluate(table, [&](size_t row, const ExpressionSet::RowValues& values) {
        for (; at < row; ++at) keep(rows, at);
        step(rows, at++, values, out);
      });
  for (; at < end; ++at) keep(rows, at);
  count_faults(faults.rows);
}

// A NULL leaves a value as it is: a reading that lacks a field, or over which the expression cannot
// be evaluated, spoils nothing.
void RunningState::step(const Rows& rows, size_t row, const ExpressionSet::RowValues& values,
                        EmissionBuffer& out) {
  const uint32_t key = rows.view.keys[row];
  bool changed = begun_[row] != 0;
  std::vector<Value>& next = scratch_;
  next.clear();
  bool mistyped = false;
  for (size_t i = 0; i < items_.size(); ++i) next.push_back(typed(i, values, mistyped));
  if (mistyped) count_faults({row});
  for (size_t i = 0; i < items_.size(); ++i) {
    if (std::holds_alternative<std::monostate>(next[i]) || next[i] == values_[i][key]) continue;
    values_[i][key] = std::move(next[i]);
    changed = true;
  }
  keep(rows, row);
  if (changed) emit(rows, row, out);
}

// What the row has is what its key has now.
void RunningState::keep(const Rows& rows, size_t row) {
  if (!present_[row]) return;
  for (size_t i = 0; i < items_.size(); ++i) {
    const Value& value = values_[i][rows.view.keys[row]];
    if (const auto* text = std::get_if<std::string>(&value)) {
      made_[i].texts[row] = dictionary_.add(*text);
    } else if (const auto* number = std::get_if<double>(&value)) {
      made_[i].numbers[row] = *number;
    }
  }
}

void RunningState::emit(const Rows& rows, size_t row, EmissionBuffer& out) {
  ++emitted_;
  out.set_place(rows.place(row));
  Emission* e = out.next(targets_);
  if (!e) return;
  const uint32_t key = rows.view.keys[row];
  e->lane = Lane::kResult;
  e->critical = false;
  e->type = "state";
  e->block = options_.name;
  e->key = keys_.text(key);
  e->time_ms = rows.view.times[row];
  e->fields.resize(items_.size());
  for (size_t i = 0; i < items_.size(); ++i) e->fields[i] = {items_[i].name, values_[i][key]};
}

void RunningState::push(const Rows& rows, EmissionBuffer& out) {
  Rows made = rows;
  const bool has_texts = std::any_of(items_.begin(), items_.end(),
                                     [](const Field& f) { return f.type == FieldType::kText; });
  if (has_texts) dictionary_.take_over(made.view, output_->schema().fields);
  for (size_t i = 0; i < items_.size(); ++i) {
    const bool is_text = items_[i].type == FieldType::kText;
    made.view.columns.push_back(
        {is_text ? nullptr : made_[i].numbers.data(), is_text ? made_[i].texts.data() : nullptr});
  }
  made.present = present_.data();
  output_->push(made, out);
}

// ---- keys and state

void RunningState::forget_key(uint32_t key, int64_t, EmissionBuffer&) { unload_key(key); }

void RunningState::unload_key(uint32_t key) {
  if (key >= states_.size()) return;
  known_ -= states_[key].known;
  states_[key] = {};
  for (auto& values : values_) values[key] = std::monostate();
}

void RunningState::begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms,
                              EmissionBuffer&) {
  for (const uint32_t key : keys) {
    if (key >= states_.size()) continue;
    states_[key].newest_ms = std::min(states_[key].newest_ms, limit_ms);
  }
}

BlockStatus RunningState::status() const { return {options_.name, "state", emitted_, known_}; }

uint64_t RunningState::fingerprint() const {
  std::string text = "2/" + options_.where + '/' + std::to_string(options_.ttl_ms);
  for (const auto* items : {&options_.init, &options_.next}) {
    for (const auto& [name, expression] : *items) {
      text.append("/").append(name).append("=").append(expression);
    }
    text += ';';
  }
  for (const Field& item : items_) text.append("/").append(std::to_string(int(item.type)));
  return hash64(text + (options_.by_event_time ? "ordered<" : "<") + options_.from);
}

bool RunningState::save_key(uint32_t key, ByteWriter& out) const {
  if (key >= states_.size() || !states_[key].known) return false;
  out.fixed(states_[key].newest_ms);
  for (const auto& values : values_) {
    const Value& value = values[key];
    out.fixed<uint8_t>(static_cast<uint8_t>(value.index()));
    if (const auto* number = std::get_if<double>(&value)) out.fixed(*number);
    if (const auto* text = std::get_if<std::string>(&value)) out.text(*text);
  }
  return true;
}

void RunningState::load_key(uint32_t key, ByteReader& in) {
  if (key >= states_.size()) {
    states_.resize(key + 1);
    for (auto& values : values_) values.resize(key + 1);
  }
  states_[key].known = true;
  ++known_;
  states_[key].newest_ms = in.fixed<int64_t>();
  for (size_t i = 0; i < items_.size(); ++i) {
    const bool is_text = items_[i].type == FieldType::kText;
    const size_t kind = in.fixed<uint8_t>();
    if (kind == Value().index()) {
      values_[i][key] = Value();
    } else if (kind != (is_text ? Value(std::string()) : Value(0.0)).index()) {
      in.fail();  // it is written into a column of another type
    } else if (is_text) {
      values_[i][key] = std::string(in.text());
    } else {
      values_[i][key] = in.fixed<double>();
    }
  }
}

}  // namespace wayside
