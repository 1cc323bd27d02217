// Days without a link, in minutes: a gateway on a real disk takes the readings of a hundred
// vehicles by a clock of the test's own, while its uplink answers nothing; then it starts again,
// the link returns, and live readings go on while the backlog is delivered.
//
//   offline [--hours N] [--dir FOLDER]
//
// FOLDER is new, empty, or left by an earlier run. The vehicles drive what the folder of
// WAYSIDE_DATA holds in data/recorded/car/envirocar_obd_2013-08-02.csv; without it the test is
// skipped, exit 77. The last line of output is a JSON object. Exit 0 only if nothing was lost or
// doubled, disk and memory stayed in bounds, and the first output, live readings and alarms came in
// time.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "firmware-gw/loop.h"
#include "tests/messages.h"
#include "tests/options.h"

namespace wayside {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kVehicles = 100;
constexpr size_t kStepsPerSecond = 10;
constexpr size_t kStepReadings = kVehicles / kStepsPerSecond;
constexpr int64_t kStepMs = 1'000 / kStepsPerSecond;
constexpr int64_t kStartMs = 1'790'000'000'000;
constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr double kBytesMaxEach = 0.8 * kGib / (72 * 3'600 * kVehicles);  // a reading
constexpr double kPreallocatedFiles = 2;  // the journal's file in use, and the spare one
constexpr uint64_t kLiveStepsMin = 10 * kStepsPerSecond;
constexpr uint64_t kCatchUpStepsMax = 1'800 * kStepsPerSecond;
constexpr size_t kRssEverySteps = 600 * kStepsPerSecond;
constexpr double kRssSpreadMax = 0.05;
constexpr auto kFirstOutputMax = milliseconds(2'000);
constexpr double kLiveRate = kVehicles;             // readings/s
constexpr double kCatchUpMin = 10;                  // times that
constexpr auto kLatencyMax = milliseconds(30'000);  // of live readings and alarms
constexpr int kSkipped = 77;
constexpr const char* kOurs = "offline-test";  // is in folders that may be removed

constexpr const char* kConfig = R"toml(
[storage]
max_bytes = "2GiB"

[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1"

[[source]]
name = "obd"
topic = "fleet/{vehicle}/obd"
key = "vehicle"
time = { field = "ts", unit = "ms" }
max_disorder = "5s"
[source.fields]
lat = { path = "lat", min = -90, max = 90 }
lon = { path = "lon", min = -180, max = 180 }
speed = { path = "spd", unit = "km/h" }
rpm = "rpm"
maf = "maf"
intake_c = "tin"

[[window]]
name = "driving_5m"
from = "obd"
size = "5m"
select = { n = "count()", avg_rpm = "avg(rpm)", max_speed = "max(speed)" }

[[rule]]
name = "speeding"
from = "obd"
when = "speed > 36"
severity = "warning"

[[uplink]]
name = "centre"
raw = ["obd"]
retry_min = "100ms"
retry_max = "200ms"
linger = "200ms"
)toml";

// ---- what the vehicles say

class Fleet {
 public:
  static std::optional<Fleet> load(const std::string& path) {
    Fleet fleet;
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
      std::vector<std::string> cells;
      std::istringstream row(line);
      for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
      if (cells.size() < 10) continue;
      fleet.rows_.push_back(",\"lat\":" + cells[1] + ",\"lon\":" + cells[2] +
                            ",\"spd\":" + cells[3] + ",\"rpm\":" + cells[4] +
                            ",\"maf\":" + cells[5] + ",\"map\":" + cells[6] +
                            ",\"tin\":" + cells[7] + ",\"fuel\":" + cells[8] + "}");
    }
    if (fleet.rows_.empty()) return std::nullopt;
    return fleet;
  }

  // Each vehicle says something once a second, some of them in each step.
  std::unique_ptr<Chunk> step(uint64_t step, uint64_t ticket) {
    std::vector<TestMessage> messages;
    const uint64_t second = step / kStepsPerSecond;
    const int64_t time_ms = kStartMs + static_cast<int64_t>(step) * kStepMs;
    for (size_t i = 0; i < kStepReadings; ++i) {
      const size_t v = step % kStepsPerSecond * kStepReadings + i;
      const std::string& row = rows_[(second + v * 11) % rows_.size()];
      const auto late_ms = static_cast<int64_t>((second * 7 + v * 13) % 900);
      messages.push_back({"fleet/truck-" + std::to_string(v) + "/obd",
                          "{\"ts\":" + std::to_string(time_ms - late_ms) + row,
                          static_cast<uint16_t>(1 + (step * kStepReadings + i) % 65'000)});
      payload_bytes_ += messages.back().payload.size();
    }
    return make_chunk(messages, ticket);
  }
  uint64_t payload_bytes() const { return payload_bytes_; }

 private:
  std::vector<std::string> rows_;
  uint64_t payload_bytes_ = 0;
};

class TestClock : public Clock {
 public:
  explicit TestClock(const std::atomic<int64_t>& now_ms) : now_ms_(now_ms) {}
  Now now() override { return {now_ms_, now_ms_}; }
  std::string save() const override { return {}; }

 private:
  const std::atomic<int64_t>& now_ms_;
};

// ---- the other side

struct Link {
  std::mutex mutex;
  bool up = false;
  std::optional<Mark> mark;
  uint64_t readings = 0;
  uint64_t others = 0;
  uint64_t duplicates = 0;
  // Since the link came back: how long what happened after that took to come.
  int64_t live_from_ms = INT64_MAX;
  struct Live {
    uint64_t count = 0;
    int64_t longest_ms = 0;
    bool good() const { return count > 0 && longest_ms <= kLatencyMax.count(); }
  };
  Live live_readings;
  Live live_alarms;
  std::optional<steady_clock::time_point> first;
  std::map<uint64_t, std::vector<bool>> seen;  // places by journal entry

  void take(const Message& m, int64_t now_ms) {
    if (m.time_ms >= live_from_ms && (m.type == "alarm" || m.type == "reading")) {
      Live& live = m.type == "alarm" ? live_alarms : live_readings;
      ++live.count;
      live.longest_ms = std::max(live.longest_ms, now_ms - m.time_ms);
    }
    if (m.type != "reading") {
      ++others;
      return;
    }
    ++readings;
    const std::string place = m.id.substr(m.id.rfind('/') + 1);
    char* rest = nullptr;
    std::vector<bool>& places = seen[std::strtoull(place.c_str(), &rest, 10)];
    const uint64_t number = std::strtoull(rest + 1, nullptr, 10);
    if (places.size() <= number) places.resize(number + 1);
    duplicates += places[number];
    places[number] = true;
  }
};

class LinkSink : public Sink {
 public:
  LinkSink(Link& link, const std::atomic<int64_t>& now_ms) : link_(link), now_ms_(now_ms) {}
  Result<Mark> open(const Mark& local) override {
    std::lock_guard lock(link_.mutex);
    if (!link_.up) return down();
    return link_.mark.value_or(local);
  }
  Status deliver(std::span<const Message> messages, Mark& after) override {
    std::lock_guard lock(link_.mutex);
    if (!link_.up) return down();
    if (!link_.first && !messages.empty()) link_.first = steady_clock::now();
    for (const Message& m : messages) link_.take(m, now_ms_);
    link_.mark = after;
    return {};
  }
  bool has_backlog_lane() const override { return true; }

 private:
  static Error down() { return {ErrorCode::kUnavailable, "there is no link"}; }
  Link& link_;
  const std::atomic<int64_t>& now_ms_;
};

// ---- measuring

uint64_t rss_bytes() {
  uint64_t pages = 0;
  std::ifstream statm("/proc/self/statm");
  statm >> pages >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t bytes_in(const std::string& dir) {
  uint64_t bytes = 0;
  for (const auto& file : fs::recursive_directory_iterator(dir)) {
    if (file.is_regular_file()) bytes += file.file_size();
  }
  return bytes;
}

struct Figures {
  uint64_t sent = 0;
  uint64_t state_bytes = 0;
  uint64_t rss_min = UINT64_MAX;
  uint64_t rss_max = 0;
  int64_t first_output_ms = 0;
  double catch_up_per_s = 0;
};

class Run {
 public:
  Run(Config config, Fleet fleet) : config_(std::move(config)), fleet_(std::move(fleet)) {
    now_ms_ = kStartMs;
    around_ = Surroundings::system(config_);
    around_.make_clock = [this](std::string_view, const Now&) {
      return std::make_unique<TestClock>(now_ms_);
    };
    around_.make_sink = [this](const UplinkOptions&, std::vector<Epoch>) {
      return std::make_unique<LinkSink>(link_, now_ms_);
    };
  }

  bool offline(uint64_t hours) {
    auto loop = start();
    if (!loop) return false;
    for (uint64_t hour = 0; hour < hours; ++hour) {
      for (size_t s = 1; s <= 3'600 * kStepsPerSecond; ++s) {
        step(*loop);
        if (hour > 0 && s % kRssEverySteps == 0) note_rss();  // the first hour fills caches
      }
      if (hour % 12 == 11) {
        std::fprintf(stderr, "offline: %llu h, %.3f GiB, RSS %.1f MiB\n",
                     static_cast<unsigned long long>(hour + 1),
                     double(bytes_in(config_.gateway.state_dir)) / kGib,
                     double(rss_bytes()) / 1048576);
      }
    }
    loop->stop();
    figures.state_bytes = bytes_in(config_.gateway.state_dir);
    return true;
  }

  // Until everything is delivered; meanwhile the vehicles go on in real time.
  bool catch_up() {
    const uint64_t behind = figures.sent;
    link_.up = true;
    link_.live_from_ms = now_ms_ + 1'000;
    const auto begun = steady_clock::now();
    auto loop = start();
    if (!loop) return false;
    std::optional<steady_clock::time_point> caught_up;
    uint64_t delivered = 0;
    for (uint64_t steps = 1; steps <= kCatchUpStepsMax; ++steps) {
      if (caught_up && steps > kLiveStepsMin) break;
      step(*loop);
      std::this_thread::sleep_until(begun + steps * milliseconds(kStepMs));
      std::lock_guard lock(link_.mutex);
      if (caught_up || !link_.first || link_.readings < behind) continue;
      caught_up = steady_clock::now();
      delivered = link_.readings;
    }
    loop->stop();
    std::lock_guard lock(link_.mutex);
    if (!link_.first || !caught_up) return false;
    const auto ms = [&](auto duration) {
      return std::chrono::duration_cast<milliseconds>(duration).count();
    };
    figures.first_output_ms = ms(*link_.first - begun);
    figures.catch_up_per_s = double(delivered) * 1000 / double(ms(*caught_up - *link_.first));
    return true;
  }

  Link& link() { return link_; }
  const Fleet& fleet() const { return fleet_; }
  Figures figures;

 private:
  std::unique_ptr<Loop> start() {
    auto loop = Loop::recover(config_, around_);
    Status made = loop.ok() ? (*loop)->make_workers() : Status(loop.error());
    if (!made.ok()) {
      std::fprintf(stderr, "offline: %s\n", made.error().message.c_str());
      return nullptr;
    }
    (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
    return std::move(*loop);
  }

  void note_rss() {
    const uint64_t rss = rss_bytes();
    figures.rss_min = std::min(figures.rss_min, rss);
    figures.rss_max = std::max(figures.rss_max, rss);
  }

  void step(Loop& loop) {
    now_ms_ += kStepMs;
    auto chunk = fleet_.step(++step_, figures.sent += kStepReadings);
    const size_t size = chunk->size;
    loop.queue().push(std::move(chunk), size);
    while (loop.queue().used_bytes() > 0) std::this_thread::yield();
  }

  const Config config_;
  Fleet fleet_;
  Surroundings around_;
  Link link_;
  std::atomic<int64_t> now_ms_{0};
  uint64_t step_ = 0;
};

// Anew, if it is there from an earlier run.
bool make_folder(const std::string& dir) {
  const std::string ours = dir + "/" + kOurs;
  if (fs::exists(dir) && !fs::is_empty(dir) && !fs::exists(ours)) return false;
  fs::remove_all(dir);
  fs::create_directories(dir);
  return std::ofstream(ours).good();
}

int main(uint64_t hours, const std::string& dir, const std::string& data) {
  auto fleet = Fleet::load(data + "/data/recorded/car/envirocar_obd_2013-08-02.csv");
  if (!fleet) {
    std::printf("{\"skipped\": \"no recordings in %s\"}\n", data.c_str());
    return kSkipped;
  }
  if (!make_folder(dir)) {
    std::fprintf(stderr, "offline: %s is not empty and not from an earlier run\n", dir.c_str());
    return 64;
  }
  std::vector<ConfigError> errors;
  auto config =
      parse_config("[gateway]\nid = \"offline\"\nstate_dir = \"" + dir + "/state\"\n" + kConfig,
                   "offline", errors);
  for (const ConfigError& e : errors) std::fprintf(stderr, "%s\n", e.to_text().c_str());
  if (!config) return 78;

  Run run(*config, std::move(*fleet));
  const bool ended = run.offline(hours) && run.catch_up();
  const Figures& f = run.figures;
  const Link& link = run.link();
  // To stop takes until what the loop has taken is delivered.
  const uint64_t lost = f.sent > link.readings ? f.sent - link.readings : 0;
  const double spread =
      f.rss_max == 0 ? 0 : double(f.rss_max - f.rss_min) / double(f.rss_max + f.rss_min);
  const double bytes_max = kBytesMaxEach * double(hours * 3'600 * kVehicles) +
                           kPreallocatedFiles * double(config->storage.file_bytes);
  const bool good = ended && lost == 0 && link.duplicates == 0 &&
                    double(f.state_bytes) <= bytes_max && spread <= kRssSpreadMax &&
                    f.first_output_ms <= kFirstOutputMax.count() &&
                    f.catch_up_per_s >= kCatchUpMin * kLiveRate && link.live_readings.good() &&
                    link.live_alarms.good();
  std::printf(
      "{\"hours\": %llu, \"readings\": %llu, \"payload_bytes_each\": %.0f, \"state_gib\": %.3f, "
      "\"rss_min_mib\": %.1f, \"rss_max_mib\": %.1f, \"rss_spread\": %.3f, "
      "\"first_output_ms\": %lld, \"catch_up_per_s\": %.0f, \"catch_up_times_live\": %.0f, "
      "\"live_readings\": %llu, \"live_latency_ms\": %lld, \"live_alarms\": %llu, "
      "\"alarm_latency_ms\": %lld, \"lost\": %llu, \"duplicates\": "
      "%llu, \"ended\": %s}\n",
      static_cast<unsigned long long>(hours), static_cast<unsigned long long>(f.sent),
      double(run.fleet().payload_bytes()) / double(f.sent), double(f.state_bytes) / kGib,
      double(f.rss_min) / 1048576, double(f.rss_max) / 1048576, spread,
      static_cast<long long>(f.first_output_ms), f.catch_up_per_s, f.catch_up_per_s / kLiveRate,
      static_cast<unsigned long long>(link.live_readings.count),
      static_cast<long long>(link.live_readings.longest_ms),
      static_cast<unsigned long long>(link.live_alarms.count),
      static_cast<long long>(link.live_alarms.longest_ms), static_cast<unsigned long long>(lost),
      static_cast<unsigned long long>(link.duplicates), ended ? "true" : "false");
  fs::remove_all(dir);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  const wayside::Options options(argc, argv);
  const uint64_t hours = options.number("--hours", 72);
  const std::string dir = options.text("--dir", "build/offline-state");
  const char* set = std::getenv("WAYSIDE_DATA");
  const std::string data = set ? set : WAYSIDE_DATA;
  wayside::set_log_level(wayside::LogLevel::kError);
  return wayside::main(hours, dir, data);
}
