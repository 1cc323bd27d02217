// A value of a reading, a result or an expression: nothing, a number or a text.
#pragma once

#include <string>
#include <variant>

namespace wayside {

using Value = std::variant<std::monostate, double, bool, std::string>;

enum class FieldType { kNumber, kText, kBool };

}  // namespace wayside
