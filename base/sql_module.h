// How SQLite sees an SqlTable. Included by sql_session.cc only.
#pragma once

#include <sqlite3.h>

#include <functional>
#include <optional>
#include <string>

#include "base/sql_table.h"

namespace wayside {

// One table of a session; at the same place as long as its connection lives.
struct SqlTableShown {
  std::string name;
  SqlTable* table = nullptr;
  std::function<bool()> expired;
  std::optional<Error>* failed = nullptr;  // what a scan said last; SQLite keeps its text only
};

// SQLITE_OK, or what SQLite says.
int add_sql_table(sqlite3* db, SqlTableShown& shown);

}  // namespace wayside
