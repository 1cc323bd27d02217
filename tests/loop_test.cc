// The loop's threads run, but nothing here waits for a time to come: stop() ends only when all is
// committed.
#include "firmware-gw/loop.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "base/counted_vfs.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

class LoopOnDisk : public testing::Test {
 protected:
  using Release = std::function<void(uint64_t ticket)>;

  std::unique_ptr<Loop> recover(const std::string& state_dir) {
    configs_.push_back(std::make_unique<Config>(small_config(state_dir)));
    if (change_config) change_config(*configs_.back());
    auto loop = Loop::recover(*configs_.back(), Surroundings::system(*configs_.back()));
    EXPECT_TRUE(loop.ok()) << loop.error().message;
    return loop.ok() ? std::move(*loop) : nullptr;
  }
  // A life over these messages, from recovery to a clean end.
  std::unique_ptr<Loop> live(const std::vector<TestMessage>& messages,
                             const Release& release = {}) {
    auto loop = recover(state_dir_);
    if (!loop) return nullptr;
    push_chunks(loop->queue(), messages, 20);
    loop->start({[&](uint32_t, uint64_t ticket) {
                   if (release) release(ticket);
                 },
                 [] {}});
    loop->stop();
    return loop;
  }
  struct Memory {
    uint64_t in, used, late, duplicate, quarantined, last_sequence;
    size_t open_windows;
    bool operator==(const Memory&) const = default;
  };
  static Memory memory_of(Loop& loop) {
    const Ledger l = loop.engine().pipeline().total();
    EXPECT_TRUE(l.balanced());
    return {l.in,
            l.used,
            l.late,
            l.duplicate,
            l.quarantined,
            loop.engine().emissions().last_sequence(),
            loop.engine().pipeline().block_status()[0].open};
  }
  static std::vector<OutboxReader::Row> outbox(const std::string& state_dir) {
    std::vector<OutboxReader::Row> all;
    auto reader = OutboxReader::open(posix_disk(), state_dir);
    for (Lane lane : {Lane::kAlarm, Lane::kResult}) {
      auto rows = reader.ok() ? (*reader)->next(lane, 0, UINT64_MAX, 0, 100'000)
                              : std::vector<OutboxReader::Row>();
      if (rows.ok()) all.insert(all.end(), rows->begin(), rows->end());
    }
    return all;
  }
  static std::vector<std::string> journal_files(const std::string& state_dir) {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(state_dir + "/journal")) {
      if (entry.path().extension() == ".wsj") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  static size_t messages_in_journal(Engine& engine, const std::string& state_dir) {
    size_t n = 0;
    JournalReader reader(posix_disk(), state_dir + "/journal");
    uint64_t oldest = 0;
    auto there = reader.seek(1, oldest);
    JournalEntry entry;
    while (there.ok() && *there && *reader.next(entry)) {
      Group group = engine.admission().make_group();
      EXPECT_TRUE(decode_group(entry.block, engine.schemas(), engine.connections(), group).ok());
      n += group.rows() + group.rejected.size() + group.duplicates[0];
    }
    return n;
  }

  std::function<void(Config&)> change_config;

  TempFolder folder_;
  std::string state_dir_ = folder_ / "state";
  const std::vector<TestMessage> messages_ = make_messages(9, 400);

 private:
  std::vector<std::unique_ptr<Config>> configs_;  // loops refer to them
};

TEST_F(LoopOnDisk, a_look_up_holds_what_its_file_held_though_file_and_store_are_lost) {
  const std::string file = folder_.path() + "/doors.csv";
  std::ofstream(file) << "door,zone\nopen,dock\n";
  change_config = [&](Config& config) {
    LookupOptions lookup;
    lookup.name = "equipped";
    lookup.from = config.sources[0].name;
    lookup.file = file;
    lookup.match = config.sources[0].key;
    lookup.column = "door";
    lookup.columns = {{"zone", "text"}};
    config.lookups = {lookup};
    config.storage.file_bytes = 8 * kJournalPage;
    config.storage.commit_bytes = 500;
  };
  const auto contents = [](Loop& loop) {
    return loop.engine().pipeline().lookup_contents("equipped");
  };
  const std::string held = contents(*live(messages_));
  EXPECT_NE(held, "");
  std::filesystem::remove(file);
  EXPECT_EQ(contents(*recover(state_dir_)), held);
  std::filesystem::remove(state_dir_ + "/wayside.db");
  EXPECT_EQ(contents(*recover(state_dir_)), held) << "from the journal";
  const auto files = journal_files(state_dir_);
  ASSERT_GT(files.size(), 3u);
  std::filesystem::remove(state_dir_ + "/wayside.db");
  for (size_t i = 0; i + 2 < files.size(); ++i) std::filesystem::remove(files[i]);
  EXPECT_EQ(contents(*recover(state_dir_)), held) << "each of its files tells it";
}

TEST_F(LoopOnDisk, a_restart_knows_what_was_known_at_the_end) {
  const auto first = live(messages_);
  const Memory known = memory_of(*first);
  EXPECT_EQ(known.in, messages_.size());
  EXPECT_GT(known.last_sequence, 20u);
  EXPECT_EQ(memory_of(*recover(state_dir_)), known);
}

TEST_F(LoopOnDisk, two_lives_are_as_good_as_one) {
  const auto half = messages_.begin() + ptrdiff_t(messages_.size() / 2);
  live({messages_.begin(), half});
  const Memory after_two = memory_of(*live({half, messages_.end()}));
  const auto rows = outbox(state_dir_);
  std::filesystem::remove_all(state_dir_);
  EXPECT_EQ(memory_of(*live(messages_)), after_two);
  EXPECT_EQ(outbox(state_dir_).size(), rows.size());
}

TEST_F(LoopOnDisk, nothing_is_acknowledged_before_it_is_in_the_journal) {
  auto reader = Engine::make(small_config(), {"centre"});
  ASSERT_TRUE(reader.ok());
  uint64_t acknowledged = 0;
  live(messages_, [&](uint64_t ticket) {
    acknowledged = ticket;
    EXPECT_GE(messages_in_journal(**reader, state_dir_), ticket);
  });
  EXPECT_EQ(acknowledged, messages_.size()) << "and in the end everything is";
}

// The moment between journal and store: the copy is what a power cut would leave. Life after life
// ends like this, so that the last one has all their entries to replay.
TEST_F(LoopOnDisk, a_crash_behind_the_journal_loses_nothing_and_says_nothing_new) {
  constexpr size_t kLives = 5;
  const size_t size = messages_.size() / kLives + 1;
  const auto part = [&](size_t i) {
    return std::vector(messages_.begin() + ptrdiff_t(i * size),
                       messages_.begin() + ptrdiff_t(std::min(messages_.size(), (i + 1) * size)));
  };
  for (size_t i = 0; i < kLives; ++i) live(part(i));
  const Memory known = memory_of(*recover(state_dir_));
  const auto expected = outbox(state_dir_);
  state_dir_ = folder_ / "life-0";
  for (size_t i = 0; i < kLives; ++i) {
    const std::string next = folder_ / ("life-" + std::to_string(i + 1));
    live(part(i), [&](uint64_t) {
      std::filesystem::remove_all(next);
      std::filesystem::copy(state_dir_, next, std::filesystem::copy_options::recursive);
    });
    state_dir_ = next;
  }
  EXPECT_EQ(memory_of(*recover(state_dir_)), known);
  const auto rows = outbox(state_dir_);
  ASSERT_EQ(rows.size(), expected.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].sequence, expected[i].sequence);
    EXPECT_EQ(rows[i].message, expected[i].message);
  }
}

TEST_F(LoopOnDisk, a_store_that_is_gone_or_broken_is_made_again_from_the_journal) {
  for (const bool gone : {true, false}) {
    std::filesystem::remove_all(state_dir_);
    const Memory known = memory_of(*live(messages_));
    const auto expected = outbox(state_dir_);
    const std::string store = state_dir_ + "/wayside.db";
    for (const char* rest : {"", "-wal", "-shm"}) std::filesystem::remove(store + rest);
    if (!gone) std::ofstream(store) << std::string(10'000, 'x');
    const auto again = recover(state_dir_);
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(memory_of(*again), known);
    EXPECT_EQ(outbox(state_dir_).size(), expected.size());
    const auto is_aside = [](const auto& file) {
      return file.path().filename().string().starts_with("wayside.db.bad");
    };
    const std::filesystem::directory_iterator files(state_dir_);
    EXPECT_EQ(std::count_if(begin(files), end(files), is_aside), gone ? 0 : 1)
        << "it is kept for a look";
  }
}

// A crash leaves an outbox that is ahead of the checkpoint; the configuration then changes so that
// the replay says less.
TEST_F(LoopOnDisk, numbers_that_were_given_are_not_given_again_when_the_replay_says_less) {
  const std::string crashed = folder_ / "crashed";
  change_config = [](Config& config) { config.storage.commit_bytes = 2'000; };
  uint64_t commits = 0;
  live(messages_, [&](uint64_t) {
    ++commits;
    std::filesystem::remove_all(crashed);
    std::filesystem::copy(state_dir_, crashed, std::filesystem::copy_options::recursive);
  });
  ASSERT_GT(commits, 3u);
  state_dir_ = crashed;
  const auto before = outbox(state_dir_);
  ASSERT_FALSE(before.empty());
  change_config = [](Config& config) { config.windows[0].having = "n >= 1000"; };
  const auto loop = recover(state_dir_);
  ASSERT_NE(loop, nullptr);
  uint64_t given = 0;
  for (const auto& row : before) given = std::max(given, row.sequence);
  EXPECT_GE(loop->engine().emissions().last_sequence(), given);
  live(make_messages(10, 400));
  const auto after = outbox(state_dir_);
  const auto is_incident = [](const OutboxReader::Row& row) {
    return row.message.find("new_epoch") != std::string::npos;
  };
  const auto incident = std::find_if(after.begin(), after.end(), is_incident);
  ASSERT_NE(incident, after.end()) << "it has to be told";
  EXPECT_GT(incident->sequence, given);
  for (const auto& row : before) {
    const auto same = [&](const OutboxReader::Row& r) { return r.sequence == row.sequence; };
    const auto kept = std::find_if(after.begin(), after.end(), same);
    ASSERT_NE(kept, after.end());
    EXPECT_EQ(kept->message, row.message);
  }
}

// SQLite waits for a lock by naps of which it keeps count: as long as this lives they take no time.
class NapsTakeNoTime {
 public:
  NapsTakeNoTime() {
    vfs_->xSleep = [](sqlite3_vfs*, int us) { return us; };
  }
  ~NapsTakeNoTime() { vfs_->xSleep = sleep_; }

 private:
  sqlite3_vfs* vfs_ = sqlite3_vfs_find(counted_vfs());
  decltype(sqlite3_vfs::xSleep) sleep_ = vfs_->xSleep;
};

TEST_F(LoopOnDisk, a_store_that_another_process_locks_is_no_damaged_one) {
  const NapsTakeNoTime here;
  live(messages_);
  auto other = Database::open(state_dir_ + "/wayside.db", Database::Mode::kReadWrite);
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE((*other)->exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").ok());
  const Config config = small_config(state_dir_);
  EXPECT_FALSE(Loop::recover(config, Surroundings::system(config)).ok());
  for (const auto& file : std::filesystem::directory_iterator(state_dir_)) {
    EXPECT_EQ(file.path().filename().string().find(".bad-"), std::string::npos);
  }
}

TEST_F(LoopOnDisk, what_the_broker_sends_again_after_a_restart_is_known) {
  const std::vector<TestMessage> sent(messages_.begin(), messages_.begin() + 100);
  const Memory known = memory_of(*live(sent));
  std::vector<TestMessage> again = sent;
  for (TestMessage& m : again) m.duplicate = true;
  const Memory after = memory_of(*live(again));
  EXPECT_EQ(after.in, 2 * known.in);
  EXPECT_EQ(after.used, known.used);
  EXPECT_EQ(after.late, known.late);
  EXPECT_EQ(after.last_sequence, known.last_sequence);
}

}  // namespace
}  // namespace wayside
