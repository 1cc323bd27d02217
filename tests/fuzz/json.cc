#include "sensors/json_array.h"
#include "sensors/json_decoder.h"
#include "tests/fuzz/patch.h"
#include "tests/fuzz/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  static const auto millis =
      make_json_decoder(fuzz_source(PayloadFormat::kJson, TimeUnit::kMillis), 1);
  static const auto text =
      make_json_decoder(fuzz_source(PayloadFormat::kJson, TimeUnit::kRfc3339), 1);
  static const auto pack = [] {
    SourceOptions source = fuzz_source(PayloadFormat::kJson, TimeUnit::kAuto);
    source.each = "rows";
    source.fields[1].path = "/door";
    source.fields[3].path = "axes.1";
    return make_json_decoder(source, 1);
  }();
  for (const auto& [decoder, sample] :
       {std::pair{millis.get(),
                  R"({"ts":1700000000250,"t":-12.5e1,"door":"a\u00e4\"","state":{"open":true,)"
                  R"("gps":{"spd":3,"x":[1,{}]}},"more":null})"},
        std::pair{text.get(),
                  R"({"state":{"open":false},"ts":"2026-03-01T12:00:00.250+01:00","t":null})"},
        std::pair{
            pack.get(),
            R"({"rows":[{"ts":"1700000000.5","t":"5"},{"axes":[1,"2"],"t":[]}],"door":7})"}}) {
    const std::string input = fuzz_input(sample, data, size);
    fuzz_decode(*decoder, reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
  static JsonArray array;
  std::vector<JsonElement> elements;
  (void)array.parse(fuzz_input(R"([1,"a",{"b":[null]},true])", data, size), 1'000, elements);
  return 0;
}
