// A fleet of refrigerated trucks around Berlin, for demos, benches and tests. Pure: no wall clock,
// no sleep, no I/O; the caller sends each message at its send_ms, or as fast as it likes.
//
// Topics and payloads, by vehicle ("truck-01", ...), at the natural rate:
//   fleet/<vehicle>/position  1/s    {"ts":<ms>,"lat":52.520008,"lon":13.404954,"spd":<km/h>,
//                                     "hdg":<deg>,"fuel":<percent>}
//   fleet/<vehicle>/climate   1/2 s  {"ts":<ms>,"t":<deg C>,"set":-18.0,"door":"open"|"closed"}
//   fleet/<vehicle>/shock     rare   {"ts":<ms>,"g":<peak g>}
//
// What a rule should find: truck-02 drives with an open door, first within 15 s and then every few
// minutes; truck-03's temperature jumps by 8 degrees for three readings, likewise; each truck
// defrosts every few hours, opens its door at deliveries and stops at lights.
//
// What a gateway must bear: delays up to 200 ms, 3 % of up to 3 s; 0.5 % of the messages twice;
// coverage gaps of 10 to 40 s every 5 to 12 minutes, not in the first 30 s, which end in a burst;
// 0.3 % broken messages (cut short, "t" as a string, no "ts", in turn); and with four trucks or
// more, the last one's clock is a year ahead. Trucks 02 and 03 are spared long delays and breakage
// for 20 s.
//
// The same options give the same bytes on every platform: all state is integers, no distribution of
// <random> is used, and sine and square root are rounded to integers where no platform can differ.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

namespace wayside {

struct SimulatorOptions {
  uint32_t vehicles = 10;  // 0 is taken as 1
  uint64_t seed = 1;
  int64_t start_ms = 0;            // epoch ms at which the fleet starts
  double messages_per_second = 0;  // of the whole fleet, by sampling the same journeys more or less
                                   // often; 0: the natural rate, about 1.55 per truck
};

struct SimulatedMessage {
  int64_t send_ms;
  std::string topic;
  std::string payload;
};

// Owned by one thread. Memory is bounded by what the fleet sends in one coverage gap of 40 s.
class FleetSimulator {
 public:
  explicit FleetSimulator(const SimulatorOptions& options);
  ~FleetSimulator();
  FleetSimulator(const FleetSimulator&) = delete;
  FleetSimulator& operator=(const FleetSimulator&) = delete;

  // Endless, ordered by send_ms; equal times come in the order of their events.
  SimulatedMessage next();

 private:
  struct Vehicle;
  struct Pending {
    SimulatedMessage message;
    uint64_t sequence;  // breaks ties
  };
  static bool later(const Pending& a, const Pending& b);

  void produce();
  void push(SimulatedMessage message);

  const int64_t start_ms_;
  std::vector<Vehicle> vehicles_;
  // When each vehicle next reads a sensor (ns since the start), and its index.
  using Turn = std::pair<int64_t, size_t>;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
  std::vector<Pending> pending_;  // a heap by send_ms, then sequence
  uint64_t sequence_ = 0;
};

}  // namespace wayside
