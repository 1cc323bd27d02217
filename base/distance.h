// Distances on the earth.
#pragma once

namespace wayside {

// Metres along the great circle between two places in degrees, by the haversine formula (Sinnott
// 1984) on a sphere of the mean radius of the earth (IUGG, 6371008.8 m): up to 0.6 % from the
// distance on the ellipsoid.
double distance_m(double lat1, double lon1, double lat2, double lon2);

}  // namespace wayside
