#include "firmware-gw/sql.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/text.h"
#include "firmware-gw/events_table.h"
#include "firmware-gw/loop.h"
#include "firmware-gw/replay.h"
#include "firmware-gw/sql_tables.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

class SqlOverState : public testing::Test {
 protected:
  void live(const std::vector<TestMessage>& messages) const {
    auto loop = Loop::recover(config_, Surroundings::system(config_));
    ASSERT_TRUE(loop.ok()) << loop.error().message;
    push_chunks((*loop)->queue(), messages, 20);
    (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
    (*loop)->stop();
  }
  std::vector<std::string> lines(const std::string& sql, bool json = true) const {
    std::vector<std::string> all;
    const auto answer =
        answer_sql(config_, {sql, json, {}}, [&](std::string_view l) { all.emplace_back(l); });
    if (!answer.ok()) return {answer.error().message};
    all.insert(all.end(), answer->missing.begin(), answer->missing.end());
    return all;
  }
  using Lines = std::vector<std::string>;

  TempFolder folder_;
  Config config_ = small_config(folder_ / "state");
  const std::vector<TestMessage> messages_ = {
      {"fleet/v1/climate", R"({"ts":1000,"t":4.5,"door":"open"})", 1},
      {"fleet/v2/climate", R"({"ts":2000,"t":5})", 2},
      {"fleet/v1/climate", R"({"ts":3000,"t":-3.25})", 3},
      {"elsewhere", "{}", 4},
  };
};

// As they came: what is kept from earlier readings belongs to the pipeline.
TEST_F(SqlOverState, a_source_is_a_table_with_its_fields) {
  live(messages_);
  const Lines expected = {
      R"({"key":"v1","time":1000,"entry":1,"place":0,"temp_c":4.5,"door":"open"})",
      R"({"key":"v2","time":2000,"entry":1,"place":1,"temp_c":5,"door":null})",
      R"({"key":"v1","time":3000,"entry":1,"place":2,"temp_c":-3.25,"door":null})"};
  EXPECT_EQ(lines("SELECT key, time, entry, place, temp_c, door FROM climate"), expected);
  EXPECT_EQ(lines("SELECT key, time, entry, place, temp_c, door FROM readings"), expected);
  EXPECT_EQ(lines("SELECT max(temp_c) AS t FROM climate WHERE vehicle = 'v1' AND time > 1000"),
            Lines{R"({"t":-3.25})"});
  EXPECT_EQ(lines("SELECT source, count(*) AS n FROM readings GROUP BY source"),
            Lines{R"({"source":"climate","n":3})"});
}

TEST_F(SqlOverState, the_time_of_an_event_is_compared_with_no_text) {
  live(messages_);
  EXPECT_EQ(lines("SELECT id FROM events WHERE time > '2020'"),
            Lines{"time is in ms since 1970, and '2020' is a text; write "
                  "ms('2026-03-01T12:00:00Z') or ago('1h')"});
}

// The journal knows nothing of a table that nobody had looked things up in.
TEST_F(SqlOverState, events_of_a_new_look_up_are_those_that_a_replay_tells) {
  live(messages_);
  live({{"fleet/v1/climate", R"({"ts":100000,"t":5})", 5},
        {"fleet/v1/climate", R"({"ts":200000,"t":5})", 6}});
  std::ofstream(folder_ / "trucks.csv") << "vehicle,least\nv1,4\nv2,6\n";
  LookupOptions lookup;
  lookup.name = "known";
  lookup.from = "climate";
  lookup.file = folder_ / "trucks.csv";
  lookup.match = lookup.column = "vehicle";
  lookup.columns = {{"least", "number"}};
  config_.lookups.push_back(lookup);
  RuleOptions rule;
  rule.name = "beyond";
  rule.from = "known";
  rule.when = "temp_c > least";
  config_.rules.push_back(rule);
  size_t told = 0;
  const auto count = [&](std::string_view l) { told += l.find("\"beyond\"") != l.npos; };
  ASSERT_TRUE(replay_journal(config_, config_.gateway.state_dir, {}, count).ok());
  ASSERT_GT(told, 0u);
  EXPECT_EQ(lines("SELECT count(*) AS n FROM events WHERE block = 'beyond'"),
            Lines{"{\"n\":" + std::to_string(told) + "}"});
}

TEST_F(SqlOverState, each_row_of_a_join_or_of_an_or_comes_once) {
  live(messages_);
  live(messages_);
  EXPECT_EQ(lines("SELECT entry, place FROM climate WHERE key = 'v2' OR time = 3000"),
            (Lines{R"({"entry":1,"place":1})", R"({"entry":2,"place":1})",
                   R"({"entry":1,"place":2})", R"({"entry":2,"place":2})"}));
  EXPECT_EQ(
      lines("SELECT count(*) AS n FROM climate WHERE key = 'v1' OR time >= 3000 OR entry = 2"),
      Lines{R"({"n":5})"});
  EXPECT_EQ(lines("WITH some(k) AS (VALUES('v2')) SELECT count(k) AS met, count(*) AS n FROM some "
                  "RIGHT JOIN climate ON key = k"),
            Lines{R"({"met":2,"n":6})"});
  EXPECT_EQ(lines("SELECT count(q.entry) AS met, count(*) AS n FROM quarantine q RIGHT JOIN "
                  "climate c ON c.entry = q.entry"),
            Lines{R"({"met":6,"n":6})"});
  EXPECT_EQ(lines("SELECT count(*) AS n FROM events WHERE entry <= 1 OR entry <= 2"),
            lines("SELECT count(*) AS n FROM events"));
}

TEST_F(SqlOverState, bounds_that_nothing_can_pass_find_nothing) {
  live(messages_);
  for (const char* bound :
       {"time > 3000", "time < 1000.0", "time = NULL", "key = 'v3'", "entry > 1", "entry < -5",
        "time > 9e18", "time < -9e30", "source = 'gps'", "time > 5 AND time < 4",
        "key = 'v1' AND key = 'v2'", "time = 1000.5"}) {
    EXPECT_EQ(lines(std::string("SELECT key FROM readings WHERE ") + bound), Lines{}) << bound;
  }
  for (const char* bound : {"time > -9e30", "time >= 1000", "time BETWEEN 999.5 AND 3000.5",
                            "entry < 9223372036854775807", "source = 'climate'", "key > ''"}) {
    EXPECT_EQ(lines(std::string("SELECT count(*) AS n FROM readings WHERE ") + bound),
              Lines{R"({"n":3})"})
        << bound;
  }
  EXPECT_EQ(lines("SELECT 1 FROM climate WHERE time > '2026-03-01T12:00:00Z'"),
            Lines{"time is in ms since 1970, and '2026-03-01T12:00:00Z' is a text; write "
                  "ms('2026-03-01T12:00:00Z') or ago('1h')"});
}

TEST_F(SqlOverState, what_became_no_reading_is_in_quarantine) {
  live(messages_);
  EXPECT_EQ(
      lines("SELECT entry, source, reason, topic, payload FROM quarantine"),
      Lines{R"({"entry":1,"source":"","reason":"no_source","topic":"elsewhere","payload":"{}"})"});
}

TEST_F(SqlOverState, events_are_what_the_journal_makes_the_gateway_say) {
  live(make_messages(7, 200));
  live(make_messages(8, 200));
  Lines all;
  const auto replayed =
      replay_journal(config_, config_.gateway.state_dir, {}, [&](std::string_view line) {
        if (line.find(R"("type":"reading")") == std::string_view::npos) all.emplace_back(line);
      });
  ASSERT_TRUE(replayed.ok());
  ASSERT_GT(all.size(), 20u);
  Lines events;
  for (const std::string& event : all) {
    std::string line = "{\"event\":";
    append_json_string(line, event);
    events.push_back(line + '}');
  }
  EXPECT_EQ(lines("SELECT event FROM events"), events);
  EXPECT_EQ(lines("SELECT count(*) AS n FROM events WHERE event ->> 'id' = id AND key IS event ->> "
                  "'key' AND time = event ->> 'time' AND type = event ->> 'type'"),
            Lines{"{\"n\":" + std::to_string(all.size()) + "}"});
  EXPECT_EQ(lines("SELECT max(entry) AS n FROM events WHERE entry <= 1"), Lines{R"({"n":1})"});
}

// So that two scans of one question see the same, whatever a gateway commits meanwhile.
TEST_F(SqlOverState, events_end_with_the_last_entry_that_the_tables_were_opened_with) {
  live(make_messages(7, 200));
  live(make_messages(8, 200));
  const auto schemas = (*Engine::make(config_, {}))->schemas();
  const std::string& state_dir = config_.gateway.state_dir;
  const auto tables =
      SqlTables::open(state_dir, schemas, 1, std::make_unique<EventsTable>(config_, state_dir, 1));
  ASSERT_TRUE(tables.ok());
  const auto session = (*tables)->open_session({});
  int64_t last = 0;
  ASSERT_TRUE((*session)
                  ->ask("SELECT max(entry) FROM events WHERE entry <= 2",
                        [&](const std::vector<std::string>&, const SqlRow& row) {
                          last = row.integer(0);
                          return true;
                        })
                  .ok());
  EXPECT_EQ(last, 1);
}

TEST_F(SqlOverState, text_stands_in_columns) {
  live(messages_);
  const Lines expected = {"key  temp_c  door", "---  ------  ----", "v1      4.5  open",
                          "v2        5  ", "v1    -3.25  "};
  EXPECT_EQ(lines("SELECT key, temp_c, door FROM climate", false), expected);
  EXPECT_EQ(lines("SELECT key FROM climate WHERE key = 'v9'", false), (Lines{"key", "---"}));
}

TEST_F(SqlOverState, without_a_question_the_tables_are_listed) {
  live(messages_);
  const Lines expected = {
      "readings(source, key, time, entry, place, arrived, vehicle, temp_c, door)",
      "events(id, type, block, key, time, lane, entry, committed, event)",
      "quarantine(entry, place, arrived, source, reason, detail, topic, payload)",
      "climate(source, key, time, entry, place, arrived, vehicle, temp_c, door)"};
  EXPECT_EQ(lines("", false), expected);
}

TEST_F(SqlOverState, names_that_need_quotes_are_listed_with_them) {
  config_.sources[0].name = "cold-chain";
  config_.windows.clear();
  config_.rules.clear();
  config_.uplinks[0].raw = {"cold-chain"};
  live(messages_);
  const Lines tables = lines("", false);
  EXPECT_TRUE(tables.back().starts_with("\"cold-chain\"(source, key, ")) << tables.back();
  EXPECT_EQ(lines("SELECT count(*) AS n FROM \"cold-chain\""), Lines{R"({"n":3})"});
}

TEST_F(SqlOverState, names_that_are_taken_get_an_underscore) {
  config_.sources[0].name = "Readings";
  config_.sources[0].fields[0].name = "Entry";
  config_.windows.clear();
  config_.rules.clear();
  config_.uplinks[0].raw = {"Readings"};
  live(messages_);
  EXPECT_EQ(lines("SELECT Entry_ FROM Readings_ WHERE entry = 1 LIMIT 1"),
            Lines{R"({"Entry_":4.5})"});
}

TEST_F(SqlOverState, a_folder_without_a_journal_is_told) {
  EXPECT_EQ(lines("SELECT 1"), Lines{"there is no journal in " + (folder_ / "state") + "/journal"});
}

TEST_F(SqlOverState, damaged_entries_are_passed_and_told) {
  for (int i = 0; i < 3; ++i) live({messages_[0]});
  const std::string path = journal_path(folder_ / "state/journal", 1);
  auto file = posix_disk().open(path, Disk::Mode::kReadWrite);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->write_at(2 * kJournalPage + 90, "damage").ok());
  const Lines expected = {R"({"entry":1})", R"({"entry":3})", "journal entry 2 is damaged or gone"};
  EXPECT_EQ(lines("SELECT entry FROM climate"), expected);
}

}  // namespace
}  // namespace wayside
