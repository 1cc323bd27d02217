// MQTT packets as bytes, for tests that play the broker or Paho.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wayside::mqtt_bytes {

inline std::string u16(size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
inline std::string text(std::string_view value) { return u16(value.size()) + std::string(value); }

inline std::string length(size_t value) {
  std::string out;
  do {
    out.push_back(static_cast<char>((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
    value >>= 7;
  } while (value > 0);
  return out;
}

inline std::string packet(uint8_t first_byte, std::string_view body) {
  return static_cast<char>(first_byte) + length(body.size()) + std::string(body);
}

struct PublishParts {
  std::string_view topic;
  std::string_view payload;
  int qos = 1;
  uint16_t id = 1;
  bool duplicate = false;
  bool retained = false;
};

inline uint8_t first_byte(const PublishParts& p) {
  return static_cast<uint8_t>(0x30 | (p.duplicate ? 8 : 0) | p.qos << 1 | (p.retained ? 1 : 0));
}
inline std::string publish_body(const PublishParts& p) {
  return text(p.topic) + (p.qos > 0 ? u16(p.id) : "") + std::string(p.payload);
}
inline std::string publish(const PublishParts& p) { return packet(first_byte(p), publish_body(p)); }

inline std::string publish_body5(const PublishParts& p, std::string_view properties = "") {
  return text(p.topic) + (p.qos > 0 ? u16(p.id) : "") + length(properties.size()) +
         std::string(properties) + std::string(p.payload);
}
inline std::string publish5(const PublishParts& p, std::string_view properties = "") {
  return packet(first_byte(p), publish_body5(p, properties));
}

inline std::string connect(int level) {
  std::string body = text("MQTT") + static_cast<char>(level) + '\x02' + u16(60);
  if (level == 5) body += '\0';  // no properties
  return packet(0x10, body + text("gateway"));
}
inline std::string connack(bool mqtt5, bool session_present, uint8_t code = 0) {
  std::string body{static_cast<char>(session_present), static_cast<char>(code)};
  if (mqtt5) body += '\0';
  return packet(0x20, body);
}
inline std::string puback(uint16_t id) { return packet(0x40, u16(id)); }
inline std::string suback(uint16_t id) { return packet(0x90, u16(id) + '\x01'); }
inline std::string pingreq() { return packet(0xc0, ""); }
inline std::string pingresp() { return packet(0xd0, ""); }
inline std::string disconnect() { return packet(0xe0, ""); }

}  // namespace wayside::mqtt_bytes
