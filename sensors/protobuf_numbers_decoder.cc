#include "sensors/protobuf_numbers_decoder.h"

#include <pb_decode.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "sensors/number_path.h"
#include "sensors/path_tree.h"
#include "sensors/row_writer.h"
#include "sensors/scalar.h"

namespace wayside {
namespace {

// The same with paths of numbers alone.
SourceOptions without_kinds(SourceOptions source) {
  const auto cut = [](std::string& path) { path.resize(std::min(path.find(':'), path.size())); };
  for (FieldOptions& f : source.fields) cut(f.path);
  cut(source.time_path);
  return source;
}

WireKind kind_in(const std::string& path) {
  const auto parsed = parse_number_path(path);
  return parsed ? parsed->kind : WireKind::kAny;
}

const char* to_text(pb_wire_type_t wire) {
  switch (wire) {
    case PB_WT_VARINT:
      return "a varint";
    case PB_WT_64BIT:
      return "8 bytes";
    case PB_WT_32BIT:
      return "4 bytes";
    default:
      return "bytes with a length";
  }
}

// How the values of a packed field of this kind lie there. Whether fixed ones have 4 bytes or 8 is
// not known.
std::optional<pb_wire_type_t> packed_wire(WireKind kind) {
  switch (kind) {
    case WireKind::kInt:
    case WireKind::kUint:
    case WireKind::kSint:
    case WireKind::kBool:
      return PB_WT_VARINT;
    case WireKind::kDouble:
      return PB_WT_64BIT;
    case WireKind::kFloat:
      return PB_WT_32BIT;
    default:
      return std::nullopt;
  }
}

class ProtobufNumbersDecoder : public Decoder {
 public:
  ProtobufNumbersDecoder(const SourceOptions& source, size_t first_field)
      : writer_(source, first_field),
        tree_(without_kinds(source), first_field),
        time_kind_(kind_in(source.time_path)) {
    for (const FieldOptions& f : source.fields) kinds_.push_back(kind_in(f.path));
  }

  bool decode(const Frame& message, const Now&, Readings& out, Refusal& refusal) override {
    out_ = &out;
    refusal_ = &refusal;
    is_broken_ = false;
    auto bytes = reinterpret_cast<const pb_byte_t*>(message.payload.data());
    pb_istream_t stream = pb_istream_from_buffer(bytes, message.payload.size());
    if (!tree_.has_each) return read(stream, tree_.root, out.add());
    beside_ = out.empty();
    if (!read(stream, tree_.root, beside_)) return false;
    tree_.complete(beside_, out);
    return true;
  }

 private:
  // It is no protobuf from there on.
  bool bad(const std::string& path, const char* fault) {
    is_broken_ = true;
    *refusal_ = {"bad_protobuf", (path.empty() ? "" : "'" + path + "': ") + fault};
    return false;
  }

  bool read(pb_istream_t& stream, const PathNode& node, Row& row) {
    while (stream.bytes_left > 0) {
      pb_wire_type_t wire;
      uint32_t number;
      bool end;
      if (!pb_decode_tag(&stream, &wire, &number, &end)) {
        return bad(node.path, PB_GET_ERROR(&stream));
      }
      if (number == 0) return bad(node.path, "a field has the number 0");
      const PathNode* member = node.find(int64_t{number});
      if (!member) {
        if (!pb_skip_field(&stream, wire)) return bad(node.path, PB_GET_ERROR(&stream));
      } else if (!take_member(stream, wire, *member, row)) {
        return false;
      }
    }
    return true;
  }

  bool take_member(pb_istream_t& stream, pb_wire_type_t wire, const PathNode& member, Row& row) {
    if (member.target >= 0) return take_field(stream, wire, member, row);
    if (member.target == PathNode::kTime) return take_time(stream, wire, member, row);
    pb_istream_t inner;
    if (!open(stream, wire, member, inner)) return false;
    const bool good =
        member.target == PathNode::kEach ? take_reading(inner) : read(inner, member, row);
    if (is_broken_) return false;
    return close(stream, inner, member) && good;  // refused or not, what follows it is read on
  }

  bool open(pb_istream_t& stream, pb_wire_type_t wire, const PathNode& member,
            pb_istream_t& inner) {
    if (wire != PB_WT_STRING) {
      *refusal_ = {"wrong_type", "'" + member.path + "' is not a message"};
      return false;
    }
    if (!pb_make_string_substream(&stream, &inner)) {
      return bad(member.path, PB_GET_ERROR(&stream));
    }
    return true;
  }

  // Passes over what is left of it.
  bool close(pb_istream_t& stream, pb_istream_t& inner, const PathNode& member) {
    if (pb_close_string_substream(&stream, &inner)) return true;
    return bad(member.path, PB_GET_ERROR(&stream));
  }

  // One with a value of a wrong type is refused alone; what is no protobuf refuses them all.
  bool take_reading(pb_istream_t& stream) {
    if (out_->is_full()) return too_many_readings(*out_, *refusal_);
    if (read(stream, tree_.element, out_->add())) return true;
    if (is_broken_) return false;
    out_->refuse(std::exchange(*refusal_, {}));
    return true;
  }

  // ---- values

  bool take_field(pb_istream_t& stream, pb_wire_type_t wire, const PathNode& member, Row& row) {
    const auto field = static_cast<size_t>(member.target);
    const FieldOptions& f = writer_.fields()[field];
    WireKind kind = kinds_[field];
    if (kind == WireKind::kAny && f.type == FieldType::kText && wire == PB_WT_STRING) {
      kind = WireKind::kString;
    }
    Scalar value;
    bool fits = false;
    if (!take_value(stream, wire, kind, member, value, fits)) return false;
    if (!fits) {
      *refusal_ = {"wrong_type", "field '" + f.name + "' " + misfit(wire, kind)};
      return false;
    }
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      if (kind == WireKind::kBytes) {
        value = out_->keep(hex_of(*text));
      } else if (!is_valid_utf8(*text)) {
        return bad(member.path, "the text is not UTF-8");
      }
    }
    return store(writer_, field, value, row, *out_, *refusal_);
  }

  bool take_time(pb_istream_t& stream, pb_wire_type_t wire, const PathNode& member, Row& row) {
    if (time_kind_ == WireKind::kTimestamp) return take_timestamp(stream, wire, member, row);
    const bool is_text = time_kind_ == WireKind::kAny && wire == PB_WT_STRING;
    Scalar value;
    bool fits = false;
    if (!take_value(stream, wire, is_text ? WireKind::kString : time_kind_, member, value, fits)) {
      return false;
    }
    if (fits) return store_time(writer_, value, row, *refusal_);
    *refusal_ = {"bad_time", "the time " + misfit(wire, time_kind_)};
    return false;
  }

  // What is left out of it is 0, as in each message.
  bool take_timestamp(pb_istream_t& stream, pb_wire_type_t wire, const PathNode& member, Row& row) {
    pb_istream_t inner;
    if (!open(stream, wire, member, inner)) return false;
    uint64_t parts[2] = {0, 0};  // seconds and nanoseconds
    while (inner.bytes_left > 0) {
      pb_wire_type_t part_wire;
      uint32_t number;
      bool end;
      if (!pb_decode_tag(&inner, &part_wire, &number, &end)) {
        return bad(member.path, PB_GET_ERROR(&inner));
      }
      const bool is_part = (number == 1 || number == 2) && part_wire == PB_WT_VARINT;
      if (is_part ? !pb_decode_varint(&inner, &parts[number - 1])
                  : !pb_skip_field(&inner, part_wire)) {
        return bad(member.path, PB_GET_ERROR(&inner));
      }
    }
    if (!close(stream, inner, member)) return false;
    const auto seconds = static_cast<int64_t>(parts[0]);
    const bool possible = seconds >= kPossibleMin / 1000 && seconds <= kPossibleMax / 1000;
    if (!possible || parts[1] > 999'999'999) {
      *refusal_ = {"bad_time", "the time is not a possible timestamp"};
      return false;
    }
    row.time_ms = seconds * 1000 + static_cast<int64_t>(parts[1] / 1'000'000);
    row.has_time = true;
    return true;
  }

  static std::string misfit(pb_wire_type_t wire, WireKind kind) {
    if (kind != WireKind::kAny) {
      return std::string("comes as ") + to_text(wire) + ", not as " + wayside::to_text(kind);
    }
    return std::string("comes as ") + to_text(wire) +
           ": give its path a kind, as in \"3:string\", or \"3:int\" for packed numbers";
  }

  // Of a packed field the last value counts, as of one that is repeated. `fits`: such a kind may
  // come so.
  bool take_value(pb_istream_t& stream, pb_wire_type_t wire, WireKind kind, const PathNode& member,
                  Scalar& value, bool& fits) {
    const auto packed = wire == PB_WT_STRING ? packed_wire(kind) : std::nullopt;
    if (!packed) {
      return take_one(stream, wire, kind, value, fits) || bad(member.path, PB_GET_ERROR(&stream));
    }
    pb_istream_t values;
    if (!open(stream, wire, member, values)) return false;
    fits = true;
    while (values.bytes_left > 0) {
      if (!take_one(values, *packed, kind, value, fits)) {
        return bad(member.path, PB_GET_ERROR(&values));
      }
    }
    return close(stream, values, member);
  }

  static bool take_one(pb_istream_t& stream, pb_wire_type_t wire, WireKind kind, Scalar& value,
                       bool& fits) {
    switch (wire) {
      case PB_WT_VARINT:
        return take_varint(stream, kind, value, fits);
      case PB_WT_64BIT: {
        uint64_t raw = 0;
        if (!pb_decode_fixed64(&stream, &raw)) return false;
        fits = take_fixed(raw, kind, WireKind::kDouble, value);
        return true;
      }
      case PB_WT_32BIT: {
        uint32_t raw = 0;
        if (!pb_decode_fixed32(&stream, &raw)) return false;
        fits = take_fixed(raw, kind, WireKind::kFloat, value);
        return true;
      }
      case PB_WT_STRING:
        fits = kind == WireKind::kString || kind == WireKind::kBytes;
        return fits ? take_bytes(stream, value) : pb_skip_field(&stream, wire);
      default:
        return pb_skip_field(&stream, wire);  // a group, which says so
    }
  }

  static bool take_varint(pb_istream_t& stream, WireKind kind, Scalar& value, bool& fits) {
    uint64_t raw = 0;
    if (!pb_decode_varint(&stream, &raw)) return false;
    fits = true;
    if (kind == WireKind::kAny || kind == WireKind::kInt) {
      value = static_cast<int64_t>(raw);
    } else if (kind == WireKind::kUint) {
      value = raw;
    } else if (kind == WireKind::kSint) {
      value = unzigzag(raw);
    } else if (kind == WireKind::kBool) {
      value = raw != 0;
    } else {
      fits = false;
    }
    return true;
  }

  // `Raw` has the width that came, `real` is the kind of its floating point numbers.
  template <class Raw>
  static bool take_fixed(Raw raw, WireKind kind, WireKind real, Scalar& value) {
    using Signed = std::make_signed_t<Raw>;
    using Real = std::conditional_t<sizeof(Raw) == 8, double, float>;
    if (kind == WireKind::kAny || kind == real) {
      value = static_cast<double>(std::bit_cast<Real>(raw));
    } else if (kind == WireKind::kFixed) {
      value = uint64_t{raw};
    } else if (kind == WireKind::kSfixed) {
      value = int64_t{static_cast<Signed>(raw)};
    } else {
      return false;
    }
    return true;
  }

  // A view of them. A stream over a buffer keeps its place in `state`.
  static bool take_bytes(pb_istream_t& stream, Scalar& value) {
    uint32_t size;
    if (!pb_decode_varint32(&stream, &size)) return false;
    value = std::string_view(static_cast<const char*>(stream.state),
                             std::min<size_t>(size, stream.bytes_left));
    return pb_read(&stream, nullptr, size);
  }

  RowWriter writer_;
  PathTree tree_;
  WireKind time_kind_;
  std::vector<WireKind> kinds_;  // of each field
  // Of the message that is being read.
  Readings* out_ = nullptr;
  Refusal* refusal_ = nullptr;
  Row beside_;
  bool is_broken_ = false;
};

}  // namespace

std::unique_ptr<Decoder> make_protobuf_numbers_decoder(const SourceOptions& source,
                                                       size_t first_field) {
  return std::make_unique<ProtobufNumbersDecoder>(source, first_field);
}

}  // namespace wayside
