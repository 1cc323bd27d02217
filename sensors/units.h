// Units that devices send in, and what becomes of them: numbers are held as °C, m/s, m, degrees,
// m/s², V, percent, litres and hPa, whatever a device sends, so that one rule fits all.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace wayside {

struct Unit {
  std::string_view name;
  double scale;  // held = sent * scale + shift
  double shift;
  std::string_view held;
};

std::span<const Unit> units();
const Unit* find_unit(std::string_view name);

}  // namespace wayside
