// What recycled journal entries led to, from the snapshots beside the journal.
#include "storage/snapshot.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "firmware-gw/loop.h"
#include "firmware-gw/replay.h"
#include "firmware-gw/restore.h"
#include "storage/store_rows.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRunning = R"toml(
max_future = "off"
fields = { temp_c = { path = "t" } }

[[state]]
name = "count"
from = "climate"
next = { n = "coalesce(n, 0) + 1" }
to = ["centre"]

[[view]]
name = "latest"
from = "count"

[[uplink]]
name = "centre"
)toml";

class SnapshotFiles : public testing::Test {
 protected:
  using Counts = std::map<std::string, double>;  // of readings, by device
  static constexpr size_t kDevices = 5;

  Config config_of(const std::string& name) const {
    Config config = climate_config(folder_ / name, kRunning);
    config.uplinks[0].dir = folder_ / (name + "-out");
    config.storage.file_bytes = 16 * kJournalPage;
    config.storage.max_bytes = 4 * config.storage.file_bytes;
    config.storage.commit_bytes = 200;
    return config;
  }
  void live(const Config& config, size_t readings) {
    auto loop = Loop::recover(config, Surroundings::system(config));
    ASSERT_TRUE(loop.ok()) << loop.error().message;
    ASSERT_TRUE((*loop)->make_workers().ok());
    std::vector<TestMessage> messages;
    for (size_t i = 0; i < readings; ++i, ++sent_) {
      messages.push_back({"fleet/v" + std::to_string(sent_ % kDevices) + "/climate",
                          "{\"ts\":" + std::to_string(1'000 * sent_) + ",\"t\":1}",
                          uint16_t(1 + i)});
    }
    push_chunks((*loop)->queue(), messages, 4);
    (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
    (*loop)->stop();
  }
  void live_until_recycled(const Config& config) {
    do {
      live(config, 400);
    } while (fs::exists(journal_path(config.gateway.state_dir + "/journal", 1)));
  }
  Counts expected() const {
    Counts counts;
    for (size_t i = 0; i < sent_; ++i) ++counts["v" + std::to_string(i % kDevices)];
    return counts;
  }
  static Counts of_store(const Config& config) {
    Counts counts;
    const auto opened =
        Database::open(db_path(config.gateway.state_dir), Database::Mode::kReadOnly);
    const auto& db = *opened;
    auto rows = db->prepare("SELECT vehicle, n FROM view_latest");
    while (*rows->step()) counts[std::string(rows->column_text(0))] = rows->column_double(1);
    return counts;
  }
  static std::vector<std::string> replayed(const Config& config, const std::string& view = "") {
    std::vector<std::string> lines;
    const auto done = replay_journal(
        config, config.gateway.state_dir, {},
        [&](std::string_view line) { lines.emplace_back(line); }, view);
    EXPECT_TRUE(done.ok()) << done.error().message;
    return lines;
  }
  std::vector<uint64_t> kept(const Config& config) const {
    return *snapshot_entries(posix_disk(), config.gateway.state_dir);
  }

  const TempFolder folder_;
  const Config config_ = config_of("original");
  size_t sent_ = 0;
};

std::string text_of(const std::string& line, const std::string& key) {
  const size_t at = line.find('"' + key + "\":");
  const size_t begin = at + key.size() + 3;
  return at == std::string::npos ? "" : line.substr(begin, line.find_first_of(",}", begin) - begin);
}

TEST_F(SnapshotFiles, a_store_that_is_lost_is_made_again_with_what_recycled_entries_led_to) {
  live_until_recycled(config_);
  ASSERT_EQ(of_store(config_), expected());
  for (const char* rest : {"", "-wal", "-shm"}) fs::remove(folder_ / "original/wayside.db" + rest);
  live(config_, 7);
  EXPECT_EQ(of_store(config_), expected());
}

TEST_F(SnapshotFiles, a_copy_has_the_running_values_of_its_moment) {
  live_until_recycled(config_);
  const Counts then = expected();
  JournalReader reader(posix_disk(), config_.gateway.state_dir + "/journal");
  uint64_t newest = 0;
  ASSERT_FALSE(*reader.seek(1, newest));
  for (JournalEntry entry; *reader.next(entry);) newest = entry.sequence;
  live(config_, 100);
  const Config copy = config_of("copy");
  const auto restored = restore(config_, {newest, kTimeMax}, copy.gateway.state_dir);
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  EXPECT_EQ(restored->pending, 0u);
  EXPECT_EQ(of_store(copy), then);
}

TEST_F(SnapshotFiles, a_replay_says_what_was_said_then_with_its_ids) {
  live_until_recycled(config_);
  std::set<std::string> delivered;
  for (const auto& file : fs::directory_iterator(folder_ / "original-out")) {
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line);) {
      delivered.insert(text_of(line, "id") + ' ' + text_of(line, "n"));
    }
  }
  const std::vector<std::string> lines = replayed(config_);
  size_t events = 0;
  for (const std::string& line : lines) {
    if (text_of(line, "type") != "\"state\"") continue;
    ++events;
    EXPECT_TRUE(delivered.contains(text_of(line, "id") + ' ' + text_of(line, "n"))) << line;
  }
  EXPECT_GT(events, 100u);
}

TEST_F(SnapshotFiles, a_replayed_view_is_the_one_that_the_store_has) {
  live_until_recycled(config_);
  Counts counts;
  for (const std::string& line : replayed(config_, "latest")) {
    const std::string vehicle = text_of(line, "vehicle");
    counts[vehicle.substr(1, vehicle.size() - 2)] = std::stod(text_of(line, "n"));
  }
  EXPECT_EQ(counts, expected());
}

TEST_F(SnapshotFiles, those_that_the_journal_does_not_go_on_from_are_taken_away) {
  live_until_recycled(config_);
  live(config_, 2'000);
  const std::vector<uint64_t> entries = kept(config_);
  ASSERT_FALSE(entries.empty());
  JournalReader reader(posix_disk(), config_.gateway.state_dir + "/journal");
  uint64_t oldest = 0;
  ASSERT_FALSE(*reader.seek(1, oldest));
  EXPECT_LE(entries.front(), oldest) << "nothing that can be replayed is left out but an entry";
  EXPECT_LE(entries.size(), 5u);
}

TEST_F(SnapshotFiles, together_they_have_no_more_bytes_than_they_may_and_one) {
  Config config = config_of("limited");
  live_until_recycled(config);
  const uint64_t one = fs::file_size(snapshot_path(config.gateway.state_dir, kept(config).back()));
  config.storage.snapshot_bytes = 2 * one;
  for (int life = 0; life < 4; ++life) live(config, 1'000);
  EXPECT_GE(kept(config).size(), 1u);
  EXPECT_LE(kept(config).size(), 3u);
  config.storage.snapshot_bytes = one / 2;
  for (int life = 0; life < 4; ++life) live(config, 1'000);
  EXPECT_TRUE(kept(config).empty());
}

TEST_F(SnapshotFiles, one_that_is_damaged_is_passed_over) {
  live_until_recycled(config_);
  for (const uint64_t entry : kept(config_)) {
    const std::string path = snapshot_path(config_.gateway.state_dir, entry);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(0);
    file << std::string(fs::file_size(path), '?');
  }
  for (const char* rest : {"", "-wal", "-shm"}) fs::remove(folder_ / "original/wayside.db" + rest);
  const auto loop = Loop::recover(config_, Surroundings::system(config_));
  ASSERT_TRUE(loop.ok()) << loop.error().message;
  const auto& damage = (*loop)->damage();
  EXPECT_TRUE(std::any_of(damage.begin(), damage.end(), [](const Damage& d) {
    return d.what.find("windows open before it are incomplete") != std::string::npos;
  })) << damage.back().what;
  EXPECT_TRUE(kept(config_).empty());
}

}  // namespace
}  // namespace wayside
