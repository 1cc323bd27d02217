#include "sensors/csv_decoder.h"
#include "tests/fuzz/patch.h"
#include "tests/fuzz/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  static const auto head = [] {
    SourceOptions source = fuzz_source(PayloadFormat::kCsv, TimeUnit::kAuto);
    source.time_path = "at";
    return make_csv_decoder(source, 1);
  }();
  static const auto named = [] {
    SourceOptions source = fuzz_source(PayloadFormat::kCsv, TimeUnit::kRfc3339);
    source.time_path = "at";
    source.time.of_day = "clock";
    source.columns = {"at", "clock", "t", "", "door", "state.open", "state.gps.spd"};
    source.delimiter = ";";
    source.decimal = ",";
    return make_csv_decoder(source, 1);
  }();
  for (const auto& [decoder, sample] :
       {std::pair{head.get(),
                  "at,t,\"door\",state.open,x,state.gps.spd\r\n"
                  "1700000000.5,-12.5,\"a\"\"\xc3\xa4,\n\"\"\",on,,3e2\r\n1700000001,,shut,0,,\n"},
        std::pair{named.get(), "2026-03-01;12:00:00Z;5,5;x;\"a;b\";true;\n"}}) {
    const std::string input = fuzz_input(sample, data, size);
    fuzz_decode(*decoder, reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
  return 0;
}
