// A session of an edge node: births that are nearly right, and data behind them.
#include "sensors/sparkplug_decoder.h"

#include <cstdlib>

#include "tests/fuzz/patch.h"

namespace wayside {
namespace {

using namespace std::string_view_literals;

// Of one metric each: temp (10, Double), door (12, Boolean), a node's own note (1, String).
constexpr std::string_view kNodeBirth =
    "\x08\xe8\x07\x12\x0f\x0a\x04note\x10\x01\x20\x0c\x7a\x03yes"
    "\x12\x0b\x0a\x05"
    "bdSeq\x20\x08\x58\x02\x18\x00"sv;
constexpr std::string_view kDeviceBirth =
    "\x08\xe8\x07\x12\x13\x0a\x04temp\x10\x0a\x20\x0a\x69\x00\x00\x00\x00\x00\x00\x32\x40"
    "\x12\x0c\x0a\x04"
    "door\x10\x0c\x20\x0b\x70\x01\x18\x01"sv;
constexpr std::string_view kData =
    "\x08\xd0\x0f\x12\x10\x10\x0a\x18\x64\x20\x0a\x69\x00\x00\x00\x00\x00\x00\x33\x40"
    "\x12\x06\x10\x0c\x28\x01\x70\x00\x12\x07\x10\x0a\x18\x64\x20\x01\x50\x12\x04\x10\x0c\x38\x01"
    "\x18\x02"sv;
constexpr std::string_view kDeath =
    "\x12\x0b\x0a\x05"
    "bdSeq\x20\x08\x58\x02"sv;

SourceOptions plant() {
  SourceOptions s;
  s.name = "plant";
  s.format = PayloadFormat::kSparkplug;
  s.fields.resize(6);
  s.fields[0] = {.name = "id", .path = "$id", .type = FieldType::kText};
  s.fields[1] = {.name = "device", .path = "$device", .type = FieldType::kText};
  s.fields[2] = {.name = "old", .path = "$historical", .type = FieldType::kBool};
  s.fields[3] = {.name = "temp", .path = "temp", .scale = 0.1, .shift = -40};
  s.fields[4] = {.name = "door", .path = "door", .type = FieldType::kBool};
  s.fields[5] = {.name = "note", .path = "note", .type = FieldType::kText};
  return s;
}

void send(Decoder& decoder, std::string_view topic, std::string_view payload) {
  const Chunk chunk = chunk_of(topic, payload);
  Row empty;
  empty.numbers.assign(6, kNull);
  empty.texts.assign(6, {});
  Readings readings(empty);
  Refusal refusal;
  const bool good = decoder.decode(chunk.frames[0], {}, readings, refusal);
  if (good == (refusal.reason != nullptr) || readings.outgoing.size() > 1) std::abort();
  size_t sum = 0;
  for (size_t r = 0; good && r < readings.size(); ++r) {
    for (const std::string_view text : readings.row(r).texts) {
      for (const char c : text) sum += static_cast<uint8_t>(c);
    }
  }
  if (sum == SIZE_MAX) std::abort();  // reads every text to its end
}

}  // namespace
}  // namespace wayside

// The first byte says which message is the changed one; the others are right.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  if (size == 0) return 0;
  struct Message {
    std::string_view topic, payload;
  };
  static constexpr Message kSession[] = {{"spBv1.0/g/NBIRTH/n", kNodeBirth},
                                         {"spBv1.0/g/DBIRTH/n/d", kDeviceBirth},
                                         {"spBv1.0/g/DDATA/n/d", kData},
                                         {"spBv1.0/g/DDEATH/n/d", kDeath},
                                         {"spBv1.0/g/NDEATH/n", kDeath}};
  static const SourceOptions source = plant();
  const auto decoder = make_sparkplug_decoder(source, 0);
  const size_t changed = data[0] % (std::size(kSession) + 1);
  for (size_t i = 0; i < std::size(kSession); ++i) {
    const auto& [topic, payload] = kSession[i];
    send(*decoder, topic, i == changed ? fuzz_input(payload, data + 1, size - 1) : payload);
  }
  if (changed == std::size(kSession)) {
    send(*decoder, {reinterpret_cast<const char*>(data) + 1, size - 1}, kData);
  }
  return 0;
}
