// The elements of a JSON array that came as a text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace wayside {

struct JsonElement {
  Value value;
  std::string digits;  // of a whole number that `value` cannot hold
};

class JsonArray {
 public:
  JsonArray();
  ~JsonArray();

  // Numbers, texts and nothing as they are, true and false as 1 and 0, objects and arrays as their
  // JSON text. False: the text is no array, or has more of them than `most`.
  bool parse(std::string_view text, size_t most, std::vector<JsonElement>& elements);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace wayside
