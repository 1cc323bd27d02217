#include "sensors/simulator_road.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace wayside {
namespace {

struct Range {
  int64_t low, high;
};

// What a class of road looks like. Bends are given by their angle and radius.
struct RoadStyle {
  int64_t limit_mmps;
  Range total_mm, straight_mm, bend_cdeg, radius_mm;
  int64_t rough_parts, light_parts, junction_parts;  // of 10,000 straights
};

constexpr RoadStyle kStyles[] = {
    {.limit_mmps = 13'900,  // kTown, 50 km/h
     .total_mm = {3'000'000, 8'000'000},
     .straight_mm = {80'000, 350'000},
     .bend_cdeg = {500, 2'500},
     .radius_mm = {40'000, 120'000},
     .rough_parts = 2'000,
     .light_parts = 3'000,
     .junction_parts = 4'500},
    {.limit_mmps = 21'600,  // kCountry, 78 km/h
     .total_mm = {4'000'000, 10'000'000},
     .straight_mm = {200'000, 900'000},
     .bend_cdeg = {1'000, 5'000},
     .radius_mm = {120'000, 500'000},
     .rough_parts = 1'500,
     .light_parts = 800,
     .junction_parts = 500},
    {.limit_mmps = 23'600,  // kMotorway, 85 km/h
     .total_mm = {5'000'000, 15'000'000},
     .straight_mm = {500'000, 2'000'000},
     .bend_cdeg = {500, 2'500},
     .radius_mm = {800'000, 2'000'000},
     .rough_parts = 400,
     .light_parts = 0,
     .junction_parts = 0},
};

constexpr Range kJunctionCdeg = {7500, 10'500}, kJunctionRadiusMm = {12'000, 20'000};
constexpr Range kFirstStraightMm = {700'000, 1'200'000};
constexpr Range kDeliveryMm = {2'000'000, 6'000'000};
constexpr Range kDeliveryMs = {60'000, 240'000}, kLightMs = {8'000, 45'000};
constexpr int64_t kLateralMmps2 = 1'800;   // what a loaded truck's driver takes in a bend
constexpr int64_t kVertexCdeg = 800;       // the polyline's sharpest corner
constexpr int64_t kHomeMm = 25'000'000;    // farther out, all bends turn back
constexpr int64_t kCdegPerRadian = 5'730;  // 18000 / pi, rounded
constexpr int64_t kCircleCdeg = 36'000;

const RoadStyle& style_of(RoadClass c) { return kStyles[static_cast<int>(c)]; }
int64_t draw(SimulatorRandom& random, Range range) { return random.between(range.low, range.high); }

}  // namespace

int64_t sine_millionths(int64_t angle_cdeg) {
  constexpr double kPi = 3.14159265358979323846;
  return std::llround(std::sin(static_cast<double>(angle_cdeg % kCircleCdeg) * kPi / 18'000) * 1e6);
}

SimulatedRoad::SimulatedRoad(SimulatorRandom random, RoadClass first)
    : random_(random), class_(first) {
  heading_cdeg_ = random_.between(0, kCircleCdeg - 1);
  class_left_mm_ = draw(random_, style_of(class_).total_mm);
  delivery_in_mm_ = draw(random_, kDeliveryMm);
  append({draw(random_, kFirstStraightMm), heading_cdeg_, style_of(class_).limit_mmps});
  extend();
}

void SimulatedRoad::pass_piece() {
  ahead_mm_ -= ahead_.front().length_mm;
  ahead_.pop_front();
  extend();
}

void SimulatedRoad::extend() {
  while (ahead_.empty() || ahead_mm_ - ahead_.front().length_mm < kAheadMm) {
    if (class_left_mm_ <= 0) {
      const int next = static_cast<int>(class_) + static_cast<int>(random_.between(1, 2));
      class_ = static_cast<RoadClass>(next % 3);
      class_left_mm_ = draw(random_, style_of(class_).total_mm);
    }
    lay_bend();
    lay_straight();
  }
}

void SimulatedRoad::lay_straight() {
  const RoadStyle& style = style_of(class_);
  rough_ = random_.chance(style.rough_parts);
  RoadPiece piece{draw(random_, style.straight_mm), heading_cdeg_, style.limit_mmps, rough_};
  if (fuel_wanted_) {
    piece.halt = Halt::kFuel;
    fuel_wanted_ = false;
  } else if (class_ == RoadClass::kTown && delivery_in_mm_ <= 0) {
    piece.halt = Halt::kDelivery;
    piece.halt_ms = draw(random_, kDeliveryMs);
    delivery_in_mm_ = draw(random_, kDeliveryMm);
  } else if (random_.chance(style.light_parts)) {
    piece.halt = Halt::kLight;
    piece.halt_ms = draw(random_, kLightMs);
  }
  append(piece);
}

// Cuts the arc into pieces that each turn by at most kVertexCdeg, and limits the speed by
// v^2 / radius <= kLateralMmps2.
void SimulatedRoad::lay_bend() {
  const RoadStyle& style = style_of(class_);
  const bool junction = random_.chance(style.junction_parts);
  const int64_t angle = draw(random_, junction ? kJunctionCdeg : style.bend_cdeg);
  const int64_t radius = draw(random_, junction ? kJunctionRadiusMm : style.radius_mm);
  const int64_t sign = turn_sign();
  const int64_t count = angle / kVertexCdeg + 1;
  const auto bend_mmps =
      static_cast<int64_t>(std::sqrt(static_cast<double>(kLateralMmps2 * radius)));
  const int64_t length = std::max<int64_t>(1, radius * angle / kCdegPerRadian / count);
  const int64_t before = heading_cdeg_;
  for (int64_t i = 1; i <= count; ++i) {
    heading_cdeg_ = (before + sign * angle * i / count + kCircleCdeg) % kCircleCdeg;
    append({length, heading_cdeg_, std::min(style.limit_mmps, bend_mmps), rough_});
  }
}

// +1 is to the right. Near home either side; far from it the side where home lies, which keeps the
// truck in its region for ever.
int SimulatedRoad::turn_sign() {
  const bool right = random_.chance(5000);
  if (std::max(std::abs(east_mm_), std::abs(north_mm_)) < kHomeMm) return right ? 1 : -1;
  const int64_t east = sine_millionths(heading_cdeg_);
  const int64_t north = sine_millionths(heading_cdeg_ + kCircleCdeg / 4);
  const int64_t home_is_left = east * -(north_mm_ / 1000) - north * -(east_mm_ / 1000);
  return home_is_left > 0 ? -1 : 1;
}

void SimulatedRoad::append(const RoadPiece& piece) {
  ahead_.push_back(piece);
  ahead_mm_ += piece.length_mm;
  class_left_mm_ -= piece.length_mm;
  delivery_in_mm_ -= piece.length_mm;
  east_mm_ += piece.length_mm * sine_millionths(piece.heading_cdeg) / 1'000'000;
  north_mm_ += piece.length_mm * sine_millionths(piece.heading_cdeg + kCircleCdeg / 4) / 1'000'000;
}

}  // namespace wayside
