#include "sensors/row_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "base/text.h"

namespace wayside {
namespace {

// Blanks around it and a plus are what devices pad it with.
std::optional<double> number_in(std::string_view text) {
  text = text.substr(std::min(text.find_first_not_of(' '), text.size()));
  text = text.substr(0, text.find_last_not_of(' ') + 1);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double number;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<bool> flag_in(std::string_view text) {
  for (std::string_view yes : {"true", "on", "1"}) {
    if (same_name(text, yes)) return true;
  }
  for (std::string_view no : {"false", "off", "0"}) {
    if (same_name(text, no)) return false;
  }
  return std::nullopt;
}

std::string named(const char* what, const std::string& name, const char* fault) {
  return std::string(what) + " '" + name + "' " + fault;
}

}  // namespace

RowWriter::RowWriter(const SourceOptions& source, size_t first_field)
    : fields_(source.fields),
      first_field_(first_field),
      time_(source.time),
      time_path_(source.time_path) {}

bool RowWriter::number(size_t field, double value, Row& row, Readings& out,
                       Refusal& refusal) const {
  const FieldOptions& f = fields_[field];
  switch (f.type) {
    case FieldType::kNumber: {
      double& number = row.numbers[place(field)];
      number = value * f.scale + f.shift;
      if (std::isfinite(number)) return true;
      refusal = {"wrong_type", "field '" + f.name + "' is infinite"};
      return false;
    }
    case FieldType::kBool:
      if (value != 0 && value != 1) return wrong_type(field, refusal);
      row.numbers[place(field)] = value;
      return true;
    case FieldType::kText: {
      if (f.json || !std::isfinite(value)) return wrong_type(field, refusal);
      std::string digits;
      append_json_number(digits, value);
      row.texts[place(field)] = out.keep(digits);
      return true;
    }
  }
  return false;
}

bool RowWriter::flag(size_t field, bool value, Row& row, Refusal& refusal) const {
  const FieldOptions& f = fields_[field];
  if (f.type == FieldType::kNumber || f.json) return wrong_type(field, refusal);
  if (f.type == FieldType::kBool) {
    row.numbers[place(field)] = value;
  } else {
    row.texts[place(field)] = value ? "true" : "false";
  }
  return true;
}

bool RowWriter::text(size_t field, std::string_view value, Row& row, Refusal& refusal) const {
  const FieldOptions& f = fields_[field];
  if (f.type == FieldType::kText && !f.json) {
    row.texts[place(field)] = value;
    return true;
  }
  std::optional<double> number;
  if (f.type == FieldType::kNumber) {
    number = number_in(value);
    if (number) number = *number * f.scale + f.shift;
  } else if (f.type == FieldType::kBool) {
    number = flag_in(value);
  }
  if (!number || !std::isfinite(*number)) return wrong_type(field, refusal);
  row.numbers[place(field)] = *number;
  return true;
}

bool RowWriter::wrong_time(Refusal& refusal) const {
  refusal = {"bad_time", named("the time", time_path_, "does not read as the declared unit")};
  return false;
}

bool RowWriter::wrong_type(size_t field, Refusal& refusal) const {
  const FieldOptions& f = fields_[field];
  static constexpr const char* kFaults[] = {"is not a number", "is not a text",
                                            "is not true or false"};
  const char* fault = f.json ? "is not an object or array" : kFaults[static_cast<size_t>(f.type)];
  refusal = {"wrong_type", named("field", f.name, fault)};
  return false;
}

}  // namespace wayside
