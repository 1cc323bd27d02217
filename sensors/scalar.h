// A value of a format with types of its own, and how it gets into a reading.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "sensors/row_writer.h"

namespace wayside {

// Nothing, and NaN, which says the same.
using Scalar = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string_view>;

// As RowWriter does; whole numbers become texts with all of their digits.
bool store(const RowWriter& writer, size_t field, const Scalar& value, Row& row, Readings& out,
           Refusal& refusal);
bool store_time(const RowWriter& writer, const Scalar& value, Row& row, Refusal& refusal);

// The number that it is, if it is one.
bool is_number(const Scalar& value, double& number);

}  // namespace wayside
