#include "sensors/sparkplug_payload.h"

#include <pb_decode.h>

#include <array>
#include <cstring>
#include <utility>

#include "base/bytes.h"

namespace wayside::sparkplug {
namespace {

constexpr std::string_view kNamespace = "spBv1.0";
constexpr const char* kCompressed = "SPBV1.0_COMPRESSED";  // the uuid of such a payload

// Field numbers of the schema.
constexpr uint32_t kPayloadTime = 1, kPayloadMetric = 2, kPayloadSequence = 3, kPayloadUuid = 4;
constexpr uint32_t kName = 1, kAlias = 2, kTime = 3, kType = 4, kHistorical = 5, kNull = 7;
constexpr uint32_t kInt = 10, kLong = 11, kFloat = 12, kDouble = 13, kBool = 14, kString = 15,
                   kBytes = 16, kExtension = 19;

constexpr std::array<std::pair<std::string_view, MessageType>, 6> kTypes{
    {{"NBIRTH", MessageType::kNodeBirth},
     {"NDATA", MessageType::kNodeData},
     {"NDEATH", MessageType::kNodeDeath},
     {"DBIRTH", MessageType::kDeviceBirth},
     {"DDATA", MessageType::kDeviceData},
     {"DDEATH", MessageType::kDeviceDeath}}};

std::string_view take_level(std::string_view& rest) {
  const size_t slash = rest.find('/');
  const std::string_view level = rest.substr(0, slash);
  rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  return level;
}

pb_istream_t stream_of(std::string_view bytes) {
  return pb_istream_from_buffer(reinterpret_cast<const pb_byte_t*>(bytes.data()), bytes.size());
}

// A view of a length-delimited value; a stream over a buffer keeps its place in `state`.
bool take_bytes(pb_istream_t& stream, std::string_view& bytes) {
  uint32_t size;
  if (!pb_decode_varint32(&stream, &size) || size > stream.bytes_left) return false;
  bytes = {static_cast<const char*>(stream.state), size};
  return pb_read(&stream, nullptr, size);
}

bool take_varint(pb_istream_t& stream, std::optional<uint64_t>& value) {
  return pb_decode_varint(&stream, &value.emplace());
}

bool take_flag(pb_istream_t& stream, bool& flag) {
  uint64_t value = 0;
  const bool good = pb_decode_varint(&stream, &value);
  flag = value != 0;
  return good;
}

bool take_value(pb_istream_t& stream, uint32_t tag, pb_wire_type_t wire, Metric& metric) {
  using Kind = Metric::Kind;
  float single = 0;
  bool flag = false;
  if ((tag == kInt || tag == kLong) && wire == PB_WT_VARINT) {
    metric.kind = Kind::kWhole;
    return pb_decode_varint(&stream, &metric.whole);
  }
  if (tag == kFloat && wire == PB_WT_32BIT) {
    metric.kind = Kind::kNumber;
    const bool good = pb_decode_fixed32(&stream, &single);
    metric.number = single;
    return good;
  }
  if (tag == kDouble && wire == PB_WT_64BIT) {
    metric.kind = Kind::kNumber;
    return pb_decode_fixed64(&stream, &metric.number);
  }
  if (tag == kBool && wire == PB_WT_VARINT) {
    metric.kind = Kind::kFlag;
    const bool good = take_flag(stream, flag);
    metric.number = flag;
    return good;
  }
  if (tag == kString && wire == PB_WT_STRING) {
    metric.kind = Kind::kText;
    return take_bytes(stream, metric.text);
  }
  if (tag >= kBytes && tag <= kExtension) metric.kind = Kind::kOther;
  return pb_skip_field(&stream, wire);
}

bool take_metric(pb_istream_t& stream, Metric& metric) {
  while (stream.bytes_left > 0) {
    pb_wire_type_t wire;
    uint32_t tag;
    bool end, good;
    if (!pb_decode_tag(&stream, &wire, &tag, &end)) return false;
    std::optional<uint64_t> type;
    if (tag == kName && wire == PB_WT_STRING) {
      good = take_bytes(stream, metric.name.emplace());
    } else if (tag == kAlias && wire == PB_WT_VARINT) {
      good = take_varint(stream, metric.alias);
    } else if (tag == kTime && wire == PB_WT_VARINT) {
      good = take_varint(stream, metric.time_ms);
    } else if (tag == kType && wire == PB_WT_VARINT) {
      good = take_varint(stream, type);
      metric.type = *type > UINT8_MAX ? UINT8_MAX : static_cast<uint32_t>(*type);
    } else if (tag == kHistorical && wire == PB_WT_VARINT) {
      good = take_flag(stream, metric.is_historical);
    } else if (tag == kNull && wire == PB_WT_VARINT) {
      good = take_flag(stream, metric.is_null);
    } else {
      good = take_value(stream, tag, wire, metric);
    }
    if (!good) return false;
  }
  return true;
}

}  // namespace

std::optional<Topic> parse_topic(std::string_view text) {
  std::string_view rest = text;
  if (take_level(rest) != kNamespace) return std::nullopt;
  Topic topic;
  topic.group = take_level(rest);
  const std::string_view type = take_level(rest);
  if (topic.group == "STATE") return topic;  // of a host
  topic.id = rest;
  topic.node = take_level(rest);
  topic.device = rest;
  if (type == "NCMD" || type == "DCMD") return topic;
  for (const auto& [name, value] : kTypes) {
    if (type == name) topic.type = value;
  }
  const bool of_device = type.starts_with('D');
  const bool good = topic.type && !topic.node.empty() && topic.device.empty() != of_device &&
                    topic.device.find('/') == std::string_view::npos;
  return good ? std::optional(topic) : std::nullopt;
}

Result<Head> read_head(std::string_view payload) {
  Head head;
  pb_istream_t stream = stream_of(payload);
  while (stream.bytes_left > 0) {
    pb_wire_type_t wire;
    uint32_t tag;
    bool end;
    bool good = pb_decode_tag(&stream, &wire, &tag, &end);
    std::string_view uuid;
    if (!good) {
    } else if (tag == kPayloadTime && wire == PB_WT_VARINT) {
      good = take_varint(stream, head.time_ms);
    } else if (tag == kPayloadSequence && wire == PB_WT_VARINT) {
      good = take_varint(stream, head.sequence);
    } else if (tag == kPayloadUuid && wire == PB_WT_STRING) {
      good = take_bytes(stream, uuid);
      head.is_compressed = uuid == kCompressed;
    } else {
      good = pb_skip_field(&stream, wire);
    }
    if (!good) return Error{ErrorCode::kBadData, PB_GET_ERROR(&stream)};
  }
  return head;
}

bool MetricReader::next(Metric& metric) {
  while (!left_.empty()) {
    pb_istream_t stream = stream_of(left_);
    pb_wire_type_t wire;
    uint32_t tag;
    bool end;
    std::string_view bytes;
    bool good = pb_decode_tag(&stream, &wire, &tag, &end);
    const bool is_metric = good && tag == kPayloadMetric && wire == PB_WT_STRING;
    good = good && (is_metric ? take_bytes(stream, bytes) : pb_skip_field(&stream, wire));
    left_.remove_prefix(left_.size() - stream.bytes_left);
    if (good && is_metric) {
      metric = {};
      stream = stream_of(bytes);
      if (take_metric(stream, metric)) return true;
      good = false;
    }
    if (good) continue;
    error_ = PB_GET_ERROR(&stream);
    return false;
  }
  return false;
}

std::optional<Whole> whole_of(uint32_t type, uint64_t value) {
  constexpr unsigned kWidest = 64;
  const bool is_signed = type >= kInt8 && type <= kInt64;
  const bool is_wide = type == kDateTime || type == kBoolean;
  if (!is_signed && !is_wide && (type < kUInt8 || type > kUInt64)) return std::nullopt;
  const unsigned bits = is_wide ? kWidest : 8u << ((type - kInt8) % 4);
  if (!is_signed) {
    return bits < kWidest && value >> bits != 0 ? std::nullopt : std::optional(Whole{false, value});
  }
  // In its own width, or extended to 32 or to 64 bits.
  const unsigned sent = bits == kWidest      ? kWidest
                        : value >> bits == 0 ? bits
                        : value >> 32 == 0   ? 32
                                             : kWidest;
  const auto number = static_cast<int64_t>(value << (kWidest - sent)) >> (kWidest - sent);
  if (number >> (bits - 1) != 0 && number >> (bits - 1) != -1) return std::nullopt;
  const bool is_negative = number < 0;
  const auto size = static_cast<uint64_t>(number);
  return Whole{is_negative, is_negative ? 0 - size : size};
}

std::string rebirth_request(int64_t now_ms) {
  const auto tag = [](uint32_t number, pb_wire_type_t wire) {
    return uint64_t{number << 3 | wire};
  };
  std::string metric, payload;
  ByteWriter of_metric(metric), of_payload(payload);
  of_metric.varint(tag(kName, PB_WT_STRING));
  of_metric.text("Node Control/Rebirth");
  of_metric.varint(tag(kTime, PB_WT_VARINT));
  of_metric.varint(static_cast<uint64_t>(now_ms));
  of_metric.varint(tag(kType, PB_WT_VARINT));
  of_metric.varint(kBoolean);
  of_metric.varint(tag(kBool, PB_WT_VARINT));
  of_metric.varint(1);
  of_payload.varint(tag(kPayloadTime, PB_WT_VARINT));
  of_payload.varint(static_cast<uint64_t>(now_ms));
  of_payload.varint(tag(kPayloadMetric, PB_WT_STRING));
  of_payload.text(metric);
  return payload;
}

}  // namespace wayside::sparkplug
