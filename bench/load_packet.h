// What the load generator has to understand of a subscriber's packets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/load_options.h"

namespace wayside::bench {

// Reads from the bytes of one packet that it borrows. A packet that ends too early ends the
// program.
class PacketReader {
 public:
  explicit PacketReader(std::string_view bytes) : bytes_(bytes) {}

  bool at_end() const { return bytes_.empty(); }
  std::string_view take(size_t size) {
    if (size > bytes_.size()) die("malformed packet from the subscriber");
    std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  uint8_t u8() { return static_cast<uint8_t>(take(1)[0]); }
  uint16_t u16() {
    uint16_t high = u8();
    return static_cast<uint16_t>(high << 8 | u8());
  }
  std::string_view text() { return take(u16()); }
  size_t varint() {
    size_t value = 0;
    for (int shift = 0; shift < 28; shift += 7) {
      uint8_t byte = u8();
      value |= static_cast<size_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    die("malformed length from the subscriber");
  }

 private:
  std::string_view bytes_;
};

// Reads the MQTT 5 properties of CONNECT or SUBSCRIBE (MQTT 5, 2.2.2.2); the Receive Maximum in
// them.
inline int64_t read_receive_maximum(PacketReader& packet) {
  int64_t receive_maximum = UINT16_MAX;
  size_t size = packet.varint();
  PacketReader in(packet.take(size));
  while (!in.at_end()) {
    uint8_t id = in.u8();
    if (id == 0x21) {
      receive_maximum = in.u16();
    } else if (id == 0x11 || id == 0x27) {  // session expiry, maximum packet size
      in.take(4);
    } else if (id == 0x22) {  // topic alias maximum
      in.take(2);
    } else if (id == 0x17 || id == 0x19) {  // problem information, response information
      in.take(1);
    } else if (id == 0x26) {  // user property
      in.text(), in.text();
    } else {  // a subscription identifier, say: it would have to be repeated in each PUBLISH
      die("unexpected MQTT 5 property " + std::to_string(id));
    }
  }
  return receive_maximum;
}

}  // namespace wayside::bench
