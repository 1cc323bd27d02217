// A small gateway's configuration, and messages for it as they come from a broker.
#pragma once

#include <algorithm>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/queue.h"
#include "config/config.h"
#include "sensors/frame.h"

namespace wayside {

// `text` goes on with the source `climate`.
inline Config climate_config(const std::string& state_dir, const std::string& text) {
  static constexpr const char* kSource = R"toml(
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1"

[[source]]
name = "climate"
topic = "fleet/{vehicle}/climate"
key = "vehicle"
time = { field = "ts", unit = "ms" }
)toml";
  const std::string gateway = "[gateway]\nid = \"truck-17\"\nstate_dir = \"" + state_dir + "\"\n";
  std::vector<ConfigError> errors;
  auto config = parse_config(gateway + kSource + text, "test.toml", errors);
  if (!config) throw std::logic_error(errors.front().to_text());
  for (UplinkOptions& u : config->uplinks) u.linger_ms = 0;  // nobody waits for company
  config->storage.anchor_ms = 0;  // what a test sees does not depend on the hour at which it runs
  return *config;
}

inline constexpr const char* kSmallConfig = R"toml(
max_future = "off"
keep = ["door"]
fields = { temp_c = { path = "t", max = 90 }, door = { path = "door", type = "text" } }

[[window]]
name = "w"
from = "climate"
size = "10s"
select = { n = "count()", avg = "avg(temp_c)", open = "count() FILTER (WHERE door = 'open')" }

[[rule]]
name = "open_3s"
from = "climate"
when = "door = 'open'"
for = "3s"

[[uplink]]
name = "centre"
raw = ["climate"]
)toml";

inline Config small_config(const std::string& state_dir = "/nowhere") {
  return climate_config(state_dir, kSmallConfig);
}

struct TestMessage {
  std::string topic;
  std::string payload;
  uint16_t packet_id = 0;
  bool duplicate = false;
};

inline std::unique_ptr<Chunk> make_chunk(const std::vector<TestMessage>& messages,
                                         uint64_t ticket = 0) {
  size_t size = 0;
  for (const TestMessage& m : messages) size += m.topic.size() + m.payload.size();
  auto chunk = std::make_unique<Chunk>(size);
  char* at = chunk->bytes.get();
  const auto put = [&](const std::string& text) {
    const std::string_view placed(at, text.size());
    at = std::copy(text.begin(), text.end(), at);
    return placed;
  };
  for (const TestMessage& m : messages) {
    Frame frame;
    frame.topic = put(m.topic);
    frame.payload = put(m.payload);
    frame.packet_id = m.packet_id;
    frame.duplicate = m.duplicate;
    chunk->frames.push_back(frame);
  }
  chunk->ticket = ticket;
  return chunk;
}

// As tickets, how many messages there are up to the end of each chunk.
inline void push_chunks(BoundedQueue<std::unique_ptr<Chunk>>& queue,
                        const std::vector<TestMessage>& messages, size_t chunk_messages) {
  for (size_t i = 0; i < messages.size(); i += chunk_messages) {
    const size_t end = std::min(messages.size(), i + chunk_messages);
    auto chunk =
        make_chunk({messages.begin() + ptrdiff_t(i), messages.begin() + ptrdiff_t(end)}, end);
    const size_t size = chunk->size;
    queue.push(std::move(chunk), size);
  }
}

// Five devices out of step; here and there a message that is broken, unknown or sent twice.
inline std::vector<TestMessage> make_messages(uint64_t seed, size_t count) {
  std::mt19937_64 random(seed);
  std::vector<TestMessage> messages;
  int64_t clock_ms[5] = {};
  for (size_t i = 0; i < count; ++i) {
    const auto device = size_t(random() % 5);
    clock_ms[device] += int64_t(random() % 3'000);
    const int64_t time_ms = clock_ms[device] - int64_t(random() % 10 == 0 ? random() % 20'000 : 0);
    TestMessage m{"fleet/v" + std::to_string(device) + "/climate",
                  "{\"ts\":" + std::to_string(time_ms) + ",\"t\":" + std::to_string(random() % 100),
                  uint16_t(1 + i % 60'000)};
    if (random() % 3 == 0) m.payload += random() % 2 ? ",\"door\":\"open\"" : ",\"door\":\"shut\"";
    if (random() % 30 != 0) m.payload += '}';
    if (random() % 40 == 0) m.topic = "elsewhere";
    messages.push_back(m);
    if (random() % 20 != 0) continue;
    messages.push_back(m);
    messages.back().duplicate = true;
  }
  return messages;
}

}  // namespace wayside
