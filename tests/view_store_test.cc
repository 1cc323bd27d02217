// Read models in the store: whatever happens, they are what the journal makes of them.
#include <gtest/gtest.h>

#include <filesystem>
#include <tuple>

#include "base/log.h"
#include "firmware-gw/loop.h"
#include "firmware-gw/restore.h"
#include "firmware-gw/sql.h"
#include "storage/view_table.h"
#include "tests/messages.h"
#include "tests/seeds.h"
#include "tests/temp_folder.h"
#include "tests/world.h"

namespace wayside {
namespace {

constexpr const char* kViews = R"toml(
[[view]]
name = "latest"
from = "climate"
select = { temp_c = "temp_c", door = "door" }
delete_when = "temp_c < 10"

[[view]]
name = "averages"
from = "w"
by = ["key", "window_start"]
select = { window_start = "window_start", avg = "avg" }
max_rows = 10
)toml";

Config config_with_views(const std::string& state_dir) {
  Config config = climate_config(state_dir, std::string(kSmallConfig) + kViews);
  config.storage.file_bytes = 64 << 10;
  config.storage.commit_bytes = 700;
  config.storage.commit_age_ms = 0;
  config.storage.checkpoint_bytes = 40 << 10;
  config.storage.retry_ms = 1;
  return config;
}

// The name of a row; its event time, its journal entry, and its other values.
using ViewRows = std::map<std::vector<Value>, std::tuple<int64_t, int64_t, std::vector<Value>>>;

void evict(ViewRows& rows, size_t max) {
  if (rows.size() <= max) return;
  for (size_t kept = max - max / 16; rows.size() > kept;) {
    rows.erase(std::min_element(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
      return std::get<0>(a.second) < std::get<0>(b.second);
    }));
  }
}

// What an engine makes of the journal up to `last_entry`, put together by hand.
std::vector<ViewRows> fold(const Config& config, Disk& disk, uint64_t last_entry = UINT64_MAX) {
  auto engine = Engine::make(config, {"centre"});
  const std::vector<ViewShape> shapes = (*engine)->pipeline().view_shapes();
  std::vector<ViewRows> views(shapes.size());
  JournalReader reader(disk, config.gateway.state_dir + "/journal");
  uint64_t oldest = 0;
  EXPECT_TRUE(reader.seek(1, oldest).ok());
  for (JournalEntry entry; *reader.next(entry) && entry.sequence <= last_entry;) {
    Group group = (*engine)->admission().make_group();
    EXPECT_TRUE(
        decode_group(entry.block, (*engine)->schemas(), (*engine)->connections(), group).ok());
    (*engine)->replay(group, entry.sequence);
    const ViewChanges& changes = (*engine)->emissions().views();
    for (size_t v = 0; v < changes.views(); ++v) {
      for (const ViewChange& c : changes.of(v)) {
        const auto rest = c.values.begin() + ptrdiff_t(shapes[v].keys);
        const std::vector<Value> name(c.values.begin(), rest);
        views[v].erase(name);
        if (!c.removed)
          views[v][name] = {c.time_ms, int64_t(entry.sequence), {rest, c.values.end()}};
      }
      evict(views[v], shapes[v].max_rows);
    }
  }
  return views;
}

Value stored(Statement& row, int column) {
  if (row.is_null(column)) return {};
  const std::string_view text = row.column_text(column);
  const double number = row.column_double(column);
  const bool is_text = number == 0 && text != "0.0";
  return is_text ? Value(std::string(text)) : Value(number);
}

std::vector<ViewRows> rows_in_store(const Config& config, Disk& disk) {
  std::vector<ViewRows> views;
  auto engine = Engine::make(config, {"centre"});
  auto db = Database::open(config.gateway.state_dir + "/wayside.db", Database::Mode::kReadOnly,
                           disk.sqlite_vfs());
  EXPECT_TRUE(db.ok());
  for (const ViewShape& shape : (*engine)->pipeline().view_shapes()) {
    ViewRows& rows = views.emplace_back();
    auto select = (*db)->prepare("SELECT * FROM view_" + shape.name);
    EXPECT_TRUE(select.ok());
    while (select.ok() && *select->step()) {
      std::vector<Value> values;
      const int n = static_cast<int>(shape.columns.size());
      for (int i = 0; i < n; ++i) values.push_back(stored(*select, i));
      const auto rest = values.begin() + ptrdiff_t(shape.keys);
      rows[{values.begin(), rest}] = {
          select->column_int(n), select->column_int(n + 1), {rest, values.end()}};
    }
  }
  return views;
}

Surroundings on(const Config& config, Disk& disk) {
  Surroundings around = Surroundings::system(config);
  around.disk = &disk;
  return around;
}

// From recovery to an end; without power to a sudden one.
void live(const Config& config, Disk& disk, const std::vector<TestMessage>& messages) {
  auto loop = Loop::recover(config, on(config, disk));
  if (!loop.ok()) return;
  push_chunks((*loop)->queue(), messages, 7);
  (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
  (*loop)->stop();
}

TEST(ViewStore, wherever_the_power_goes_a_view_is_what_the_journal_makes_of_it) {
  constexpr uint64_t kSeeds = 40;
  set_log_level(LogLevel::kOff);
  for (auto [seed, end] = seeds(kSeeds); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk disk(seed);
    const Config config = config_with_views("state");
    std::mt19937_64 random(seed);
    for (size_t life = 0; life < 6; ++life) {
      disk.lose_power_at(1 + random() % 250);
      live(config, disk, make_messages(random(), 120));
      disk.power_cycle();
    }
    disk.lose_power_at(0);
    live(config, disk, {});
    EXPECT_EQ(rows_in_store(config, disk), fold(config, disk));
  }
  set_log_level(LogLevel::kInfo);
}

TEST(ViewStore, a_start_on_a_disk_that_fills_up_keeps_its_views_and_those_that_are_new) {
  set_log_level(LogLevel::kOff);
  int started = 0;
  for (uint64_t call = 1; call <= 30; ++call) {
    SCOPED_TRACE("full from call " + std::to_string(call) + " on");
    SimulatedDisk disk(1);
    Config config = config_with_views("state");
    const ViewOptions added = config.views.back();
    config.views.pop_back();
    live(config, disk, make_messages(1, 120));
    config.views.push_back(added);
    disk.fail_calls(call, UINT64_MAX, FaultyDisk::Fault::kFull);
    auto loop = Loop::recover(config, on(config, disk));
    const bool was_full = disk.failures() > 0;
    disk.heal();
    if (!loop.ok() || !was_full) continue;
    ++started;
    push_chunks((*loop)->queue(), make_messages(2, 120), 7);
    (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
    (*loop)->stop();
    EXPECT_EQ(rows_in_store(config, disk)[0], fold(config, disk)[0]);
    EXPECT_FALSE(rows_in_store(config, disk)[1].empty());
  }
  EXPECT_GT(started, 0);
  set_log_level(LogLevel::kInfo);
}

class ViewsOnDisk : public testing::Test {
 protected:
  void live_here(uint64_t seed) const { live(config_, posix_disk(), make_messages(seed, 200)); }
  std::vector<ViewRows> rows() const { return rows_in_store(config_, posix_disk()); }
  std::vector<std::string> lines(const std::string& sql) const {
    std::vector<std::string> all;
    const auto answer =
        answer_sql(config_, {sql, true, {}}, [&](std::string_view l) { all.emplace_back(l); });
    if (!answer.ok()) all = {answer.error().message};
    return all;
  }

  TempFolder folder_;
  Config config_ = config_with_views(folder_ / "state");
};

TEST_F(ViewsOnDisk, a_store_that_is_lost_gets_them_back_from_the_journal) {
  live_here(1);
  live_here(2);
  const auto before = rows();
  ASSERT_EQ(before[1].size(), 10u);
  for (const char* rest : {"", "-wal", "-shm"}) {
    std::filesystem::remove(config_.gateway.state_dir + "/wayside.db" + rest);
  }
  live(config_, posix_disk(), {});
  EXPECT_EQ(rows(), before);
}

TEST_F(ViewsOnDisk, a_restored_past_has_them_as_they_were) {
  live_here(1);
  live_here(2);
  Config copy = config_;
  copy.gateway.state_dir = folder_ / "copy";
  Moment until;
  until.entry = 5;
  ASSERT_TRUE(restore(config_, until, copy.gateway.state_dir).ok());
  EXPECT_EQ(rows_in_store(copy, posix_disk()), fold(config_, posix_disk(), 5));
  EXPECT_FALSE(rows_in_store(copy, posix_disk()) == rows());
}

TEST_F(ViewsOnDisk, one_that_is_changed_begins_empty_and_one_that_is_gone_is_dropped) {
  live_here(1);
  ASSERT_GT(rows()[0].size(), 0u);
  const auto averages = rows()[1];
  config_.views[0].where = "door = 'open'";
  live(config_, posix_disk(), {});
  EXPECT_EQ(rows()[0].size(), 0u);
  EXPECT_EQ(rows()[1], averages);
  config_.views.erase(config_.views.begin());
  live(config_, posix_disk(), {});
  const auto views = ViewTable::open_all(posix_disk(), config_.gateway.state_dir);
  ASSERT_EQ(views->size(), 1u);
  EXPECT_EQ((*views)[0]->name(), "averages");
}

// How many rows a scan gives; -1: it fails.
int64_t count(ViewTable& view, const std::vector<SqlBound>& bounds, bool is_expired = false) {
  const auto scan = view.scan(bounds, [is_expired] { return is_expired; });
  if (!scan.ok()) return -1;
  for (int64_t rows = 0;; ++rows) {
    const auto more = (*scan)->next();
    if (!more.ok()) return -1;
    if (!*more) return rows;
  }
}

TEST_F(ViewsOnDisk, a_question_sees_them_all_as_of_one_commit) {
  live_here(1);
  const auto views = ViewTable::open_all(posix_disk(), config_.gateway.state_dir);
  ASSERT_TRUE(views.ok()) << views.error().message;
  const auto before = rows();
  auto db = Database::open(config_.gateway.state_dir + "/wayside.db", Database::Mode::kReadWrite);
  ASSERT_TRUE((*db)->exec("DELETE FROM view_latest; DELETE FROM view_averages").ok());
  EXPECT_EQ(count(*(*views)[1], {}), int64_t(before[0].size()));
  EXPECT_EQ(count(*(*views)[0], {}), int64_t(before[1].size()));
  EXPECT_EQ(rows()[0].size(), 0u);
}

TEST_F(ViewsOnDisk, a_scan_that_finds_nothing_ends_in_time_too) {
  live_here(1);
  {
    auto db = Database::open(config_.gateway.state_dir + "/wayside.db", Database::Mode::kReadWrite);
    ASSERT_TRUE((*db)
                    ->exec("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE "
                           "i < 20000) INSERT INTO view_averages SELECT 'x', i, 0, 0, 0 FROM n")
                    .ok());
  }
  const auto views = ViewTable::open_all(posix_disk(), config_.gateway.state_dir);
  ViewTable& averages = *views->front();
  constexpr auto kEqual = SqlBound::Compare::kEqual;
  const std::vector<SqlBound> none{{1, kEqual, -1.0}};
  EXPECT_EQ(count(averages, none), 0);
  EXPECT_EQ(count(averages, none, true), -1);
  EXPECT_LT(averages.share_with(1, kEqual), 1);
  EXPECT_EQ(averages.share_with(2, kEqual), 1) << "what names no row is for SQLite to look at";
}

TEST_F(ViewsOnDisk, sql_sees_each_as_a_table_of_its_name) {
  live(config_, posix_disk(),
       {{"fleet/v1/climate", R"({"ts":1000,"t":14.5,"door":"open"})", 1},
        {"fleet/v2/climate", R"({"ts":2000,"t":50})", 2},
        {"fleet/v1/climate", R"({"ts":30000,"t":15})", 3}});
  const std::vector<std::string> both = {
      R"({"vehicle":"v1","temp_c":15,"door":"open","time":30000,"entry":1})",
      R"({"vehicle":"v2","temp_c":50,"door":null,"time":2000,"entry":1})"};
  EXPECT_EQ(lines("SELECT * FROM latest"), both);
  EXPECT_EQ(lines("SELECT * FROM latest WHERE vehicle = 'v2'"), std::vector{both[1]});
  EXPECT_EQ(lines("SELECT vehicle FROM latest WHERE temp_c > 14.9 AND temp_c < '20'"),
            std::vector<std::string>{R"({"vehicle":"v1"})"});
  EXPECT_EQ(lines("SELECT vehicle FROM latest WHERE vehicle = 'v2' OR temp_c < 20 OR time > 5"),
            (std::vector<std::string>{R"({"vehicle":"v1"})", R"({"vehicle":"v2"})"}));
  EXPECT_EQ(lines("SELECT vehicle, window_start, avg FROM averages"),
            std::vector<std::string>{R"({"vehicle":"v1","window_start":0,"avg":14.5})"});
  EXPECT_EQ(lines("SELECT l.vehicle FROM latest l JOIN averages a ON a.vehicle = l.vehicle"),
            std::vector<std::string>{R"({"vehicle":"v1"})"});
}

}  // namespace
}  // namespace wayside
