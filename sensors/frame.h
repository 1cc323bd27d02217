// One MQTT message as it came, and the buffer it lies in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wayside {

struct Frame {
  std::string_view topic;
  std::string_view payload;  // at least kFramePadding readable bytes follow it
  uint16_t packet_id = 0;    // 0 for QoS 0
  bool duplicate = false;    // the DUP flag: the broker says that it may have sent this before
  enum class Fault : uint8_t { kNone, kOversized, kMalformed };
  Fault fault = Fault::kNone;        // else the payload is empty, and the topic perhaps too
  std::string_view properties = {};  // of MQTT 5
};

// What a vectorised JSON reader may read beyond the end.
constexpr size_t kFramePadding = 64;

// One read from a broker: a buffer and the whole frames in it. Handed from thread to thread, never
// shared.
struct Chunk {
  explicit Chunk(size_t size_bytes)
      : bytes(std::make_unique_for_overwrite<char[]>(size_bytes + kFramePadding)),
        size(size_bytes) {}

  std::unique_ptr<char[]> bytes;
  size_t size;
  std::vector<Frame> frames;
  uint32_t connection = 0;   // which [[mqtt]] block it came by
  int64_t read_ms = 0;       // boot clock at the read; 0: now
  int64_t arrival_ms = 0;    // our wall time at the read; the loop knows it
  uint64_t ticket = 0;       // covers every acknowledgement due up to the end of this chunk
  uint64_t acks = 0;         // acknowledgements that wait for this chunk's commit
  bool window_full = false;  // the broker sends nothing more before it gets acknowledgements
  bool new_session = false;  // before these frames the broker had no session of ours
  std::string news = {};     // of the connection, to be told
};

// One message alone.
inline Chunk chunk_of(std::string_view topic, std::string_view payload) {
  Chunk chunk(topic.size() + payload.size());
  char* const end = std::copy(topic.begin(), topic.end(), chunk.bytes.get());
  std::copy(payload.begin(), payload.end(), end);
  Frame frame;
  frame.topic = {chunk.bytes.get(), topic.size()};
  frame.payload = {end, payload.size()};
  chunk.frames.push_back(frame);
  return chunk;
}

}  // namespace wayside
