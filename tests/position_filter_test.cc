#include "sensors/position_filter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/distance.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

constexpr double kMetersPerDegree = 111'195;

PositionOptions options() {
  PositionOptions o;
  o.lat = "lat";
  o.lon = "lon";
  o.smooth = "kalman";
  o.accuracy = 5;
  return o;
}

struct Place {
  double lat, lon;
};

// 20 m/s to the north-east, a turn of 90 degrees in the middle.
Place on_the_road(int second) {
  const double step = 20 / std::sqrt(2) / kMetersPerDegree;
  const double north = second < 60 ? second : 120 - second;
  return {52 + north * step, 9 + second * step / std::cos(52 * M_PI / 180)};
}

TEST(PositionFilter, a_noisy_track_comes_nearer_to_the_road_and_a_turn_is_followed) {
  for (auto [seed, end] = seeds(20); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::normal_distribution<double> noise(0, 5);
    const PositionFilter filter(options());
    PositionTrack track;
    double sent = 0, smoothed = 0;
    for (int s = 0; s < 120; ++s) {
      const Place road = on_the_road(s);
      double lat = road.lat + noise(random) / kMetersPerDegree;
      double lon = road.lon + noise(random) / kMetersPerDegree / std::cos(52 * M_PI / 180);
      sent += std::pow(distance_m(road.lat, road.lon, lat, lon), 2);
      filter.smooth(track, s * 1'000, kNull, lat, lon);
      const double off_m = distance_m(road.lat, road.lon, lat, lon);
      smoothed += std::pow(off_m, 2);
      EXPECT_LT(off_m, 40) << s;
    }
    EXPECT_LT(smoothed, 0.8 * sent);
  }
}

TEST(PositionFilter, behind_a_leap_the_track_is_where_it_leads_at_once) {
  for (const int64_t step_ms : {100, 1'000, 60'000}) {
    const PositionFilter filter(options());
    PositionTrack track;
    for (int i = 0; i < 40; ++i) {
      const Place road = {i < 20 ? 52.0 : 52.1, 9};  // 11 km
      double lat = road.lat, lon = road.lon;
      filter.smooth(track, i * step_ms, kNull, lat, lon);
      EXPECT_LT(distance_m(road.lat, road.lon, lat, lon), 1) << i << " of " << step_ms;
    }
  }
}

TEST(PositionFilter, a_single_position_far_off_stays_as_it_came_and_leaves_the_track_where_it_was) {
  const PositionFilter filter(options());
  PositionTrack track;
  for (int i = 0; i < 40; ++i) {
    const double road = i == 20 ? 52.001 : 52;  // 111 m
    double lat = road, lon = 9;
    filter.smooth(track, i * 1'000, kNull, lat, lon);
    EXPECT_LT(distance_m(road, 9, lat, lon), 1) << i;
  }
}

TEST(PositionFilter, an_imprecise_position_moves_the_track_less) {
  const auto moved_m = [](double hdop) {
    const PositionFilter filter(options());
    PositionTrack track;
    for (int s = 0; s < 30; ++s) {
      double lat = 52, lon = 9;
      filter.smooth(track, s * 1'000, 1, lat, lon);
    }
    double lat = 52.001, lon = 9;
    filter.smooth(track, 30'000, hdop, lat, lon);
    return distance_m(52, 9, lat, lon);
  };
  EXPECT_LT(moved_m(8), moved_m(1) / 5);
  EXPECT_GT(moved_m(8), 0);
}

TEST(PositionFilter, the_first_position_and_one_after_long_silence_are_believed) {
  const PositionFilter filter(options());
  PositionTrack track;
  double lat = 52, lon = 9;
  filter.smooth(track, 0, kNull, lat, lon);
  EXPECT_EQ(lat, 52);
  lat = 53;
  filter.smooth(track, PositionFilter::kSilenceMs + 1, kNull, lat, lon);
  EXPECT_EQ(lat, 53);
}

TEST(PositionFilter, a_late_position_stays_as_it_is_and_teaches_nothing) {
  const PositionFilter filter(options());
  PositionTrack track;
  double lat = 52, lon = 9;
  filter.smooth(track, 10'000, kNull, lat, lon);
  const PositionTrack before = track;
  lat = 51;
  filter.smooth(track, 9'000, kNull, lat, lon);
  EXPECT_EQ(lat, 51);
  EXPECT_EQ(track.lat, before.lat);
  EXPECT_EQ(track.ms, before.ms);
}

TEST(PositionFilter, a_track_crosses_the_date_line_and_nears_the_pole) {
  const PositionFilter filter(options());
  PositionTrack track;
  for (int s = 0; s < 100; ++s) {
    double lat = 0, lon = std::remainder(179.99 + s * 0.0002, 360);
    const double sent = lon;
    filter.smooth(track, s * 1'000, kNull, lat, lon);
    EXPECT_LT(distance_m(0, sent, lat, lon), 60) << s;
  }
  for (int s = 0; s < 100; ++s) {
    double lat = 90, lon = s;
    filter.smooth(track, 1'000'000 + s * 1'000, kNull, lat, lon);
    EXPECT_TRUE(std::isfinite(lat) && std::isfinite(lon));
  }
}

TEST(PositionFilter, saved_and_loaded_after_each_position_it_says_the_same) {
  const PositionFilter filter(options());
  PositionTrack straight, restored;
  for (int s = 0; s < 50; ++s) {
    Place a = on_the_road(s), b = a;
    filter.smooth(straight, s * 1'000, 1 + s % 4, a.lat, a.lon);
    filter.smooth(restored, s * 1'000, 1 + s % 4, b.lat, b.lon);
    EXPECT_EQ(a.lat, b.lat);
    EXPECT_EQ(a.lon, b.lon);
    std::string bytes;
    ByteWriter writer(bytes);
    restored.save(writer);
    restored = {};
    ByteReader reader(bytes);
    restored.load(reader);
    EXPECT_TRUE(reader.ok() && reader.left() == 0);
  }
}

}  // namespace
}  // namespace wayside
