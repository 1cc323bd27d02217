#include "sensors/simulator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "tests/seeds.h"

namespace wayside {
namespace {

constexpr uint64_t kSeed = 4;  // where one is enough
constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kHourMs = 3'600'000, kYearMs = 365LL * 24 * kHourMs;

// The number behind `"key":`, or 0.
double number(const std::string& payload, const std::string& key) {
  const size_t at = payload.find("\"" + key + "\":");
  return at == std::string::npos ? 0 : std::strtod(&payload[at + key.size() + 3], nullptr);
}

struct Reading {
  int64_t send_ms, ts;  // since the fleet's start; ts is before it when missing
  std::string vehicle, stream, payload;
  double value(const char* key) const { return number(payload, key); }
  bool open() const { return payload.find("\"open\"") != std::string::npos; }
};

enum Breakage { kWhole, kCut, kTextValue, kNoTs };
Breakage breakage(const std::string& payload) {
  if (payload.back() != '}') return kCut;
  if (payload.find("\"t\":\"") != std::string::npos) return kTextValue;
  return payload.rfind("{\"ts\":", 0) == 0 ? kWhole : kNoTs;
}

SimulatorOptions options_for(uint64_t seed, uint32_t vehicles = 10, double rate = 0) {
  return {.vehicles = vehicles, .seed = seed, .start_ms = kStartMs, .messages_per_second = rate};
}

// Everything sent in the first `duration_ms`, as it arrives.
std::vector<Reading> arrivals(const SimulatorOptions& options, int64_t duration_ms) {
  FleetSimulator fleet(options);
  std::vector<Reading> result;
  while (true) {
    const SimulatedMessage m = fleet.next();
    if (m.send_ms >= kStartMs + duration_ms) return result;
    const size_t slash = m.topic.rfind('/');
    const int64_t ts = std::llround(number(m.payload, "ts")) - kStartMs;
    result.push_back({m.send_ms - kStartMs, ts, m.topic.substr(6, slash - 6),
                      m.topic.substr(slash + 1), m.payload});
  }
}

// The unbroken readings of one stream by vehicle, in order of event time, without repeats.
using Tracks = std::map<std::string, std::vector<Reading>>;
Tracks tracks(const std::vector<Reading>& arrived, const std::string& stream) {
  Tracks result;
  std::set<std::string> seen;
  for (const Reading& r : arrived) {
    if (r.stream != stream || breakage(r.payload) != kWhole) continue;
    if (seen.insert(r.vehicle + r.payload).second) result[r.vehicle].push_back(r);
  }
  for (auto& [vehicle, track] : result) std::ranges::stable_sort(track, {}, &Reading::ts);
  return result;
}

// The last reading at or before `ts`, or the first.
const Reading& at(const std::vector<Reading>& track, int64_t ts) {
  const auto after = std::ranges::upper_bound(track, ts, {}, &Reading::ts);
  return after == track.begin() ? *after : *std::prev(after);
}

// Metres to the north and, as the imaginary part, to the east.
std::complex<double> way(const Reading& a, const Reading& b) {
  constexpr double kDegree = 111'194.927, kRadian = M_PI / 180;
  return {(b.value("lat") - a.value("lat")) * kDegree,
          (b.value("lon") - a.value("lon")) * kDegree * std::cos(a.value("lat") * kRadian)};
}

uint64_t digest(const SimulatorOptions& options, int messages) {
  FleetSimulator fleet(options);
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (int i = 0; i < messages; ++i) {
    const SimulatedMessage m = fleet.next();
    const std::string text = std::to_string(m.send_ms) + m.topic + m.payload;
    for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3u;
  }
  return hash;
}

TEST(Simulator, the_same_seed_gives_the_same_bytes) {
  EXPECT_EQ(digest(options_for(7), 50'000), digest(options_for(7), 50'000));
  EXPECT_NE(digest(options_for(7), 1'000), digest(options_for(8), 1'000));
  // On every platform; a new value means that recorded demos and benches are no longer comparable.
  EXPECT_EQ(digest(options_for(1), 50'000), 11'278'164'058'922'644'544u);
}

TEST(Simulator, messages_are_ordered_by_send_time_and_never_precede_their_event) {
  for (auto [seed, end] = seeds(3); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    int64_t last = 0;
    for (const Reading& r : arrivals(options_for(seed), kHourMs)) {
      ASSERT_LE(std::exchange(last, r.send_ms), r.send_ms);
      ASSERT_TRUE(r.ts <= r.send_ms || r.vehicle == "truck-10") << r.payload;
    }
  }
}

TEST(Simulator, trucks_move_as_their_speed_and_heading_say) {
  for (auto [seed, end] = seeds(3); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    for (const auto& [vehicle, track] : tracks(arrivals(options_for(seed), kHourMs), "position")) {
      double driven = 0, promised = 0;
      for (size_t i = 1; i < track.size(); ++i) {
        const Reading &a = track[i - 1], &b = track[i];
        const double seconds = (b.ts - a.ts) / 1000.0;
        const double from = a.value("spd") / 3.6, to = b.value("spd") / 3.6;
        const std::complex<double> moved = way(a, b);
        ASSERT_LE(std::abs(to - from), 1.2 * (seconds + 0.1) + 0.03) << a.payload << b.payload;
        ASSERT_LE(std::abs(moved), (std::max(from, to) + 0.5 * seconds) * seconds + 0.3) << i;
        if (seconds < 1.1 && from > 5 && a.value("hdg") == b.value("hdg")) {
          const double bearing = std::arg(moved) * 180 / M_PI;
          ASSERT_LE(std::abs(std::remainder(bearing - a.value("hdg") - 0.5, 360)), 4) << b.payload;
        }
        driven += std::abs(moved);
        promised += (from + to) / 2 * seconds;
      }
      EXPECT_NEAR(driven, promised, promised * 0.02) << vehicle;
    }
  }
}

TEST(Simulator, fuel_falls_and_is_taken_only_at_a_halt) {
  SCOPED_TRACE(kSeed);
  for (const auto& [vehicle, track] :
       tracks(arrivals(options_for(kSeed, 3, 0.5), 30 * kHourMs), "position")) {
    int rises = 0;
    for (size_t i = 1; i < track.size(); ++i) {
      const Reading &a = track[i - 1], &b = track[i];
      ASSERT_GT(b.value("fuel"), 10);
      if (b.value("fuel") <= a.value("fuel")) continue;
      ++rises;
      ASSERT_EQ(std::min(a.value("spd"), b.value("spd")), 0) << b.payload;
    }
    EXPECT_GT(rises, 5) << vehicle;
  }
}

TEST(Simulator, reefer_temperature_stays_plausible_and_defrosts) {
  SCOPED_TRACE(kSeed);
  Tracks climates = tracks(arrivals(options_for(kSeed, 6), 6 * kHourMs), "climate");
  climates.erase("truck-03");  // its sensor jumps
  for (const auto& [vehicle, track] : climates) {
    size_t cold = 0;
    double coldest_closed = 0, rise = 0;  // with the door closed, as after a defrost
    for (size_t i = 1; i < track.size(); ++i) {
      const double t = track[i].value("t"), seconds = (track[i].ts - track[i - 1].ts) / 1000.0;
      ASSERT_TRUE(t > -19.5 && t < 0) << track[i].payload;
      ASSERT_LE(std::abs(t - track[i - 1].value("t")), 0.35 + 0.08 * seconds) << track[i].payload;
      cold += t < -16.5;
      coldest_closed = track[i].open() ? 0 : std::min(coldest_closed, t);
      if (coldest_closed < 0) rise = std::max(rise, t - coldest_closed);
    }
    EXPECT_GT(cold, track.size() * 6 / 10) << vehicle;
    EXPECT_GT(rise, 2.5) << vehicle;
  }
}

TEST(Simulator, only_truck_02_drives_with_an_open_door_and_only_truck_03_jumps) {
  for (auto [seed, end] = seeds(3); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    const auto arrived = arrivals(options_for(seed), kHourMs);
    const Tracks climates = tracks(arrived, "climate"), positions = tracks(arrived, "position");
    std::map<std::string, int> open, open_moving, jumps;
    for (const auto& [vehicle, track] : climates) {
      for (size_t i = 1; i < track.size(); ++i) {
        const Reading& position = at(positions.at(vehicle), track[i].ts);
        open[vehicle] += track[i].open();
        open_moving[vehicle] += track[i].open() && position.value("spd") > 0;
        jumps[vehicle] += track[i].value("t") - track[i - 1].value("t") > 6;
      }
      EXPECT_GT(open[vehicle], 0) << vehicle;
      EXPECT_TRUE(vehicle == "truck-02" || open_moving[vehicle] == 0) << vehicle;
      EXPECT_TRUE(vehicle == "truck-03" || jumps[vehicle] == 0) << vehicle;
    }
    EXPECT_GE(open_moving["truck-02"], 60);  // readings, some nine in a row
    EXPECT_GE(jumps["truck-03"], 12);
  }
}

TEST(Simulator, trucks_02_and_03_show_their_faults_within_15_seconds) {
  for (auto [seed, end] = seeds(300); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    const auto arrived = arrivals(options_for(seed), 15'000);
    const Tracks climates = tracks(arrived, "climate"), positions = tracks(arrived, "position");
    EXPECT_GE(std::ranges::count_if(climates.at("truck-02"), &Reading::open), 4);
    for (const Reading& r : positions.at("truck-02")) EXPECT_GT(r.value("spd"), 10) << r.payload;
    for (const Reading& r : climates.at("truck-03")) EXPECT_EQ(r.value("t") > -12, r.ts >= 12'600);
    EXPECT_GE(climates.at("truck-03").back().ts, 12'600);
  }
}

TEST(Simulator, shocks_are_rare_and_rarer_at_rest) {
  SCOPED_TRACE(kSeed);
  const auto arrived = arrivals(options_for(kSeed), 2 * kHourMs);
  const Tracks shocks = tracks(arrived, "shock"), positions = tracks(arrived, "position");
  double count[2] = {}, seconds[2] = {};  // at rest, moving
  for (const auto& [vehicle, track] : positions) {
    for (const Reading& r : track) ++seconds[r.value("spd") > 4];
    for (const Reading& r : shocks.at(vehicle)) {
      ++count[at(track, r.ts).value("spd") > 4];
      ASSERT_TRUE(r.value("g") >= 0.3 && r.value("g") < 5) << r.payload;
    }
  }
  EXPECT_NEAR(count[1] / seconds[1] * 60, 2.8, 1.0);  // a minute
  EXPECT_LT(count[0] / seconds[0], count[1] / seconds[1] / 5);
}

TEST(Simulator, the_link_repeats_breaks_delays_and_reorders_at_the_stated_rates) {
  for (auto [seed, end] = seeds(3); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    const auto arrived = arrivals(options_for(seed), 2 * kHourMs);
    std::set<std::string> seen;
    std::map<std::string, int64_t> newest;  // event time by vehicle
    std::map<std::string, std::set<Breakage>> kinds;
    double repeats = 0, broken = 0, timed = 0, late = 0, quick = 0;
    for (const Reading& r : arrived) {
      repeats += !seen.insert(r.vehicle + r.stream + r.payload).second;
      broken += breakage(r.payload) != kWhole;
      kinds[r.vehicle].insert(breakage(r.payload));
      if (breakage(r.payload) != kWhole || r.vehicle == "truck-10") continue;
      ++timed;
      late += r.ts < newest[r.vehicle];
      newest[r.vehicle] = std::max(newest[r.vehicle], r.ts);
      quick += r.send_ms - r.ts <= 200;
    }
    const auto all = static_cast<double>(arrived.size());
    EXPECT_NEAR(repeats / all, 0.005, 0.001);
    EXPECT_NEAR(broken / all, 0.003, 0.0008);
    for (const auto& [vehicle, seen_here] : kinds) EXPECT_EQ(seen_here.size(), 4u) << vehicle;
    EXPECT_NEAR(quick / timed, 0.92, 0.03);
    EXPECT_NEAR(late / timed, 0.043, 0.015);
  }
}

TEST(Simulator, a_coverage_gap_ends_in_a_burst_that_keeps_the_order) {
  for (auto [seed, end] = seeds(3); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    std::map<std::pair<std::string, int64_t>, std::vector<int64_t>> together;
    for (const Reading& r : arrivals(options_for(seed), 2 * kHourMs)) {
      if (breakage(r.payload) == kWhole) together[{r.vehicle, r.send_ms}].push_back(r.ts);
    }
    int bursts = 0;
    for (const auto& [key, ts] : together) {
      if (ts.size() < 8) continue;
      ++bursts;
      EXPECT_TRUE(std::is_sorted(ts.begin(), ts.end()));
      EXPECT_TRUE(ts.back() - ts.front() > 6'000 && ts.back() - ts.front() <= 40'000);
    }
    EXPECT_NEAR(bursts, 10 * 13.5, 20);
  }
}

TEST(Simulator, the_last_of_four_or_more_trucks_is_a_year_ahead) {
  for (const uint32_t vehicles : {0u, 1u, 3u, 4u, 12u}) {
    SCOPED_TRACE(vehicles);
    const Tracks all = tracks(arrivals(options_for(9, vehicles), 60'000), "position");
    EXPECT_EQ(all.size(), std::max(1u, vehicles));
    for (const auto& [vehicle, track] : all) {
      const bool last = vehicles >= 4 && vehicle == all.rbegin()->first;
      for (const Reading& r : track) EXPECT_EQ((r.ts + 1000) / kYearMs, last ? 1 : 0) << r.payload;
    }
  }
}

TEST(Simulator, messages_per_second_is_met_within_5_percent) {
  for (const double rate : {0.0, 2.0, 50.0, 500.0}) {
    SCOPED_TRACE(rate);
    const int64_t seconds = rate == 2 ? 3600 : 300;
    const auto arrived = arrivals(options_for(10, 10, rate), seconds * 1000);
    EXPECT_NEAR(arrived.size() / (seconds * (rate > 0 ? rate : 15.4)), 1, 0.05);
  }
}

TEST(Simulator, the_rate_does_not_change_the_journeys) {
  const auto often = tracks(arrivals(options_for(11, 4, 200), 150'000), "position");
  for (const auto& [vehicle, track] : tracks(arrivals(options_for(11, 4), 100'000), "position")) {
    for (const Reading& r : track) {
      const Reading& near = at(often.at(vehicle), r.ts);
      ASSERT_LE(std::abs(way(near, r)), (r.ts - near.ts) * 0.024 + 0.4);
    }
  }
}

}  // namespace
}  // namespace wayside
