// JSON objects of lines that we wrote ourselves.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/value.h"

namespace wayside {

// Of a flat one names and values: numbers, texts, true and false, null. The error says what is
// wrong with it.
Result<std::vector<std::pair<std::string, Value>>> parse_json_object(std::string_view text);

// One object and nothing else, in proper UTF-8.
bool is_json_object(std::string_view text);

}  // namespace wayside
