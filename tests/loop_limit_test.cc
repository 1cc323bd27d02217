// A gateway without a link on a small disk: what its limits take is counted, told, and no more than
// that is missing in the end.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>

#include "firmware-gw/loop.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"
#include "tests/told_sink.h"

namespace wayside {
namespace {

constexpr uint64_t kMaxBytes = 640 << 10;
constexpr uint64_t kFileBytes = 64 << 10;
constexpr size_t kMessages = 20'000;

class SteppingClock : public Clock {
 public:
  explicit SteppingClock(std::atomic<int64_t>& now_ms) : now_ms_(now_ms) {}
  Now now() override {
    const int64_t ms = now_ms_ += 50;
    return {ms, ms};
  }
  std::string save() const override { return {}; }

 private:
  std::atomic<int64_t>& now_ms_;
};

struct Far {
  std::mutex mutex;
  bool up = false;
  std::optional<Mark> mark;
  std::map<std::string, Message> messages;
  uint64_t doubled = 0;
};

class FarSink : public Sink {
 public:
  explicit FarSink(Far& far) : far_(far) {}
  Result<Mark> open(const Mark& local) override {
    std::lock_guard lock(far_.mutex);
    if (!far_.up) return Error{ErrorCode::kUnavailable, "no link"};
    return far_.mark.value_or(local);
  }
  Status deliver(std::span<const Message> messages, Mark& after) override {
    std::lock_guard lock(far_.mutex);
    for (const Message& m : messages) far_.doubled += !far_.messages.emplace(m.id, m).second;
    far_.mark = after;
    return {};
  }

 private:
  Far& far_;
};

class LoopAtItsLimit : public testing::Test {
 protected:
  LoopAtItsLimit() : config_(small_config(folder_ / "state")) {
    StorageOptions& o = config_.storage;
    o.file_bytes = kFileBytes;
    o.max_bytes = kMaxBytes;
    o.wal_bytes = 64 << 10;
    o.commit_bytes = 3'000;
    o.checkpoint_bytes = 64 << 10;
    o.tell_interval_ms = 5'000;
    config_.windows[0].size_ms = 1'000;
    config_.uplinks[0].retry_min_ms = config_.uplinks[0].retry_max_ms = 1;
  }

  std::shared_ptr<const Snapshot> live(const std::vector<TestMessage>& messages) {
    Surroundings around = Surroundings::system(config_);
    around.make_clock = [this](std::string_view, const Now&) {
      return std::make_unique<SteppingClock>(now_ms_);
    };
    around.make_sink = [this](const UplinkOptions&, std::vector<Epoch>) {
      return std::make_unique<ToldSink>(opened_, std::make_unique<FarSink>(far_));
    };
    auto loop = Loop::recover(config_, around);
    if (!loop.ok()) {
      ADD_FAILURE() << loop.error().message;
      return nullptr;
    }
    EXPECT_TRUE((*loop)->make_workers().ok());
    push_chunks((*loop)->queue(), messages, 20);
    (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
    opened_.await(1);
    (*loop)->stop();
    return (*loop)->status().latest();
  }

  uint64_t bytes_on_disk() const {
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "state")) {
      if (entry.is_regular_file()) bytes += entry.file_size();
    }
    return bytes;
  }

  // A life without a link, then one with it.
  void expect_that_all_is_told(bool thins) {
    config_.storage.thin_to_ms = thins ? 10'000 : 0;
    const auto away = live(make_messages(3, kMessages));
    ASSERT_TRUE(away);
    EXPECT_EQ(away->storage.lost_readings > 0, !thins);
    EXPECT_EQ(away->storage.thinned_readings > 0, thins);
    EXPECT_GT(away->storage.lost_results, 0u);
    EXPECT_EQ(away->uplinks[0].delivered, 0u);
    // The limit, a file that is being made, SQLite's index, and what was written since the last
    // look.
    EXPECT_LT(bytes_on_disk() - away->storage.thinned_bytes,
              kMaxBytes + 2 * kFileBytes + (128 << 10));

    far_.up = true;
    const auto back = live({});
    ASSERT_TRUE(back);
    const UplinkStatus& uplink = back->uplinks[0];
    EXPECT_EQ(uplink.pending(), 0u);
    EXPECT_EQ(uplink.delivered, far_.messages.size());
    EXPECT_EQ(uplink.settled(), uplink.emitted);
    EXPECT_EQ(far_.doubled, 0u);
    const StorageStatus& lost = back->storage;
    EXPECT_EQ(lost.lost_readings + lost.lost_results + lost.lost_alarms, uplink.dropped)
        << "what is told is what is missing";
    EXPECT_EQ(lost.thinned_readings, uplink.compacted);
    std::map<std::string, int> told;
    for (const auto& [id, m] : far_.messages) {
      if (m.type == "incident" && m.block == "lost") ++told[m.key];
    }
    EXPECT_GE(told.size(), 2u);
    for (const auto& [what, times] : told)
      EXPECT_LT(times, 100) << what << ": not with each commit";
  }

  TempFolder folder_;
  Config config_;
  std::atomic<int64_t> now_ms_{1'790'000'000'000};
  Far far_;
  SinksOpened opened_;
};

TEST_F(LoopAtItsLimit, what_it_loses_without_a_link_is_counted_and_told_and_all_else_comes) {
  expect_that_all_is_told(false);
}

TEST_F(LoopAtItsLimit, what_it_thins_out_is_counted_and_told_too) { expect_that_all_is_told(true); }

TEST_F(LoopAtItsLimit, what_it_kept_of_thinned_readings_outlives_a_lost_store) {
  config_.storage.thin_to_ms = 10'000;
  ASSERT_TRUE(live(make_messages(3, kMessages)));
  const std::string thinned = thinned_dir(config_.gateway.state_dir);
  const std::vector<uint64_t> firsts = *thinned_files(posix_disk(), thinned);
  ASSERT_GT(firsts.size(), 2u);
  for (const char* end : {"", "-wal", "-shm"}) {
    std::filesystem::remove(config_.gateway.state_dir + "/wayside.db" + end);
  }
  ASSERT_TRUE(live({}));
  EXPECT_EQ(*thinned_files(posix_disk(), thinned), firsts) << "no sink has told what it has";
  far_.up = true;
  const auto back = live({});
  ASSERT_TRUE(back);
  const UplinkStatus& uplink = back->uplinks[0];
  EXPECT_GT(uplink.compacted, 0u);
  EXPECT_EQ(uplink.pending(), 0u);
  EXPECT_EQ(uplink.settled(), uplink.emitted);
  const std::string first = '/' + std::to_string(firsts.front()) + ".0";
  EXPECT_TRUE(
      std::ranges::any_of(far_.messages, [&](const auto& m) { return m.first.ends_with(first); }));
}

TEST_F(LoopAtItsLimit, thinned_readings_that_cannot_be_read_are_told_as_damage) {
  config_.storage.thin_to_ms = 10'000;
  ASSERT_TRUE(live(make_messages(3, kMessages)));
  const std::string dir = thinned_dir(config_.gateway.state_dir);
  const std::vector<uint64_t> firsts = *thinned_files(posix_disk(), dir);
  ASSERT_FALSE(firsts.empty());
  const std::string path = thinned_path(dir, firsts.front());
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  far_.up = true;
  const auto back = live({});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->uplinks[0].pending(), 0u);
  EXPECT_EQ(back->uplinks[0].settled(), back->uplinks[0].emitted);
  const auto tells_it = [&](const auto& m) {
    return m.second.type == "incident" && m.second.block == "damage" &&
           m.second.value.find(path) != std::string::npos;
  };
  EXPECT_EQ(std::ranges::count_if(far_.messages, tells_it), 1);
}

// Life by life, so that the uplink is never further behind than one life's results, which have
// room.
TEST_F(LoopAtItsLimit, with_a_link_no_result_is_lost) {
  far_.up = true;
  const std::vector<TestMessage> messages = make_messages(3, kMessages);
  constexpr size_t kLives =
      40;  // what comes in one fits, though the link may be slower than we are
  const size_t part = messages.size() / kLives;
  std::shared_ptr<const Snapshot> status;
  for (size_t at = 0; at < messages.size(); at += part) {
    const auto begin = messages.begin() + ptrdiff_t(at);
    status = live({begin, begin + ptrdiff_t(std::min(part, messages.size() - at))});
    ASSERT_TRUE(status);
    ASSERT_EQ(status->storage.lost_results + status->storage.lost_alarms, 0u);
  }
  EXPECT_EQ(status->uplinks[0].pending(), 0u);
  EXPECT_EQ(status->uplinks[0].settled(), status->uplinks[0].emitted);
}

}  // namespace
}  // namespace wayside
