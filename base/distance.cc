#include "base/distance.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace wayside {

double distance_m(double lat1, double lon1, double lat2, double lon2) {
  constexpr double kRadians = std::numbers::pi / 180;
  const double north = std::sin((lat2 - lat1) * kRadians / 2);
  const double east = std::sin((lon2 - lon1) * kRadians / 2);
  const double haversine =
      north * north + std::cos(lat1 * kRadians) * std::cos(lat2 * kRadians) * east * east;
  return 2 * kMeanEarthRadiusM * std::asin(std::sqrt(std::min(haversine, 1.0)));
}

}  // namespace wayside
