// What the fuzz targets of the decoders share: a source with every type of field, and readings to
// decode into.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "sensors/decoder.h"
#include "sensors/frame.h"

namespace wayside {

inline SourceOptions fuzz_source(PayloadFormat format, TimeUnit unit) {
  SourceOptions s;
  s.name = "climate";
  s.topic = "fleet/{vehicle}/climate";
  s.format = format;
  s.key = "vehicle";
  s.time_path = format == PayloadFormat::kJson ? "ts" : "time_ms";
  s.time.unit = unit;
  s.fields.resize(4);
  s.fields[0] = {.name = "temp_c", .path = "t", .scale = 0.1, .shift = -40};
  s.fields[1] = {.name = "door", .path = "door", .type = FieldType::kText};
  s.fields[2] = {.name = "open", .path = "state.open", .type = FieldType::kBool};
  s.fields[3] = {.name = "speed", .path = "state.gps.spd"};
  return s;
}

// Decodes twice: a payload must not leave anything behind that changes how the next one is read.
inline void fuzz_decode(Decoder& decoder, const uint8_t* data, size_t size) {
  std::vector<char> bytes(size + kFramePadding);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  Row empty;
  empty.numbers.assign(5, kNull);
  empty.texts.assign(5, {});
  Readings readings(empty);
  Frame frame;
  frame.payload = {bytes.data(), size};
  bool first = false;
  for (int i = 0; i < 2; ++i) {
    readings.clear();
    Refusal refusal;
    const bool good = decoder.decode(frame, {}, readings, refusal);
    if (i == 1 && good != first) std::abort();
    first = good;
    if (good == (refusal.reason != nullptr)) std::abort();
    size_t sum = 0;
    for (size_t r = 0; good && r < readings.size(); ++r) {
      for (std::string_view text : readings.row(r).texts) {
        for (char c : text) sum += static_cast<uint8_t>(c);
      }
    }
    if (sum == SIZE_MAX) std::abort();  // reads every text to its end
  }
}

}  // namespace wayside
