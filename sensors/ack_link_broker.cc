// The half of a link that reads the broker: messages go to the handler, all else to Paho.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "sensors/ack_link.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr size_t kHeadRoom = 64 << 10;   // largest topic, with everything else before the payload
constexpr size_t kSmallRead = 16 << 10;  // below this a read is copied to a buffer of its own size

}  // namespace

bool AckRelay::Link::may_read() const {
  const bool behind = paho_.filling.size() > kPahoPacketMax;
  const bool busy = reading_broker_ || behind || reading_stands();
  return broker_open_ && !closed_ && !finishing_ && !busy;
}

void AckRelay::Link::read_broker() {
  if (!may_read()) return;
  set_low_watermark(1);
  if (broker_.tls) return read_tls();
  read_socket(chunk_->bytes.get() + filled_, chunk_->size - filled_,
              [](Link& link, size_t n) { link.take_broker_bytes(n + link.read_more(n)); });
}

// Without asking the reactor; of an error the next read tells. A broker with Nagle's algorithm, as
// mosquitto by default, sends a message and then holds back what follows until that is
// acknowledged, which the system does when we read it: the rest is there in an instant, and should
// not wait for the end of one more pause.
size_t AckRelay::Link::read_more(size_t n) {
  const size_t at = filled_ + n;
  if (at == chunk_->size) return 0;
  error_code error;
  const size_t more =
      broker_.socket.read_some(asio::buffer(chunk_->bytes.get() + at, chunk_->size - at), error);
  return error ? 0 : more;
}

void AckRelay::Link::read_behind_pause() {
  const size_t n = may_read() && !broker_.tls ? read_more(0) : 0;
  if (n == 0) return read_broker();
  take_broker_bytes(n + read_more(n));
}

void AckRelay::Link::read_socket(char* to, size_t room, Take take) {
  reading_broker_ = true;
  broker_.socket.async_read_some(
      asio::buffer(to, room), [self = shared_from_this(), take](error_code error, size_t n) {
        self->reading_broker_ = false;
        if (self->closed_) return;
        if (!error) return take(*self, n);
        if (!self->broker_open_)
          return self->fail("the broker ends the connection: is this its port for TLS?");
        self->lost(error.message());
      });
}

void AckRelay::Link::lost(const std::string& why) {
  if (!said_goodbye_) log_warn("mqtt {}: connection lost: {}", core_->options.name, why);
  finish();
}

// What has been decrypted comes first; it is not all that the chunk has room for.
void AckRelay::Link::read_tls() {
  const auto n = broker_.tls->read(chunk_->bytes.get() + filled_, chunk_->size - filled_);
  flush(broker_);
  if (!n.ok()) return fail(n.error().message);
  if (*n > 0) {
    reading_broker_ = true;
    asio::post(core_->io, [self = shared_from_this(), n = *n] {
      self->reading_broker_ = false;
      if (!self->closed_) self->take_broker_bytes(n);
    });
    return;
  }
  if (broker_.tls->is_ended()) return lost("the broker has ended it");
  read_socket(wire_.data(), wire_.size(), [](Link& link, size_t wire) {
    const Status taken = link.broker_.tls->take({link.wire_.data(), wire});
    taken.ok() ? link.read_broker() : link.fail(taken.error().message);
  });
}

void AckRelay::Link::take_broker_bytes(size_t n) {
  size_t skipped = std::min(skip_left_, n);
  skip_left_ -= skipped;
  if (skipped > 0) {
    char* start = chunk_->bytes.get() + filled_;
    std::memmove(start, start + skipped, n - skipped);
  }
  filled_ += n - skipped;
  size_t consumed = 0;
  if (!scan_chunk(consumed)) return;
  hand_over(consumed);
  flush(paho_);
  read_again(n);
}

bool AckRelay::Link::scan_chunk(size_t& consumed) {
  std::string_view data(chunk_->bytes.get(), filled_);
  mqtt::Packet packet;
  mqtt::Scan scan;
  while ((scan = mqtt::scan_packet(data.substr(consumed), packet)) == mqtt::Scan::kWhole) {
    if (!on_broker_packet(packet, data.substr(consumed, packet.total_bytes))) return false;
    consumed += packet.total_bytes;
  }
  if (scan == mqtt::Scan::kMalformed) {
    fail("the broker sent bytes that are not MQTT");
    return false;
  }
  bool too_large = packet.total_bytes > core_->options.max_payload_bytes + kHeadRoom;
  if (too_large && begin_skip(packet, data.substr(consumed))) {
    skip_left_ = packet.total_bytes - (filled_ - consumed);
    consumed = filled_;
  }
  return !closed_;
}

void AckRelay::Link::count_qos2() {
  log_error("mqtt {}: a QoS 2 message was skipped; the broker ignores our QoS",
            core_->options.name);
  ++core_->counters.skipped;
}

bool AckRelay::Link::on_broker_packet(const mqtt::Packet& packet, std::string_view bytes) {
  std::string_view body = bytes.substr(packet.header_bytes);
  switch (packet.type()) {
    case mqtt::Type::kPublish:
      if (packet.qos() != 2) return on_publish(packet, body, true);
      // We never subscribe with QoS 2. Paho completes the hand-shake, or it would come for ever.
      count_qos2();
      break;
    case mqtt::Type::kPingresp:
      if (swallow_pongs_ > 0) {
        --swallow_pongs_;
        return true;
      }
      open_pings_ = std::max(0, open_pings_ - 1);
      break;
    case mqtt::Type::kConnack:
      on_connack(body);
      break;
    default:
      break;
  }
  paho_.filling.append(bytes);
  return true;
}

void AckRelay::Link::on_connack(std::string_view body) {
  mqtt::Connack connack = mqtt::parse_connack(body);
  if (!connack.ok || connack.code != 0) {
    log_error("mqtt {}: {}:{} refused the connection: {}", core_->options.name, core_->options.host,
              core_->options.port, mqtt::connack_reason(connack.code, mqtt5_));
    return;
  }
  ++core_->counters.connects;
  core_->counters.connected = true;
  if (!connack.session_present) chunk_->new_session = true;
  if (broker_.tls) check_certificates();
  log_info("mqtt {}: connected to {}:{} (MQTT {}, session {})", core_->options.name,
           core_->options.host, core_->options.port, mqtt5_ ? "5" : "3.1.1",
           connack.session_present ? "resumed" : "new");
}

bool AckRelay::Link::on_publish(const mqtt::Packet& packet, std::string_view body, bool whole) {
  Frame frame;
  auto error = mqtt::parse_publish(packet.first_byte, body, mqtt5_ && whole, frame);
  if (error == mqtt::PublishError::kTopicAlias) {
    fail("the broker uses a topic alias, though we announced none");
    return false;
  }
  if (error != mqtt::PublishError::kNone) {
    if (packet.qos() > 0 && frame.packet_id == 0) {
      fail("a PUBLISH without a packet id");
      return false;
    }
    frame.fault = Frame::Fault::kMalformed;
    frame.topic = {};
    frame.payload = {};
  } else if (!whole || frame.payload.size() > core_->options.max_payload_bytes) {
    frame.fault = Frame::Fault::kOversized;
    frame.payload = {};
  }
  if (packet.qos() == 0 && !frame.topic.empty() && frame.topic == core_->options.drops_topic) {
    hear_drops(frame.payload);
    return true;
  }
  if (packet.qos() > 0) {
    pending_.push_back(frame.packet_id);
    ++core_->last_ticket;
    ++chunk_->acks;
  }
  chunk_->frames.push_back(frame);
  return true;
}

// A count that falls has begun anew, as the broker has.
void AckRelay::Link::hear_drops(std::string_view count) {
  uint64_t heard = 0;
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), heard);
  if (error != std::errc() || end != count.data() + count.size()) {
    return log_warn("mqtt {}: drops_topic: \"{}\" is no count", core_->options.name,
                    shortened(count));
  }
  const uint64_t before = core_->drops.value_or(heard);
  core_->drops = heard;
  core_->counters.broker_dropped += heard >= before ? heard - before : heard;
}

// A packet over the limit: its head is enough to name and to acknowledge it; false while that is
// not there yet.
bool AckRelay::Link::begin_skip(const mqtt::Packet& packet, std::string_view rest) {
  if (packet.type() != mqtt::Type::kPublish) {
    fail("a packet that is too large");
    return false;
  }
  std::string_view body = rest.substr(std::min(packet.header_bytes, rest.size()));
  if (body.size() < 2) return false;
  size_t topic_bytes = static_cast<size_t>(uint8_t(body[0])) << 8 | uint8_t(body[1]);
  size_t head = 2 + topic_bytes + (packet.qos() > 0 ? 2 : 0);
  if (body.size() < head) return false;
  if (packet.qos() != 2) return on_publish(packet, body.substr(0, head), false);
  count_qos2();  // Paho gets it without its payload, and without properties
  paho_.filling += static_cast<char>(packet.first_byte);
  for (size_t left = head + (mqtt5_ ? 1 : 0); left > 0; left >>= 7) {
    paho_.filling += static_cast<char>((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  }
  paho_.filling.append(body.substr(0, head)).append(mqtt5_ ? 1 : 0, '\0');
  return true;
}

// A small read leaves in a buffer of its own size, so that the queue holds no large ones that are
// empty.
std::unique_ptr<Chunk> AckRelay::Link::small_copy(size_t consumed) {
  auto copy = std::make_unique<Chunk>(consumed);
  const char* from = chunk_->bytes.get();
  char* to = copy->bytes.get();
  std::memcpy(to, from, consumed);
  copy->frames.assign(chunk_->frames.begin(), chunk_->frames.end());
  chunk_->frames.clear();
  for (Frame& f : copy->frames) {
    if (!f.topic.empty()) f.topic = {to + (f.topic.data() - from), f.topic.size()};
    if (!f.payload.empty()) f.payload = {to + (f.payload.data() - from), f.payload.size()};
    if (!f.properties.empty()) {
      f.properties = {to + (f.properties.data() - from), f.properties.size()};
    }
  }
  copy->acks = std::exchange(chunk_->acks, 0);
  copy->new_session = std::exchange(chunk_->new_session, false);
  copy->news = std::exchange(chunk_->news, {});
  return copy;
}

// Gives the frames to the handler; what is not consumed yet moves to the front of a buffer to be
// read into.
void AckRelay::Link::hand_over(size_t consumed) {
  const bool deliver = !chunk_->frames.empty() || chunk_->new_session || !chunk_->news.empty();
  std::unique_ptr<Chunk> out;
  if (deliver && consumed < kSmallRead) out = small_copy(consumed);

  std::string_view tail(chunk_->bytes.get() + consumed, filled_ - consumed);
  mqtt::Packet packet;
  mqtt::scan_packet(tail, packet);
  // A packet over the limit never comes in as a whole: of it only the head has to find room.
  const size_t largest = core_->options.max_payload_bytes + kHeadRoom;
  const size_t needed = skip_left_ > 0 ? 0 : std::min(packet.total_bytes, largest);
  const bool keep_buffer = (out || !deliver) && needed <= chunk_->size;
  std::unique_ptr<Chunk> old;
  if (!keep_buffer) {
    old = std::move(chunk_);
    chunk_ = std::make_unique<Chunk>(std::max(core_->options.read_bytes, needed));
    chunk_->frames.reserve(old->frames.size());  // the next read most likely has as many
  }
  std::memmove(chunk_->bytes.get(), tail.data(), tail.size());
  filled_ = tail.size();
  if (!deliver) return;

  if (!out) out = std::move(old);
  out->connection = core_->options.connection;
  out->ticket = core_->last_ticket;
  out->window_full = pending_.size() >= core_->options.inflight_window;
  out->read_ms = boot_clock_ms();
  core_->counters.messages += out->frames.size();
  if (core_->handler(std::move(out))) return;
  paused_ = true;
  answer_pings();
}

// Lets more arrive before the next read, when reads are small: one wake-up for many messages.
void AckRelay::Link::read_again(size_t last_read) {
  bool bulk = last_read >= core_->options.read_bytes / 4;
  if (bulk || core_->options.coalesce_ms == 0 || reading_stands() || !core_->counters.connected) {
    return read_broker();
  }
  reading_broker_ = true;
  set_low_watermark(core_->options.read_bytes / 4);
  pause_.expires_after(milliseconds(core_->options.coalesce_ms));
  pause_.async_wait([self = shared_from_this()](error_code error) {
    self->reading_broker_ = false;
    if (error || self->closed_) return;
    self->read_behind_pause();
  });
}

}  // namespace wayside
