#include "firmware-gw/view.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>

#include "base/text.h"
#include "base/time.h"
#include "firmware-gw/gateway.h"

namespace wayside {
namespace {

namespace dom = simdjson::dom;
using std::chrono::steady_clock;

template <class T>
T get(const dom::element& from, const char* pointer, T fallback = {}) {
  T value;
  return from.at_pointer(pointer).get(value) ? fallback : value;
}

// Devices have given themselves some of the names.
std::string text(const dom::element& from, const char* pointer) {
  return printable(get<std::string_view>(from, pointer));
}

class StatusView {
 public:
  std::string draw(const dom::element& status, double seconds_since) {
    std::string out;
    draw_gateway(status, seconds_since, out);
    for (dom::element b : list(status, "/blocks")) {
      out += fmt::format("{:<10} {:<20} {:>8} told {:>6} open\n", text(b, "/kind"),
                         text(b, "/name"), get<uint64_t>(b, "/emitted"), get<uint64_t>(b, "/open"));
    }
    for (dom::element u : list(status, "/uplinks")) {
      out += fmt::format("{:<10} {:<20} {:>8} delivered {} pending   {} {}\n", "uplink",
                         text(u, "/name"), get<uint64_t>(u, "/delivered"),
                         get<uint64_t>(u, "/pending"),
                         get<bool>(u, "/connected") ? "ready" : "away", text(u, "/trouble"));
    }
    draw_keys(status, out);
    return out;
  }

 private:
  void draw_gateway(const dom::element& status, double seconds_since, std::string& out) {
    const uint64_t in = get<uint64_t>(status, "/readings/in");
    const double rate =
        seconds_since > 0 && last_in_ ? double(in - std::min(in, *last_in_)) / seconds_since : 0;
    last_in_ = in;
    out += fmt::format("gateway {}   {:.0f} readings/s   journal entry {}   {} commits\n",
                       text(status, "/gateway"), rate, get<uint64_t>(status, "/journal/entry"),
                       get<uint64_t>(status, "/journal/commits"));
    const std::string clock = text(status, "/clock");
    if (clock != to_text(ClockState::kSynced)) out += fmt::format("clock {}\n", clock);
    out += draw_disk(status);
    for (dom::element c : list(status, "/mqtt")) {
      out += fmt::format("{:<10} {:<20} {:>8} messages {} acknowledged   {}\n", "mqtt",
                         text(c, "/name"), get<uint64_t>(c, "/messages"),
                         get<uint64_t>(c, "/acknowledged"),
                         get<bool>(c, "/connected") ? "ready" : "away");
    }
    for (dom::element c : list(status, "/inputs")) {
      out += fmt::format("{:<10} {:<20} {:>8} messages {} acknowledged {} failures   {}\n", "input",
                         text(c, "/name"), get<uint64_t>(c, "/messages"),
                         get<uint64_t>(c, "/acknowledged"), get<uint64_t>(c, "/failures"),
                         get<bool>(c, "/connected") ? "ready" : "away");
    }
    out += fmt::format(
        "readings   in {}  used {}  late {}  duplicate {}  quarantined {}  dropped {}\n", in,
        fate(status, "used"), fate(status, "late"), fate(status, "duplicate"),
        fate(status, "quarantined"), fate(status, "dropped"));
  }

  static std::string draw_disk(const dom::element& status) {
    const auto mib = [&](const char* pointer) {
      return static_cast<double>(get<uint64_t>(status, pointer)) / (1 << 20);
    };
    const double full_in_s = get<double>(status, "/storage/full_in_s", -1);
    const double years = get<double>(status, "/flash/years_left");
    const uint64_t lost = get<uint64_t>(status, "/storage/lost_readings") +
                          get<uint64_t>(status, "/storage/lost_results") +
                          get<uint64_t>(status, "/storage/lost_alarms");
    std::string line = fmt::format("disk       {:.1f} MiB wait, room for {:.1f}   {:.2f} GB/day",
                                   mib("/storage/waiting_bytes"), mib("/storage/limit_bytes"),
                                   get<double>(status, "/flash/gb_per_day"));
    if (full_in_s >= 0) line += fmt::format("   full in {:.1f} h", full_in_s / 3600);
    if (years > 0) line += fmt::format("   card lasts {:.1f} years", years);
    if (lost > 0) line += fmt::format("   {} lost", lost);
    return line + '\n';
  }

  static void draw_keys(const dom::element& status, std::string& out) {
    const int64_t now_ms = get<int64_t>(status, "/wall_ms");
    const dom::array keys = list(status, "/keys");
    if (keys.begin() == keys.end()) return;
    out += "watermark behind the clock\n";
    size_t shown = 0;
    for (dom::element k : keys) {
      const double lag_s = double(now_ms - get<int64_t>(k, "/watermark_ms")) / 1000;
      out += fmt::format("  {:<10} {:>7.1f} s{}", text(k, "/key"), lag_s,
                         ++shown % kKeysPerLine == 0 ? "\n" : "");
      if (shown == kKeysShown) break;
    }
    if (shown % kKeysPerLine != 0) out += '\n';
    if (keys.size() > shown) out += fmt::format("  and {} more\n", keys.size() - shown);
  }

  static uint64_t fate(const dom::element& status, const char* name) {
    return get<uint64_t>(status, (std::string("/readings/") + name).c_str());
  }
  static dom::array list(const dom::element& status, const char* pointer) {
    return get<dom::array>(status, pointer);
  }

  static constexpr size_t kKeysPerLine = 4;
  static constexpr size_t kKeysShown = 40;
  std::optional<uint64_t> last_in_;
};

}  // namespace

Status watch_status(const std::string& state_dir, int64_t seconds) {
  StatusView view;
  dom::parser parser;
  const bool terminal = isatty(STDOUT_FILENO);
  const auto begun = steady_clock::now();
  auto last = begun;
  while (seconds == 0 || steady_clock::now() - begun < std::chrono::seconds(seconds)) {
    auto text = ask_status(state_dir);
    if (!text.ok()) return text.error();
    dom::element status;
    if (parser.parse(*text).get(status)) return Error{ErrorCode::kBadData, "status: not JSON"};
    const auto now = steady_clock::now();
    const std::string picture =
        view.draw(status, std::chrono::duration<double>(now - last).count());
    last = now;
    // On a terminal the picture stays in its place; in a file one follows the other.
    std::printf("%s%s\n", terminal ? "\x1b[H\x1b[2J" : "", picture.c_str());
    std::fflush(stdout);
    std::this_thread::sleep_until(now + std::chrono::seconds(1));
  }
  return {};
}

}  // namespace wayside
