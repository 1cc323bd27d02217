#include "pipeline/lookup_contents.h"

#include "base/bytes.h"

namespace wayside {
namespace {

enum Cell : uint8_t { kNothing, kNumberCell, kTextCell };

void encode_cell(const Value& value, ByteWriter& out) {
  if (const auto* number = std::get_if<double>(&value)) {
    out.fixed<uint8_t>(kNumberCell);
    out.fixed(*number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    out.fixed<uint8_t>(kTextCell);
    out.text(*text);
  } else {
    out.fixed<uint8_t>(kNothing);
  }
}

Value decode_cell(ByteReader& in) {
  const auto kind = in.fixed<uint8_t>();
  if (kind == kNumberCell) return in.fixed<double>();
  if (kind == kTextCell) return std::string(in.text());
  return {};
}

}  // namespace

std::string LookupContents::encode() const {
  std::string bytes;
  ByteWriter out(bytes);
  out.varint(columns.size());
  for (const Field& column : columns) {
    out.text(column.name);
    out.fixed<uint8_t>(column.type == FieldType::kText);
  }
  out.varint(keys.size());
  for (const std::string& key : keys) out.text(key);
  for (const auto& column : cells) {
    for (const Value& value : column) encode_cell(value, out);
  }
  for (const int64_t since_ms : since) out.fixed(since_ms);
  return bytes;
}

Result<LookupContents> LookupContents::decode(std::string_view bytes) {
  ByteReader in(bytes);
  LookupContents made;
  for (size_t n = in.count(2); n > 0; --n) {
    std::string name(in.text());
    made.columns.push_back(
        {std::move(name), in.fixed<uint8_t>() != 0 ? FieldType::kText : FieldType::kNumber});
  }
  made.keys.resize(in.count(1 + made.columns.size()));
  for (std::string& key : made.keys) key = in.text();
  for (size_t c = 0; c < made.columns.size(); ++c) {
    made.cells.emplace_back();
    for (size_t row = 0; row < made.keys.size(); ++row) {
      made.cells.back().push_back(decode_cell(in));
    }
  }
  if (in.left() > 0) made.since.resize(made.keys.size());
  for (int64_t& since_ms : made.since) since_ms = in.fixed<int64_t>();
  if (!in.ok() || in.left() != 0)
    return Error{ErrorCode::kBadData, "contents of a look-up are damaged"};
  return made;
}

}  // namespace wayside
