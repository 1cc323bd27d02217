// The floor to be measured against: the least work that turns MQTT into 10 s windows. Large reads,
// PUBLISH packets parsed where they lie, four fields by simdjson, one hash map per window, no
// durability. A floor, not a client: QoS 0, no keep-alive, no reconnect, and a bad payload ends it.
// raw_floor PORT FILE: writes a JSON line per window and device to FILE, until SIGTERM.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace wayside::bench {
namespace {

constexpr int64_t kWindowMs = 10'000;
constexpr int64_t kMaxDisorderMs = 5'000;
constexpr size_t kReadBytes = 64 << 10;

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "raw_floor: %s\n", what);
  std::exit(1);
}

class Windows {
 public:
  explicit Windows(FILE* out) : out_(out) {}

  void add(std::string_view device, int64_t ts_ms, double temp, double speed) {
    int64_t start_ms = ts_ms - ts_ms % kWindowMs;
    if (start_ms + kWindowMs <= watermark_ms_) die("late reading");
    auto& panes = windows_[start_ms];
    auto found = panes.find(device);
    if (found == panes.end()) found = panes.emplace(device, Pane()).first;
    Pane& pane = found->second;
    ++pane.n;
    pane.sum_temp += temp;
    pane.min_temp = std::min(pane.min_temp, temp);
    pane.max_temp = std::max(pane.max_temp, temp);
    pane.max_speed = std::max(pane.max_speed, speed);
    watermark_ms_ = std::max(watermark_ms_, ts_ms - kMaxDisorderMs);
    while (windows_.begin()->first + kWindowMs <= watermark_ms_) close_first();
  }

 private:
  struct Pane {
    int64_t n = 0;
    double sum_temp = 0;
    double min_temp = std::numeric_limits<double>::infinity();
    double max_temp = -std::numeric_limits<double>::infinity();
    double max_speed = -std::numeric_limits<double>::infinity();
  };
  struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Panes = std::unordered_map<std::string, Pane, TextHash, std::equal_to<>>;

  void close_first() {
    auto first = windows_.begin();
    for (const auto& [device, pane] : first->second) {
      std::fprintf(
          out_,
          "{\"type\":\"window\",\"key\":\"%s\",\"window_start\":%lld,\"n\":%lld,"
          "\"avg_temp\":%.15g,\"min_temp\":%.15g,\"max_temp\":%.15g,\"max_speed\":%.15g}\n",
          device.c_str(), static_cast<long long>(first->first), static_cast<long long>(pane.n),
          pane.sum_temp / static_cast<double>(pane.n), pane.min_temp, pane.max_temp,
          pane.max_speed);
    }
    std::fflush(out_);
    windows_.erase(first);
  }

  FILE* out_;
  std::map<int64_t, Panes> windows_;  // by start; never empty behind add()
  int64_t watermark_ms_ = 0;
};

class Reader {
 public:
  Reader(int fd, FILE* out) : fd_(fd), windows_(out) {}

  void run() {
    for (;;) {
      ssize_t n = read(fd_, buffer_ + size_, kReadBytes - size_);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      size_ += static_cast<size_t>(n);
      size_t done = 0;
      while (size_t packet = parse(done)) done += packet;
      std::memmove(buffer_, buffer_ + done, size_ - done);
      size_ -= done;
    }
  }

 private:
  // Handles the packet at `from`; its size, or 0 if it is not complete yet.
  size_t parse(size_t from) {
    size_t length = 0, at = from + 1;
    for (int shift = 0;; shift += 7) {
      if (at >= size_ || shift > 21) return 0;
      auto byte = static_cast<uint8_t>(buffer_[at++]);
      length |= static_cast<size_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (at + length > size_) return 0;
    if ((static_cast<uint8_t>(buffer_[from]) >> 4) == 3) {
      size_t topic = static_cast<size_t>(static_cast<uint8_t>(buffer_[at])) << 8 |
                     static_cast<uint8_t>(buffer_[at + 1]);
      on_payload(buffer_ + at + 2 + topic, length - 2 - topic);
    }
    return at + length - from;
  }

  void on_payload(const char* payload, size_t size) {
    // The buffer goes on for SIMDJSON_PADDING bytes behind its last read, so no copy is needed.
    auto document = parser_.iterate(payload, size, size + simdjson::SIMDJSON_PADDING);
    std::string_view device;
    int64_t ts_ms;
    double temp, speed;
    if (document["device"].get(device) || document["ts"].get(ts_ms) ||
        document["speed"].get(speed) || document["temp"].get(temp)) {
      die("bad payload");
    }
    windows_.add(device, ts_ms, temp, speed);
  }

  int fd_;
  Windows windows_;
  simdjson::ondemand::parser parser_;
  size_t size_ = 0;
  char buffer_[kReadBytes + simdjson::SIMDJSON_PADDING] = {};
};

int connect_and_subscribe(uint16_t port) {
  using namespace std::string_view_literals;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    die("cannot connect");
  // CONNECT (3.1.1, clean session, no keep-alive, client "raw") and SUBSCRIBE (packet id 1, QoS 0).
  constexpr auto kHello =
      "\x10\x0f\0\4MQTT\4\2\0\0\0\3raw"
      "\x82\x14\0\1\0\x0f"
      "fleet/+/reading\0"sv;
  if (write(fd, kHello.data(), kHello.size()) != static_cast<ssize_t>(kHello.size())) die("write");
  return fd;
}

}  // namespace
}  // namespace wayside::bench

int main(int argc, char** argv) {
  using namespace wayside::bench;
  FILE* out = argc == 3 ? std::fopen(argv[2], "w") : nullptr;
  if (out == nullptr) die("usage: raw_floor PORT FILE");
  signal(SIGTERM, [](int) { _exit(0); });  // windows still open are dropped
  auto port = static_cast<uint16_t>(std::atoi(argv[1]));
  std::make_unique<Reader>(connect_and_subscribe(port), out)->run();
  std::fclose(out);
  return 0;
}
