// What stands in a URL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wayside {

// A part of a URL without its escapes. Nothing: a % is not followed by two hex digits.
std::optional<std::string> url_unescaped(std::string_view part, bool plus_is_blank);

}  // namespace wayside
