// Distances on the earth.
#pragma once

namespace wayside {

constexpr double kMeanEarthRadiusM = 6'371'008.8;  // IUGG

// Metres along the great circle between two places in degrees, by the haversine formula (Sinnott
// 1984) on a sphere of the mean radius of the earth: up to 0.6 % from the distance on the
// ellipsoid.
double distance_m(double lat1, double lon1, double lat2, double lon2);

}  // namespace wayside
