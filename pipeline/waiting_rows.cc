#include "pipeline/waiting_rows.h"

namespace wayside {

std::string WaitingRows::pack(const Schema& schema, const BatchView& view, size_t row) {
  std::string bytes;
  ByteWriter out(bytes);
  for (size_t c = 0; c < schema.fields.size(); ++c) {
    if (schema.fields[c].type != FieldType::kText) {
      out.fixed(view.columns[c].numbers[row]);
      continue;
    }
    const uint32_t id = view.columns[c].texts[row];
    out.fixed<uint8_t>(id != Interner::kNone);
    if (id != Interner::kNone) out.text(view.texts->text(id));
  }
  return bytes;
}

void WaitingRows::unpack(const Schema& schema, std::string_view bytes, ReadingBatch& batch) {
  ByteReader in(bytes);
  for (size_t c = 0; c < schema.fields.size(); ++c) {
    if (schema.fields[c].type != FieldType::kText) {
      batch.columns[c].numbers.push_back(in.fixed<double>());
    } else {
      const bool there = in.fixed<uint8_t>() != 0;
      batch.columns[c].texts.push_back(there ? batch.texts.intern(in.text()) : Interner::kNone);
    }
  }
}

bool WaitingRows::is_packed(const Schema& schema, std::string_view bytes) {
  ByteReader in(bytes);
  for (const Field& field : schema.fields) {
    if (field.type != FieldType::kText) {
      in.fixed<double>();
    } else if (in.fixed<uint8_t>() != 0) {
      in.text();
    }
  }
  return in.ok() && in.left() == 0;
}

void WaitingRows::add(uint32_t key, int64_t time_ms, std::string bytes) {
  if (key >= keys_.size()) keys_.resize(key + 1);
  const bool is_first = time_ms < first_time(key);
  if (is_first) unmark(key);
  keys_[key].emplace(Place{time_ms, arrived_++}, std::move(bytes));
  ++size_;
  if (is_first) mark(key);
}

int64_t WaitingRows::first_time(uint32_t key) const {
  return empty(key) ? kTimeMax : keys_[key].begin()->first.time_ms;
}

int64_t WaitingRows::last_time(uint32_t key) const {
  return empty(key) ? kTimeMax : keys_[key].rbegin()->first.time_ms;
}

int64_t WaitingRows::first_time() const {
  return firsts_.empty() ? kTimeMax : firsts_.begin()->first.time_ms;
}

WaitingRows::Row WaitingRows::take_first(uint32_t key) {
  unmark(key);
  const auto first = keys_[key].begin();
  Row row{key, first->first.time_ms, std::move(first->second)};
  keys_[key].erase(first);
  --size_;
  mark(key);
  return row;
}

WaitingRows::Row WaitingRows::take_first() { return take_first(firsts_.begin()->second); }

void WaitingRows::mark(uint32_t key) {
  if (over_all_keys_ && !empty(key)) firsts_.emplace(keys_[key].begin()->first, key);
}

void WaitingRows::unmark(uint32_t key) {
  if (over_all_keys_ && !empty(key)) firsts_.erase({keys_[key].begin()->first, key});
}

std::vector<uint32_t> WaitingRows::keys() const {
  std::vector<uint32_t> keys;
  for (uint32_t key = 0; key < keys_.size(); ++key) {
    if (!keys_[key].empty()) keys.push_back(key);
  }
  return keys;
}

void WaitingRows::save_key(uint32_t key, ByteWriter& out) const {
  out.varint(size(key));
  if (empty(key)) return;
  for (const auto& [place, bytes] : keys_[key]) {
    out.fixed(place.time_ms);
    out.varint(place.number);
    out.text(bytes);
  }
}

void WaitingRows::load_key(uint32_t key, const Schema& schema, ByteReader& in) {
  if (key >= keys_.size()) keys_.resize(key + 1);
  for (size_t n = in.count(10); n > 0 && in.ok(); --n) {
    const auto time_ms = in.fixed<int64_t>();
    const uint64_t number = in.varint();
    const std::string_view bytes = in.text();
    if (!is_packed(schema, bytes)) in.fail();
    keys_[key].emplace(Place{time_ms, number}, std::string(bytes));
    ++size_;
  }
  mark(key);
}

}  // namespace wayside
