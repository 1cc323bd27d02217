// One simulated refrigerated truck: it drives along its road, burns and takes fuel, cools its load.
// Moves in steps of 100 ms of simulated time, all in integers, see simulator.h.
#pragma once

#include <cstdint>

#include "sensors/simulator_random.h"
#include "sensors/simulator_road.h"

namespace wayside {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNsPerSecond = 1'000 * kNsPerMs;

class SimulatedTruck {
 public:
  struct Options {
    uint64_t seed = 1;
    uint64_t number = 1;        // which truck of the fleet: each has its own chances
    bool door_fault = false;    // the door comes open while driving, first after 4 s
    bool sensor_fault = false;  // the temperature jumps for three readings, first after 12.6 s
  };
  struct Position {
    int64_t lat_microdeg, lon_microdeg;
    int64_t speed_mmps;
    int64_t heading_deg;  // 0..359
    int64_t fuel_tenths;  // of a percent of the tank
  };
  struct Climate {
    int64_t temperature_cdeg;  // hundredths of a degree Celsius
    bool door_open;
  };

  static constexpr int64_t kSetPointMicrodeg = -18'000'000;  // Celsius

  explicit SimulatedTruck(const Options& options);

  // Moves on to the step that holds `ns`, counted from the fleet's start; never goes back. What is
  // asked for below must lie in that step.
  void advance_to(int64_t ns);

  Position position(int64_t ns) const;
  Climate climate(int64_t ns);
  // The peak in hundredths of g if the truck got a knock within the last second, else 0.
  int64_t shock();

 private:
  static constexpr int64_t kStepMs = 100;

  void step();
  void halt_or_drive();
  void burn(int64_t nanopercent);
  int64_t allowed_mmps() const;
  int64_t follow_road(int64_t distance_mm);
  void move_on_earth(int64_t distance_mm, int64_t heading_cdeg);
  void begin_halt(const RoadPiece& piece);
  void cool();
  bool door_open() const;

  Options options_;
  // What the truck does, and what its sensors add: apart, so that the rate leaves the journey
  // alone.
  SimulatorRandom random_, sensing_;
  SimulatedRoad road_;

  int64_t now_ms_ = 0;  // the beginning of the step
  int64_t lat_nanodeg_, lon_nanodeg_;
  int64_t next_lat_nanodeg_, next_lon_nanodeg_;  // at the end of the step
  int64_t speed_mmps_ = 0;                       // constant within the step
  int64_t along_mm_ = 0;                         // of the road's first piece
  int64_t pace_permille_ = 950;                  // of the speed limit, by the driver's mood
  int64_t fuel_nanopercent_;

  Halt halt_ = Halt::kNone;
  int64_t halt_begin_ms_ = 0, halt_end_ms_ = 0;

  int64_t air_microdeg_;
  bool cooling_;
  int64_t defrost_begin_ms_, defrost_end_ms_;
  int64_t next_ajar_ms_, ajar_until_ms_ = 0;
  int64_t next_spike_ms_;
  int spike_readings_left_ = 0;
};

}  // namespace wayside
