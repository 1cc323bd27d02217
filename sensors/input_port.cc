#include "sensors/input_port.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace wayside {

void InputPort::send(std::string_view topic, std::span<const Splitter::Message> messages,
                     uint64_t ticket, bool window_full) {
  if (messages.empty()) return;
  size_t bytes = topic.size();
  for (const Splitter::Message& m : messages) bytes += m.text.size();
  auto chunk = std::make_unique<Chunk>(bytes);
  const std::string_view common(chunk->bytes.get(), topic.size());
  char* to = std::copy(topic.begin(), topic.end(), chunk->bytes.get());
  chunk->frames.reserve(messages.size());
  for (const Splitter::Message& m : messages) {
    Frame frame;
    frame.topic = common;
    frame.payload = {to, m.text.size()};
    if (m.is_oversized) frame.fault = Frame::Fault::kOversized;
    to = std::copy(m.text.begin(), m.text.end(), to);
    chunk->frames.push_back(frame);
  }
  chunk->connection = connection;
  chunk->ticket = ticket;
  chunk->window_full = window_full;
  chunk->read_ms = boot_clock_ms();
  counters.messages += messages.size();
  is_full = !handler(std::move(chunk));
}

void InputPort::tell_trouble(const std::string& why, int64_t again_ms) {
  ++counters.failures;
  if (std::exchange(last_trouble, why) == why) return;
  log_warn("input {}: {}: {}; trying again every {} s", options.name, options.url, why,
           double(again_ms) / 1e3);
}

}  // namespace wayside
