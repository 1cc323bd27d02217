#include "config/check_names.h"

#include <cctype>
#include <set>

#include "base/sqlite.h"
#include "base/text.h"

namespace wayside {
namespace {

// Whether SQL reads something else than a column of this name, or nothing at all.
bool is_sql_word(const std::string& name) {
  auto memory = Database::open(":memory:", Database::Mode::kReadWrite);
  if (!memory.ok()) return false;
  std::string sql = "SELECT @ FROM (SELECT 'x' AS @) WHERE 'x' = @";
  for (size_t at; (at = sql.find('@')) != std::string::npos;) sql.replace(at, 1, name);
  auto query = (*memory)->prepare(sql);
  if (!query.ok()) return true;
  auto row = query->step();
  return !row.ok() || !*row || query->column_text(0) != "x";
}

}  // namespace

std::string wrong_sql_name(const std::string& name) {
  const bool good = is_name(name) && name.find('-') == std::string::npos &&
                    !std::isdigit(static_cast<unsigned char>(name.front()));
  if (!good) return "'" + name + "' does not work in SQL: letters, digits and '_' only";
  return is_sql_word(name) ? "'" + name + "' is a word of SQL; choose another name" : "";
}

std::string taken_name(const std::string& name) {
  static const std::set<std::string> kTaken{"id",   "type",  "source", "block", "key",
                                            "time", "clock", "cause",  "config"};
  if (!kTaken.contains(name)) return "";
  return "each event has a '" + name + "' of its own; choose another name";
}

}  // namespace wayside
