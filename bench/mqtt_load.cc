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
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wayside::bench {
namespace {

constexpr int64_t kFirstEventMs = 1'700'000'000'000;  // a multiple of ten seconds
constexpr int64_t kFlushDelayMs = 3'600'000;
constexpr size_t kBatchBytes = 64 << 10;  // one send() flat out
constexpr size_t kMaxPublishBytes = 512;
constexpr size_t kReplyBytes = 4096;  // room for control packets behind a batch

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "mqtt_load: %s\n", what.c_str());
  std::exit(1);
}
[[noreturn]] void die_errno(const std::string& what) { die(what + ": " + std::strerror(errno)); }

double seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct Options {
  int64_t port = 0;
  int64_t messages = 1'000'000;
  int64_t qos = 0;
  // QoS 1 messages in flight; a smaller Receive Maximum of the subscriber wins.
  int64_t window = 1000;
  int64_t devices = 200;
  int64_t event_rate = 2000;   // readings per second of event time
  int64_t disorder_ms = 2000;  // longest delay of a reading's event time
  int64_t rate = 0;            // messages per second, 0 = flat out
  int64_t seed = 1;
  int64_t max_seconds = 300;
};

Options parse_options(int argc, char** argv) {
  Options o;
  struct Flag {
    std::string_view name;
    int64_t* value;
    int64_t min, max;
  };
  const Flag flags[] = {{"--port", &o.port, 0, 65'535},
                        {"--messages", &o.messages, 1, 100'000'000},
                        {"--qos", &o.qos, 0, 1},
                        {"--window", &o.window, 1, 65'000},
                        {"--devices", &o.devices, 1, 100'000},
                        {"--event-rate", &o.event_rate, 1, 1'000'000},
                        {"--disorder-ms", &o.disorder_ms, 0, 3'000'000},
                        {"--rate", &o.rate, 0, 10'000'000},
                        {"--seed", &o.seed, 0, INT64_MAX},
                        {"--max-seconds", &o.max_seconds, 1, 86'400}};
  for (int i = 1; i < argc; i += 2) {
    const auto* flag = std::ranges::find(flags, std::string_view(argv[i]), &Flag::name);
    if (flag == std::end(flags)) die(std::string("unknown flag ") + argv[i]);
    std::string_view text = i + 1 < argc ? argv[i + 1] : "";
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *flag->value);
    if (error != std::errc() || end != text.data() + text.size() || *flag->value < flag->min ||
        *flag->value > flag->max) {
      die(std::string(flag->name) + " takes a number from " + std::to_string(flag->min) + " to " +
          std::to_string(flag->max));
    }
  }
  return o;
}

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}
char* put(char* out, int64_t value) { return std::to_chars(out, out + 20, value).ptr; }

// `scaled` is the number times 10^kDecimals, at least 10^kDecimals: the point is moved in between
// the digits.
template <int kDecimals>
char* put_fixed(char* out, uint64_t scaled) {
  char* point = std::to_chars(out, out + 20, scaled).ptr - kDecimals;
  std::memmove(point + 1, point, kDecimals);
  *point = '.';
  return point + 1 + kDecimals;
}

// The sequence of readings, flush readings included, as (topic, payload).
class Readings {
 public:
  explicit Readings(const Options& options)
      : options_(options), random_(static_cast<uint64_t>(options.seed)) {
    for (int64_t device = 0; device < options.devices; ++device) {
      char name[32];
      std::snprintf(name, sizeof name, "truck-%03d", static_cast<int>(device));
      topics_.push_back(std::string("fleet/") + name + "/reading");
      heads_.push_back(std::string("{\"device\":\"") + name + "\",\"ts\":");
    }
  }

  int64_t size() const { return options_.messages + options_.devices; }
  int64_t position() const { return next_; }
  int64_t last_event_ms() const { return event_ms(options_.messages - 1); }
  const std::string& next_topic() const { return topics_[next_device()]; }

  // Writes the payload at the position and moves on.
  char* put_next(char* out) {
    uint64_t noise = next_random();
    bool flush = next_ >= options_.messages;
    uint64_t device = next_device();
    // Multiply and shift: a delay from 0 to disorder_ms.
    int64_t delay_ms = static_cast<int64_t>(
        ((noise >> 32) * (static_cast<uint64_t>(options_.disorder_ms) + 1)) >> 32);
    out = put(out, heads_[device]);
    out = put(out, flush ? last_event_ms() + kFlushDelayMs : event_ms(next_) - delay_ms);
    out = put(put(out, ",\"seq\":"), flush ? -1 - static_cast<int64_t>(device) : next_);
    auto index = static_cast<uint64_t>(next_);
    out = put_fixed<6>(put(out, ",\"lat\":"), 52'500'000 + device * 100 + index % 1000);
    out = put_fixed<6>(put(out, ",\"lon\":"), 13'400'000 + index % 997);
    out = put_fixed<2>(put(out, ",\"speed\":"), 4000 + (noise & 4095));
    out = put_fixed<2>(put(out, ",\"temp\":"), 1500 + ((noise >> 12) & 2047));
    out = put_fixed<1>(put(out, ",\"fuel\":"), 200 + index % 800);
    out = put_fixed<1>(put(out, ",\"alt\":"), 300 + index % 300);
    ++next_;
    return put(out, "}");
  }

 private:
  int64_t event_ms(int64_t index) const {
    return kFirstEventMs + index * 1000 / options_.event_rate;
  }
  uint64_t next_device() const {
    int64_t n = next_ < options_.messages ? next_ % options_.devices : next_ - options_.messages;
    return static_cast<uint64_t>(n);
  }
  uint64_t next_random() {  // splitmix64 (Steele, Lea, Flood 2014): good from any seed
    uint64_t z = random_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  const Options options_;
  std::vector<std::string> topics_;
  std::vector<std::string> heads_;  // the payload up to the time
  uint64_t random_;
  int64_t next_ = 0;
};

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
int64_t read_receive_maximum(PacketReader& packet) {
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
