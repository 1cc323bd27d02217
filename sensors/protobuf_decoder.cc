#include "sensors/protobuf_decoder.h"

#include <pb_decode.h>

#include <cstring>
#include <unordered_map>

#include "base/text.h"
#include "sensors/row_writer.h"
#include "wayside.pb.h"

namespace wayside {
namespace {

struct Item {  // one `Field` message
  std::string_view name;
  std::string_view text;
  double number = kNull;
  int kind = 0;  // the tag of the value that was set
};

class ProtobufDecoder : public Decoder {
 public:
  ProtobufDecoder(const SourceOptions& source, size_t first_field) : writer_(source, first_field) {
    const std::vector<FieldOptions>& fields = writer_.fields();
    for (size_t i = 0; i < fields.size(); ++i) by_name_.emplace(fields[i].path, i);
  }

  bool decode(const Frame& message, const Now&, Readings& out, Refusal& refusal) override {
    auto bytes = reinterpret_cast<const pb_byte_t*>(message.payload.data());
    pb_istream_t stream = pb_istream_from_buffer(bytes, message.payload.size());
    Row& row = out.add();
    while (stream.bytes_left > 0) {
      pb_wire_type_t wire;
      uint32_t tag;
      bool end;
      if (!pb_decode_tag(&stream, &wire, &tag, &end)) return bad(stream, refusal);
      if (tag == wayside_Reading_time_ms_tag && wire == PB_WT_VARINT) {
        uint64_t time;
        if (!pb_decode_varint(&stream, &time)) return bad(stream, refusal);
        row.time_ms = static_cast<int64_t>(time);
        row.has_time = true;
      } else if (tag == wayside_Reading_fields_tag && wire == PB_WT_STRING) {
        Item item;
        if (!take_item(stream, item)) return bad(stream, refusal);
        if (!store(item, row, out, refusal)) return false;
      } else if (!pb_skip_field(&stream, wire)) {
        return bad(stream, refusal);
      }
    }
    return true;
  }

 private:
  static bool bad(const pb_istream_t& stream, Refusal& refusal) {
    refusal = {"bad_protobuf", PB_GET_ERROR(&stream)};
    return false;
  }

  // A view of the bytes of a length-delimited value. A stream over a buffer keeps its place in
  // `state`.
  static bool take_bytes(pb_istream_t& stream, std::string_view& bytes) {
    uint32_t size;
    if (!pb_decode_varint32(&stream, &size) || size > stream.bytes_left) return false;
    bytes = {static_cast<const char*>(stream.state), size};
    return pb_read(&stream, nullptr, size);
  }

  static bool take_item(pb_istream_t& stream, Item& item) {
    pb_istream_t inner;
    if (!pb_make_string_substream(&stream, &inner)) return false;
    bool good = true;
    while (good && inner.bytes_left > 0) {
      pb_wire_type_t wire;
      uint32_t tag;
      bool end;
      good = pb_decode_tag(&inner, &wire, &tag, &end);
      if (!good) break;
      if (tag == wayside_Field_name_tag && wire == PB_WT_STRING) {
        good = take_bytes(inner, item.name);
      } else if (tag == wayside_Field_text_tag && wire == PB_WT_STRING) {
        good = take_bytes(inner, item.text);
        item.kind = static_cast<int>(tag);
      } else if (tag == wayside_Field_number_tag && wire == PB_WT_64BIT) {
        good = pb_decode_fixed64(&inner, &item.number);
        item.kind = static_cast<int>(tag);
      } else if (tag == wayside_Field_flag_tag && wire == PB_WT_VARINT) {
        uint64_t flag = 0;
        good = pb_decode_varint(&inner, &flag);
        item.number = flag != 0;
        item.kind = static_cast<int>(tag);
      } else {
        good = pb_skip_field(&inner, wire);
      }
    }
    return pb_close_string_substream(&stream, &inner) && good;
  }

  bool store(const Item& item, Row& row, Readings& out, Refusal& refusal) const {
    const auto found = by_name_.find(item.name);
    if (found == by_name_.end()) return true;
    const size_t field = found->second;
    switch (item.kind) {
      case wayside_Field_number_tag:
        return is_null(item.number) || writer_.number(field, item.number, row, out, refusal);
      case wayside_Field_flag_tag:
        return writer_.flag(field, item.number != 0, row, refusal);
      case wayside_Field_text_tag:
        if (is_valid_utf8(item.text)) return writer_.text(field, item.text, row, refusal);
        refusal = {"bad_protobuf", "field '" + writer_.fields()[field].name + "' is not UTF-8"};
        return false;
      default:
        return true;  // no value
    }
  }

  RowWriter writer_;
  std::unordered_map<std::string_view, size_t> by_name_;  // views into the writer's fields
};

}  // namespace

std::unique_ptr<Decoder> make_protobuf_decoder(const SourceOptions& source, size_t first_field) {
  return std::make_unique<ProtobufDecoder>(source, first_field);
}

}  // namespace wayside
