#include "sensors/senml_cbor_decoder.h"
#include "sensors/senml_json_decoder.h"
#include "tests/fuzz/patch.h"
#include "tests/fuzz/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  using namespace std::string_view_literals;
  const auto source = [](PayloadFormat format) {
    SourceOptions s = fuzz_source(format, TimeUnit::kRfc3339);
    s.fields[0].path = "temp@Cel";
    s.fields[1].path = "bn";
    s.fields[2].path = "open";
    s.fields[3].path = "temp#s";
    return s;
  };
  static const auto json = make_senml_json_decoder(source(PayloadFormat::kSenmlJson), 1);
  static const auto cbor = make_senml_cbor_decoder(source(PayloadFormat::kSenmlCbor), 1);
  for (const auto& [decoder, sample] :
       {std::pair{
            json.get(),
            R"([{"bn":"a:","bt":1.7e9,"bver":5,"bu":"Cel","n":"temp","v":1,"s":2},)"
            R"({"n":"open","vb":true,"t":-1},{"bv":1,"bs":2,"u":"V","vs":"x","n":"temp"}])"sv},
        std::pair{cbor.get(),
                  "\x83\xa6\x21\x62"
                  "a:\x22\x1a\x65\x53\xf1\x00\x23\x63"
                  "Cel\x00\x64temp\x02\xc4\x82\x21\x19\x6a\xb3\x05\x02\xa3\x00\x64"
                  "open\x04\xf5\x06\x20\xa4\x24\x01\x25\x02\x00\x64temp\x08\x43"
                  "abc"sv}}) {
    const std::string input = fuzz_input(sample, data, size);
    fuzz_decode(*decoder, reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
  return 0;
}
