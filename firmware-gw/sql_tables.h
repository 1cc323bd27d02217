// The tables that a state folder is shown as, to `wayside sql` and over HTTP. Used by one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/sql_session.h"
#include "storage/history.h"

namespace wayside {

class SqlTables {
 public:
  // `sources`: of the configuration's engine; `last_entry`: of the journal, no later one is shown;
  // `events`: what stands for the table of that name. Views are all of one commit, which may be
  // later than that entry.
  static Result<std::unique_ptr<SqlTables>> open(const std::string& state_dir,
                                                 std::vector<NamedSchema> sources,
                                                 uint64_t last_entry,
                                                 std::unique_ptr<SqlTable> events);

  struct Named {
    std::string name;
    std::unique_ptr<SqlTable> table;
  };
  const std::vector<Named>& all() const { return all_; }
  // A session that sees them, and must not outlive them; its clock is the system's.
  Result<std::unique_ptr<SqlSession>> open_session(const SqlLimits& limits) const;
  // For people: what could not be read so far.
  std::vector<std::string> missing() const;

 private:
  SqlTables(const std::string& state_dir, std::vector<NamedSchema> sources, uint64_t last_entry);
  void add(std::string name, std::unique_ptr<SqlTable> table);

  History history_;
  std::vector<Named> all_;
};

// A session without tables.
Result<std::unique_ptr<SqlSession>> open_sql_session(const SqlLimits& limits);

}  // namespace wayside
