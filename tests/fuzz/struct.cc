#include "sensors/struct_decoder.h"
#include "tests/fuzz/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  const auto make = [](uint32_t record_bytes) {
    SourceOptions source = fuzz_source(PayloadFormat::kStruct, TimeUnit::kAuto);
    source.record_bytes = record_bytes;
    source.time_path = "1:u64le";
    source.fields[0].path = "0:3|20@0-!7";
    source.fields[1].path = "9:text6";
    source.fields[2].path = "15:bool";
    source.fields[3].path = "12:bcd32cdab!0xFFFFFFFF";
    return make_struct_decoder(source, 1);
  };
  static const auto whole = make(0);
  static const auto records = make(16);
  fuzz_decode(*whole, data, size);
  fuzz_decode(*records, data, size);
  return 0;
}
