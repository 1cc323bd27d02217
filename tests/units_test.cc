#include "sensors/units.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace wayside {
namespace {

TEST(Units, a_known_amount_is_held_in_the_common_unit) {
  struct Row {
    double sent;
    const char* unit;
    double held;
    const char* held_unit;
  };
  const Row rows[] = {
      {-18, "C", -18, "C"},
      {32, "F", 0, "C"},
      {212, "F", 100, "C"},
      {-40, "F", -40, "C"},
      {273.15, "K", 0, "C"},
      {20, "m/s", 20, "m/s"},
      {90, "km/h", 25, "m/s"},
      {60, "mph", 26.8224, "m/s"},
      {1, "kn", 0.514444444, "m/s"},
      {2.5, "km", 2500, "m"},
      {1, "mi", 1609.344, "m"},
      {10, "ft", 3.048, "m"},
      {3.14159265358979, "rad", 180, "deg"},
      {1, "g", 9.80665, "m/s2"},
      {12'600, "mV", 12.6, "V"},
      {0.25, "ratio", 25, "%"},
      {10, "gal", 37.85411784, "l"},
      {101'325, "Pa", 1013.25, "hPa"},
      {101.325, "kPa", 1013.25, "hPa"},
      {1.01325, "bar", 1013.25, "hPa"},
      {14.6959488, "psi", 1013.25, "hPa"},
  };
  for (const Row& row : rows) {
    const Unit* unit = find_unit(row.unit);
    ASSERT_TRUE(unit) << row.unit;
    EXPECT_NEAR(row.sent * unit->scale + unit->shift, row.held, 1e-6 * (1 + std::abs(row.held)))
        << row.unit;
    EXPECT_EQ(unit->held, row.held_unit);
  }
}

TEST(Units, a_unit_stands_once_and_the_held_ones_change_nothing) {
  std::set<std::string_view> names;
  for (const Unit& unit : units()) {
    EXPECT_TRUE(names.insert(unit.name).second) << unit.name;
    const Unit* held = find_unit(unit.held);
    ASSERT_TRUE(held) << unit.held;
    EXPECT_TRUE(held->scale == 1 && held->shift == 0) << unit.held;
  }
}

TEST(Units, an_unknown_or_differently_written_unit_is_not_guessed) {
  for (const char* name : {"", "kmh", "KM/H", "c", "celsius"})
    EXPECT_FALSE(find_unit(name)) << name;
}

}  // namespace
}  // namespace wayside
