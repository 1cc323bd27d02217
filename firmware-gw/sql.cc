#include "firmware-gw/sql.h"

#include <strings.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "base/text.h"
#include "firmware-gw/committed.h"
#include "firmware-gw/engine.h"
#include "firmware-gw/events_table.h"
#include "firmware-gw/sql_output.h"
#include "storage/history_table.h"
#include "storage/store_tables.h"

namespace wayside {
namespace {

int64_t system_now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// All tables that a state folder is shown as.
class Tables {
 public:
  static Result<std::unique_ptr<Tables>> open(const Config& config) {
    WS_ASSIGN(auto engine, Engine::make(config, {}));
    const std::string& state_dir = config.gateway.state_dir;
    WS_ASSIGN(const auto files, first_sequences(posix_disk(), state_dir + "/journal"));
    if (files.empty()) {
      return Error{ErrorCode::kUnavailable, "there is no journal in " + state_dir + "/journal"};
    }
    WS_ASSIGN(const uint64_t last_entry, committed_entry(state_dir));
    std::unique_ptr<Tables> tables(new Tables(state_dir, engine->schemas(), last_entry));
    tables->add("readings", tables->make_history({}));
    WS_ASSIGN(auto quarantine, QuarantineTable::open(posix_disk(), state_dir));
    tables->add("events", std::make_unique<EventsTable>(config, state_dir));
    tables->add("quarantine", std::move(quarantine));
    for (size_t s = 0; s < engine->schemas().size(); ++s) {
      tables->add(engine->schemas()[s].source, tables->make_history(s));
    }
    return tables;
  }

  struct Named {
    std::string name;
    std::unique_ptr<SqlTable> table;
  };
  const std::vector<Named>& all() const { return all_; }
  const History& history() const { return history_; }

 private:
  Tables(const std::string& state_dir, std::vector<NamedSchema> sources, uint64_t last_entry)
      : history_(posix_disk(), state_dir, std::move(sources), last_entry) {}

  std::unique_ptr<SqlTable> make_history(std::optional<size_t> source) {
    return std::make_unique<HistoryTable>(history_, source);
  }
  // A source that is called like another table gets a `_` behind its name.
  void add(std::string name, std::unique_ptr<SqlTable> table) {
    const auto taken = [&](const Named& t) {
      return strcasecmp(t.name.c_str(), name.c_str()) == 0;
    };
    while (std::any_of(all_.begin(), all_.end(), taken)) name += '_';
    all_.push_back({name, std::move(table)});
  }

  History history_;
  std::vector<Named> all_;
};

void list_tables(const Tables& tables, bool json, const LineTaker& write) {
  for (const auto& [name, table] : tables.all()) {
    std::string line = json ? "{\"table\":" : "";
    json ? append_json_string(line, name) : void(line += name);
    line += json ? ",\"columns\":[" : "(";
    bool first = true;
    for (const SqlColumn& column : table->columns()) {
      if (!std::exchange(first, false)) line += json ? "," : ", ";
      json ? append_json_string(line, column.name) : void(line += column.name);
    }
    write(line + (json ? "]}" : ")"));
  }
}

std::vector<std::string> missing_from(const History& history) {
  std::vector<std::string> lines;
  for (const auto& [from, to] : history.damaged()) {
    lines.push_back(from == to ? "journal entry " + std::to_string(from) + " is damaged or gone"
                               : "journal entries " + std::to_string(from) + " to " +
                                     std::to_string(to) + " are damaged or gone");
  }
  return lines;
}

}  // namespace

Result<SqlAnswer> answer_sql(const Config& config, const SqlQuestion& question,
                             const LineTaker& write) {
  WS_ASSIGN(const auto tables, Tables::open(config));
  WS_ASSIGN(const auto session, SqlSession::open(question.limits, system_now_ms()));
  for (const auto& [name, table] : tables->all()) WS_TRY(session->add(name, *table));
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
  answer.missing = missing_from(tables->history());
  return answer;
}

}  // namespace wayside
