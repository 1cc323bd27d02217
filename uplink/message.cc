#include "uplink/message.h"

#include <algorithm>

#include "base/text.h"

namespace wayside {
namespace {

void append_head(std::string_view id, std::string_view type, std::string_view origin_name,
                 std::string_view origin, std::string_view key, int64_t time_ms, bool clock_unset,
                 Envelope envelope, std::string& out) {
  out += '{';
  if (envelope == Envelope::kInside) {
    out += "\"id\":";
    append_json_string(out, id);
    out += ",\"type\":";
    append_json_string(out, type);
    out += ',';
  }
  out += '"';
  out += origin_name;
  out += "\":";
  append_json_string(out, origin);
  out += ",\"key\":";
  append_json_string(out, key);
  out += ",\"time\":";
  out += std::to_string(time_ms);
  if (clock_unset) out += R"(,"clock":"unset")";
}

void append_origin(const Emission& e, std::string& out) {
  if (e.cause.entry != 0) out.append(",\"cause\":\"").append(to_text(e.cause)).append("\"");
  if (e.config != 0) out.append(",\"config\":\"").append(version_digits(e.config)).append("\"");
}

void append_name(std::string_view name, std::string& out) {
  out += ",\"";
  out += name;  // names of the configuration need no escapes
  out += "\":";
}

}  // namespace

void append_json_value(const Value& value, std::string& out) {
  if (const double* number = std::get_if<double>(&value)) {
    append_json_number(out, *number);
  } else if (const bool* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const std::string* text = std::get_if<std::string>(&value)) {
    append_json_string(out, *text);
  } else {
    out += "null";
  }
}

void append_json(const Emission& e, std::string_view id, Envelope envelope, std::string& out) {
  append_head(id, e.type, "block", e.block, e.key, e.time_ms, e.clock_unset, envelope, out);
  if (envelope == Envelope::kInside) append_origin(e, out);
  for (const NamedValue& field : e.fields) {
    append_name(field.name, out);
    append_json_value(field.value, out);
  }
  out += '}';
}

void append_json(const ReadingBatch& batch, const Schema& schema, std::string_view source,
                 size_t row, bool clock_unset, std::string_view id, Envelope envelope,
                 std::string& out) {
  const uint32_t key = batch.keys()[row];
  append_head(id, "reading", "source", source,
              key == Interner::kNone ? std::string_view() : batch.texts.text(key), batch.times[row],
              clock_unset, envelope, out);
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    if (i == schema.key) continue;
    const Column& c = batch.columns[i];
    switch (schema.fields[i].type) {
      case FieldType::kText:
        if (c.texts[row] == Interner::kNone) continue;
        append_name(schema.fields[i].name, out);
        append_json_string(out, batch.texts.text(c.texts[row]));
        break;
      case FieldType::kBool:
        if (is_null(c.numbers[row])) continue;
        append_name(schema.fields[i].name, out);
        out += c.numbers[row] != 0 ? "true" : "false";
        break;
      case FieldType::kNumber:
        if (is_null(c.numbers[row])) continue;
        append_name(schema.fields[i].name, out);
        append_json_number(out, c.numbers[row]);
    }
  }
  out += '}';
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

std::string reading_id(std::string_view gateway, std::string_view epoch, uint64_t entry,
                       size_t place) {
  std::string id(gateway);
  id.append("/").append(epoch).append("/").append(std::to_string(entry));
  return id.append(".").append(std::to_string(place));
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
