#include "sensors/simulator_truck.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace wayside {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kHomeLatNanodeg = 52'520'008'000, kHomeLonNanodeg = 13'404'954'000;  // Berlin
constexpr int64_t kMmPerDegree = 111'194'927;  // of a great circle, Earth's radius 6371.0088 km

constexpr int64_t kBrakeMmps2 = 900;       // planned for
constexpr int64_t kHardBrakeMmps2 = 1200;  // at most

constexpr int64_t kFullTankNanopercent = 100'000'000'000;
constexpr int64_t kNanopercentPerMm = 70;             // 28 l per 100 km of a tank of 400 l
constexpr int64_t kNanopercentPerIdleMs = 312;        // 4.5 l/h, engine and reefer
constexpr int64_t kNanopercentPumpedPerMs = 300'000;  // 72 l/min
constexpr int64_t kLowFuelNanopercent = 15'000'000'000;

// One of the reefer's first-order terms: a level and the time constant of the way towards it.
struct Pull {
  int64_t level_microdeg, tau_ms;
};
constexpr Pull kOutside = {18'000'000, 6'000'000};
constexpr Pull kOpenDoor = {18'000'000, 1'800'000};
constexpr Pull kCompressor = {SimulatedTruck::kSetPointMicrodeg - 3'000'000, 180'000};
constexpr Pull kDefrost = {SimulatedTruck::kSetPointMicrodeg + 8'000'000, 500'000};
constexpr int64_t kHysteresisMicrodeg = 600'000;

constexpr int64_t kDoorDelayMs = 8'000;  // after the halt begins, and before it ends
constexpr int64_t kSteadyMmps = 8'000;   // the faulty latch gives way above this speed
constexpr int64_t kMinute = 60'000;

}  // namespace

SimulatedTruck::SimulatedTruck(const Options& options)
    : options_(options),
      random_(options.seed, options.number * 4),
      sensing_(options.seed, options.number * 4 + 1),
      road_(SimulatorRandom(options.seed, options.number * 4 + 2),
            options.door_fault ? RoadClass::kCountry
                               : static_cast<RoadClass>(random_.between(0, 2))) {
  next_lat_nanodeg_ = lat_nanodeg_ = kHomeLatNanodeg + random_.between(-80'000'000, 80'000'000);
  next_lon_nanodeg_ = lon_nanodeg_ = kHomeLonNanodeg + random_.between(-130'000'000, 130'000'000);
  fuel_nanopercent_ = random_.between(30, 95) * (kFullTankNanopercent / 100);
  speed_mmps_ = road_.ahead().front().limit_mmps * random_.between(65, 90) / 100;
  air_microdeg_ = kSetPointMicrodeg + random_.between(-400'000, 400'000);
  cooling_ = random_.chance(5000);
  defrost_begin_ms_ = random_.between(3 * kMinute, 240 * kMinute);
  defrost_end_ms_ = defrost_begin_ms_ + random_.between(5 * kMinute, 8 * kMinute);
  const bool parked = random_.chance(2000);
  if (parked && !options.door_fault && !options.sensor_fault) {
    begin_halt({.halt = Halt::kDelivery, .halt_ms = random_.between(15'000, 2 * kMinute)});
    speed_mmps_ = 0;
  }
  next_ajar_ms_ = options.door_fault ? 4'000 : kNever;
  next_spike_ms_ = options.sensor_fault ? 12'600 : kNever;
}

void SimulatedTruck::advance_to(int64_t ns) {
  while (ns >= (now_ms_ + kStepMs) * kNsPerMs) step();
}

SimulatedTruck::Position SimulatedTruck::position(int64_t ns) const {
  constexpr int64_t kStepNs = kStepMs * kNsPerMs;
  const int64_t into = std::clamp<int64_t>(ns - now_ms_ * kNsPerMs, 0, kStepNs);
  const auto between = [&](int64_t from, int64_t to) {
    return (from + (to - from) * into / kStepNs) / 1000;
  };
  return {between(lat_nanodeg_, next_lat_nanodeg_), between(lon_nanodeg_, next_lon_nanodeg_),
          speed_mmps_, road_.ahead().front().heading_cdeg / 100,
          fuel_nanopercent_ / (kFullTankNanopercent / 1000)};
}

SimulatedTruck::Climate SimulatedTruck::climate(int64_t ns) {
  if (ns / kNsPerMs >= next_spike_ms_) {
    spike_readings_left_ = 3;
    next_spike_ms_ = ns / kNsPerMs + sensing_.between(2 * kMinute, 4 * kMinute);
  }
  int64_t cdeg = air_microdeg_ / 10'000;
  for (int i = 0; i < 4; ++i) cdeg += sensing_.between(-4, 4);  // roughly normal, sigma 0.05
  if (spike_readings_left_ > 0) {
    --spike_readings_left_;
    cdeg += sensing_.between(750, 850);
  }
  return {cdeg, door_open()};
}

int64_t SimulatedTruck::shock() {
  const bool moving = speed_mmps_ > 1'000;
  const bool rough = moving && road_.ahead().front().rough;
  if (!sensing_.chance(rough ? 1500 : moving ? 300 : 30)) return 0;
  const int64_t rare = std::min(sensing_.between(0, 100), sensing_.between(0, 100));
  return 30 + rare * (rough ? 4 : 1) + sensing_.between(0, 40);
}

void SimulatedTruck::step() {
  now_ms_ += kStepMs;
  lat_nanodeg_ = next_lat_nanodeg_;
  lon_nanodeg_ = next_lon_nanodeg_;
  halt_or_drive();
  cool();
  if (now_ms_ >= next_ajar_ms_ && speed_mmps_ > kSteadyMmps) {
    ajar_until_ms_ = now_ms_ + random_.between(15'000, 25'000);
    next_ajar_ms_ = now_ms_ + random_.between(3 * kMinute, 5 * kMinute);
  }
}

void SimulatedTruck::halt_or_drive() {
  burn(kNanopercentPerIdleMs * kStepMs);
  if (halt_ != Halt::kNone) {
    speed_mmps_ = 0;
    if (halt_ == Halt::kFuel) {
      fuel_nanopercent_ += kNanopercentPumpedPerMs * kStepMs;
      if (fuel_nanopercent_ >= kFullTankNanopercent) {
        fuel_nanopercent_ = kFullTankNanopercent;
        halt_end_ms_ = now_ms_;
      }
    }
    if (now_ms_ >= halt_end_ms_) halt_ = Halt::kNone;
    return;
  }
  pace_permille_ = std::clamp<int64_t>(pace_permille_ + random_.between(-2, 2), 900, 1000);
  // A loaded truck pulls away with 0.8 m/s^2 and has 0.2 left at 85 km/h.
  const int64_t faster = speed_mmps_ + (800 - speed_mmps_ / 40) * kStepMs / 1000;
  const int64_t slowest = speed_mmps_ - kHardBrakeMmps2 * kStepMs / 1000;
  speed_mmps_ = std::max<int64_t>({std::min(faster, allowed_mmps()), slowest, 0});
  const int64_t moved = follow_road(speed_mmps_ * kStepMs / 1000);
  burn(kNanopercentPerMm * moved);
}

void SimulatedTruck::burn(int64_t nanopercent) {
  const bool plenty = fuel_nanopercent_ >= kLowFuelNanopercent;
  fuel_nanopercent_ = std::max<int64_t>(0, fuel_nanopercent_ - nanopercent);
  if (plenty && fuel_nanopercent_ < kLowFuelNanopercent) road_.request_fuel();
}

// The highest speed from which every limit and halt ahead can still be met: v^2 = limit^2 + 2 b d.
// (An IEEE square root is exactly rounded, the same everywhere.)
int64_t SimulatedTruck::allowed_mmps() const {
  const auto squared = [&](const RoadPiece& piece) {
    const int64_t limit = piece.limit_mmps * pace_permille_ / 1000;
    return limit * limit;
  };
  const auto& pieces = road_.ahead();
  int64_t allowed = squared(pieces.front());
  int64_t distance = pieces.front().length_mm - along_mm_;
  for (auto piece = pieces.begin(); 2 * kBrakeMmps2 * distance < allowed;) {
    if (piece->halt != Halt::kNone) {
      allowed = std::min(allowed, 2 * kBrakeMmps2 * distance);
      break;
    }
    if (++piece == pieces.end()) break;
    allowed = std::min(allowed, squared(*piece) + 2 * kBrakeMmps2 * distance);
    distance += piece->length_mm;
  }
  return static_cast<int64_t>(std::sqrt(static_cast<double>(allowed)));
}

int64_t SimulatedTruck::follow_road(int64_t distance_mm) {
  int64_t left = distance_mm;
  while (true) {
    const RoadPiece piece = road_.ahead().front();
    const int64_t part = std::min(left, piece.length_mm - along_mm_);
    move_on_earth(part, piece.heading_cdeg);
    along_mm_ += part;
    left -= part;
    if (along_mm_ < piece.length_mm) return distance_mm;
    along_mm_ = 0;
    road_.pass_piece();
    if (piece.halt != Halt::kNone) {
      begin_halt(piece);
      return distance_mm - left;
    }
  }
}

void SimulatedTruck::move_on_earth(int64_t distance_mm, int64_t heading_cdeg) {
  const int64_t north = distance_mm * sine_millionths(heading_cdeg + 9'000);  // nm
  const int64_t east = distance_mm * sine_millionths(heading_cdeg);
  const int64_t lat_cosine = sine_millionths(9'000 + next_lat_nanodeg_ / 10'000'000);
  next_lat_nanodeg_ += north * 1000 / kMmPerDegree;
  next_lon_nanodeg_ += east * 1000 / lat_cosine * 1'000'000 / kMmPerDegree;
}

void SimulatedTruck::begin_halt(const RoadPiece& piece) {
  halt_ = piece.halt;
  halt_begin_ms_ = now_ms_;
  halt_end_ms_ = piece.halt == Halt::kFuel ? kNever : now_ms_ + piece.halt_ms;
}

void SimulatedTruck::cool() {
  if (now_ms_ >= defrost_end_ms_) {
    defrost_begin_ms_ = now_ms_ + random_.between(180 * kMinute, 300 * kMinute);
    defrost_end_ms_ = defrost_begin_ms_ + random_.between(5 * kMinute, 8 * kMinute);
  }
  if (air_microdeg_ > kSetPointMicrodeg + kHysteresisMicrodeg) cooling_ = true;
  if (air_microdeg_ < kSetPointMicrodeg - kHysteresisMicrodeg) cooling_ = false;
  const auto pull = [&](const Pull& to) {
    air_microdeg_ += (to.level_microdeg - air_microdeg_) * kStepMs / to.tau_ms;
  };
  pull(kOutside);
  if (door_open()) {
    pull(kOpenDoor);
  } else if (now_ms_ >= defrost_begin_ms_) {
    pull(kDefrost);
  } else if (cooling_) {
    pull(kCompressor);
  }
  // The draught at the evaporator: small, and forgotten within minutes by the pulls above.
  air_microdeg_ += random_.between(-2'000, 2'000);
}

bool SimulatedTruck::door_open() const {
  if (now_ms_ < ajar_until_ms_) return true;
  return halt_ == Halt::kDelivery && now_ms_ >= halt_begin_ms_ + kDoorDelayMs &&
         now_ms_ < halt_end_ms_ - kDoorDelayMs;
}

}  // namespace wayside
