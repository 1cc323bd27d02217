#include "sensors/protobuf_decoder.h"
#include "tests/fuzz/patch.h"
#include "tests/fuzz/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  using namespace std::string_view_literals;
  static const auto decoder =
      make_protobuf_decoder(fuzz_source(PayloadFormat::kProtobuf, TimeUnit::kMillis), 1);
  const std::string input = fuzz_input(
      "\x08\xfa\xcd\xf3\xbe\xbc\x31"                           // time_ms
      "\x12\x0c\x0a\x01t\x11\x00\x00\x00\x00\x00\x00\x12\x40"  // t = 4.5
      "\x12\x0c\x0a\x04"
      "door\x1a\x04open"                       // door = "open"
      "\x12\x0e\x0a\x0astate.open\x20\x01"sv,  // state.open = true
      data, size);
  fuzz_decode(*decoder, reinterpret_cast<const uint8_t*>(input.data()), input.size());
  return 0;
}
