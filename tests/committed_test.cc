#include "firmware-gw/committed.h"

#include <gtest/gtest.h>

#include "firmware-gw/loop.h"
#include "tests/messages.h"
#include "tests/status_socket.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

class CommittedEntry : public testing::Test {
 protected:
  void SetUp() override {
    for (int entry = 0; entry < 2; ++entry) {
      auto loop = Loop::recover(config_, Surroundings::system(config_));
      ASSERT_TRUE(loop.ok()) << loop.error().message;
      push_chunks((*loop)->queue(), make_messages(7, 20), 20);
      (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
      (*loop)->stop();
    }
  }
  static std::string status(uint64_t entry, int64_t wall_ms = 0) {
    return "{\"wall_ms\":" + std::to_string(wall_ms) +
           ",\"journal\":{\"entry\":" + std::to_string(entry) + "},\"uplinks\":[]}";
  }

  TempFolder folder_;
  const Config config_ = small_config(folder_ / "state");
  const std::string& dir_ = config_.gateway.state_dir;
};

TEST_F(CommittedEntry, is_any_where_nobody_listens) {
  const auto entry = committed_entry(dir_);
  ASSERT_TRUE(entry.ok()) << entry.error().message;
  EXPECT_EQ(*entry, UINT64_MAX);
}

TEST_F(CommittedEntry, is_what_the_running_gateway_says) {
  const StatusSocket gateway(dir_, [] { return status(17); });
  EXPECT_EQ(*committed_entry(dir_), 2u) << "what comes later is not of this question";
}

TEST_F(CommittedEntry, is_waited_for_while_the_gateway_begins_and_commits) {
  int asked = 0;
  const StatusSocket gateway(dir_, [&asked] {
    ++asked;
    return asked < 3 ? "{}" : status(asked < 5 ? 1 : 2);
  });
  EXPECT_EQ(*committed_entry(dir_), 2u);
}

TEST_F(CommittedEntry, is_not_guessed_when_the_gateway_cannot_be_asked) {
  const StatusSocket gateway(dir_, nullptr, SOCK_DGRAM);
  const auto entry = committed_entry(dir_);
  ASSERT_FALSE(entry.ok());
  EXPECT_TRUE(entry.error().message.starts_with("no gateway answers at " + dir_))
      << entry.error().message;
}

TEST_F(CommittedEntry, needs_a_journal) {
  const auto entry = committed_entry(folder_ / "elsewhere");
  ASSERT_FALSE(entry.ok());
  EXPECT_EQ(entry.error().message, "there is no journal in " + (folder_ / "elsewhere/journal"));
}

}  // namespace
}  // namespace wayside
