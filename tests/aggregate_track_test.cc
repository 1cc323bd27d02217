// time_avg, integral and distance_m.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "aggregates.h"
#include "base/distance.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

TEST(AggregateTrack, a_value_holds_until_the_next_one_for_the_average_and_slopes_for_the_integral) {
  const struct {
    const char* about;
    TestReadings readings;
    Value average, integral;
  } cases[] = {
      {"none", {}, null, null},
      {"NULL", {{.time = 1}}, null, null},
      {"one", {{.time = 1, .x = 5}}, 5.0, 0.0},
      {"two", {{.time = 0, .x = 10}, {.time = 4000, .x = 20}}, 10.0, 60.0},
      {"unevenly spaced",
       {{.time = 0, .x = 0}, {.time = 1000, .x = 8}, {.time = 4000, .x = 2}},
       6.0,
       19.0},
      {"out of order, NULL between",
       {{.time = 4000, .x = 2}, {.time = 0, .x = 0}, {.time = 2000}, {.time = 1000, .x = 8}},
       6.0,
       19.0},
      {"at one time by value, so that the largest holds",
       {{.time = 1000, .x = 9}, {.time = 1000, .x = 3}, {.time = 3000, .x = 1}},
       9.0,
       10.0},
      {"only one time", {{.time = 7, .x = 1}, {.time = 7, .x = 4}}, 4.0, 0.0},
      {"infinite",
       {{.time = 0, .x = 2},
        {.time = 1000, .x = std::numeric_limits<double>::infinity()},
        {.time = 2000, .x = 6}},
       2.0,
       8.0},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(aggregate("time_avg(x)", c.readings), c.average) << c.about;
    EXPECT_EQ(aggregate("integral(x)", c.readings), c.integral) << c.about;
  }
}

TEST(AggregateTrack, distances_are_along_great_circles) {
  constexpr double kQuarter = 6'371'008.8 * 3.14159265358979323846 / 2;
  EXPECT_NEAR(distance_m(0, 0, 90, 0), kQuarter, 1e-6);
  EXPECT_NEAR(distance_m(0, 170, 0, -100), kQuarter, 1e-6) << "over the date line";
  EXPECT_NEAR(distance_m(10, 20, -10, -160), 2 * kQuarter, 1) << "antipodes";
  EXPECT_NEAR(distance_m(52.52, 13.405, 48.137, 11.575), 504'370, 500) << "Berlin to Munich";
  EXPECT_NEAR(distance_m(50, 8, 50.000009, 8), 1.0008, 1e-3) << "a metre";
  EXPECT_EQ(distance_m(50, 8, 50, 8), 0);
}

TEST(AggregateTrack, distance_follows_the_track_and_leaves_out_half_a_place) {
  const TestReadings track = {{.time = 3, .x = 50, .y = 9},
                              {.time = 1, .x = 50, .y = 8},
                              {.time = 2, .x = 51},
                              {.time = 2, .x = 51, .y = 8}};
  EXPECT_NEAR(number_of(aggregate("distance_m(x, y)", track)),
              distance_m(50, 8, 51, 8) + distance_m(51, 8, 50, 9), 1e-6);
  EXPECT_EQ(aggregate("distance_m(x, y)", {{.time = 3, .x = 50, .y = 9}}), Value(0.0));
  EXPECT_EQ(aggregate("distance_m(x, y)", {{.time = 3, .x = 50}}), null);
}

const char* kItems[] = {"time_avg(x)", "integral(x)", "distance_m(x, y)"};

// The answer from all readings at once.
double exact(const std::string& item, TestReadings readings) {
  std::sort(readings.begin(), readings.end(), [](const TestReading& a, const TestReading& b) {
    return std::tie(a.time, a.x, a.y) < std::tie(b.time, b.x, b.y);
  });
  double sum = 0;
  for (size_t i = 1; i < readings.size(); ++i) {
    const TestReading &a = readings[i - 1], &b = readings[i];
    const double ms = double(b.time - a.time);
    if (item == "time_avg(x)") sum += a.x * ms;
    if (item == "integral(x)") sum += (a.x + b.x) / 2 * (ms / 1000);
    if (item == "distance_m(x, y)") sum += distance_m(a.x, a.y, b.x, b.y);
  }
  return item == "time_avg(x)" ? sum / double(readings.back().time - readings.front().time) : sum;
}

TestReadings a_walk(std::mt19937& random, size_t count) {
  TestReadings readings;
  TestReading at{.time = 1'700'000'000'000, .x = 50, .y = 8};
  for (size_t i = 0; i < count; ++i) {
    at.time += 1 + (random() % 5 == 0 ? 20'000 : random() % 1'000);
    at.x += 1e-4 * (double(random() % 100) - 50);
    at.y += 1e-4 * (double(random() % 100) - 50);
    readings.push_back(at);
  }
  return readings;
}

// Each reading is overtaken by `places` others at most.
void delay_some(TestReadings& readings, size_t places, std::mt19937& random) {
  for (size_t i = 0; i + places < readings.size(); i += places + 1) {
    if (random() % 2)
      std::rotate(readings.begin() + i, readings.begin() + i + 1,
                  readings.begin() + i + places + 1);
  }
}

// The newest half as it comes, and in between, in order, what waited from before.
void let_the_old_half_come_between(TestReadings& readings) {
  const size_t half = readings.size() / 2;
  TestReadings mixed;
  for (size_t i = half; i < readings.size(); ++i) {
    mixed.push_back(readings[i]);
    if (i >= half + 40 && i - half - 40 < half) mixed.push_back(readings[i - half - 40]);
  }
  for (size_t i = mixed.size() - half; i < half; ++i) mixed.push_back(readings[i]);
  readings = std::move(mixed);
}

void expect_near(const TestPanes& panes, const std::string& item, const TestReadings& readings,
                 double share) {
  const double expected = exact(item, readings);
  EXPECT_NEAR(number_of(panes.result(0)), expected, share * std::abs(expected));
}
void expect_exact(const TestPanes& panes, const std::string& item, const TestReadings& readings) {
  expect_near(panes, item, readings, 1e-9);
}

TEST(AggregateTrack, of_thousands_of_readings_is_exact_in_the_orders_that_happen) {
  for (auto [seed, end] = seeds(50); seed < end; ++seed) {
    std::mt19937 random(seed);
    const TestReadings walk = a_walk(random, 2 + random() % 2'000);
    TestReadings reversed = walk, delayed = walk;
    std::reverse(reversed.begin(), reversed.end());
    delay_some(delayed, 30, random);
    const std::pair<const char*, const TestReadings*> orders[] = {
        {"in order", &walk}, {"reversed", &reversed}, {"delayed", &delayed}};
    for (const auto& [order, readings] : orders) {
      for (const char* item : kItems) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << item << ", " << order);
        TestPanes panes(item);
        panes.add(0, *readings);
        expect_exact(panes, item, walk);
        EXPECT_LE(panes.bytes(), 24u + 63 * 32);
      }
    }
  }
}

TEST(AggregateTrack, an_old_stretch_that_comes_between_loses_its_last_few_readings_at_most) {
  for (auto [seed, end] = seeds(50); seed < end; ++seed) {
    std::mt19937 random(seed);
    const TestReadings walk = a_walk(random, 2'000);
    TestReadings mixed = walk;
    let_the_old_half_come_between(mixed);
    for (const char* item : kItems) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << item);
      TestPanes panes(item);
      panes.add(0, mixed);
      expect_near(panes, item, walk, item == kItems[2] ? 0.01 : 1e-5);
    }
  }
}

TEST(AggregateTrack, slices_of_time_are_merged_exactly_neighbour_by_neighbour) {
  for (auto [seed, end] = seeds(200); seed < end; ++seed) {
    std::mt19937 random(seed);
    const TestReadings walk = a_walk(random, 2 + random() % 3'000);
    const uint32_t n = 1 + random() % 10;
    for (const char* item : kItems) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << item);
      TestPanes panes(item, n);
      std::vector<uint32_t> targets, left;
      for (size_t i = 0; i < walk.size(); ++i) targets.push_back(uint32_t(i * n / walk.size()));
      panes.add(walk, targets);
      for (uint32_t pane = 0; pane < n; ++pane) left.push_back(pane);
      while (left.size() > 1) {
        size_t i = random() % (left.size() - 1);
        const bool forward = random() % 2;
        panes.merge(left[i + !forward], left[i + forward]);
        left.erase(left.begin() + i + forward);
      }
      if (left[0] != 0) {
        panes.reset(0);
        panes.merge(0, left[0]);
      }
      expect_exact(panes, item, walk);
    }
  }
}

TEST(AggregateTrack, a_late_reading_in_the_longest_gap_of_what_was_merged_still_counts) {
  for (const char* item : kItems) {
    std::mt19937 random(9);
    TestReadings early = a_walk(random, 500), all = early;
    TestReadings late = a_walk(random, 500);
    const TestReading between{.time = early.back().time + 30'000, .x = 51, .y = 9};
    for (TestReading& r : late) r.time += early.back().time + 60'000 - 1'700'000'000'000;
    TestPanes panes(item, 2);
    panes.add(0, early);
    panes.add(1, late);
    panes.merge(0, 1);
    panes.add(0, {between});
    all.insert(all.end(), late.begin(), late.end());
    all.push_back(between);
    SCOPED_TRACE(item);
    expect_exact(panes, item, all);
  }
}

TEST(AggregateTrack,
     beyond_its_limit_it_is_near_and_the_order_of_merging_still_counts_for_nothing) {
  for (auto [seed, end] = seeds(50); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    TestReadings walk = a_walk(random, 1'000);
    const double expected = exact("time_avg(x)", walk);
    std::shuffle(walk.begin(), walk.end(), random);
    TestPanes panes("time_avg(x)", 4);
    panes.add(0, {walk.begin(), walk.begin() + 500});
    panes.add(1, {walk.begin() + 500, walk.end()});
    panes.merge(2, 0);
    panes.merge(2, 1);
    panes.merge(3, 1);
    panes.merge(3, 0);
    EXPECT_NEAR(number_of(panes.result(2)), expected, 0.001 * std::abs(expected));
    EXPECT_EQ(panes.saved(2), panes.saved(3));
    EXPECT_LE(panes.saved(2).size(), 1u + 63 * 24);
  }
}

}  // namespace
}  // namespace wayside
