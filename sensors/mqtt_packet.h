// MQTT 3.1.1 and 5 framing on bytes in memory (OASIS MQTT 3.1.1 section 2, MQTT 5.0 section 2). No
// I/O, nothing is copied, nothing is thrown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sensors/frame.h"

namespace wayside::mqtt {

enum class Type : uint8_t {
  kConnect = 1,
  kConnack = 2,
  kPublish = 3,
  kPuback = 4,
  kSuback = 9,
  kPingreq = 12,
  kPingresp = 13,
  kDisconnect = 14,
};

enum class Scan { kWhole, kPartial, kMalformed };

struct Packet {
  uint8_t first_byte = 0;
  size_t header_bytes = 0;
  size_t total_bytes = 0;  // known also for a partial packet once its length was read, else 0

  Type type() const { return static_cast<Type>(first_byte >> 4); }
  unsigned qos() const { return (first_byte >> 1) & 3; }
};

// Looks at the packet that begins at `bytes`.
Scan scan_packet(std::string_view bytes, Packet& packet);

enum class PublishError { kNone, kMalformed, kTopicAlias };

// `body` is the PUBLISH packet behind its fixed header. On an error the packet id is still set when
// it could be read, so that a QoS 1 message that is refused can be acknowledged and does not come
// again for ever.
PublishError parse_publish(uint8_t first_byte, std::string_view body, bool mqtt5, Frame& frame);

// Where the sender of a message wants the answer, and what it is to know it by (MQTT 5). Views into
// `properties`, which parse_publish() has found good; empty where there is none.
struct ReplyTo {
  std::string_view topic;
  std::string_view correlation;
};
ReplyTo reply_to(std::string_view properties);
// A message to ourselves, as it were: properties that reply_to() reads.
std::string properties_with(const ReplyTo& reply);

// Whether messages can have it: no wildcards, no zeros, UTF-8.
bool is_good_topic(std::string_view topic);

// CONNACK: return (3.1.1) or reason (5) code, 0 = accepted, and whether the broker kept our
// session.
struct Connack {
  bool ok = false;
  bool session_present = false;
  uint8_t code = 0;
};
Connack parse_connack(std::string_view body);

// What a CONNACK's code means, in words.
std::string_view connack_reason(uint8_t code, bool mqtt5);

}  // namespace wayside::mqtt
