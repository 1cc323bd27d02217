#include "pipeline/map.h"

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"

namespace wayside {

// ---- how it is made

std::unique_ptr<Map> Map::make(const MapOptions& options, const Stream& input, KeyTable& keys,
                               ExpressionEngine& engine, int64_t forget_after_ms, int64_t tick_ms,
                               BlockError& error) {
  std::unique_ptr<Map> map(new Map(options, input, keys));
  if (map->has_other_keys()) {
    map->derived_.emplace(forget_after_ms, tick_ms, options.max_keys);
    if (input.time().by_key()) map->merged_.emplace();
  }
  return map->compile(engine, error) ? std::move(map) : nullptr;
}

bool Map::has_other_keys() const {
  if (options_.key.empty()) return false;
  const Schema& from = input_.schema();
  return !options_.select.empty() || options_.key != from.fields[from.key].name;
}

bool Map::compile(ExpressionEngine& engine, BlockError& error) {
  const Schema* seen = &input_.schema();
  Schema exploded;
  if (!options_.explode.empty()) {
    explode_ = std::make_unique<Explode>(*seen);
    const ColumnExpressions::Item array{"explode", options_.explode, 0, 0, FieldType::kText};
    if (!array_.compile(engine, *seen, {array}, error)) return false;
    exploded = Explode::schema_of(*seen);
    seen = &exploded;
  }
  Schema made = make_columns(*seen);
  if (!find_key(made, error)) return false;
  if (!options_.where.empty()) items_.push_back({"where", options_.where});
  if (!expressions_.compile(engine, *seen, items_, error)) return false;
  output_ =
      std::make_unique<Stream>(options_.name, std::move(made),
                               merged_ ? static_cast<const EventTime&>(*merged_) : input_.time());
  return true;
}

// Without `select` all that is seen passes; with it what it says, and the key unless another one
// takes its place.
Schema Map::make_columns(const Schema& seen) {
  Schema made;
  const Field& key = seen.fields[seen.key];
  auto add = [&](const std::string& item, const std::string& text, const Field& field) {
    items_.push_back(
        {item, text, 0, 0, field.type == FieldType::kText ? FieldType::kText : FieldType::kNumber});
    made.fields.push_back(field);
  };
  if (options_.select.empty()) {
    for (const Field& field : seen.fields) add(field.name, field.name, field);
    made.key = seen.key;
    return made;
  }
  if (options_.key.empty()) add(key.name, key.name, key);
  for (const auto& [alias, expression] : options_.select) {
    add("select." + alias, expression, {alias, type_of(seen, expression)});
  }
  return made;
}

bool Map::find_key(Schema& made, BlockError& error) const {
  if (options_.key.empty()) {
    for (size_t i = 0; i < made.fields.size(); ++i) {
      if (i == made.key || made.fields[i].name != made.fields[made.key].name) continue;
      error.item = "select." + made.fields[i].name;
      error.message = "the key has this name; with key = \"" + made.fields[i].name +
                      "\" this one takes its place";
      return false;
    }
    return true;
  }
  made.key = made.find(options_.key);
  if (made.key < made.fields.size() && made.fields[made.key].type == FieldType::kText) return true;
  error.item = "key";
  const std::string of = options_.select.empty() ? "field" : "alias of select";
  std::vector<std::string> texts;
  for (const Field& f : made.fields) {
    if (f.type == FieldType::kText) texts.push_back(f.name);
  }
  if (made.key < made.fields.size()) {
    error.message = "'" + options_.key + "' is not a text; CAST(… AS TEXT) gives one";
  } else {
    error.message = "there is no " + of + " '" + options_.key + "'";
    if (const auto near = nearest(options_.key, texts)) {
      error.message += "; did you mean '" + *near + "'?";
    }
  }
  return false;
}

// ---- rows

void Map::process(size_t, const Rows& rows, EmissionBuffer& out) {
  if (!explode_) return take(rows, out);
  array_.evaluate(rows.view, rows.present);
  for (size_t row = 0; row < rows.view.rows;) {
    take(explode_->expand(rows, array_.texts(0), *array_.dictionary(0), row), out);
  }
}

void Map::take(Rows rows, EmissionBuffer& out) {
  expressions_.evaluate(rows.view, rows.present);
  if (!options_.where.empty() || derived_) {
    choose(rows);
    rows.present = present_.data();
  }
  show_columns(rows.view);
  if (derived_) rekey(rows);
  for (size_t row = 0; row < rows.view.rows; ++row) passed_ += rows.is_present(row);
  output_->push(rows, out);
}

// What `where` leaves out still moves the watermark.
void Map::choose(const Rows& rows) {
  const double* where = options_.where.empty() ? nullptr : expressions_.values(items_.size() - 1);
  present_.resize(rows.view.rows);
  for (size_t row = 0; row < rows.view.rows; ++row) {
    present_[row] = rows.is_present(row) && (!where || is_true(where[row]));
  }
}

void Map::show_columns(BatchView& view) {
  const std::vector<Field>& fields = output_->schema().fields;
  const Interner* texts = nullptr;
  bool several = false;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].type != FieldType::kText) continue;
    several |= texts && texts != expressions_.dictionary(i);
    texts = expressions_.dictionary(i);
  }
  dictionary_.clear();
  view.columns.clear();
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].type != FieldType::kText) {
      view.columns.push_back({expressions_.values(i), nullptr});
    } else if (several) {
      view.columns.push_back({nullptr, dictionary_.translate(expressions_.texts(i), view.rows,
                                                             *expressions_.dictionary(i))});
    } else {
      view.columns.push_back({nullptr, expressions_.texts(i)});
    }
  }
  view.texts = several ? &dictionary_.texts() : texts;
}

// ---- other keys

void Map::rekey(Rows& rows) {
  const size_t n = rows.view.rows;
  row_keys_.assign(n, KeyTable::kNone);
  after_.assign(rows.after, rows.after + n);
  for (size_t row = 0; row < n; ++row) {
    if (present_[row]) row_keys_[row] = key_of(rows, row);
    present_[row] = row_keys_[row] != KeyTable::kNone;
    if (!merged_) continue;
    after_[row] = merged_->advance(rows.view.keys[row], rows.after[row]);
    keys_.touch(rows.view.keys[row]);
  }
  rows.view.keys = row_keys_.data();
  rows.after = after_.data();
}

// kNone: it has none, or there is no room for another one.
uint32_t Map::key_of(const Rows& rows, size_t row) {
  const uint32_t id = rows.view.columns[output_->schema().key].texts[row];
  const std::string_view text = id == Interner::kNone ? "" : rows.view.texts->text(id);
  uint32_t key = text.empty() ? KeyTable::kNone : keys_.find(text);
  if (key == KeyTable::kNone || !derived_->knows(key)) {
    if (text.empty() || derived_->is_full()) {
      ++dropped_;
      rows.set_dropped(row);
      return KeyTable::kNone;
    }
    key = keys_.intern(text);
  }
  derived_->hear(key, rows.view.times[row]);
  keys_.touch(key);
  return key;
}

void Map::on_idle(uint32_t key, EmissionBuffer& out) {
  if (!merged_ || !input_.time().is_idle(key)) return;
  if (merged_->leave(key)) push_move(out);
}

void Map::forget_key(uint32_t key, int64_t, EmissionBuffer& out) {
  if (merged_ && merged_->leave(key)) push_move(out);
}

void Map::begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms, EmissionBuffer&) {
  if (merged_) merged_->begin_anew(keys, limit_ms);
}

// The keys that are left are further on.
void Map::push_move(EmissionBuffer& out) {
  const uint32_t key = KeyTable::kNone;
  const int64_t watermark = merged_->watermark(key);
  const uint8_t present = 0;
  const double number = kNull;
  const uint32_t text = Interner::kNone;
  dictionary_.clear();
  Rows rows;
  rows.view = {1, &watermark, &key, {}, &dictionary_.texts()};
  rows.view.columns.assign(output_->schema().fields.size(), {&number, &text});
  rows.after = &watermark;
  rows.present = &present;
  output_->push(rows, out);
}

// ---- state

BlockStatus Map::status() const { return {options_.name, "map", passed_, 0, 0, 0, dropped_}; }

uint64_t Map::faults() const {
  const uint64_t arrays = explode_ ? explode_->faults() + array_.faults() : 0;
  return expressions_.faults() + arrays;
}

uint64_t Map::fingerprint() const {
  std::string text = "1/" + options_.where + '/' + options_.explode + '/' + options_.key;
  for (const auto& [alias, expression] : options_.select) {
    text.append("/").append(alias).append("=").append(expression);
  }
  return hash64(text + '<' + options_.from);
}

bool Map::save_key(uint32_t key, ByteWriter& out) const {
  const bool active = merged_ && merged_->is_active(key);
  const bool known = derived_ && derived_->knows(key);
  if (!active && !known) return false;
  out.fixed<uint8_t>(active);
  if (active) merged_->save_key(key, out);
  out.fixed<uint8_t>(known);
  if (known) derived_->save_key(key, out);
  return true;
}

void Map::load_key(uint32_t key, ByteReader& in) {
  const bool active = in.fixed<uint8_t>() != 0;
  if (active && merged_) merged_->load_key(key, in);
  const bool known = in.fixed<uint8_t>() != 0;
  if (known && derived_) derived_->load_key(key, in);
}

void Map::save_totals(ByteWriter& out) const {
  out.varint(passed_);
  out.varint(dropped_);
  if (merged_) merged_->save_totals(out);
}

void Map::load_totals(ByteReader& in) {
  passed_ = in.varint();
  dropped_ = in.varint();
  if (merged_) merged_->load_totals(in);
}

}  // namespace wayside
