#include "sensors/json_object.h"

#include <simdjson.h>

namespace wayside {
namespace {

bool to_value(simdjson::dom::element element, Value& value) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::INT64:
    case Type::UINT64:
    case Type::DOUBLE:
      value = element.get_double().value_unsafe();
      return true;
    case Type::BOOL:
      value = element.get_bool().value_unsafe();
      return true;
    case Type::STRING:
      value = std::string(element.get_string().value_unsafe());
      return true;
    case Type::NULL_VALUE:
      value = std::monostate();
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<std::vector<std::pair<std::string, Value>>> parse_json_object(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (auto error = parser.parse(text.data(), text.size()).get(object)) {
    return Error{ErrorCode::kBadData, simdjson::error_message(error)};
  }
  std::vector<std::pair<std::string, Value>> members;
  for (const auto& [name, element] : object) {
    members.emplace_back(std::string(name), Value());
    if (to_value(element, members.back().second)) continue;
    return Error{ErrorCode::kBadData, "member '" + members.back().first + "' is no plain value"};
  }
  return members;
}

bool is_json_object(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  return parser.parse(text.data(), text.size()).get(object) == simdjson::SUCCESS;
}

}  // namespace wayside
