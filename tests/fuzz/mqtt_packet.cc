// What a broker may send: a stream of packets, cut as the relay cuts it.
#include "sensors/mqtt_packet.h"

#include <cstdint>
#include <cstdlib>

#include "sensors/topic.h"

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

bool is_inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  static const TopicPattern pattern = *TopicPattern::parse("fleet/{vehicle}/+/{what}/#");
  if (size == 0) return 0;
  const bool mqtt5 = data[0] & 1;
  std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<std::string_view> levels;
  mqtt::Packet packet;
  while (mqtt::scan_packet(stream, packet) == mqtt::Scan::kWhole) {
    require(packet.total_bytes >= packet.header_bytes && packet.total_bytes <= stream.size());
    require(packet.header_bytes >= 2);
    const auto body = stream.substr(packet.header_bytes, packet.total_bytes - packet.header_bytes);
    if (packet.type() == mqtt::Type::kPublish) {
      Frame frame;
      if (mqtt::parse_publish(packet.first_byte, body, mqtt5, frame) == mqtt::PublishError::kNone) {
        require(!frame.topic.empty() && is_inside(frame.topic, body) &&
                is_inside(frame.payload, body));
        require((frame.packet_id != 0) == (packet.qos() > 0));
        if (pattern.match(frame.topic, levels)) {
          for (std::string_view level : levels) require(is_inside(level, frame.topic));
        }
      }
    } else if (packet.type() == mqtt::Type::kConnack) {
      require(!mqtt::connack_reason(mqtt::parse_connack(body).code, mqtt5).empty());
    }
    stream.remove_prefix(packet.total_bytes);
  }
  return 0;
}
