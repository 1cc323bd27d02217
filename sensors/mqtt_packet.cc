#include "sensors/mqtt_packet.h"

#include <utility>

#include "base/text.h"

namespace wayside::mqtt {
namespace {

class Cursor {
 public:
  explicit Cursor(std::string_view in) : in_(in) {}
  bool ok() const { return ok_; }
  std::string_view rest() const { return in_; }

  std::string_view bytes(size_t n) {
    if (n > in_.size()) {
      ok_ = false;
      return {};
    }
    std::string_view taken = in_.substr(0, n);
    in_.remove_prefix(n);
    return taken;
  }
  uint8_t byte() {
    std::string_view one = bytes(1);
    return one.empty() ? 0 : static_cast<uint8_t>(one[0]);
  }
  uint16_t u16() {
    std::string_view two = bytes(2);
    return two.empty() ? 0 : static_cast<uint16_t>(uint8_t(two[0]) << 8 | uint8_t(two[1]));
  }
  std::string_view text() { return bytes(u16()); }
  uint32_t varint() {
    uint32_t value = 0;
    for (int shift = 0; shift < 28; shift += 7) {
      uint8_t b = byte();
      value |= static_cast<uint32_t>(b & 0x7f) << shift;
      if (b < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }

 private:
  std::string_view in_;
  bool ok_ = true;
};

constexpr uint8_t kResponseTopic = 0x08;
constexpr uint8_t kCorrelationData = 0x09;

// Properties that a PUBLISH to a client may carry (MQTT 5.0 section 3.3.2.3).
PublishError check_properties(std::string_view properties, ReplyTo& reply) {
  Cursor c(properties);
  while (c.ok() && !c.rest().empty()) {
    switch (c.byte()) {
      case 0x01:
        c.bytes(1);
        break;  // payload format indicator
      case 0x02:
        c.bytes(4);
        break;    // message expiry interval
      case 0x03:  // content type
        c.text();
        break;
      case kResponseTopic:
        reply.topic = c.text();
        break;
      case kCorrelationData:
        reply.correlation = c.text();
        break;
      case 0x0b:
        c.varint();
        break;  // subscription identifier
      case 0x23:
        return PublishError::kTopicAlias;
      case 0x26:
        c.text(), c.text();
        break;  // user property
      default:
        return PublishError::kMalformed;
    }
  }
  return c.ok() ? PublishError::kNone : PublishError::kMalformed;
}

}  // namespace

bool is_good_topic(std::string_view topic) {
  if (topic.empty()) return false;
  bool ascii = true;
  for (char ch : topic) {
    auto c = static_cast<uint8_t>(ch);
    if (c == '#' || c == '+' || c == 0) return false;
    ascii &= c < 0x80;
  }
  return ascii || is_valid_utf8(topic);
}

ReplyTo reply_to(std::string_view properties) {
  ReplyTo reply;
  if (check_properties(properties, reply) != PublishError::kNone) return {};
  return reply;
}

std::string properties_with(const ReplyTo& reply) {
  std::string out;
  for (const auto& [kind, text] :
       {std::pair{kResponseTopic, reply.topic}, {kCorrelationData, reply.correlation}}) {
    out += static_cast<char>(kind);
    out += static_cast<char>(text.size() >> 8);
    out += static_cast<char>(text.size() & 0xff);
    out += text;
  }
  return out;
}

Scan scan_packet(std::string_view bytes, Packet& packet) {
  packet = {};
  if (bytes.empty()) return Scan::kPartial;
  packet.first_byte = static_cast<uint8_t>(bytes[0]);
  if (packet.first_byte >> 4 == 0) return Scan::kMalformed;
  size_t length = 0;
  for (size_t i = 1; i <= 4; ++i) {
    if (i == bytes.size()) return Scan::kPartial;
    auto b = static_cast<uint8_t>(bytes[i]);
    length |= static_cast<size_t>(b & 0x7f) << (7 * (i - 1));
    if (b >= 0x80) continue;
    packet.header_bytes = i + 1;
    packet.total_bytes = i + 1 + length;
    return bytes.size() >= packet.total_bytes ? Scan::kWhole : Scan::kPartial;
  }
  return Scan::kMalformed;
}

PublishError parse_publish(uint8_t first_byte, std::string_view body, bool mqtt5, Frame& frame) {
  Cursor c(body);
  frame = {};
  unsigned qos = (first_byte >> 1) & 3;
  frame.duplicate = first_byte & 8;
  frame.topic = c.text();
  if (qos > 0) frame.packet_id = c.u16();
  if (!c.ok() || qos == 3 || (qos > 0 && frame.packet_id == 0)) return PublishError::kMalformed;
  if (mqtt5) {
    const std::string_view properties = c.bytes(c.varint());
    ReplyTo reply;
    if (!c.ok()) return PublishError::kMalformed;
    if (auto error = check_properties(properties, reply); error != PublishError::kNone)
      return error;
    frame.properties = properties;
  }
  if (!is_good_topic(frame.topic)) return PublishError::kMalformed;
  frame.payload = c.rest();
  return PublishError::kNone;
}

Connack parse_connack(std::string_view body) {
  if (body.size() < 2) return {};
  return {true, (body[0] & 1) != 0, static_cast<uint8_t>(body[1])};
}

std::string_view connack_reason(uint8_t code, bool mqtt5) {
  if (!mqtt5) {
    switch (code) {
      case 1:
        return "the broker does not speak this MQTT version";
      case 2:
        return "the broker refuses this client id";
      case 3:
        return "the broker is not available";
      case 4:
        return "bad user name or password";
      case 5:
        return "not authorised";
      default:
        return "refused";
    }
  }
  switch (code) {
    case 0x84:
      return "the broker does not speak this MQTT version";
    case 0x85:
      return "the broker refuses this client id";
    case 0x86:
      return "bad user name or password";
    case 0x87:
      return "not authorised";
    case 0x88:
      return "the broker is not available";
    case 0x89:
      return "the broker is busy";
    case 0x8a:
      return "banned";
    case 0x97:
      return "quota exceeded";
    default:
      return "refused";
  }
}

}  // namespace wayside::mqtt
