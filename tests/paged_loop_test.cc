// Blocks with `state = "sqlite"` in a gateway: lives end and begin, stores are lost and damaged,
// and what is said is what one says that has all keys in memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "firmware-gw/loop.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

class PagedLoop : public testing::Test {
 protected:
  static constexpr size_t kLives = 4;
  static constexpr size_t kShare = 120;  // messages of a life

  Config config_of(const std::string& name, bool on_disk) const {
    Config config = small_config(folder_ / name);
    config.storage.commit_bytes = 1'500;
    config.windows[0].size_ms = 60'000;
    config.windows[0].allowed_lateness_ms = 60'000;
    config.windows[0].bounds.on_disk = on_disk;
    config.windows[0].bounds.resident_keys = 1;
    StateOptions state;
    state.name = "seen";
    state.from = "climate";
    state.next = {{"n", "coalesce(n, 0) + 1"}};
    state.to = {"centre"};
    state.bounds = config.windows[0].bounds;
    config.states = {state};
    return config;
  }
  std::vector<TestMessage> messages_of(size_t life) const {
    const auto begin = messages_.begin() + ptrdiff_t(life * kShare);
    return {begin, begin + ptrdiff_t(kShare)};
  }
  static std::unique_ptr<Loop> recover(const Config& config, const std::string& damage = "") {
    auto loop = Loop::recover(config, Surroundings::system(config), damage);
    EXPECT_TRUE(loop.ok()) << (loop.ok() ? "" : loop.error().message);
    return loop.ok() ? std::move(*loop) : nullptr;
  }
  // Its damage, "" for none.
  static std::string live(Loop& loop, const std::vector<TestMessage>& messages, size_t chunk) {
    push_chunks(loop.queue(), messages, chunk);
    loop.start({[](uint32_t, uint64_t) {}, [] {}});
    loop.stop();
    return loop.store_damage();
  }
  static std::vector<std::string> said(const Config& config) {
    std::vector<std::string> all;
    auto reader = OutboxReader::open(posix_disk(), config.gateway.state_dir);
    for (Lane lane : {Lane::kAlarm, Lane::kResult}) {
      auto rows = (*reader)->next(lane, 0, UINT64_MAX, 0, 100'000);
      for (const auto& row : *rows) all.push_back(std::to_string(row.sequence) + row.message);
    }
    return all;
  }
  std::vector<std::string> said_from_memory() {
    const Config config = config_of("memory", false);
    for (size_t life = 0; life < kLives; ++life) live(*recover(config), messages_of(life), 10);
    return said(config);
  }
  static void change_store(const Config& config, const char* sql) {
    auto db = Database::open(config.gateway.state_dir + "/wayside.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(db.ok());
    const Status changed = (*db)->exec(sql);
    ASSERT_TRUE(changed.ok()) << changed.error().message;
  }
  static void expect_few_in_memory(Loop& loop) {
    for (const BlockStatus& b : loop.engine().pipeline().block_status()) {
      if (b.kind != "window" && b.kind != "state") continue;
      EXPECT_EQ(b.keys, 5u) << b.name;
      EXPECT_LE(b.resident_keys, 1u) << b.name;
    }
  }

  TempFolder folder_;
  const std::vector<TestMessage> messages_ = make_messages(21, kLives* kShare);
};

TEST_F(PagedLoop, lives_with_few_keys_in_memory_say_what_those_with_all_of_them_say) {
  const auto expected = said_from_memory();
  ASSERT_GT(expected.size(), 100u);
  const Config config = config_of("sqlite", true);
  for (size_t life = 0; life < kLives; ++life) live(*recover(config), messages_of(life), 10);
  EXPECT_EQ(said(config), expected);
  expect_few_in_memory(*recover(config));
}

TEST_F(PagedLoop, a_store_that_is_lost_is_made_again_with_few_keys_in_memory) {
  const auto expected = said_from_memory();
  const Config config = config_of("sqlite", true);
  for (size_t life = 0; life < kLives; ++life) {
    live(*recover(config), messages_of(life), 10);
    for (const char* rest : {"", "-wal", "-shm"}) {
      std::filesystem::remove(config.gateway.state_dir + "/wayside.db" + rest);
    }
  }
  expect_few_in_memory(*recover(config));
  EXPECT_EQ(said(config), expected);
}

TEST_F(PagedLoop, a_damaged_page_is_found_when_it_is_needed_and_the_store_is_made_again) {
  const auto expected = said_from_memory();
  const Config config = config_of("sqlite", true);
  for (size_t life = 0; life + 1 < kLives; ++life) live(*recover(config), messages_of(life), 10);
  auto loop = recover(config);
  change_store(config, "UPDATE state SET crc = 1 WHERE key != ''");
  const std::string damage = live(*loop, messages_of(kLives - 1), kShare);
  EXPECT_NE(damage.find("state"), std::string::npos) << damage;
  loop = recover(config, damage);
  EXPECT_EQ(live(*loop, messages_of(kLives - 1), 10), "");
  std::vector<std::string> all = said(config);
  std::erase_if(all, [](const std::string& e) { return e.find("damage") != std::string::npos; });
  EXPECT_EQ(all.size(), expected.size());
}

}  // namespace
}  // namespace wayside
