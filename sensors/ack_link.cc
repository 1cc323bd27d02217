#include "sensors/ack_link.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>

#include "base/clock.h"
#include "base/log.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kHeadRoom = 64 << 10;   // largest topic, with everything else before the payload
constexpr size_t kSmallRead = 16 << 10;  // below this a read is copied to a buffer of its own size
constexpr size_t kPahoPacketMax = 1 << 20;  // our own control packets are far smaller
constexpr auto kConnectTimeout = seconds(10);

}  // namespace

void AckRelay::Link::start() {
  error_code ignored;
  paho_.socket.set_option(tcp::no_delay(true), ignored);
  auto self = shared_from_this();
  deadline_.expires_after(kConnectTimeout);
  deadline_.async_wait([self](error_code error) {
    if (!error && !self->broker_open_) self->fail("no answer within 10 s");
  });
  resolver_.async_resolve(core_->options.host, std::to_string(core_->options.port),
                          [self](error_code error, const tcp::resolver::results_type& endpoints) {
                            if (self->closed_) return;
                            if (error) return self->fail(error.message());
                            asio::async_connect(self->broker_.socket, endpoints,
                                                [self](error_code failed, const tcp::endpoint&) {
                                                  if (self->closed_) return;
                                                  if (failed) return self->fail(failed.message());
                                                  self->connected();
                                                });
                          });
}

void AckRelay::Link::connected() {
  broker_open_ = true;
  deadline_.cancel();
  error_code ignored;
  tcp::socket& socket = broker_.socket;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  int idle_s = 30;
  int user_timeout_ms = 60'000;
  setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms,
             sizeof user_timeout_ms);
  read_paho();
  read_broker();
}

void AckRelay::Link::fail(const std::string& why) {
  if (closed_) return;
  log_warn("mqtt {}: {}:{}: {}; trying again", core_->options.name, core_->options.host,
           core_->options.port, why);
  close();
}

void AckRelay::Link::close() {
  if (closed_) return;
  closed_ = true;
  error_code ignored;
  pause_.cancel();
  deadline_.cancel();
  resolver_.cancel();
  paho_.socket.close(ignored);
  broker_.socket.close(ignored);
  pending_.clear();
  if (core_->link.get() == this) {
    core_->counters.connected = false;
    core_->link.reset();
  }
}

// One side has ended: what is queued for the other (a DISCONNECT!) still goes out, then both close.
void AckRelay::Link::finish() {
  if (closed_ || finishing_) return;
  finishing_ = true;
  if (paho_.idle() && broker_.idle()) return close();
  deadline_.expires_after(seconds(1));
  deadline_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->close();
  });
}

void AckRelay::Link::flush(SocketOutput& output) {
  if (output.busy || output.filling.empty() || closed_) return;
  output.busy = true;
  output.writing.swap(output.filling);
  output.filling.clear();
  asio::async_write(output.socket, asio::buffer(output.writing),
                    [self = shared_from_this(), &output](error_code error, size_t) {
                      output.busy = false;
                      if (self->closed_) return;
                      if (error) return self->close();
                      self->flush(output);
                      if (self->finishing_ && self->paho_.idle() && self->broker_.idle()) {
                        return self->close();
                      }
                      self->read_paho();
                      self->read_broker();
                    });
}

// ---- Paho to broker: whole packets, so that our PUBACKs can go between them

void AckRelay::Link::read_paho() {
  bool behind = broker_.filling.size() > kPahoPacketMax;
  if (reading_paho_ || closed_ || finishing_ || behind) return;
  reading_paho_ = true;
  auto room =
      asio::buffer(from_paho_.data() + from_paho_used_, from_paho_.size() - from_paho_used_);
  paho_.socket.async_read_some(room, [self = shared_from_this()](error_code error, size_t n) {
    self->reading_paho_ = false;
    if (self->closed_) return;
    if (error) return self->finish();
    self->from_paho_used_ += n;
    self->take_paho_packets();
  });
}

void AckRelay::Link::take_paho_packets() {
  size_t done = 0;
  mqtt::Packet packet;
  mqtt::Scan scan;
  std::string_view used(from_paho_.data(), from_paho_used_);
  while ((scan = mqtt::scan_packet(used.substr(done), packet)) == mqtt::Scan::kWhole) {
    on_paho_packet(packet, used.substr(done, packet.total_bytes));
    done += packet.total_bytes;
  }
  if (scan == mqtt::Scan::kMalformed || packet.total_bytes > kPahoPacketMax) return close();
  from_paho_.erase(0, done);
  from_paho_used_ -= done;
  from_paho_.resize(std::max<size_t>({16 << 10, packet.total_bytes, from_paho_used_ + 1}));
  write_acks();
  flush(broker_);
  flush(paho_);
  read_paho();
}

void AckRelay::Link::on_paho_packet(const mqtt::Packet& packet, std::string_view bytes) {
  switch (packet.type()) {
    case mqtt::Type::kConnect:
      // The protocol level follows the name "MQTT".
      if (bytes.size() > packet.header_bytes + 6) mqtt5_ = bytes[packet.header_bytes + 6] == 5;
      break;
    case mqtt::Type::kPingreq:
      if (reading_stands()) {
        paho_.filling.append("\xd0\0", 2);
        ++swallow_pongs_;
      }
      break;
    case mqtt::Type::kDisconnect:
      said_goodbye_ = true;
      break;
    default:
      break;
  }
  broker_.filling.append(bytes);
}

// ---- broker to Paho and to the handler

void AckRelay::Link::read_broker() {
  bool behind = paho_.filling.size() > kPahoPacketMax;
  if (reading_broker_ || closed_ || finishing_ || behind || reading_stands()) return;
  reading_broker_ = true;
  auto room = asio::buffer(chunk_->bytes.get() + filled_, chunk_->size - filled_);
  broker_.socket.async_read_some(room, [self = shared_from_this()](error_code error, size_t n) {
    self->reading_broker_ = false;
    if (self->closed_) return;
    if (error) {
      if (!self->said_goodbye_) {
        log_warn("mqtt {}: connection lost: {}", self->core_->options.name, error.message());
      }
      return self->finish();
    }
    self->take_broker_bytes(n);
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
  if (packet.qos() > 0) {
    pending_.push_back(frame.packet_id);
    ++core_->last_ticket;
    ++chunk_->acks;
  }
  chunk_->frames.push_back(frame);
  return true;
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
  copy->frames.swap(chunk_->frames);
  for (Frame& f : copy->frames) {
    if (!f.topic.empty()) f.topic = {to + (f.topic.data() - from), f.topic.size()};
    if (!f.payload.empty()) f.payload = {to + (f.payload.data() - from), f.payload.size()};
  }
  copy->acks = std::exchange(chunk_->acks, 0);
  copy->new_session = std::exchange(chunk_->new_session, false);
  return copy;
}

// Gives the frames to the handler; what is not consumed yet moves to the front of a buffer to be
// read into.
void AckRelay::Link::hand_over(size_t consumed) {
  const bool deliver = !chunk_->frames.empty() || chunk_->new_session;
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
  if (!core_->handler(std::move(out))) paused_ = true;
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
    self->set_low_watermark(1);
    self->read_broker();
  });
}

void AckRelay::Link::resume() {
  paused_ = false;
  read_broker();
}

void AckRelay::Link::write_acks() {
  if (closed_ || finishing_ || said_goodbye_) return;
  const uint64_t upto = core_->released;
  uint64_t written = 0;
  for (; acked_upto_ < upto && !pending_.empty(); ++acked_upto_, ++written) {
    uint16_t id = pending_.front();
    pending_.pop_front();
    const char puback[4] = {0x40, 2, static_cast<char>(id >> 8), static_cast<char>(id)};
    broker_.filling.append(puback, sizeof puback);
  }
  if (written == 0) return;
  core_->counters.acknowledged += written;
  flush(broker_);
}

}  // namespace wayside
