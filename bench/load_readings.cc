#include "bench/load_readings.h"

#include <charconv>
#include <cstdio>
#include <cstring>

namespace wayside::bench {
namespace {

constexpr int64_t kFirstEventMs = 1'700'000'000'000;  // a multiple of ten seconds
constexpr int64_t kFlushDelayMs = 3'600'000;

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

}  // namespace

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

Readings::Readings(const Options& options)
    : options_(options), random_(static_cast<uint64_t>(options.seed)) {
  for (int64_t device = 0; device < options.devices; ++device) {
    char name[32];
    std::snprintf(name, sizeof name, "truck-%03d", static_cast<int>(device));
    topics_.push_back(std::string("fleet/") + name + "/reading");
    heads_.push_back(std::string("{\"device\":\"") + name + "\",\"ts\":");
  }
}

char* Readings::put_next(char* out) {
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

int64_t Readings::event_ms(int64_t index) const {
  return kFirstEventMs + index * 1000 / options_.event_rate;
}

uint64_t Readings::next_device() const {
  int64_t n = next_ < options_.messages ? next_ % options_.devices : next_ - options_.messages;
  return static_cast<uint64_t>(n);
}

uint64_t Readings::next_random() {  // splitmix64 (Steele, Lea, Flood 2014): good from any seed
  uint64_t z = random_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace wayside::bench
