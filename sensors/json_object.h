// One flat JSON object as names and values, for lines that we wrote ourselves: numbers, texts, true
// and false, null. The error says what is wrong with it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/value.h"

namespace wayside {

Result<std::vector<std::pair<std::string, Value>>> parse_json_object(std::string_view text);

}  // namespace wayside
