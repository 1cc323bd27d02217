#include "sensors/cbor_decoder.h"
#include "tests/fuzz/patch.h"
#include "tests/fuzz/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  using namespace std::string_view_literals;
  static const auto plain = [] {
    SourceOptions source = fuzz_source(PayloadFormat::kCbor, TimeUnit::kAuto);
    source.time_path = "ts";
    source.fields[3].path = "1.-1";
    return make_cbor_decoder(source, 1);
  }();
  static const auto pack = [] {
    SourceOptions source = fuzz_source(PayloadFormat::kCbor, TimeUnit::kSeconds);
    source.time_path = "0";
    source.each = "rows";
    source.fields[0].path = "1";
    source.fields[1].path = "/door";
    source.fields[1].json = true;
    source.fields[2].path = "2";
    source.fields[3].path = "3.x";
    return make_cbor_decoder(source, 1);
  }();
  for (const auto& [decoder, sample] :
       {std::pair{plain.get(),
                  "\xa6\x62ts\xc1\x1a\x65\x53\xf1\x00\x61t\xf9\xcc\xa0\x64"
                  "door\x7f\x62op\x62"
                  "en\xff\x65state\xbf\x64open\xf5\xff\x01\xa1\x20\x19\x03\x84\x05\x43"
                  "abc"sv},
        std::pair{pack.get(),
                  "\xa2\x64rows\x9f\x84\x1a\x65\x53\xf1\x00\xc4\x82\x21\x19\x6a\xb3\xf5\xa1\x61x"
                  "\xfa\x3f\x80\x00\x00\x82\x01\x80\xff\x64"
                  "door\x82\xa1\x61k\x41\x01\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a"sv}}) {
    const std::string input = fuzz_input(sample, data, size);
    fuzz_decode(*decoder, reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
  return 0;
}
