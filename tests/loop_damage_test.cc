// What a start does about damage; `./dev damage` tries the many ways in which it comes.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>

#include "firmware-gw/loop.h"
#include "tests/disk_vfs.h"
#include "tests/faulty_disk.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"
#include "tests/told_sink.h"

namespace wayside {
namespace {

class DamagedState : public testing::Test {
 protected:
  // A life over messages with seed `seed`, an entry each 20 or so, all of which is delivered.
  std::unique_ptr<Loop> live(uint64_t seed, size_t count) {
    configs_.push_back(std::make_unique<Config>(small_config(dir_)));
    Config& config = *configs_.back();
    config.storage.commit_bytes = 600;
    config.storage.scrub_ms = scrub_ms_;
    config.storage.file_bytes = 16 * kJournalPage;
    config.storage.max_bytes = max_files_ * config.storage.file_bytes;
    config.storage.snapshot_bytes = snapshot_bytes_;
    Surroundings around = Surroundings::system(config);
    around.make_sink = [this, file = around.make_sink](const UplinkOptions& options,
                                                       std::vector<Epoch> epochs) {
      return std::make_unique<ToldSink>(opened_, file(options, std::move(epochs)));
    };
    auto loop = Loop::recover(config, around);
    if (!loop.ok()) {
      ADD_FAILURE() << loop.error().message;
      return nullptr;
    }
    EXPECT_TRUE((*loop)->make_workers().ok());
    push_chunks((*loop)->queue(), make_messages(seed, count), 10);
    (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
    opened_.await(1);
    (*loop)->stop();
    return std::move(*loop);
  }
  // Overwrites a page of the first journal file.
  void damage_page(uint64_t page) {
    std::fstream file(journal_path(dir_ + "/journal", 1),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(ptrdiff_t(page * kJournalPage + 90));
    file << "damaged";
  }
  void drop_store() {
    for (const char* rest : {"", "-wal", "-shm"}) {
      std::filesystem::remove(dir_ + "/wayside.db" + rest);
    }
  }
  void change_store(const char* sql) {
    auto db = Database::open(dir_ + "/wayside.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(db.ok());
    const Status changed = (*db)->exec(sql);
    ASSERT_TRUE(changed.ok()) << changed.error().message;
  }
  std::vector<std::string> epochs() const {
    auto reader = OutboxReader::open(posix_disk(), dir_);
    std::vector<std::string> names;
    const auto epochs = (*reader)->epochs();
    for (const Epoch& e : *epochs) names.push_back(e.name);
    return names;
  }

  TempFolder folder_;
  std::string dir_ = folder_ / "state";
  uint64_t max_files_ = 100;
  uint64_t snapshot_bytes_ = StorageOptions().snapshot_bytes;
  int64_t scrub_ms_ = StorageOptions().scrub_ms;

 private:
  SinksOpened opened_;
  std::vector<std::unique_ptr<Config>> configs_;
};

TEST_F(DamagedState, a_gap_is_told_by_range_with_the_readings_it_cost) {
  live(1, 200);
  drop_store();  // so that all is replayed
  damage_page(3);
  const auto loop = live(2, 20);
  ASSERT_NE(loop, nullptr);
  const auto gap = std::find_if(loop->damage().begin(), loop->damage().end(),
                                [](const Damage& d) { return d.from == 3; });
  ASSERT_NE(gap, loop->damage().end());
  EXPECT_EQ(gap->to, 3u);
  EXPECT_GT(gap->readings, 5u);
  EXPECT_EQ(epochs().size(), 2u) << "results are no longer those of before";
  const std::string status = loop->status().latest()->to_json();
  EXPECT_NE(status.find("\"damage\":[{"), std::string::npos);
  EXPECT_NE(status.find("journal entry 3 is damaged"), std::string::npos);
}

TEST_F(DamagedState, a_last_entry_that_the_store_remembers_is_told_as_lost_though_it_looks_torn) {
  const uint64_t last = live(1, 100)->status().latest()->journal_entry;
  const auto entry = read_entry(posix_disk(), dir_ + "/journal", last);
  ASSERT_TRUE(entry.ok() && *entry && (*entry)->sequence == last);
  damage_page((*entry)->place.offset / kJournalPage);
  const auto loop = live(2, 20);
  const auto told = std::find_if(loop->damage().begin(), loop->damage().end(),
                                 [&](const Damage& d) { return d.from == last; });
  ASSERT_NE(told, loop->damage().end());
  EXPECT_EQ(told->kind, Damage::Kind::kLoss) << told->what;
}

TEST_F(DamagedState, damage_is_told_by_one_incident_however_often_it_is_found) {
  live(1, 100);
  damage_page(2);
  EXPECT_EQ(live(2, 20)->damage().size(), 1u);
  const auto count = [&] {
    std::ifstream in(dir_ + "/out/centre/00000001.jsonl");
    size_t n = 0;
    for (std::string line; std::getline(in, line);) n += line.find("entry 2 is dam") != line.npos;
    return n;
  };
  EXPECT_EQ(count(), 1u);
  EXPECT_EQ(live(3, 20)->damage().size(), 1u) << "the status goes on to show it";
  EXPECT_EQ(count(), 1u);
}

TEST_F(DamagedState, what_the_scrub_finds_is_told_once_in_all_lives) {
  live(1, 100);
  damage_page(3);
  scrub_ms_ = 1;
  const auto told = [&] {
    std::ifstream in(dir_ + "/out/centre/00000001.jsonl");
    size_t n = 0;
    for (std::string line; std::getline(in, line);) n += line.find("entry 3 is dam") != line.npos;
    return n;
  };
  for (uint64_t seed = 2; told() == 0 && seed < 100; ++seed) live(seed, 20);
  for (uint64_t seed = 100; seed < 103; ++seed) {
    const auto loop = live(seed, 20);
    const auto& found = loop->status().latest()->damage;
    EXPECT_TRUE(std::all_of(found.begin(), found.end(),
                            [](const Damage& d) { return d.from == 3 && d.to == 3; }));
  }
  EXPECT_EQ(told(), 1u);
}

TEST_F(DamagedState, a_row_of_any_table_that_was_changed_has_the_store_made_again) {
  for (const char* sql :
       {"UPDATE state SET bytes = x'00ff'", "UPDATE marks SET mark = '1 - 0'",
        "UPDATE meta SET value = x'ff' WHERE name = 'checkpoint'",
        "UPDATE epochs SET name = 'other'", "UPDATE uplinks SET name = 'other'",
        "DROP TABLE outbox", "PRAGMA user_version = 0", "PRAGMA user_version = 77"}) {
    SCOPED_TRACE(sql);
    std::filesystem::remove_all(dir_);
    const auto before = live(1, 100);
    const auto known = before->engine().emissions().last_sequence();
    change_store(sql);
    const auto loop = live(2, 0);
    ASSERT_NE(loop, nullptr);
    ASSERT_EQ(loop->damage().size(), 1u);
    EXPECT_EQ(loop->damage()[0].kept_as, "wayside.db.bad-1");
    EXPECT_EQ(loop->engine().emissions().last_sequence(), known + 1) << "and one incident";
    EXPECT_EQ(epochs().size(), 1u) << "the journal is whole: all is as it was";
  }
}

TEST_F(DamagedState, an_outbox_that_cannot_be_read_ends_the_life_and_the_next_makes_it_again) {
  live(1, 100);
  change_store("UPDATE marks SET mark = '1 - 0 0 0 0 0 0 0', crc = NULL");
  change_store("UPDATE outbox SET message = x'00'");
  change_store("INSERT OR IGNORE INTO outbox VALUES(1, 1, 1, x'00', 7)");
  std::filesystem::remove_all(dir_ + "/out");
  const Config config = small_config(dir_);
  auto loop = Loop::recover(config, Surroundings::system(config));
  ASSERT_TRUE(loop.ok());
  ASSERT_TRUE((*loop)->make_workers().ok());
  std::promise<void> damaged;
  (*loop)->start({[](uint32_t, uint64_t) {}, [] {}, [&] { damaged.set_value(); }});
  damaged.get_future().wait();
  (*loop)->stop();
  EXPECT_NE((*loop)->store_damage().find("outbox"), std::string::npos);
  const std::string why = (*loop)->store_damage();
  loop = Error{};
  loop = Loop::recover(config, Surroundings::system(config), why);
  ASSERT_TRUE(loop.ok());
  EXPECT_EQ((*loop)->damage().size(), 1u);
}

TEST_F(DamagedState, a_store_lost_when_the_journal_is_recycled_keeps_its_epoch_and_its_numbers) {
  max_files_ = 2;
  for (const bool with_snapshots : {false, true}) {
    SCOPED_TRACE(with_snapshots);
    std::filesystem::remove_all(dir_);
    if (!with_snapshots) snapshot_bytes_ = 0;
    const auto before = live(1, 1'000);
    const uint64_t given = before->engine().emissions().last_sequence();
    const std::vector<std::string> known = epochs();
    drop_store();
    const auto loop = live(2, 20);
    ASSERT_NE(loop, nullptr);
    ASSERT_EQ(epochs().size(), with_snapshots ? 1u : 2u)
        << "without the state it says other things";
    EXPECT_EQ(epochs()[0], known[0]) << "a sink's mark is still ours";
    EXPECT_GT(loop->engine().emissions().last_sequence(), given);
    const auto status = loop->status().latest();
    for (const UplinkStatus& u : status->uplinks) EXPECT_TRUE(u.balanced()) << u.name;
    snapshot_bytes_ = StorageOptions().snapshot_bytes;
  }
}

// A disk of its own for SQLite as well.
class WornDisk : public FaultyDisk {
 public:
  const char* sqlite_vfs() const override { return vfs_.name(); }

 private:
  DiskVfs vfs_{*this, 1};
};

TEST(WornState, a_store_with_a_page_that_cannot_be_read_is_made_again) {
  for (const uint64_t page : {0, 1, 5}) {
    SCOPED_TRACE(page);
    WornDisk disk;
    const Config config = small_config("/state");
    Surroundings around = Surroundings::system(config);
    around.disk = &disk;
    ASSERT_TRUE(Loop::recover(config, around).ok());
    ASSERT_GT(disk.contents("/state/wayside.db").size(), (page + 1) * 4096);
    disk.wear_out("/state/wayside.db", page * 4096, 512);
    const auto loop = Loop::recover(config, around);
    ASSERT_TRUE(loop.ok()) << loop.error().message;
    ASSERT_EQ((*loop)->damage().size(), 1u);
    EXPECT_EQ((*loop)->damage()[0].kept_as, "wayside.db.bad-1");
  }
}

// Little is free, and something fails: that is no reason to take away what makes no difference.
TEST(WornState, a_failure_that_passes_takes_nothing_from_journal_or_store) {
  WornDisk disk;
  Config config = small_config("/state");
  config.storage.file_bytes = 16 * kJournalPage;
  Surroundings around = Surroundings::system(config);
  around.disk = &disk;
  ASSERT_TRUE(Loop::recover(config, around).ok());
  {
    auto journal = Journal::open(disk, {"/state/journal", config.storage.file_bytes, 1 << 20});
    ASSERT_TRUE(journal.ok());
    for (int i = 0; i < 50; ++i) ASSERT_TRUE((*journal)->append(1, 1, {}, "no group").ok());
  }
  ASSERT_TRUE(disk.has("/state/journal/spare"));
  disk.set_capacity(disk.used_bytes() + (1 << 20));
  int failed = 0;
  for (uint64_t n = 1; n <= 150; ++n) {
    disk.fail_calls(n, UINT64_MAX);
    failed += !Loop::recover(config, around).ok();
    disk.fail_call(n);
    failed += !Loop::recover(config, around).ok();
    disk.heal();
    ASSERT_TRUE(disk.has("/state/journal/spare")) << "call " << n;
    ASSERT_FALSE(disk.has("/state/wayside.db.bad-1")) << "call " << n;
  }
  EXPECT_GT(failed, 20);
}

}  // namespace
}  // namespace wayside
