#include "sensors/units.h"

namespace wayside {
namespace {

constexpr Unit kUnits[] = {
    {"C", 1, 0, "C"},
    {"F", 5.0 / 9.0, -160.0 / 9.0, "C"},
    {"K", 1, -273.15, "C"},
    {"m/s", 1, 0, "m/s"},
    {"km/h", 1 / 3.6, 0, "m/s"},
    {"mph", 0.44704, 0, "m/s"},
    {"kn", 1852.0 / 3600.0, 0, "m/s"},
    {"m", 1, 0, "m"},
    {"km", 1000, 0, "m"},
    {"mi", 1609.344, 0, "m"},
    {"ft", 0.3048, 0, "m"},
    {"deg", 1, 0, "deg"},
    {"rad", 57.29577951308232, 0, "deg"},
    {"m/s2", 1, 0, "m/s2"},
    {"g", 9.80665, 0, "m/s2"},
    {"V", 1, 0, "V"},
    {"mV", 0.001, 0, "V"},
    {"%", 1, 0, "%"},
    {"ratio", 100, 0, "%"},
    {"l", 1, 0, "l"},
    {"gal", 3.785411784, 0, "l"},
    {"hPa", 1, 0, "hPa"},
    {"Pa", 0.01, 0, "hPa"},
    {"kPa", 10, 0, "hPa"},
    {"bar", 1000, 0, "hPa"},
    {"psi", 68.94757293168361, 0, "hPa"},
};

}  // namespace

std::span<const Unit> units() { return kUnits; }

const Unit* find_unit(std::string_view name) {
  for (const Unit& u : kUnits) {
    if (u.name == name) return &u;
  }
  return nullptr;
}

}  // namespace wayside
