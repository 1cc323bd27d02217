#include "sensors/json_array.h"

#include <simdjson.h>

#include <cmath>
#include <string>

#include "base/release.h"
#include "sensors/frame.h"
#include "sensors/json_parser.h"

namespace wayside {
namespace {

namespace od = simdjson::ondemand;

constexpr size_t kKeptBytes = 64 << 10;  // of a text, for the next one

std::string without_space(std::string_view json) {
  return std::string(json.substr(0, json.find_last_not_of(" \t\r\n") + 1));
}

constexpr double kExact = 9007199254740992;  // 2^53: a double holds each whole number up to there

template <class Whole>
bool take_whole(Whole whole, JsonElement& made) {
  const auto number = static_cast<double>(whole);
  made.value = number;
  if (std::abs(number) >= kExact) made.digits = std::to_string(whole);
  return true;
}

bool take_number(od::value& element, JsonElement& made) {
  int64_t with_sign = 0;
  uint64_t without_sign = 0;
  double number = 0;
  bool whole = false;
  if (element.is_integer().get(whole)) return false;  // what only begins like a number
  if (whole) {
    if (!element.get_int64().get(with_sign)) return take_whole(with_sign, made);
    if (!element.get_uint64().get(without_sign)) return take_whole(without_sign, made);
  }
  if (element.get_double().get(number)) return false;
  made.value = number;
  return true;
}

bool take(od::value& element, JsonElement& made) {
  Value& value = made.value;
  od::json_type type;
  if (element.type().get(type)) return false;
  std::string_view text;
  bool flag = false;
  switch (type) {
    case od::json_type::number:
      return take_number(element, made);
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
  JsonParser parser;
  std::string padded;
};

JsonArray::JsonArray() : parser_(std::make_unique<Parser>()) {}
JsonArray::~JsonArray() = default;

bool JsonArray::parse(std::string_view text, size_t most, std::vector<JsonElement>& elements) {
  elements.clear();
  std::string& padded = parser_->padded;
  if (padded.size() > kKeptBytes) release(padded);
  padded.assign(text);
  padded.append(kFramePadding, ' ');
  od::document document;
  od::array array;
  const std::string_view json(padded.data(), text.size());
  if (parser_->parser.iterate(json).get(document) || document.get_array().get(array)) return false;
  for (auto item : array) {
    od::value element;
    if (elements.size() == most || std::move(item).get(element) ||
        !take(element, elements.emplace_back()))
      return false;
  }
  const char* rest;
  return document.current_location().get(rest) != simdjson::SUCCESS;  // nothing follows
}

}  // namespace wayside
