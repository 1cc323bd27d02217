#include "sensors/ack_link.h"

#include <chrono>
#include <ctime>

#include "base/log.h"
#include "base/time.h"
#include "sensors/tcp_link.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using std::chrono::seconds;

constexpr auto kConnectTimeout = seconds(10);
constexpr int64_t kCertificateDays = 30;

}  // namespace

void AckRelay::Link::start() {
  error_code ignored;
  paho_.socket.set_option(tcp::no_delay(true), ignored);
  auto self = shared_from_this();
  deadline_.expires_after(kConnectTimeout);
  deadline_.async_wait([self](error_code error) {
    if (!error && !self->broker_open_) self->fail("no answer within 10 s");
  });
  resolve(resolver_, core_->options.host, core_->options.port,
          [self](error_code error, const TcpResolver::results_type& endpoints) {
            self->resolved(error, endpoints);
          });
}

void AckRelay::Link::resolved(error_code error, const TcpResolver::results_type& endpoints) {
  if (closed_) return;
  if (error) return fail(error.message());
  asio::async_connect(broker_.socket, endpoints,
                      [self = shared_from_this()](error_code failed, const tcp::endpoint&) {
                        if (self->closed_) return;
                        if (failed) return self->fail(failed.message());
                        self->connected();
                      });
}

void AckRelay::Link::connected() {
  error_code ignored;
  TcpSocket& socket = broker_.socket;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.non_blocking(true, ignored);  // of calls that are not async_…
  keep_alive(socket);
  if (!core_->options.tls.on) return opened();
  auto tls = TlsSession::make(core_->options.tls, core_->options.host);
  if (!tls.ok()) return fail(tls.error().message);
  broker_.tls = std::move(*tls);
  wire_.resize(core_->options.read_bytes);
  flush(broker_);
  shake_hands();
}

void AckRelay::Link::shake_hands() {
  read_socket(wire_.data(), wire_.size(), [](Link& link, size_t n) {
    const Status taken = link.broker_.tls->take({link.wire_.data(), n});
    link.flush(link.broker_);  // an alert, too
    if (!taken.ok()) return link.fail(taken.error().message);
    link.broker_.tls->is_open() ? link.opened() : link.shake_hands();
  });
}

void AckRelay::Link::opened() {
  broker_open_ = true;
  deadline_.cancel();
  read_paho();
  read_broker();
}

// Some days before one of them ends, while there is time to renew it; once a day, however often
// the link is lost.
void AckRelay::Link::check_certificates() {
  const int64_t ends_ms = broker_.tls->ends_ms().value_or(kTimeMax);
  const int64_t now_ms = std::time(nullptr) * int64_t{1'000};
  const int64_t day = now_ms / kDayMs;
  const bool told = core_->told_end_ms == ends_ms && core_->told_end_on == day;
  if (!told && ends_ms - now_ms < kCertificateDays * kDayMs) {
    core_->told_end_ms = ends_ms;
    core_->told_end_on = day;
    chunk_->news = "a certificate of this connection, the broker's or ours, ends on " +
                   format_rfc3339(ends_ms);
    log_warn("mqtt {}: {}", core_->options.name, chunk_->news);
  }
  certificate_check_.expires_after(std::chrono::hours(24));
  certificate_check_.async_wait([self = shared_from_this()](error_code error) {
    if (!error && !self->closed_) self->check_certificates();
  });
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
  certificate_check_.cancel();
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
  if (broker_.tls) {
    broker_.tls->say_goodbye();
    flush(broker_);
  }
  if (paho_.idle() && broker_.idle()) return close();
  deadline_.expires_after(seconds(1));
  deadline_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->close();
  });
}

void AckRelay::Link::flush(SocketOutput& output) {
  if (output.busy || output.idle() || closed_) return;
  output.take();
  if (output.writing.empty()) return;
  output.busy = true;
  asio::async_write(output.socket, asio::buffer(output.writing),
                    [self = shared_from_this(), &output](error_code error, size_t) {
                      output.busy = false;
                      if (self->closed_) return;
                      if (error) return self->close();
                      self->flush(output);
                      if (self->finishing_ && self->paho_.idle() && self->broker_.idle()) {
                        return self->close();
                      }
                      if (!self->broker_open_) return;
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
      ++open_pings_;
      if (reading_stands()) answer_pings();
      break;
    case mqtt::Type::kDisconnect:
      said_goodbye_ = true;
      break;
    default:
      break;
  }
  broker_.filling.append(bytes);
}

void AckRelay::Link::answer_pings() {
  for (; open_pings_ > 0; --open_pings_, ++swallow_pongs_) paho_.filling.append("\xd0\0", 2);
  flush(paho_);
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
