// What a look-up's table held at one time, as it stands in the journal and in the saved state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"
#include "sensors/reading.h"

namespace wayside {

struct LookupContents {
  std::vector<Field> columns;             // numbers and texts
  std::vector<std::string> keys;          // by row; each once, or with `since` once a time
  std::vector<std::vector<Value>> cells;  // by column, then by row; nothing for NULL
  std::vector<int64_t> since{};  // by row: the event time from which on it holds; empty: always

  std::string encode() const;
  // An error: these are no contents.
  static Result<LookupContents> decode(std::string_view bytes);
};

}  // namespace wayside
