// A sentence of NMEA 0183: "$GPRMC,120316,A,…*63".
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace wayside {

struct NmeaSentence {
  static constexpr size_t kFieldsMax = 24;  // the longest has 20; further ones are passed over

  std::string_view talker;  // "GP"
  std::string_view type;    // "RMC"; empty: a maker's own, or no GPS sentence at all
  // From 1, as the standard counts; empty where there is none.
  std::string_view field(size_t number) const {
    return number <= count ? fields[number - 1] : std::string_view();
  }

  std::array<std::string_view, kFieldsMax> fields;
  size_t count = 0;
};

// False: `fault` says why the line is no whole sentence. Views into the line.
bool parse_nmea(std::string_view line, NmeaSentence& sentence, std::string& fault);

}  // namespace wayside
