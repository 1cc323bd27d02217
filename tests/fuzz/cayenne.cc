#include "sensors/cayenne_decoder.h"
#include "tests/fuzz/patch.h"
#include "tests/fuzz/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  using namespace std::string_view_literals;
  static const auto decoder = [] {
    SourceOptions source = fuzz_source(PayloadFormat::kCayenne, TimeUnit::kAuto);
    source.time_path = "9.unixtime";
    source.fields[0].path = "1";
    source.fields[1].path = "2.temperature";
    source.fields[2].path = "0.digital_in";
    source.fields[3].path = "3.lon";
    return make_cayenne_decoder(source, 1);
  }();
  const std::string input = fuzz_input(
      "\x01\x67\x00\xff\x02\x67\xff\x85\x00\x00\x01\x09\x85\x65\x92\x00\x80"
      "\x03\x88\x07\x57\xd3\xf2\xfd\x59\x00\x03\xe8\x04\x71\x00\x01\x00\x02\x00\x03"sv,
      data, size);
  fuzz_decode(*decoder, reinterpret_cast<const uint8_t*>(input.data()), input.size());
  return 0;
}
