#include "sensors/simulator.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "sensors/simulator_link.h"
#include "sensors/simulator_random.h"
#include "sensors/simulator_truck.h"

namespace wayside {
namespace {

enum Stream { kPosition, kClimate, kShock, kStreamCount };
constexpr std::string_view kStreamNames[] = {"position", "climate", "shock"};
// Shocks are looked for every second and seldom found.
constexpr double kNaturalSeconds[] = {1, 2, 1};
// Positions, climates, shocks as measured over a day, all of which the link sometimes repeats.
constexpr double kNaturalRatePerVehicle = (1 + 0.5 + 0.036) * 1.005;

constexpr int64_t kYearMs = 365LL * 24 * 3600 * 1000;
constexpr int64_t kCalmNs = 20 * kNsPerSecond;  // trucks 02 and 03 show their faults undisturbed

void append_int(std::string& out, int64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

// `value` counts units of 10^-decimals: (-1805, 2) is -18.05.
void append_fixed(std::string& out, int64_t value, size_t decimals) {
  char text[24];
  const char* end = std::to_chars(text, text + sizeof text, value < 0 ? -value : value).ptr;
  const auto size = static_cast<size_t>(end - text);
  std::string digits(size <= decimals ? decimals + 1 - size : 0, '0');
  digits.append(text, size);
  digits.insert(digits.size() - decimals, 1, '.');
  if (value < 0) out += '-';
  out += digits;
}

std::string vehicle_name(size_t number) {
  std::string name = number < 10 ? "truck-0" : "truck-";
  append_int(name, static_cast<int64_t>(number));
  return name;
}

// Nearly `interval_ns`: a cheap sensor's own clock. Never 0.
int64_t jittered(SimulatorRandom& random, double interval_ns) {
  const auto whole = static_cast<int64_t>(interval_ns);
  return std::max<int64_t>(1, whole + whole / 1000 * random.between(-20, 20));
}

}  // namespace

struct FleetSimulator::Vehicle {
  SimulatedTruck truck;
  SimulatedLink link;
  SimulatorRandom random;
  int64_t clock_error_ms = 0;
  std::array<double, kStreamCount> interval_ns{};
  std::array<int64_t, kStreamCount> next_ns{};
  std::array<std::string, kStreamCount> topics{};

  Stream next_stream() const {
    return static_cast<Stream>(std::min_element(next_ns.begin(), next_ns.end()) - next_ns.begin());
  }
  // Empty when there is nothing to tell.
  std::string read(Stream stream, int64_t ns, int64_t ts_ms);
};

std::string FleetSimulator::Vehicle::read(Stream stream, int64_t ns, int64_t ts_ms) {
  truck.advance_to(ns);
  std::string out = "{\"ts\":";
  append_int(out, ts_ms);
  if (stream == kPosition) {
    const SimulatedTruck::Position position = truck.position(ns);
    append_fixed(out += ",\"lat\":", position.lat_microdeg, 6);
    append_fixed(out += ",\"lon\":", position.lon_microdeg, 6);
    append_fixed(out += ",\"spd\":", (position.speed_mmps * 36 + 500) / 1000, 1);
    append_int(out += ",\"hdg\":", position.heading_deg);
    append_fixed(out += ",\"fuel\":", position.fuel_tenths, 1);
  } else if (stream == kClimate) {
    const SimulatedTruck::Climate climate = truck.climate(ns);
    append_fixed(out += ",\"t\":", climate.temperature_cdeg, 2);
    append_fixed(out += ",\"set\":", SimulatedTruck::kSetPointMicrodeg / 100'000, 1);
    out += climate.door_open ? ",\"door\":\"open\"" : ",\"door\":\"closed\"";
  } else {
    const int64_t peak = truck.shock();
    if (peak == 0) return {};
    append_fixed(out += ",\"g\":", peak, 2);
  }
  return out += '}';
}

FleetSimulator::FleetSimulator(const SimulatorOptions& options) : start_ms_(options.start_ms) {
  const size_t count = std::max<uint32_t>(1, options.vehicles);
  double scale = 1;
  if (options.messages_per_second > 0) {
    scale = kNaturalRatePerVehicle * static_cast<double>(count) / options.messages_per_second;
  }
  vehicles_.reserve(count);
  for (size_t number = 1; number <= count; ++number) {
    const bool door_fault = number == 2, sensor_fault = number == 3;
    const SimulatorRandom link_random(options.seed, number * 4 + 3);
    Vehicle vehicle{
        .truck = SimulatedTruck({options.seed, number, door_fault, sensor_fault}),
        .link = SimulatedLink(link_random, door_fault || sensor_fault ? kCalmNs : 0, number),
        .random = SimulatorRandom(~options.seed, number)};
    if (number == count && count >= 4) vehicle.clock_error_ms = kYearMs;
    for (int i = 0; i < kStreamCount; ++i) {
      vehicle.interval_ns[i] = kNaturalSeconds[i] * scale * kNsPerSecond;
      vehicle.next_ns[i] =
          static_cast<int64_t>(vehicle.interval_ns[i] / 1000) * vehicle.random.between(0, 999);
      vehicle.topics[i] = "fleet/" + vehicle_name(number) + "/";
      vehicle.topics[i] += kStreamNames[i];
    }
    turns_.emplace(vehicle.next_ns[vehicle.next_stream()], number - 1);
    vehicles_.push_back(std::move(vehicle));
  }
}

FleetSimulator::~FleetSimulator() = default;

bool FleetSimulator::later(const Pending& a, const Pending& b) {
  return std::pair(a.message.send_ms, a.sequence) > std::pair(b.message.send_ms, b.sequence);
}

SimulatedMessage FleetSimulator::next() {
  // Nothing is sent before its event, so what is due by the next event can no longer be overtaken.
  while (pending_.empty() ||
         pending_.front().message.send_ms > start_ms_ + turns_.top().first / kNsPerMs) {
    produce();
  }
  std::pop_heap(pending_.begin(), pending_.end(), later);
  SimulatedMessage message = std::move(pending_.back().message);
  pending_.pop_back();
  return message;
}

// Lets one vehicle read one sensor, and sends what it says through its link.
void FleetSimulator::produce() {
  const auto [ns, index] = turns_.top();
  turns_.pop();
  Vehicle& vehicle = vehicles_[index];
  const Stream stream = vehicle.next_stream();
  vehicle.next_ns[stream] += jittered(vehicle.random, vehicle.interval_ns[stream]);
  turns_.emplace(vehicle.next_ns[vehicle.next_stream()], index);

  const int64_t event_ms = start_ms_ + ns / kNsPerMs;
  std::string payload = vehicle.read(stream, ns, event_ms + vehicle.clock_error_ms);
  if (payload.empty()) return;
  const SimulatedLink::Arrival arrival = vehicle.link.carry(ns, payload);
  const std::string& topic = vehicle.topics[stream];
  if (arrival.repeat) push({start_ms_ + *arrival.repeat / kNsPerMs, topic, payload});
  push({start_ms_ + arrival.ns / kNsPerMs, topic, std::move(payload)});
}

void FleetSimulator::push(SimulatedMessage message) {
  pending_.push_back({std::move(message), sequence_++});
  std::push_heap(pending_.begin(), pending_.end(), later);
}

}  // namespace wayside
