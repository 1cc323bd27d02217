#include "sensors/protobuf_numbers_decoder.h"
#include "tests/fuzz/patch.h"
#include "tests/fuzz/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  using namespace std::string_view_literals;
  const auto source = [](const char* time, const char* number, const char* text, const char* flag,
                         const char* nested) {
    SourceOptions s = fuzz_source(PayloadFormat::kProtobufNumbers, TimeUnit::kAuto);
    s.time_path = time;
    s.fields[0].path = number;
    s.fields[1].path = text;
    s.fields[2].path = flag;
    s.fields[3].path = nested;
    return s;
  };
  static const auto plain =
      make_protobuf_numbers_decoder(source("1:timestamp", "2:sint", "3", "4:bool", "5.1"), 1);
  static const auto pack = [&] {
    SourceOptions s = source("1", "2:sfixed", "/3:bytes", "4", "/5.1:float");
    s.each = "5.2";
    return make_protobuf_numbers_decoder(s, 1);
  }();
  for (const auto& [decoder, sample] :
       {std::pair{plain.get(),
                  "\x0a\x06\x08\x80\xe2\xcf\xaa\x06\x12\x02\x03\x05\x1a\x02hi\x20\x01"
                  "\x2a\x09\x09\x00\x00\x00\x00\x00\x00\x12\x40"sv},
        std::pair{pack.get(),
                  "\x1a\x02\x01\xff\x2a\x15\x0d\x00\x00\x80\x3f\x12\x0e\x08\x80\xe2\xcf\xaa\x06"
                  "\x15\xff\xff\xff\xff\x20\x01\x12\x00"sv}}) {
    const std::string input = fuzz_input(sample, data, size);
    fuzz_decode(*decoder, reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
  return 0;
}
