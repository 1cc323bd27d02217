// Smooths positions: a Kalman filter of a place that moves with nearly constant velocity, the two
// axes alike and apart. Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to Tracking and
// Navigation" (2001), 5.2.3 for the steps and 6.3.2 for the noise of a piecewise constant
// acceleration. Unlike a median of each axis it does not cut corners or lag behind.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "sensors/options.h"
#include "sensors/reading.h"

namespace wayside {

// A receiver's position and velocity as they are known, and how well: variances of one axis, in
// metres and seconds. Empty: nothing came yet.
struct PositionTrack {
  double lat = kNull;
  double lon = kNull;
  double north = 0;  // m/s
  double east = 0;
  double place_variance = 0;
  double covariance = 0;
  double speed_variance = 0;
  int64_t ms = kTimeMin;

  void save(ByteWriter& out) const { out.fixed(*this); }
  void load(ByteReader& in) { *this = in.fixed<PositionTrack>(); }
};

class PositionFilter {
 public:
  // Behind so much silence a track begins anew.
  static constexpr int64_t kSilenceMs = 600'000;

  explicit PositionFilter(const PositionOptions& options) : options_(options) {}

  // Puts what is likeliest in the place of `lat` and `lon`. `hdop` may be kNull. A position that is
  // older than the newest stays as it is; so does one that no
  // motion leads to, and where two seconds have brought no other, as behind a tunnel, the track
  // begins anew.
  void smooth(PositionTrack& track, int64_t time_ms, double hdop, double& lat, double& lon) const;

 private:
  void predict(PositionTrack& track, int64_t time_ms) const;

  PositionOptions options_;
};

}  // namespace wayside
