#include "sensors/json_array.h"

#include <simdjson.h>

#include <string>

namespace wayside {
namespace {

namespace od = simdjson::ondemand;

std::string without_space(std::string_view json) {
  return std::string(json.substr(0, json.find_last_not_of(" \t\r\n") + 1));
}

bool take(od::value& element, Value& value) {
  od::json_type type;
  if (element.type().get(type)) return false;
  std::string_view text;
  double number = 0;
  bool flag = false;
  switch (type) {
    case od::json_type::number:
      if (element.get_double().get(number)) return false;
      value = number;
      return true;
    case od::json_type::boolean:
      if (element.get_bool().get(flag)) return false;
      value = flag ? 1.0 : 0.0;
      return true;
    case od::json_type::string:
      if (element.get_string().get(text)) return false;
      value = std::string(text);
      return true;
    case od::json_type::null:
      value = std::monostate();
      return !element.is_null().get(flag) && flag;  // what only begins like null is none
    case od::json_type::object: {
      od::object object;
      if (element.get_object().get(object) || object.raw_json().get(text)) return false;
      value = without_space(text);
      return true;
    }
    case od::json_type::array: {
      od::array array;
      if (element.get_array().get(array) || array.raw_json().get(text)) return false;
      value = without_space(text);
      return true;
    }
  }
  return false;
}

}  // namespace

struct JsonArray::Parser {
  od::parser parser;
  std::string padded;
};

JsonArray::JsonArray() : parser_(std::make_unique<Parser>()) {}
JsonArray::~JsonArray() = default;

bool JsonArray::parse(std::string_view text, std::vector<Value>& elements) {
  elements.clear();
  std::string& padded = parser_->padded;
  padded.assign(text);
  padded.append(simdjson::SIMDJSON_PADDING, ' ');
  od::document document;
  od::array array;
  const simdjson::padded_string_view view(padded.data(), text.size(), padded.size());
  if (parser_->parser.iterate(view).get(document) || document.get_array().get(array)) return false;
  for (auto item : array) {
    od::value element;
    if (std::move(item).get(element) || !take(element, elements.emplace_back())) return false;
  }
  const char* rest;
  return document.current_location().get(rest) != simdjson::SUCCESS;  // nothing follows
}

}  // namespace wayside
