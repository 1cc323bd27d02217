#include "sensors/clean_position.h"

#include <algorithm>
#include <cmath>

#include "base/distance.h"

namespace wayside {
namespace {

// Receivers without a fix say 0, 0, or nearly so: within 111 m there is but a buoy.
constexpr double kNullIslandDegrees = 0.001;
// Positions scatter by metres, and many devices cut their times to seconds.
constexpr int64_t kApartMinMs = 1'000;

}  // namespace

bool PositionCleaner::is_on_earth(double lat, double lon) {
  return !(std::abs(lat) > 90 || std::abs(lon) > 180);
}

std::optional<Reason> PositionCleaner::judge(PositionPast& past, const Fix& fix) const {
  if (!is_on_earth(fix.lat, fix.lon)) return Reason::kOutOfRange;
  if (std::abs(fix.lat) <= kNullIslandDegrees && std::abs(fix.lon) <= kNullIslandDegrees) {
    return Reason::kNullIsland;
  }
  if (fix.quality < options_.min_fix) return Reason::kNoFix;
  if (fix.hdop > options_.max_hdop) return Reason::kImprecise;
  if (!options_.speed.empty() && is_frozen(past, fix)) return Reason::kFrozen;
  if (options_.max_speed > 0 && is_too_fast(past, {fix.lat, fix.lon, fix.time_ms})) {
    return Reason::kTooFast;
  }
  return {};
}

bool PositionCleaner::is_reachable(const PositionPast::Place& from,
                                   const PositionPast::Place& to) const {
  const int64_t apart_ms = std::max(std::abs(to.ms - from.ms), kApartMinMs);
  return distance_m(from.lat, from.lon, to.lat, to.lon) <=
         options_.max_speed * static_cast<double>(apart_ms) / 1000;
}

bool PositionCleaner::is_too_fast(PositionPast& past, const PositionPast::Place& place) const {
  if (!is_null(past.good.lat)) {
    const bool reachable = is_reachable(past.good, place);
    const bool late =
        place.ms < past.good.ms || (past.doubt.readings > 0 && place.ms < past.doubt.newest_ms);
    if (late) return !reachable;
    if (!reachable) {
      const bool agrees = past.doubt.readings > 0 && is_reachable(past.doubted, place);
      past.doubt.add(place.ms, agrees);
      past.doubted = place;
      if (!past.doubt.is_settled(options_.accept)) return true;
    }
  }
  past.good = place;
  past.doubt = {};
  return false;
}

// A speed that is not known, or too low, ends it: then the vehicle may have stood there.
bool PositionCleaner::is_frozen(PositionPast& past, const Fix& fix) const {
  const bool moves = fix.speed >= options_.moving;
  const bool same = fix.lat == past.still.lat && fix.lon == past.still.lon;
  if (fix.time_ms >= past.newest_ms) {
    past.newest_ms = fix.time_ms;
    if (!moves) past.still = {};
    if (moves && !same) past.still = {fix.lat, fix.lon, fix.time_ms};
  }
  return moves && fix.lat == past.still.lat && fix.lon == past.still.lon &&
         fix.time_ms - past.still.ms >= options_.frozen_after_ms;
}

void PositionPast::save(ByteWriter& out) const {
  for (const Place& place : {good, doubted, still}) {
    out.fixed(place.lat);
    out.fixed(place.lon);
    out.fixed(place.ms);
  }
  doubt.save(out);
  out.fixed(newest_ms);
}

void PositionPast::load(ByteReader& in) {
  for (Place* place : {&good, &doubted, &still}) {
    place->lat = in.fixed<double>();
    place->lon = in.fixed<double>();
    place->ms = in.fixed<int64_t>();
  }
  doubt.load(in);
  newest_ms = in.fixed<int64_t>();
}

}  // namespace wayside
