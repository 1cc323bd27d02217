// A condition of the configuration: it compiles and computes, or says what is wrong with it.
#include "pipeline/expression.h"

#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  static ExpressionEngine engine;
  const std::string text(reinterpret_cast<const char*>(data), size);
  ExpressionError error;
  const auto set =
      engine.compile({{"temp_c", FieldType::kNumber}, {"door", FieldType::kText}}, {text}, error);
  if (set) return 0;
  if (error.message.empty() || error.expression != 0 || error.offset > text.size()) std::abort();
  return 0;
}
