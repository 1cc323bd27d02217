// The virtual table through which SQLite sees the columns of a batch. Included by expression.cc
// only.
#pragma once

#include <sqlite3.h>

#include <string>
#include <vector>

#include "pipeline/expression.h"

namespace wayside {

// What the table of one set of expressions shows at the moment.
struct TableShown {
  std::string declaration;
  Table table;
  size_t first = 0;  // the row that a scan begins at
  size_t at = 0;     // the row that it is at
};

// Without memory SQLite's answers depend on more than the data, and a replay would say something
// else: std::bad_alloc, which ends the process. `rc` is what SQLite returned.
void need_memory(int rc);

// CREATE TABLE, for TableShown::declaration.
std::string declare_table(const std::vector<Field>& columns);

// Makes the table `name`, which shows what `shown` holds; both outlive its use.
void make_column_table(sqlite3* db, const std::string& name, TableShown& shown);
void drop_column_table(sqlite3* db, const std::string& name);

}  // namespace wayside
