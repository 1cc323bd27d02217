// A store that has to be made again, in a life that ends before it is, or without a link; and an
// account that has to, since its uplink forwards something else.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "firmware-gw/buffer.h"
#include "firmware-gw/loop.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

class FarSink : public Sink {
 public:
  explicit FarSink(Mark* mark) : mark_(mark) {}
  Result<Mark> open(const Mark& local) override {
    if (!mark_) return Error{ErrorCode::kUnavailable, "there is no link"};
    return mark_->epoch.empty() ? local : *mark_;
  }
  Status deliver(std::span<const Message>, Mark& after) override {
    *mark_ = after;
    return {};
  }

 private:
  Mark* const mark_;  // null: there is no link
};

class Rebuild : public testing::Test {
 protected:
  std::shared_ptr<const Snapshot> live(const std::vector<TestMessage>& messages, bool linked) {
    Surroundings around = Surroundings::system(config_);
    around.make_sink = [&](const UplinkOptions&, std::vector<Epoch>) {
      return std::make_unique<FarSink>(linked ? &far_ : nullptr);
    };
    auto loop = Loop::recover(config_, around);
    if (!loop.ok()) {
      ADD_FAILURE() << loop.error().message;
      return nullptr;
    }
    EXPECT_TRUE((*loop)->make_workers().ok());
    auto chunk = make_chunk(messages, messages.size());
    const size_t size = chunk->size;
    (*loop)->queue().push(std::move(chunk), size);
    (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
    (*loop)->stop();
    return (*loop)->status().latest();
  }
  // A life that ends with all delivered; one may end before its uplink is open.
  UplinkStatus live_until_delivered() {
    UplinkStatus uplink = live({}, true)->uplinks[0];
    for (int more = 0; !uplink.connected && more < 5; ++more) uplink = live({}, true)->uplinks[0];
    return uplink;
  }
  std::vector<std::string> exported() const {
    std::vector<std::string> lines;
    auto count =
        export_buffer(config_, "centre", [&](std::string_view l) { lines.emplace_back(l); });
    EXPECT_TRUE(count.ok()) << count.error().message;
    return lines;
  }
  void drop_store() const {
    for (const char* rest : {"", "-wal", "-shm"}) {
      std::filesystem::remove(config_.gateway.state_dir + "/wayside.db" + rest);
    }
  }
  void change_store(const char* sql) const {
    auto db = Database::open(config_.gateway.state_dir + "/wayside.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(db.ok());
    const Status changed = (*db)->exec(sql);
    ASSERT_TRUE(changed.ok()) << changed.error().message;
  }

  TempFolder folder_;
  Config config_ = small_config(folder_ / "state");
  Mark far_;  // that the uplink's other side has
};

TEST_F(Rebuild, begins_again_when_it_was_interrupted) {
  live(make_messages(3, 200), false);
  const std::vector<std::string> lines = exported();
  ASSERT_GT(lines.size(), 150u);
  // Half of the journal is replayed, and nothing says yet how far.
  change_store(
      "DELETE FROM marks; DELETE FROM meta WHERE name IN ('checkpoint', 'accounts'); "
      "DELETE FROM outbox WHERE sequence > 20");
  const UplinkStatus uplink = live({}, false)->uplinks[0];
  EXPECT_EQ(exported(), lines);
  EXPECT_EQ(uplink.pending(), lines.size());
}

TEST_F(Rebuild, by_an_import_keeps_all_that_waits) {
  live(make_messages(3, 200), false);
  const size_t waiting = exported().size();
  drop_store();
  const std::string path = folder_ / "one.jsonl";
  std::ofstream(path) << "{\"id\":\"a/b/1\",\"type\":\"window\",\"block\":\"w\",\"time\":1}\n";
  ASSERT_TRUE(import_buffer(config_, "centre", path).ok());
  EXPECT_EQ(exported().size(), waiting + 1);
  live({}, false);
  EXPECT_EQ(exported().size(), waiting + 1);
}

TEST_F(Rebuild, settles_the_account_when_the_link_is_back_however_many_lives_later) {
  config_.storage.file_bytes = 4 * kJournalPage;
  config_.storage.max_bytes = 3 * config_.storage.file_bytes;
  for (uint64_t seed = 3; seed < 20; ++seed) live(make_messages(seed, 50), true);
  const UplinkStatus before = live_until_delivered();
  ASSERT_GT(before.delivered, 150u);
  ASSERT_EQ(before.pending(), 0u);
  drop_store();
  live({}, false);
  live({}, false);
  const UplinkStatus after = live_until_delivered();
  EXPECT_GE(after.delivered, before.delivered);
  EXPECT_EQ(after.emitted, after.delivered + after.dropped);
  const UplinkStatus later = live({}, false)->uplinks[0];
  EXPECT_EQ(later.emitted, later.delivered + later.dropped) << "it stays settled";
}

// The journal has forgotten most of what the source that is now forwarded has ever sent.
TEST_F(Rebuild, nothing_is_lost_when_an_uplink_forwards_a_busy_source_that_it_did_not) {
  config_.storage.file_bytes = 4 * kJournalPage;
  config_.storage.max_bytes = 3 * config_.storage.file_bytes;
  const std::vector<std::string> raw = std::exchange(config_.uplinks[0].raw, {});
  for (uint64_t seed = 3; seed < 20; ++seed) live(make_messages(seed, 50), true);
  const UplinkStatus before = live_until_delivered();
  ASSERT_EQ(before.pending(), 0u);
  config_.uplinks[0].raw = raw;
  live(make_messages(20, 50), false);
  const auto after = live({}, false);
  EXPECT_EQ(after->storage.lost_readings, 0u);
  EXPECT_GT(after->uplinks[0].pending(), 40u);
  const UplinkStatus delivered = live_until_delivered();
  EXPECT_EQ(delivered.dropped, 0u);
  EXPECT_EQ(delivered.emitted, delivered.delivered);
  EXPECT_GT(delivered.delivered, before.delivered + 40);
}

}  // namespace
}  // namespace wayside
