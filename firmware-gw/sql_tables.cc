#include "firmware-gw/sql_tables.h"

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "storage/history_table.h"
#include "storage/journal.h"
#include "storage/store_tables.h"
#include "storage/view_table.h"

namespace wayside {

SqlTables::SqlTables(const std::string& state_dir, std::vector<NamedSchema> sources,
                     uint64_t last_entry)
    : history_(posix_disk(), state_dir, std::move(sources), last_entry) {}

Result<std::unique_ptr<SqlTables>> SqlTables::open(const std::string& state_dir,
                                                   std::vector<NamedSchema> sources,
                                                   uint64_t last_entry,
                                                   std::unique_ptr<SqlTable> events) {
  WS_ASSIGN(const auto files, first_sequences(posix_disk(), state_dir + "/journal"));
  if (files.empty()) {
    return Error{ErrorCode::kUnavailable, "there is no journal in " + state_dir + "/journal"};
  }
  std::unique_ptr<SqlTables> tables(new SqlTables(state_dir, std::move(sources), last_entry));
  History& history = tables->history_;
  tables->add("readings", std::make_unique<HistoryTable>(history, std::nullopt));
  WS_ASSIGN(auto quarantine, QuarantineTable::open(posix_disk(), state_dir));
  tables->add("events", std::move(events));
  tables->add("quarantine", std::move(quarantine));
  WS_ASSIGN(auto views, ViewTable::open_all(posix_disk(), state_dir));
  for (auto& view : views) {
    const std::string name = view->name();
    tables->add(name, std::move(view));
  }
  for (size_t s = 0; s < history.sources().size(); ++s) {
    tables->add(history.sources()[s].source, std::make_unique<HistoryTable>(history, s));
  }
  return tables;
}

// One that is called like another table gets a `_` behind its name.
void SqlTables::add(std::string name, std::unique_ptr<SqlTable> table) {
  const auto taken = [&](const Named& t) { return same_name(t.name, name); };
  while (std::any_of(all_.begin(), all_.end(), taken)) name += '_';
  all_.push_back({name, std::move(table)});
}

Result<std::unique_ptr<SqlSession>> SqlTables::open_session(const SqlLimits& limits) const {
  WS_ASSIGN(auto session, open_sql_session(limits));
  for (const auto& [name, table] : all_) WS_TRY(session->add(name, *table));
  return session;
}

std::vector<std::string> SqlTables::missing() const {
  std::vector<std::string> lines;
  for (const auto& [from, to] : history_.damaged()) {
    lines.push_back(from == to ? "journal entry " + std::to_string(from) + " is damaged or gone"
                               : "journal entries " + std::to_string(from) + " to " +
                                     std::to_string(to) + " are damaged or gone");
  }
  return lines;
}

Result<std::unique_ptr<SqlSession>> open_sql_session(const SqlLimits& limits) {
  using namespace std::chrono;
  const auto now = system_clock::now().time_since_epoch();
  return SqlSession::open(limits, duration_cast<milliseconds>(now).count());
}

}  // namespace wayside
