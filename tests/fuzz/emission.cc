// An emission of the outbox that was damaged.
#include <cstdlib>

#include "pipeline/emission_codec.h"
#include "tests/fuzz/patch.h"

namespace wayside {
namespace {

std::string sample() {
  Emission e;
  e.type = "window";
  e.block = "cold_5m";
  e.key = "truck-17";
  e.time_ms = -1;
  e.fields = {{"n", 3.5}, {"open", true}, {"note", std::string("ok")}, {"none", {}}};
  std::string encoded;
  encode_emission(e, encoded);
  return with_id("gw/e1/12", encoded);
}

}  // namespace
}  // namespace wayside

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  static const std::string whole = sample();
  const auto emission = decode_emission(fuzz_input(whole, data, size));
  if (!emission.ok()) return 0;
  // What was accepted can be written again, and says the same then.
  std::string first, second;
  encode_emission(*emission, first);
  const auto again = decode_emission(first);
  if (!again.ok()) std::abort();
  encode_emission(*again, second);
  if (first != second) std::abort();
  return 0;
}
