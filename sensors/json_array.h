// The elements of a JSON array that came as a text.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace wayside {

class JsonArray {
 public:
  JsonArray();
  ~JsonArray();

  // Numbers, texts and nothing as they are, true and false as 1 and 0, objects and arrays as their
  // JSON text. False: the text is no array.
  bool parse(std::string_view text, std::vector<Value>& elements);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace wayside
