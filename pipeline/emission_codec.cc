#include "pipeline/emission_codec.h"

#include <pb_decode.h>
#include <pb_encode.h>

#include "wayside.pb.h"

namespace wayside {
namespace {

bool append_bytes(pb_ostream_t* stream, const pb_byte_t* bytes, size_t count) {
  static_cast<std::string*>(stream->state)->append(reinterpret_cast<const char*>(bytes), count);
  return true;
}

pb_ostream_t stream_into(std::string& out) { return {append_bytes, &out, SIZE_MAX, 0, nullptr}; }

void put_text(pb_ostream_t& stream, uint32_t tag, std::string_view text) {
  pb_encode_tag(&stream, PB_WT_STRING, tag);
  pb_encode_string(&stream, reinterpret_cast<const pb_byte_t*>(text.data()), text.size());
}

void put_value(pb_ostream_t& stream, const Value& value) {
  if (const double* number = std::get_if<double>(&value)) {
    pb_encode_tag(&stream, PB_WT_64BIT, wayside_Field_number_tag);
    pb_encode_fixed64(&stream, number);
  } else if (const bool* flag = std::get_if<bool>(&value)) {
    pb_encode_tag(&stream, PB_WT_VARINT, wayside_Field_flag_tag);
    pb_encode_varint(&stream, *flag);
  } else if (const std::string* text = std::get_if<std::string>(&value)) {
    put_text(stream, wayside_Field_text_tag, *text);
  }
}

// nanopb reads a buffer from the pointer in `state`.
bool take_bytes(pb_istream_t& stream, std::string& out) {
  uint32_t size;
  if (!pb_decode_varint32(&stream, &size) || size > stream.bytes_left) return false;
  out.assign(static_cast<const char*>(stream.state), size);
  return pb_read(&stream, nullptr, size);
}

// The wire type that encode_emission() gives a field; those of a later version may have any.
bool is_field_wire(uint32_t tag, pb_wire_type_t wire) {
  switch (tag) {
    case wayside_Field_name_tag:
    case wayside_Field_text_tag:
      return wire == PB_WT_STRING;
    case wayside_Field_number_tag:
      return wire == PB_WT_64BIT;
    case wayside_Field_flag_tag:
      return wire == PB_WT_VARINT;
    default:
      return true;
  }
}

bool is_emission_wire(uint32_t tag, pb_wire_type_t wire) {
  switch (tag) {
    case wayside_Emission_time_ms_tag:
    case wayside_Emission_cause_entry_tag:
    case wayside_Emission_cause_place_tag:
      return wire == PB_WT_VARINT;
    case wayside_Emission_config_tag:
      return wire == PB_WT_32BIT;
    default:
      return tag > wayside_Emission_config_tag || wire == PB_WT_STRING;
  }
}

bool wrong_wire(pb_istream_t* stream) { PB_RETURN_ERROR(stream, "wrong wire type"); }

bool take_field(pb_istream_t& stream, NamedValue& field) {
  pb_istream_t inner;
  if (!pb_make_string_substream(&stream, &inner)) return false;
  pb_wire_type_t wire;
  uint32_t tag;
  bool end = false;
  bool good = true;
  while (good && inner.bytes_left > 0 && (good = pb_decode_tag(&inner, &wire, &tag, &end))) {
    double number = 0;
    uint64_t flag = 0;
    std::string text;
    if (!is_field_wire(tag, wire)) {
      good = wrong_wire(&inner);
      break;
    }
    switch (tag) {
      case wayside_Field_name_tag:
        good = take_bytes(inner, field.name);
        break;
      case wayside_Field_number_tag:
        good = pb_decode_fixed64(&inner, &number);
        field.value = number;
        break;
      case wayside_Field_text_tag:
        good = take_bytes(inner, text);
        field.value = std::move(text);
        break;
      case wayside_Field_flag_tag:
        good = pb_decode_varint(&inner, &flag);
        field.value = flag != 0;
        break;
      default:
        good = pb_skip_field(&inner, wire);
    }
  }
  return pb_close_string_substream(&stream, &inner) && good;
}

void put_said(const Emission& emission, std::string& out) {
  pb_ostream_t stream = stream_into(out);
  put_text(stream, wayside_Emission_type_tag, emission.type);
  put_text(stream, wayside_Emission_block_tag, emission.block);
  put_text(stream, wayside_Emission_key_tag, emission.key);
  pb_encode_tag(&stream, PB_WT_VARINT, wayside_Emission_time_ms_tag);
  pb_encode_varint(&stream, static_cast<uint64_t>(emission.time_ms));
  if (emission.clock_unset) {
    put_text(stream, wayside_Emission_clock_tag, to_text(ClockState::kUnset));
  }
  std::string field_bytes;
  for (const NamedValue& field : emission.fields) {
    field_bytes.clear();
    pb_ostream_t inner = stream_into(field_bytes);
    put_text(inner, wayside_Field_name_tag, field.name);
    put_value(inner, field.value);
    put_text(stream, wayside_Emission_fields_tag, field_bytes);
  }
}

void put_origin(const Emission& emission, std::string& out) {
  pb_ostream_t stream = stream_into(out);
  if (emission.cause.entry != 0) {
    pb_encode_tag(&stream, PB_WT_VARINT, wayside_Emission_cause_entry_tag);
    pb_encode_varint(&stream, emission.cause.entry);
    if (emission.cause.place != Cause::kNoReading) {
      pb_encode_tag(&stream, PB_WT_VARINT, wayside_Emission_cause_place_tag);
      pb_encode_varint(&stream, emission.cause.place);
    }
  }
  if (emission.config != 0) {
    pb_encode_tag(&stream, PB_WT_32BIT, wayside_Emission_config_tag);
    pb_encode_fixed32(&stream, &emission.config);
  }
}

}  // namespace

void encode_emission(const Emission& emission, std::string& out) {
  put_said(emission, out);
  put_origin(emission, out);
}

std::string with_id(std::string_view id, std::string_view message) {
  std::string whole;
  pb_ostream_t stream = stream_into(whole);
  put_text(stream, wayside_Emission_id_tag, id);
  whole += message;
  return whole;
}

Result<Emission> decode_emission(std::string_view message) {
  Emission e;
  pb_istream_t stream =
      pb_istream_from_buffer(reinterpret_cast<const pb_byte_t*>(message.data()), message.size());
  pb_wire_type_t wire;
  uint32_t tag;
  bool end = false;
  bool good = true;
  while (good && stream.bytes_left > 0 && (good = pb_decode_tag(&stream, &wire, &tag, &end))) {
    uint64_t time = 0;
    std::string clock;
    if (!is_emission_wire(tag, wire)) {
      good = wrong_wire(&stream);
      break;
    }
    switch (tag) {
      case wayside_Emission_type_tag:
        good = take_bytes(stream, e.type);
        break;
      case wayside_Emission_block_tag:
        good = take_bytes(stream, e.block);
        break;
      case wayside_Emission_key_tag:
        good = take_bytes(stream, e.key);
        break;
      case wayside_Emission_time_ms_tag:
        good = pb_decode_varint(&stream, &time);
        e.time_ms = static_cast<int64_t>(time);
        break;
      case wayside_Emission_clock_tag:
        good = take_bytes(stream, clock);
        e.clock_unset = clock == to_text(ClockState::kUnset);
        break;
      case wayside_Emission_cause_entry_tag:
        good = pb_decode_varint(&stream, &e.cause.entry);
        break;
      case wayside_Emission_cause_place_tag:
        good = pb_decode_varint32(&stream, &e.cause.place);
        break;
      case wayside_Emission_config_tag:
        good = pb_decode_fixed32(&stream, &e.config);
        break;
      case wayside_Emission_fields_tag:
        good = take_field(stream, e.fields.emplace_back());
        break;
      default:
        good = pb_skip_field(&stream, wire);
    }
  }
  if (!good) return Error{ErrorCode::kBadData, std::string("emission: ") + PB_GET_ERROR(&stream)};
  return e;
}

namespace {

template <class Put>
Digest digest_by(std::span<const Emission> emissions, Put put_place) {
  std::string bytes;
  for (const Emission& e : emissions) {
    bytes += std::to_string(e.sequence) + '/';
    put_place(e, bytes);
    bytes += std::to_string(static_cast<int>(e.lane)) + '/';
    put_said(e, bytes);
  }
  return sha256_16({bytes});
}

}  // namespace

Digest digest_of(std::span<const Emission> emissions) {
  return digest_by(emissions, [](const Emission&, std::string&) {});
}

Digest digest_with_targets(std::span<const Emission> emissions) {
  return digest_by(emissions, [](const Emission& e, std::string& bytes) {
    bytes += std::to_string(e.targets) + '/';
  });
}

}  // namespace wayside
