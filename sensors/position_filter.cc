#include "sensors/position_filter.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/distance.h"

namespace wayside {
namespace {

constexpr double kMetersPerDegree = kMeanEarthRadiusM * std::numbers::pi / 180;
constexpr double kSpeedVariance = 30.0 * 30.0;  // at first: any vehicle's
constexpr double kLeap = 6;                     // standard deviations
constexpr int64_t kLeapMs = 2'000;

double meters_per_degree_east(double lat) {
  return kMetersPerDegree * std::max(std::cos(lat * std::numbers::pi / 180), 1e-6);
}

// A difference of longitudes, or a longitude, the short way around.
double wrapped(double degrees) { return std::remainder(degrees, 360); }

}  // namespace

void PositionFilter::predict(PositionTrack& track, int64_t time_ms) const {
  const double dt = static_cast<double>(time_ms - track.ms) / 1000;
  const double noise = options_.acceleration * options_.acceleration;
  track.lon = wrapped(track.lon + track.east * dt / meters_per_degree_east(track.lat));
  track.lat += track.north * dt / kMetersPerDegree;
  track.place_variance +=
      dt * (2 * track.covariance + dt * track.speed_variance) + noise * dt * dt * dt * dt / 4;
  track.covariance += dt * track.speed_variance + noise * dt * dt * dt / 2;
  track.speed_variance += noise * dt * dt;
  track.ms = time_ms;
}

void PositionFilter::smooth(PositionTrack& track, int64_t time_ms, double hdop, double& lat,
                            double& lon) const {
  if (track.ms != kTimeMin && time_ms < track.ms) return;
  const double deviation = options_.accuracy * (is_null(hdop) ? 1 : std::max(hdop, 1.0));
  const double variance = deviation * deviation;
  const PositionTrack anew = {lat, lon, 0, 0, variance, 0, kSpeedVariance, time_ms};
  if (is_null(track.lat) || time_ms - track.ms > kSilenceMs) {
    track = anew;
    return;
  }
  const PositionTrack before = track;
  predict(track, time_ms);
  const double total = track.place_variance + variance;
  const double gain = track.place_variance / total;
  const double speed_gain = track.covariance / total;
  const double north = (lat - track.lat) * kMetersPerDegree;
  const double east = wrapped(lon - track.lon) * meters_per_degree_east(track.lat);
  if (north * north + east * east > kLeap * kLeap * total) {
    track = time_ms - before.ms < kLeapMs ? before : anew;
    return;
  }
  track.lon = wrapped(track.lon + gain * wrapped(lon - track.lon));
  track.lat += gain * (lat - track.lat);
  track.north += speed_gain * north;
  track.east += speed_gain * east;
  track.speed_variance -= speed_gain * track.covariance;
  track.covariance *= 1 - gain;
  track.place_variance *= 1 - gain;
  lat = track.lat;
  lon = track.lon;
}

}  // namespace wayside
