#include "firmware-gw/sql.h"

#include <utility>

#include "base/text.h"
#include "config/check_names.h"
#include "firmware-gw/committed.h"
#include "firmware-gw/engine.h"
#include "firmware-gw/events_table.h"
#include "firmware-gw/sql_output.h"
#include "firmware-gw/sql_tables.h"

namespace wayside {
namespace {

// With quotes where SQL would read something else without them.
std::string as_in_sql(const std::string& name) {
  return wrong_sql_name(name).empty() ? name : '"' + name + '"';
}

void list_tables(const SqlTables& tables, bool json, const LineTaker& write) {
  for (const auto& [name, table] : tables.all()) {
    std::string line = json ? "{\"table\":" : "";
    json ? append_json_string(line, name) : void(line += as_in_sql(name));
    line += json ? ",\"columns\":[" : "(";
    bool first = true;
    for (const SqlColumn& column : table->columns()) {
      if (!std::exchange(first, false)) line += json ? "," : ", ";
      json ? append_json_string(line, column.name) : void(line += as_in_sql(column.name));
    }
    write(line + (json ? "]}" : ")"));
  }
}

}  // namespace

Result<SqlAnswer> answer_sql(const Config& config, const SqlQuestion& question,
                             const LineTaker& write) {
  WS_ASSIGN(const auto engine, Engine::make(config, {}));
  WS_ASSIGN(const uint64_t last_entry, committed_entry(config.gateway.state_dir));
  const std::string& state_dir = config.gateway.state_dir;
  WS_ASSIGN(const auto tables,
            SqlTables::open(state_dir, engine->schemas(), last_entry,
                            std::make_unique<EventsTable>(config, state_dir, last_entry)));
  WS_ASSIGN(const auto session, tables->open_session(question.limits));
  SqlAnswer answer;
  if (question.sql.empty()) {
    list_tables(*tables, question.json, write);
    return answer;
  }
  TextTable text(write);
  const auto take = [&](const std::vector<std::string>& names, const SqlRow& row) {
    if (answer.rows++ == 0) text.set_names(names);
    question.json ? write(json_row(names, row)) : text.add(row);
    return true;
  };
  WS_ASSIGN(std::vector<std::string> names, session->ask(question.sql, take));
  if (answer.rows == 0) text.set_names(std::move(names));
  if (!question.json) text.finish();
  answer.missing = tables->missing();
  return answer;
}

}  // namespace wayside
