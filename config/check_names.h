// Names that appear in SQL and in events.
#pragma once

#include <string>

namespace wayside {

// What is wrong with a field or alias of this name, which stands in SQL without quotes; else empty.
std::string wrong_sql_name(const std::string& name);

// Events hold fields beside what they all have: what is wrong with one of this name; else empty.
std::string taken_name(const std::string& name);

}  // namespace wayside
