#include "sensors/scalar.h"

#include <string>

namespace wayside {
namespace {

template <class Whole>
bool store_whole(const RowWriter& writer, size_t field, Whole value, Row& row, Readings& out,
                 Refusal& refusal) {
  if (writer.fields()[field].type != FieldType::kText) {
    return writer.number(field, static_cast<double>(value), row, out, refusal);
  }
  return writer.text(field, out.keep(std::to_string(value)), row, refusal);
}

}  // namespace

bool store(const RowWriter& writer, size_t field, const Scalar& value, Row& row, Readings& out,
           Refusal& refusal) {
  if (const auto* flag = std::get_if<bool>(&value)) return writer.flag(field, *flag, row, refusal);
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    return store_whole(writer, field, *whole, row, out, refusal);
  }
  if (const auto* whole = std::get_if<uint64_t>(&value)) {
    return store_whole(writer, field, *whole, row, out, refusal);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return is_null(*number) || writer.number(field, *number, row, out, refusal);
  }
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    return writer.text(field, *text, row, refusal);
  }
  return true;
}

bool store_time(const RowWriter& writer, const Scalar& value, Row& row, Refusal& refusal) {
  if (std::holds_alternative<std::monostate>(value)) return true;
  if (const auto* whole = std::get_if<int64_t>(&value)) return writer.time(*whole, row, refusal);
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    return writer.time(*text, row, refusal);
  }
  double number;
  if (!is_number(value, number)) return writer.wrong_time(refusal);
  return is_null(number) || writer.time(number, row, refusal);
}

bool is_number(const Scalar& value, double& number) {
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    number = static_cast<double>(*whole);
  } else if (const auto* large = std::get_if<uint64_t>(&value)) {
    number = static_cast<double>(*large);
  } else if (const auto* real = std::get_if<double>(&value)) {
    number = *real;
  } else {
    return false;
  }
  return true;
}

}  // namespace wayside
