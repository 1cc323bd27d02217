// `wayside sql`: questions about what a state folder holds, beside a gateway that may be running.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sql_session.h"
#include "config/config.h"

namespace wayside {

struct SqlQuestion {
  std::string sql;  // "": which tables there are
  bool json = false;
  SqlLimits limits;
};

struct SqlAnswer {
  uint64_t rows = 0;
  std::vector<std::string> missing;  // for people: what could not be read
};

// Lines out: a table of text, or a JSON object a row. docs/history.md names the tables.
Result<SqlAnswer> answer_sql(const Config& config, const SqlQuestion& question,
                             const std::function<void(std::string_view line)>& write);

}  // namespace wayside
