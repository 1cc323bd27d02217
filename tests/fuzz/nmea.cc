#include "sensors/nmea_decoder.h"

#include <algorithm>
#include <cstdio>

#include "tests/fuzz/patch.h"
#include "tests/fuzz/payload.h"

namespace {

// The lines of `text` with their checksums put right: a fuzzer does not find them.
std::string with_checksums(const std::string& text) {
  std::string out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    unsigned sum = 0;
    for (size_t i = 1; i < line.size(); ++i) sum ^= static_cast<uint8_t>(line[i]);
    char tail[8];
    std::snprintf(tail, sizeof tail, "*%02X\r\n", sum);
    out += line + tail;
    begin = end + 1;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  static const auto decoder = [] {
    SourceOptions source = fuzz_source(PayloadFormat::kNmea, TimeUnit::kMillis);
    source.time_path.clear();
    source.fields[0].path = "lat";
    source.fields[1].path = "fix";
    source.fields[2].path = "valid";
    source.fields[3].path = "in_view";
    return make_nmea_decoder(source, 1);
  }();
  const std::string input = fuzz_input(
      "$GPGGA,101112.25,4807.5,N,01131.0,E,4,09,0.9,545.4,M,46.9,M,,\n"
      "$GNGSA,A,3,01,02,03,,,,,,,,,,1.5,0.8,1.25\n$GPGSV,1,1,02,01,40,083,46\n"
      "$GPRMC,101112.25,A,4807.5,S,01131.0,W,36.0,84.5,010326,,,R\n$GPHDT,271.5,T\n"
      "$GPVTG,84.5,T,,M,,N,36.0,K,A\n$GNGNS,101113,4807.5,N,01131.0,E,NFA,12,0.8,5,4,,\n"
      "$GPGLL,4807.5,N,01131.0,E,101114,V,D\n$GPZDA,101114,01,03,2026,00,00\n",
      data, size);
  const std::string right = with_checksums(input);
  fuzz_decode(*decoder, reinterpret_cast<const uint8_t*>(input.data()), input.size());
  fuzz_decode(*decoder, reinterpret_cast<const uint8_t*>(right.data()), right.size());
  return 0;
}
