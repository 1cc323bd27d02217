#include "pipeline/join.h"

#include "base/hash.h"
#include "pipeline/as_of_join.h"
#include "pipeline/interval_join.h"

namespace wayside {
namespace {

using Items = std::vector<ColumnExpressions::Item>;

// What is kept of the left readings: all but the key.
Items left_items(const Schema& left) {
  Items items;
  for (size_t i = 0; i < left.fields.size(); ++i) {
    const Field& field = left.fields[i];
    if (i != left.key) items.push_back({"from", field.name, 0, 0, field.type});
  }
  return items;
}

FieldType output_type(const Schema& schema, const std::string& expression) {
  const size_t column = schema.find(expression);
  return column < schema.fields.size() ? schema.fields[column].type : type_of(schema, expression);
}

// What is kept of the right readings; their names are added to `fields`, which are the left ones.
// False: one of them is taken.
bool add_right_items(const JoinOptions& options, const Schema& right, std::vector<Field>& fields,
                     Items& items, BlockError& error) {
  auto select = options.select;
  if (select.empty()) {
    for (size_t i = 0; i < right.fields.size(); ++i) {
      if (i != right.key) select.emplace_back(right.fields[i].name, right.fields[i].name);
    }
  }
  const Schema left{fields, 0};
  for (const auto& [alias, expression] : select) {
    if (left.find(alias) < left.fields.size()) {
      error.item = options.select.empty() ? "select" : "select." + alias;
      error.message = "'" + alias + "' is a field of '" + options.from +
                      "' already; choose another name: select = { " + options.with + "_" + alias +
                      " = \"" + expression + "\" }";
      return false;
    }
    const FieldType type = output_type(right, expression);
    fields.push_back({alias, type});
    items.push_back({"select." + alias, expression, 0, 0, type});
  }
  return true;
}

uint64_t fingerprint_of(const JoinOptions& o, const Schema& left, const Items& right) {
  std::string text = o.is_interval() ? "interval" : "as of";
  for (const Field& f : left.fields) text += "/" + f.name + ":" + std::to_string(int(f.type));
  for (const auto& item : right) {
    text += "/" + item.name + "=" + item.text + ":" + std::to_string(int(item.type));
  }
  return hash64(text + "<" + o.from + "<" + o.with);
}

}  // namespace

std::unique_ptr<Join> Join::make(const JoinOptions& options, std::vector<const Stream*> inputs,
                                 KeyTable& keys, ExpressionEngine& engine, uint32_t targets,
                                 BlockError& error) {
  std::unique_ptr<Join> join;
  if (options.is_interval()) {
    join = std::make_unique<IntervalJoin>(options, std::move(inputs), keys);
  } else {
    join = std::make_unique<AsOfJoin>(options, std::move(inputs), keys);
  }
  if (!join->compile(engine, targets, error)) return nullptr;
  return join;
}

bool Join::compile(ExpressionEngine& engine, uint32_t targets, BlockError& error) {
  const Schema& left = inputs_[kLeft]->schema();
  const Schema& right = inputs_[kRight]->schema();
  Schema schema = left;
  Items items;
  if (!add_right_items(options_, right, schema.fields, items, error) ||
      !sides_[kLeft].compile(engine, left, left_items(left), error) ||
      !sides_[kRight].compile(engine, right, items, error)) {
    return false;
  }
  fingerprint_ = fingerprint_of(options_, left, items);
  output_ = std::make_unique<StreamOutput>(
      StreamOutput::Shape{"join", options_.name, std::move(schema), targets}, *this, keys_);
  return true;
}

// ---- rows

void Join::add_pair(uint32_t key, int64_t time_ms, const std::string& left,
                    const std::string* right) {
  output_->begin_row(key, time_ms);
  sides_[kLeft].unpack(left, *output_);
  right ? sides_[kRight].unpack(*right, *output_) : sides_[kRight].add_nulls(*output_);
}

Join::Key& Join::state(uint32_t key) {
  if (key >= states_.size()) states_.resize(key + 1);
  return states_[key];
}

void Join::keep(uint32_t key, size_t input, int64_t time, size_t row) {
  state(key).readings[input].emplace(time, sides_[input].pack(row));
  ++kept_;
}

void Join::erase(uint32_t key, size_t input, Readings::iterator begin, Readings::iterator end) {
  Readings& readings = states_[key].readings[input];
  kept_ -= readings.size();
  readings.erase(begin, end);
  kept_ += readings.size();
}

std::vector<uint32_t> Join::keys_with_state() const {
  std::vector<uint32_t> keys;
  for (uint32_t key = 0; key < states_.size(); ++key) {
    const Key& s = states_[key];
    if (!s.readings[kLeft].empty() || !s.readings[kRight].empty()) keys.push_back(key);
  }
  keys_.sort_by_text(keys);
  return keys;
}

// ---- time

int64_t Join::watermark(uint32_t key) const {
  if (!by_key_) return watermark_;
  return key < states_.size() ? states_[key].watermark : kTimeMin;
}

void Join::set_watermark(uint32_t key, int64_t watermark) {
  (by_key_ ? state(key).watermark : watermark_) = watermark;
}

int64_t Join::input_watermark(Input input, size_t row_of, uint32_t key, int64_t after) const {
  return input == row_of ? after : inputs_[input]->time().watermark(key);
}

// ---- the end

void Join::forget_key(uint32_t key, int64_t, EmissionBuffer& out) {
  if (key >= states_.size()) return;
  output_->set_place(out.cause().place);
  drop(key);
  states_[key].watermark = kTimeMin;
  output_->flush(out);
}

void Join::evict_key(uint32_t key, EmissionBuffer& out) {
  const int64_t passed = watermark(key);
  forget_key(key, kTimeMin, out);
  if (by_key_) set_watermark(key, passed);
}

void Join::begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms, EmissionBuffer& out) {
  const bool all_ahead = !by_key_ && watermark_ > limit_ms;
  for (const uint32_t key : by_key_ ? keys : keys_with_state()) {
    Key& s = state(key);
    if (all_ahead || s.watermark > limit_ms) {
      drop(key);
      s.watermark = kTimeMin;
    } else {
      // The other input has held the watermark back: what it lets be open goes on.
      drop_ahead(key, limit_ms);
    }
    keys_.touch(key);
  }
  if (all_ahead) watermark_ = kTimeMin;
  output_->flush(out);
}

// ---- state

BlockStatus Join::status() const {
  BlockStatus status{options_.name, "join", output_->emitted(), kept_, late_};
  status.evicted = evicted_;
  return status;
}

bool Join::save_key(uint32_t key, ByteWriter& out) const {
  if (key >= states_.size()) return false;
  const Key& s = states_[key];
  if (s.readings[kLeft].empty() && s.readings[kRight].empty() && s.watermark == kTimeMin) {
    return false;
  }
  out.fixed(s.watermark);
  for (const Readings& readings : s.readings) {
    out.varint(readings.size());
    for (const auto& [time, bytes] : readings) {
      out.fixed(time);
      out.text(bytes);
    }
  }
  return true;
}

void Join::load_key(uint32_t key, ByteReader& in) {
  Key& s = state(key);
  s.watermark = in.fixed<int64_t>();
  for (Readings& readings : s.readings) {
    for (size_t n = in.count(9); n > 0; --n) {
      const auto time = in.fixed<int64_t>();
      readings.emplace(time, in.text());
    }
    kept_ += readings.size();
  }
}

void Join::save_totals(ByteWriter& out) const {
  out.fixed(watermark_);
  out.varint(output_->emitted());
  out.varint(late_);
  out.varint(evicted_);
}

void Join::load_totals(ByteReader& in) {
  watermark_ = in.fixed<int64_t>();
  output_->set_emitted(in.varint());
  late_ = in.varint();
  evicted_ = in.varint();
}

}  // namespace wayside
