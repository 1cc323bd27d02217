// Load generator that plays the broker for ONE subscriber on 127.0.0.1 (MQTT 3.1.1 and 5, QoS 0 and
// 1), so that a fast subscriber is not held back by what a real broker costs per message. One
// thread, one poll loop.
//
// Prints "port N" first if --port is 0 (any free port), "subscribed" at the first SUBSCRIBE, waits
// for a line on stdin, sends --messages readings and then one flush reading per device, an hour
// later in event time with seq = -1 - device, which closes the event-time windows. When all is
// written (QoS 1: and acknowledged) it prints one JSON line about the readings, and answers pings
// until stdin closes or --max-seconds are over. The readings depend on --seed and the other flags
// alone. Anything unexpected ends it with status 1.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "bench/load_options.h"
#include "bench/load_packet.h"
#include "bench/load_readings.h"

namespace wayside::bench {
namespace {

constexpr size_t kBatchBytes = 64 << 10;  // one send() flat out
constexpr size_t kMaxPublishBytes = 512;
constexpr size_t kReplyBytes = 4096;  // room for control packets behind a batch

[[noreturn]] void die_errno(const std::string& what) { die(what + ": " + std::strerror(errno)); }

double seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

class Broker {
 public:
  explicit Broker(const Options& options) : options_(options), readings_(options) { listen(); }

  int run();

 private:
  void listen();
  void accept_subscriber();
  void drop_subscriber();
  void on_stdin();
  void on_input();
  void on_packet(uint8_t first_byte, PacketReader packet);
  void on_connect(PacketReader& packet);
  void on_subscribe(PacketReader& packet);
  void on_puback(PacketReader& packet);
  void reply(std::string_view bytes);
  void fill();
  void put_publish();
  void flush();
  void report();

  bool sending() const {
    return started_ && subscribed_ && readings_.position() < readings_.size();
  }
  // Whether a reading may be written now, as far as the buffer and the window are concerned.
  bool room() const {
    return begin_ == 0 && end_ + kMaxPublishBytes <= kBatchBytes &&
           (options_.qos == 0 || in_flight_count_ < window_);
  }

  const Options options_;
  Readings readings_;
  int listener_ = -1;
  bool started_ = false, reported_ = false;
  double start_s_ = 0, start_cpu_s_ = 0;

  // The one subscriber.
  int fd_ = -1;
  bool subscribed_ = false;
  bool mqtt5_ = false;
  int64_t window_ = 0;
  int64_t in_flight_count_ = 0;
  std::bitset<65'536> in_flight_;
  uint16_t packet_id_ = 0;
  std::array<char, kBatchBytes> in_;
  size_t in_size_ = 0;
  std::array<char, kBatchBytes + kReplyBytes> out_;
  size_t begin_ = 0, end_ = 0;  // what of out_ is still to be sent
};

void Broker::listen() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(options_.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, generic, size) != 0 || ::listen(listener_, 4) != 0 ||
      getsockname(listener_, generic, &size) != 0) {
    die_errno("cannot listen on port " + std::to_string(options_.port));
  }
  if (options_.port == 0) std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
}

int Broker::run() {
  const double deadline_s = seconds(CLOCK_MONOTONIC) + static_cast<double>(options_.max_seconds);
  while (seconds(CLOCK_MONOTONIC) < deadline_s) {
    int wait_ms = 100;
    if (sending() && room()) wait_ms = options_.rate == 0 ? 0 : 1;
    pollfd fds[] = {
        {listener_, POLLIN, 0},
        {STDIN_FILENO, POLLIN, 0},
        {fd_, static_cast<short>(begin_ < end_ ? POLLIN | POLLOUT : POLLIN), 0},  // -1: ignored
    };
    if (poll(fds, std::size(fds), wait_ms) < 0 && errno != EINTR) die_errno("poll");
    if (fds[2].revents & ~POLLOUT) on_input();
    if (fds[0].revents) accept_subscriber();
    if (fds[1].revents) on_stdin();
    if (sending()) fill();
    if (fd_ >= 0) flush();
    if (started_ && !reported_ && !sending() && end_ == 0 && in_flight_count_ == 0) report();
  }
  if (!reported_) die("time limit after " + std::to_string(readings_.position()) + " messages");
  return 0;
}

void Broker::accept_subscriber() {
  drop_subscriber();
  fd_ = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd_ < 0) die_errno("accept");
  int one = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// A subscriber may come and go before the start and after the end; in between it would lose
// messages.
void Broker::drop_subscriber() {
  if (started_ && !reported_) {
    die("lost the subscriber after " + std::to_string(readings_.position()) + " messages");
  }
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  subscribed_ = false;
  in_size_ = begin_ = end_ = 0;
}

void Broker::on_stdin() {
  char line[64];
  if (read(STDIN_FILENO, line, sizeof line) <= 0) std::exit(reported_ ? 0 : 1);
  if (started_) return;
  if (!subscribed_) die("told to start without a subscriber");
  started_ = true;
  start_s_ = seconds(CLOCK_MONOTONIC);
  start_cpu_s_ = seconds(CLOCK_PROCESS_CPUTIME_ID);
}

void Broker::on_input() {
  ssize_t n = recv(fd_, in_.data() + in_size_, in_.size() - in_size_, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return drop_subscriber();
  in_size_ += static_cast<size_t>(n);
  size_t done = 0;
  while (in_size_ - done >= 2) {
    size_t length = 0, at = done + 1;
    int shift = 0;
    bool complete = false;
    while (!complete && at < in_size_ && shift < 28) {
      auto byte = static_cast<uint8_t>(in_[at++]);
      length |= static_cast<size_t>(byte & 0x7f) << shift;
      shift += 7;
      complete = byte < 0x80;
    }
    if (!complete || at + length > in_size_) break;
    on_packet(static_cast<uint8_t>(in_[done]), PacketReader({in_.data() + at, length}));
    done = at + length;
  }
  if (done == 0 && in_size_ == in_.size()) die("packet from the subscriber is too long");
  std::memmove(in_.data(), in_.data() + done, in_size_ - done);
  in_size_ -= done;
}

void Broker::on_packet(uint8_t first_byte, PacketReader packet) {
  switch (first_byte >> 4) {
    case 1:
      return on_connect(packet);
    case 4:
      return on_puback(packet);
    case 8:
      return on_subscribe(packet);
    case 12:
      return reply({"\xd0\x00", 2});
    case 14:
      return;  // DISCONNECT: the end of the connection follows
    default:
      die("unexpected packet type " + std::to_string(first_byte >> 4));
  }
}

void Broker::on_connect(PacketReader& packet) {
  std::string_view protocol = packet.text();
  uint8_t level = packet.u8();
  if (protocol != "MQTT" || (level != 4 && level != 5)) die("neither MQTT 3.1.1 nor MQTT 5");
  packet.take(3);  // flags, keep-alive
  mqtt5_ = level == 5;
  window_ = std::min(options_.window, mqtt5_ ? read_receive_maximum(packet) : INT64_MAX);
  reply(mqtt5_ ? std::string_view("\x20\x03\x00\x00\x00", 5)
               : std::string_view("\x20\x02\x00\x00", 4));
}

void Broker::on_subscribe(PacketReader& packet) {
  std::string suback(packet.take(2));
  if (mqtt5_) {
    read_receive_maximum(packet);
    suback += '\0';  // no properties
  }
  while (!packet.at_end()) {
    packet.text();
    int64_t granted = std::min<int64_t>(packet.u8() & 3, options_.qos);
    if (granted < options_.qos) die("--qos 1, but the subscriber asks for QoS 0");
    suback += static_cast<char>(granted);
  }
  if (suback.size() > 0x7f) die("too many topics in one SUBSCRIBE");
  reply(std::string{'\x90', static_cast<char>(suback.size())} + suback);
  if (!std::exchange(subscribed_, true)) std::puts("subscribed");
  std::fflush(stdout);
}

void Broker::on_puback(PacketReader& packet) {
  uint16_t id = packet.u16();
  if (!packet.at_end() && packet.u8() >= 0x80) die("PUBACK with a failure code");
  if (!in_flight_.test(id)) die("PUBACK for a message that is not in flight");
  in_flight_.reset(id);
  --in_flight_count_;
}

void Broker::reply(std::string_view bytes) {
  if (end_ + bytes.size() > out_.size()) die("the subscriber does not take its replies");
  put(out_.data() + end_, bytes);
  end_ += bytes.size();
}

void Broker::fill() {
  int64_t due = readings_.size();
  if (options_.rate > 0) {
    double elapsed_s = seconds(CLOCK_MONOTONIC) - start_s_;
    auto paced = static_cast<int64_t>(elapsed_s * static_cast<double>(options_.rate)) + 1;
    if (paced < options_.messages) due = paced;
  }
  while (readings_.position() < due && room()) put_publish();
}

void Broker::put_publish() {
  char* packet = out_.data() + end_;
  char* body = packet + 3;
  const std::string& topic = readings_.next_topic();
  char* out = body;
  *out++ = static_cast<char>(topic.size() >> 8);
  *out++ = static_cast<char>(topic.size());
  out = put(out, topic);
  if (options_.qos == 1) {
    do {
      if (++packet_id_ == 0) packet_id_ = 1;
    } while (in_flight_.test(packet_id_));
    in_flight_.set(packet_id_);
    ++in_flight_count_;
    *out++ = static_cast<char>(packet_id_ >> 8);
    *out++ = static_cast<char>(packet_id_);
  }
  if (mqtt5_) *out++ = 0;  // no properties
  out = readings_.put_next(out);
  auto size = static_cast<size_t>(out - body);
  assert(size > 0x7f && size + 3 <= kMaxPublishBytes);  // so the length always takes two bytes
  packet[0] = static_cast<char>(0x30 | options_.qos << 1);
  packet[1] = static_cast<char>(size | 0x80);
  packet[2] = static_cast<char>(size >> 7);
  end_ = static_cast<size_t>(out - out_.data());
}

void Broker::flush() {
  while (begin_ < end_) {
    ssize_t n = send(fd_, out_.data() + begin_, end_ - begin_, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) return drop_subscriber();
    begin_ += static_cast<size_t>(n);
  }
  begin_ = end_ = 0;
}

void Broker::report() {
  reported_ = true;
  double wall_s = seconds(CLOCK_MONOTONIC) - start_s_;
  double cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - start_cpu_s_;
  auto messages = static_cast<double>(options_.messages);
  std::printf(
      "{\"sent\":%lld,\"wall_s\":%.6f,\"rate\":%.0f,\"cpu_us_per_message\":%.4f,"
      "\"last_event_ms\":%lld}\n",
      static_cast<long long>(options_.messages), wall_s, messages / wall_s, cpu_s * 1e6 / messages,
      static_cast<long long>(readings_.last_event_ms()));
  std::fflush(stdout);
}

}  // namespace
}  // namespace wayside::bench

int main(int argc, char** argv) {
  auto broker = std::make_unique<wayside::bench::Broker>(wayside::bench::parse_options(argc, argv));
  return broker->run();
}
