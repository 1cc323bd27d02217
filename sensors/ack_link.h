// The inside of the ack relay: one connection of Paho's with the broker's behind it, and what
// outlives it. For ack_relay.cc, ack_link.cc and ack_link_broker.cc only. The io thread.
#pragma once

#include <deque>
#include <optional>

#include "base/asio.h"
#include "sensors/ack_relay.h"
#include "sensors/mqtt_packet.h"
#include "sensors/tls_session.h"

namespace wayside {

// The writing half of a socket: one buffer that fills while the other is being written.
struct SocketOutput {
  explicit SocketOutput(boost::asio::io_context& io) : socket(io) {}
  TcpSocket socket;
  std::unique_ptr<TlsSession> tls;
  std::string filling;
  std::string writing;
  bool busy = false;
  bool idle() const { return !busy && filling.empty() && !(tls && tls->has_wire()); }
  // What is to be sent moves to `writing`.
  void take() {
    writing.clear();
    if (!tls) return writing.swap(filling);
    if (tls->is_open()) {
      tls->write(filling);
      filling.clear();
    }
    tls->send(writing);
  }
};

struct AckRelay::Core : std::enable_shared_from_this<AckRelay::Core> {
  Core(boost::asio::io_context& io_, RelayOptions options_, Handler handler_)
      : io(io_),
        options(std::move(options_)),
        handler(std::move(handler_)),
        acceptor(io_, boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
        accept_pause(io_) {}

  void accept();
  void accept_later();
  void schedule_release();

  boost::asio::io_context& io;
  const RelayOptions options;
  const Handler handler;
  RelayCounters counters;
  TcpAcceptor acceptor;
  SteadyTimer accept_pause;
  std::shared_ptr<Link> link;
  uint64_t last_ticket = 0;
  std::optional<uint64_t> drops;  // the broker's count as last heard
  int64_t told_end_ms = 0;        // of a certificate
  int64_t told_end_on = 0;        // the day
  bool stopped_reading = false;
  std::atomic<uint64_t> released{0};
  std::atomic<bool> release_posted{false};
};

// One connection of Paho, and the broker's behind it.
class AckRelay::Link : public std::enable_shared_from_this<AckRelay::Link> {
 public:
  Link(std::shared_ptr<Core> core, TcpSocket paho)
      : core_(std::move(core)),
        paho_(core_->io),
        broker_(core_->io),
        resolver_(core_->io),
        pause_(core_->io),
        deadline_(core_->io),
        certificate_check_(core_->io),
        from_paho_(16 << 10, '\0'),
        chunk_(std::make_unique<Chunk>(core_->options.read_bytes)),
        acked_upto_(core_->last_ticket) {
    paho_.socket = std::move(paho);
  }

  void start();
  void close();
  void resume();
  void write_acks();
  // To be called when reading comes to stand: the broker's answers are stuck behind the data.
  void answer_pings();
  bool acks_written() const {
    bool waiting = !pending_.empty() && acked_upto_ < core_->released;
    return !waiting && broker_.idle();
  }

 private:
  void resolved(boost::system::error_code error, const TcpResolver::results_type& endpoints);
  void connected();
  void shake_hands();
  void opened();
  void check_certificates();
  void fail(const std::string& why);
  void finish();
  void lost(const std::string& why);
  void flush(SocketOutput& output);
  void read_paho();
  void take_paho_packets();
  void on_paho_packet(const mqtt::Packet& packet, std::string_view bytes);
  bool may_read() const;
  void read_broker();
  size_t read_more(size_t n);  // behind `n` bytes that have just come
  void read_behind_pause();
  // `take` gets the number of bytes that have come, at least one.
  using Take = void (*)(Link&, size_t);
  void read_socket(char* to, size_t room, Take take);
  void hear_drops(std::string_view count);
  void read_tls();
  void take_broker_bytes(size_t n);
  // False: the link has been closed.
  bool scan_chunk(size_t& consumed);
  bool on_broker_packet(const mqtt::Packet& packet, std::string_view bytes);
  bool on_publish(const mqtt::Packet& packet, std::string_view body, bool whole);
  void on_connack(std::string_view body);
  void count_qos2();
  bool begin_skip(const mqtt::Packet& packet, std::string_view rest);
  std::unique_ptr<Chunk> small_copy(size_t consumed);
  void hand_over(size_t consumed);
  void read_again(size_t last_read);
  void set_low_watermark(size_t bytes) {
    if (std::exchange(low_watermark_, bytes) == bytes) return;
    boost::system::error_code ignored;
    broker_.socket.set_option(TcpSocket::receive_low_watermark(static_cast<int>(bytes)), ignored);
  }
  static constexpr size_t kPahoPacketMax = 1 << 20;  // our own control packets are far smaller
  bool reading_stands() const { return paused_ || core_->stopped_reading; }

  std::shared_ptr<Core> core_;
  SocketOutput paho_;
  SocketOutput broker_;
  TcpResolver resolver_;
  SteadyTimer pause_;
  SteadyTimer deadline_;
  SteadyTimer certificate_check_;
  std::string from_paho_;
  size_t from_paho_used_ = 0;
  std::string wire_;              // with TLS: what the broker's socket brings
  std::unique_ptr<Chunk> chunk_;  // what is being read into
  size_t filled_ = 0;             // bytes of chunk_ that hold data
  size_t low_watermark_ = 1;      // bytes that have to be there until the system wakes us
  size_t skip_left_ = 0;          // bytes of an oversized packet still to be thrown away
  std::deque<uint16_t> pending_;  // packet ids that wait for their commit, in order
  uint64_t acked_upto_;           // the ticket before pending_.front()
  int open_pings_ = 0;            // PINGREQs of Paho's that nobody has answered yet
  int swallow_pongs_ = 0;         // PINGRESPs that we have already given in the broker's name
  bool mqtt5_ = false;
  bool closed_ = false;
  bool finishing_ = false;
  bool said_goodbye_ = false;
  bool broker_open_ = false;
  bool reading_paho_ = false;
  bool reading_broker_ = false;
  bool paused_ = false;
};

}  // namespace wayside
