#include "pipeline/window.h"

#include <algorithm>

#include "base/hash.h"

namespace wayside {
namespace {

uint64_t fingerprint_of(const WindowOptions& o) {
  std::string text = std::to_string(o.size_ms) + '/' + std::to_string(o.offset_ms) + '/' + o.where;
  for (const auto& [alias, expression] : o.select) {
    text.append("/").append(alias).append("=").append(expression);
  }
  for (const std::string& source : o.from) text.append("<").append(source);
  return hash64(text);
}

}  // namespace

// ---- compiling

std::unique_ptr<Window> Window::make(const WindowOptions& options, std::vector<Input> inputs,
                                     KeyTable& keys, ExpressionEngine& engine, uint32_t targets,
                                     uint32_t late_targets, BlockError& error) {
  std::unique_ptr<Window> window(new Window(options, std::move(inputs), keys));
  window->by_key_ = window->inputs_.front().watermarks->by_key();
  window->targets_ = targets;
  window->late_targets_ = late_targets;
  window->fingerprint_ = fingerprint_of(options);
  error.block = options.name;
  if (!window->compile(engine, error)) return nullptr;
  return window;
}

bool Window::compile(ExpressionEngine& engine, BlockError& error) {
  std::vector<ColumnExpressions::Item> items;
  if (!options_.where.empty()) {
    where_ = items.size();
    items.push_back({"where", options_.where, 0});
  }
  for (const auto& [alias, text] : options_.select) add_select_item(alias, text, items);
  for (const Input& input : inputs_) {
    auto& made = expressions_.emplace_back(std::make_unique<ColumnExpressions>());
    if (!made->compile(engine, *input.schema, items, error)) return false;
  }
  return takes_numbers(items, error) && compile_results(engine, error);
}

bool Window::takes_numbers(const std::vector<ColumnExpressions::Item>& items,
                           BlockError& error) const {
  for (const Aggregate& a : aggregates_) {
    if (!a.function->takes_argument) continue;
    const ColumnExpressions::Item& item = items[a.argument];
    for (const Input& input : inputs_) {
      const Field* text = text_field(*input.schema, item.text);
      if (!text) continue;
      error.item = item.name;
      error.offset = item.offset;
      error.message = "'" + text->name + "' is a text; " + std::string(a.function->name) +
                      "() takes numbers, as in CAST(" + text->name + " AS REAL)";
      return false;
    }
  }
  return true;
}

void Window::add_select_item(const std::string& alias, const std::string& text,
                             std::vector<ColumnExpressions::Item>& items) {
  SelectItem item = parse_select_item(text);
  const std::string name = "select." + alias;
  if (!item.aggregate) {
    outputs_.push_back({alias, true, derived_items_.size()});
    derived_items_.push_back({name, text, 0});
    return;
  }
  Aggregate aggregate{alias, item.aggregate, stride_};
  stride_ += item.aggregate->slots;
  if (!item.argument.empty()) {
    aggregate.argument = items.size();
    items.push_back({name, item.argument, item.argument_offset});
    if (!item.aggregate->takes_argument) {  // count(x) counts texts, too
      const std::string head = "CASE WHEN (";
      items.back().text = head + item.argument + ") IS NOT NULL THEN 1 END";
      items.back().lead = head.size();
    }
  }
  if (!item.filter.empty()) {
    aggregate.filter = items.size();
    items.push_back({name, item.filter, item.filter_offset});
  }
  outputs_.push_back({alias, false, aggregates_.size()});
  aggregates_.push_back(std::move(aggregate));
}

// Columns of results: the aggregates by alias, the key by its field's name, window_start,
// window_end.
bool Window::compile_results(ExpressionEngine& engine, BlockError& error) {
  std::vector<Field> columns;
  for (const Aggregate& a : aggregates_) columns.push_back({a.alias, FieldType::kNumber});
  const Schema& schema = *inputs_.front().schema;
  columns.push_back({schema.fields[schema.key].name, FieldType::kText});
  columns.push_back({"window_start", FieldType::kNumber});
  columns.push_back({"window_end", FieldType::kNumber});
  auto compile = [&](const std::vector<ColumnExpressions::Item>& items) {
    std::vector<std::string> texts;
    texts.reserve(items.size());
    for (const auto& item : items) texts.push_back(item.text);
    ExpressionError wrong;
    auto set = engine.compile(columns, texts, wrong);
    if (!set) {
      error.item = items[wrong.expression].name;
      error.offset = wrong.offset;
      error.message = wrong.message;
      if (error.message.starts_with("unknown field") && !error.message.ends_with('?')) {
        error.message += "; known here are the other aliases, the key, window_start and window_end";
      }
    }
    return set;
  };
  if (!derived_items_.empty() && !(derived_ = compile(derived_items_))) return false;
  for (const Output& o : outputs_) {
    if (o.derived) columns.push_back({o.alias, FieldType::kNumber});
  }
  if (options_.having.empty()) return true;
  having_ = compile({{"having", options_.having, 0}});
  return having_ != nullptr;
}

uint64_t Window::faults() const {
  uint64_t n = 0;
  for (const auto& e : expressions_) n += e->faults();
  return n;
}

// ---- where a reading belongs

int64_t Window::window_start(int64_t time) const {
  int64_t rest = (time - options_.offset_ms) % options_.size_ms;
  if (rest < 0) rest += options_.size_ms;
  return time - rest;
}

int64_t Window::last_ms(int64_t start) const { return start + options_.size_ms - 1; }

int64_t Window::cleanup_ms(int64_t start) const {
  return last_ms(start) + options_.allowed_lateness_ms;
}

Window::KeyState& Window::state(uint32_t key) {
  if (key >= states_.size()) states_.resize(key + 1);
  return states_[key];
}

int64_t Window::combined(size_t input, uint32_t key, int64_t after) const {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (i == input || inputs_[i].watermarks->is_idle(key)) continue;
    after = std::min(after, inputs_[i].watermarks->watermark(key));
  }
  return after;
}

// ---- rows

void Window::process(size_t input, const BatchView& view, const std::vector<int64_t>& after,
                     Fates& fates, EmissionBuffer& out) {
  expressions_[input]->evaluate(view);
  const double* where = where_ == kNo ? nullptr : expressions_[input]->values(where_);
  for (uint32_t row = 0; row < view.rows; ++row) {
    const uint32_t key = view.keys[row];
    state(key);
    const int64_t start = window_start(view.times[row]);
    if (where && !is_true(where[row])) {
      // Neither taken nor late: it only moves the watermark.
    } else if (cleanup_ms(start) <= watermark_of(key)) {
      fates.late[row] = 1;
      if (late_targets_ != 0) emit_late(input, view, row, start, out);
    } else {
      fates.taken[row] = 1;
      take(key, start, row, input);
    }
    const int64_t watermark = combined(input, key, after[row]);
    if (watermark > watermark_of(key)) advance(key, watermark, input);
  }
  add_pending(input);
  emit_results(out);
}

void Window::take(uint32_t key, int64_t start, uint32_t row, size_t input) {
  Pane& pane = pane_at(key, start);
  pane.changed = true;
  pending_panes_.push_back(pane.at);
  pending_rows_.push_back(row);
  if (last_ms(start) > watermark_of(key)) return;
  add_pending(input);
  pane.complete = true;
  fire(key, pane, true);
}

Window::Pane& Window::pane_at(uint32_t key, int64_t start) {
  auto& panes = states_[key].panes;
  auto place = std::lower_bound(panes.begin(), panes.end(), start,
                                [](const Pane& p, int64_t s) { return p.start < s; });
  if (place != panes.end() && place->start == start) return *place;
  Pane pane;
  pane.start = start;
  if (free_panes_.empty()) {
    pane.at = static_cast<uint32_t>(pool_.size());
    pool_.resize(pool_.size() + stride_);
  } else {
    pane.at = free_panes_.back();
    free_panes_.pop_back();
  }
  for (const Aggregate& a : aggregates_) a.function->reset(pool_.data() + pane.at + a.offset);
  ++open_;
  place = panes.insert(place, pane);
  if (by_key_) {
    set_due(states_[key]);
  } else {
    due_[last_ms(start)].push_back(key);
    if (options_.allowed_lateness_ms > 0) due_[cleanup_ms(start)].push_back(key);
  }
  return *place;
}

// Brings the rows that wait into their panes, aggregate by aggregate.
void Window::add_pending(size_t input) {
  if (pending_rows_.empty()) return;
  const RowsIntoPanes target{pool_.data(), pending_panes_.data(), pending_rows_.data(),
                             pending_rows_.size()};
  const ColumnExpressions& expressions = *expressions_[input];
  for (const Aggregate& a : aggregates_) {
    a.function->add(target, a.offset, a.argument == kNo ? nullptr : expressions.values(a.argument),
                    a.filter == kNo ? nullptr : expressions.values(a.filter));
  }
  pending_panes_.clear();
  pending_rows_.clear();
}

// ---- time

void Window::advance(uint32_t key, int64_t watermark, size_t input) {
  watermark_of(key) = watermark;
  if (by_key_) {
    if (watermark < states_[key].due) return;
    add_pending(input);
    fire_key(key, watermark);
  } else if (!due_.empty() && due_.begin()->first <= watermark) {
    add_pending(input);
    fire_source(watermark);
  }
}

void Window::fire_source(int64_t watermark) {
  while (!due_.empty() && due_.begin()->first <= watermark) {
    auto [due, keys] = *due_.begin();
    due_.erase(due_.begin());
    keys_.sort_by_text(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    for (uint32_t key : keys) fire_key(key, due);
  }
}

void Window::fire_key(uint32_t key, int64_t watermark) {
  if (key >= states_.size() || states_[key].panes.empty()) return;  // forgotten since
  keys_.touch(key);
  KeyState& s = states_[key];
  for (size_t i = 0; i < s.panes.size();) {
    Pane& pane = s.panes[i];
    if (!pane.complete && last_ms(pane.start) <= watermark) {
      pane.complete = true;
      fire(key, pane, true);
    }
    if (cleanup_ms(pane.start) <= watermark) {
      drop_pane(s, i);
    } else {
      ++i;
    }
  }
  set_due(s);
}

void Window::set_due(KeyState& s) {
  s.due = kTimeMax;
  for (const Pane& p : s.panes) {
    s.due = std::min(s.due, p.complete ? cleanup_ms(p.start) : last_ms(p.start));
  }
}

void Window::drop_pane(KeyState& s, size_t index) {
  free_panes_.push_back(s.panes[index].at);
  s.panes.erase(s.panes.begin() + static_cast<ptrdiff_t>(index));
  --open_;
}

void Window::fire(uint32_t key, Pane& pane, bool final) {
  const double* accumulators = pool_.data() + pane.at;
  results_.push_back({key, pane.start, pane.revision++, final,
                      std::vector<double>(accumulators, accumulators + stride_)});
  pane.changed = false;
}

void Window::on_idle(uint32_t key, EmissionBuffer& out) {
  const int64_t watermark = combined(kNo, key, kTimeMax);
  const bool all_idle = watermark == kTimeMax;
  if (!all_idle) {
    if (by_key_) state(key);
    if (watermark > watermark_of(key)) advance(key, watermark, 0);
  } else if (by_key_ && key < states_.size()) {
    for (Pane& pane : states_[key].panes) {
      if (pane.changed) fire(key, pane, false);
    }
  }
  emit_results(out);
}

void Window::forget_key(uint32_t key, EmissionBuffer& out) {
  if (key >= states_.size()) return;
  KeyState& s = states_[key];
  for (Pane& pane : s.panes) {
    if (!pane.complete || pane.changed) fire(key, pane, true);
  }
  while (!s.panes.empty()) drop_pane(s, s.panes.size() - 1);
  s = {};
  emit_results(out);
}

std::vector<uint32_t> Window::open_keys() const {
  std::vector<uint32_t> keys;
  for (uint32_t key = 0; key < states_.size(); ++key) {
    if (!states_[key].panes.empty()) keys.push_back(key);
  }
  keys_.sort_by_text(keys);
  return keys;
}

void Window::begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms, EmissionBuffer& out) {
  const bool all_ahead = !by_key_ && watermark_ > limit_ms;
  for (uint32_t key : by_key_ ? keys : open_keys()) {
    const bool ahead = all_ahead || (by_key_ && watermark_of(key) > limit_ms);
    ahead ? forget_key(key, out) : drop_ahead(key, limit_ms, out);
    keys_.touch(key);
  }
  if (!all_ahead) return;
  due_.clear();
  watermark_ = kTimeMin;
}

// Another input has held the watermark back: what it lets be open goes on.
void Window::drop_ahead(uint32_t key, int64_t limit_ms, EmissionBuffer& out) {
  KeyState& s = state(key);
  const auto first = std::partition_point(s.panes.begin(), s.panes.end(),
                                          [&](const Pane& p) { return p.start <= limit_ms; });
  const auto kept = static_cast<size_t>(first - s.panes.begin());
  for (size_t i = kept; i < s.panes.size(); ++i) fire(key, s.panes[i], true);
  while (s.panes.size() > kept) drop_pane(s, s.panes.size() - 1);
  set_due(s);
  emit_results(out);
}

void Window::finish(EmissionBuffer& out) {
  const std::vector<uint32_t> keys = open_keys();
  if (by_key_) {
    for (uint32_t key : keys) fire_key(key, kTimeMax);
  } else {
    fire_source(kTimeMax);
  }
  emit_results(out);
}

// ---- state

bool Window::save_key(uint32_t key, ByteWriter& out) const {
  if (key >= states_.size()) return false;
  const KeyState& s = states_[key];
  if (s.panes.empty() && s.watermark == kTimeMin) return false;
  out.fixed(s.watermark);
  out.varint(s.panes.size());
  for (const Pane& p : s.panes) {
    out.fixed(p.start);
    out.varint(p.revision);
    out.fixed<uint8_t>(p.complete);
    out.fixed<uint8_t>(p.changed);
    for (uint32_t i = 0; i < stride_; ++i) out.fixed(pool_[p.at + i]);
  }
  return true;
}

void Window::load_key(uint32_t key, ByteReader& in) {
  state(key).watermark = in.fixed<int64_t>();
  const size_t panes = in.count(10);
  for (size_t i = 0; i < panes && in.ok(); ++i) {
    Pane& p = pane_at(key, in.fixed<int64_t>());
    p.revision = static_cast<uint32_t>(in.varint());
    p.complete = in.fixed<uint8_t>();
    p.changed = in.fixed<uint8_t>();
    for (uint32_t k = 0; k < stride_; ++k) pool_[p.at + k] = in.fixed<double>();
  }
  set_due(states_[key]);
}

void Window::save_totals(ByteWriter& out) const {
  out.fixed(watermark_);
  out.varint(emitted_);
}

void Window::load_totals(ByteReader& in) {
  watermark_ = in.fixed<int64_t>();
  emitted_ = in.varint();
}

}  // namespace wayside
