#include "uplink/message.h"

#include <algorithm>
#include <charconv>

#include "base/release.h"
#include "base/text.h"

namespace wayside {
namespace {

// Puts a JSON text together: its many short pieces are gathered before they are appended.
class Pieces {
 public:
  explicit Pieces(std::string& out) : out_(out) {}
  ~Pieces() { flush(); }
  Pieces(const Pieces&) = delete;
  Pieces& operator=(const Pieces&) = delete;

  Pieces& raw(std::string_view piece) {
    if (piece.size() > sizeof buffer_ - used_) flush();
    if (piece.size() > sizeof buffer_) {
      out_.append(piece);
    } else {
      std::copy_n(piece.data(), piece.size(), buffer_ + used_);
      used_ += piece.size();
    }
    return *this;
  }
  Pieces& string(std::string_view text) {
    if (is_plain_in_json(text)) return raw("\"").raw(text).raw("\"");
    flush();
    append_json_string(out_, text);
    return *this;
  }
  Pieces& number(double number) {
    if (kJsonNumberMax > sizeof buffer_ - used_) flush();
    used_ = static_cast<size_t>(write_json_number(buffer_ + used_, number) - buffer_);
    return *this;
  }
  Pieces& boolean(bool flag) { return raw(flag ? "true" : "false"); }
  Pieces& value(const Value& value) {
    if (const double* real = std::get_if<double>(&value)) return number(*real);
    if (const bool* flag = std::get_if<bool>(&value)) return boolean(*flag);
    if (const std::string* text = std::get_if<std::string>(&value)) return string(*text);
    return raw("null");
  }
  // Names of the configuration need no escapes.
  Pieces& name(std::string_view name) { return raw(",\"").raw(name).raw("\":"); }

 private:
  void flush() {
    out_.append(buffer_, used_);
    used_ = 0;
  }

  std::string& out_;
  size_t used_ = 0;
  char buffer_[512];
};

void put_head(std::string_view id, std::string_view type, std::string_view origin_name,
              std::string_view origin, std::string_view key, int64_t time_ms, bool clock_unset,
              Envelope envelope, Pieces& out) {
  char digits[24];
  out.raw("{");
  if (envelope == Envelope::kInside) {
    // Names and digits: without escapes.
    out.raw("\"id\":\"").raw(id).raw("\"").name("type").string(type).raw(",");
  }
  out.raw("\"").raw(origin_name).raw("\":").string(origin).name("key").string(key);
  const char* end = std::to_chars(digits, digits + sizeof digits, time_ms).ptr;
  out.name("time").raw({digits, end});
  if (clock_unset) out.raw(R"(,"clock":"unset")");
}

void put_origin(const Emission& e, Pieces& out) {
  if (e.cause.entry != 0) out.name("cause").string(to_text(e.cause));
  if (e.config != 0) out.name("config").string(version_digits(e.config));
}

void put_field(const ReadingBatch& batch, const Field& field, const Column& column, size_t row,
               Pieces& out) {
  switch (field.type) {
    case FieldType::kText:
      if (column.texts[row] == Interner::kNone) return;
      out.name(field.name).string(batch.texts.text(column.texts[row]));
      return;
    case FieldType::kBool:
      if (!is_null(column.numbers[row])) out.name(field.name).boolean(column.numbers[row] != 0);
      return;
    case FieldType::kNumber:
      if (!is_null(column.numbers[row])) out.name(field.name).number(column.numbers[row]);
  }
}

}  // namespace

void Message::clear() {
  constexpr size_t kKept = 512;  // bytes of a value
  if (value.capacity() > kKept) release(value);
  for (std::string* text : {&id, &type, &block, &key, &value}) text->clear();
  time_ms = 0;
  clock_unset = waited = false;
  cause = {};
  config = 0;
}

Message& MessageBatch::add() {
  if (size_ == all_.size()) all_.emplace_back();
  return all_[size_++];
}

void MessageBatch::clear() {
  for (size_t i = 0; i < size_; ++i) all_[i].clear();
  size_ = 0;
}

void append_json_value(const Value& value, std::string& out) { Pieces(out).value(value); }

void append_json(const Emission& e, std::string_view id, Envelope envelope, std::string& out) {
  Pieces pieces(out);
  put_head(id, e.type, "block", e.block, e.key, e.time_ms, e.clock_unset, envelope, pieces);
  if (envelope == Envelope::kInside) put_origin(e, pieces);
  for (const NamedValue& field : e.fields) pieces.name(field.name).value(field.value);
  pieces.raw("}");
}

void append_json(const ReadingBatch& batch, const Schema& schema, std::string_view source,
                 size_t row, bool clock_unset, std::string_view id, Envelope envelope,
                 std::string& out) {
  Pieces pieces(out);
  const uint32_t key = batch.keys()[row];
  put_head(id, "reading", "source", source,
           key == Interner::kNone ? std::string_view() : batch.texts.text(key), batch.times[row],
           clock_unset, envelope, pieces);
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    if (i != schema.key) put_field(batch, schema.fields[i], batch.columns[i], row, pieces);
  }
  pieces.raw("}");
}

std::vector<ReadingPlace> reading_places(const Group& group) {
  std::vector<ReadingPlace> places;
  places.reserve(group.rows());
  for (const Turn& turn : group.turns) {
    for (const Slice& slice : turn.slices) {
      for (uint32_t row = slice.begin; row < slice.end; ++row) {
        const uint32_t place = slice.place + (row - slice.begin);
        places.push_back({slice.source, row, turn.now.clock == ClockState::kUnset, place});
      }
    }
  }
  return places;
}

std::vector<ReadingPlace>::const_iterator place_behind(const std::vector<ReadingPlace>& places,
                                                       uint64_t done) {
  return std::lower_bound(places.begin(), places.end(), done,
                          [](const ReadingPlace& p, uint64_t n) { return p.place < n; });
}

uint64_t forwarded_rows(const std::vector<uint64_t>& rows, const std::vector<bool>& forwarded) {
  uint64_t n = 0;
  for (size_t s = 0; s < std::min(rows.size(), forwarded.size()); ++s)
    n += forwarded[s] ? rows[s] : 0;
  return n;
}

std::string reading_id_head(std::string_view gateway, std::string_view epoch, uint64_t entry) {
  std::string head(gateway);
  return head.append("/").append(epoch).append("/").append(std::to_string(entry)).append(".");
}

std::string reading_id(std::string_view gateway, std::string_view epoch, uint64_t entry,
                       size_t place) {
  return reading_id_head(gateway, epoch, entry).append(std::to_string(place));
}

Emission as_emission(const ReadingBatch& batch, const Schema& schema, std::string_view source,
                     size_t row, bool clock_unset) {
  Emission e;
  e.clock_unset = clock_unset;
  e.type = "reading";
  e.block = source;
  if (uint32_t key = batch.keys()[row]; key != Interner::kNone) e.key = batch.texts.text(key);
  e.time_ms = batch.times[row];
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    const Column& c = batch.columns[i];
    if (i == schema.key) continue;
    if (schema.fields[i].type == FieldType::kText) {
      if (c.texts[row] == Interner::kNone) continue;
      e.fields.push_back({schema.fields[i].name, std::string(batch.texts.text(c.texts[row]))});
    } else if (!is_null(c.numbers[row])) {
      const bool flag = schema.fields[i].type == FieldType::kBool;
      e.fields.push_back(
          {schema.fields[i].name, flag ? Value(c.numbers[row] != 0) : Value(c.numbers[row])});
    }
  }
  return e;
}

}  // namespace wayside
