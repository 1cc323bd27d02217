// The SQL that the window model understands: a few conditions and aggregates over the readings of
// climate(), each written a second time in C++.
#pragma once

#include <string>
#include <vector>

#include "tests/stage.h"

namespace wayside {

std::vector<std::string> model_conditions();
bool model_condition(const std::string& sql, const Reading& reading);

std::vector<std::string> model_aggregates();
// One of them, with ` FILTER (WHERE condition)` behind it or without.
Value model_aggregate(const std::string& sql, const std::vector<Reading>& readings);

// Whether "alias >= number" holds for a result; "" always does.
bool model_having(const std::string& sql, const std::vector<NamedValue>& fields);

}  // namespace wayside
