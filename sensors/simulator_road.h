// An endless road for one simulated truck: straights and bends, in town, in the country and on the
// motorway, as a polyline. All integers (mm, mm/s, hundredths of a degree), see simulator.h.
#pragma once

#include <cstdint>
#include <deque>

#include "sensors/simulator_random.h"

namespace wayside {

enum class RoadClass { kTown, kCountry, kMotorway };
enum class Halt { kNone, kLight, kDelivery, kFuel };

struct RoadPiece {
  int64_t length_mm = 0;
  int64_t heading_cdeg =
      0;                   // clockwise from north, [0, 36000); at most 8 degrees off the last piece
  int64_t limit_mmps = 0;  // by law or by the bend, whichever is lower
  bool rough = false;
  Halt halt = Halt::kNone;  // at the end of the piece
  int64_t halt_ms = 0;      // 0 for kFuel: until the tank is full
};

// One million times the sine. The rounding hides differences between math libraries: for whole
// hundredths of a degree no product lies closer than 3e-5 to a tie, and libraries differ by some
// 1e-10.
int64_t sine_millionths(int64_t angle_cdeg);

class SimulatedRoad {
 public:
  static constexpr int64_t kAheadMm =
      500'000;  // over twice the way a truck at full speed needs to halt

  SimulatedRoad(SimulatorRandom random, RoadClass first);

  // The piece being driven, then at least kAheadMm more. Until the next call of pass_piece().
  const std::deque<RoadPiece>& ahead() const { return ahead_; }
  void pass_piece();
  // Puts a filling station at the end of the next straight that is not yet laid.
  void request_fuel() { fuel_wanted_ = true; }

 private:
  void extend();
  void lay_straight();
  void lay_bend();
  int turn_sign();
  void append(const RoadPiece& piece);

  SimulatorRandom random_;
  RoadClass class_;
  std::deque<RoadPiece> ahead_;
  int64_t ahead_mm_ = 0;  // sum of ahead_
  int64_t heading_cdeg_ = 0;
  int64_t class_left_mm_ = 0;
  int64_t delivery_in_mm_ = 0;
  int64_t east_mm_ = 0, north_mm_ = 0;  // the road's end, from its beginning
  bool rough_ = false;
  bool fuel_wanted_ = false;
};

}  // namespace wayside
