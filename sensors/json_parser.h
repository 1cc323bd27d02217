// simdjson's parser, which keeps room for the largest payload it has seen.
#pragma once

#include <simdjson.h>

#include <string_view>

#include "sensors/frame.h"

namespace wayside {

class JsonParser {
 public:
  // `payload` with kFramePadding readable bytes behind it; it and this outlive the document, and
  // the next call ends it.
  auto iterate(std::string_view payload) {
    // The room is more than four times a payload's size: one large payload does not hold it for
    // ever.
    if (parser_.capacity() > kKeptBytes && payload.size() <= kKeptBytes)
      parser_ = simdjson::ondemand::parser();
    return parser_.iterate(payload.data(), payload.size(), payload.size() + kFramePadding);
  }

 private:
  static constexpr size_t kKeptBytes = 64 << 10;

  simdjson::ondemand::parser parser_;
};

}  // namespace wayside
