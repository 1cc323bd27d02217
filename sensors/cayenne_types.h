// Types of Cayenne LPP: each is the IPSO object of its number + 3200. The first twelve rows are the
// format's own, the others those that its libraries have added.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace wayside {

struct CayenneType {
  struct Part {
    std::string_view name;
    uint16_t divisor = 1;
  };
  uint8_t id;
  std::string_view name;
  uint8_t bytes;  // of each part, the highest first
  bool is_signed;
  uint8_t count;
  std::array<Part, 3> parts;
};

constexpr CayenneType cayenne_scalar(uint8_t id, std::string_view name, uint8_t bytes,
                                     uint16_t divisor, bool is_signed) {
  return {id, name, bytes, is_signed, 1, {{{"", divisor}}}};
}

constexpr std::array kCayenneTypes{
    cayenne_scalar(0, "digital_in", 1, 1, false),
    cayenne_scalar(1, "digital_out", 1, 1, false),
    cayenne_scalar(2, "analog_in", 2, 100, true),
    cayenne_scalar(3, "analog_out", 2, 100, true),
    cayenne_scalar(101, "illuminance", 2, 1, false),  // lux
    cayenne_scalar(102, "presence", 1, 1, false),
    cayenne_scalar(103, "temperature", 2, 10, true),  // °C
    cayenne_scalar(104, "humidity", 1, 2, false),     // %
    CayenneType{113, "accelerometer", 2, true, 3, {{{"x", 1000}, {"y", 1000}, {"z", 1000}}}},  // g
    cayenne_scalar(115, "barometer", 2, 10, false),                                     // hPa
    CayenneType{134, "gyrometer", 2, true, 3, {{{"x", 100}, {"y", 100}, {"z", 100}}}},  // °/s
    CayenneType{136, "gps", 3, true, 3, {{{"lat", 10'000}, {"lon", 10'000}, {"alt", 100}}}},
    cayenne_scalar(100, "generic", 4, 1, false),
    cayenne_scalar(116, "voltage", 2, 100, false),   // V
    cayenne_scalar(117, "current", 2, 1000, false),  // A
    cayenne_scalar(118, "frequency", 4, 1, false),   // Hz
    cayenne_scalar(120, "percentage", 1, 1, false),
    cayenne_scalar(121, "altitude", 2, 1, true),        // m
    cayenne_scalar(122, "load", 3, 1000, true),         // kg
    cayenne_scalar(125, "concentration", 2, 1, false),  // ppm
    cayenne_scalar(128, "power", 2, 1, false),          // W
    cayenne_scalar(130, "distance", 4, 1000, false),    // m
    cayenne_scalar(131, "energy", 4, 1000, false),      // kWh
    cayenne_scalar(132, "direction", 2, 1, false),      // degrees
    cayenne_scalar(133, "unixtime", 4, 1, false),       // s
    CayenneType{135, "colour", 1, false, 3, {{{"r", 1}, {"g", 1}, {"b", 1}}}},
    cayenne_scalar(142, "switch", 1, 1, false),
};

}  // namespace wayside
