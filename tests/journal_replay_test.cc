// What a journal gives again: all of it, a part of it, or with other rules.
#include "firmware-gw/journal_replay.h"

#include <gtest/gtest.h>

#include "firmware-gw/loop.h"
#include "firmware-gw/replay.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

class ReplayOfJournal : public testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  // Each life commits what it took, so that the journal has several entries.
  void SetUp() override {
    const std::vector<TestMessage> messages = make_messages(7, 300);
    for (size_t at = 0; at < messages.size(); at += 60) {
      const size_t end = std::min(at + 60, messages.size());
      auto loop = Loop::recover(config_, Surroundings::system(config_));
      ASSERT_TRUE(loop.ok()) << loop.error().message;
      push_chunks((*loop)->queue(),
                  {messages.begin() + ptrdiff_t(at), messages.begin() + ptrdiff_t(end)}, 20);
      (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
      (*loop)->stop();
    }
    JournalReader reader(posix_disk(), config_.gateway.state_dir + "/journal");
    uint64_t oldest = 0;
    ASSERT_TRUE(reader.seek(1, oldest).ok());
    for (JournalEntry entry; *reader.next(entry);) committed_ms_.push_back(entry.wall_ms);
    ASSERT_GE(committed_ms_.size(), 4u);
  }
  Lines replayed(const Config& config, const ReplaySpan& span = {}) const {
    Lines lines;
    const auto result = replay_journal(config, config_.gateway.state_dir, span,
                                       [&](std::string_view l) { lines.emplace_back(l); });
    EXPECT_TRUE(result.ok()) << result.error().message;
    return lines;
  }

  TempFolder folder_;
  const Config config_ = small_config(folder_ / "state");
  std::vector<int64_t> committed_ms_;
};

TEST_F(ReplayOfJournal, parts_that_follow_each_other_are_the_whole) {
  const Lines all = replayed(config_);
  ASSERT_GT(all.size(), 200u);
  for (uint64_t entry = 0; entry <= committed_ms_.size(); ++entry) {
    ReplaySpan before, behind;
    before.until.entry = entry;
    behind.after = {entry, kTimeMax};
    Lines parts = replayed(config_, before);
    const Lines rest = replayed(config_, behind);
    EXPECT_TRUE(entry > 0 || parts.empty());
    EXPECT_TRUE(entry < committed_ms_.size() || rest.empty());
    parts.insert(parts.end(), rest.begin(), rest.end());
    EXPECT_EQ(parts, all) << "cut behind entry " << entry;
  }
}

TEST_F(ReplayOfJournal, a_time_ends_it_before_the_first_entry_that_was_later) {
  for (size_t i = 0; i + 1 < committed_ms_.size(); ++i) {
    if (committed_ms_[i + 1] == committed_ms_[i]) continue;
    ReplaySpan by_entry, by_time;
    by_entry.until.entry = i + 1;
    by_time.until.wall_ms = committed_ms_[i + 1] - 1;
    EXPECT_EQ(replayed(config_, by_time), replayed(config_, by_entry));
  }
}

TEST_F(ReplayOfJournal, other_rules_say_what_they_would_have_said) {
  Config other = config_;
  other.rules[0].name = "cold";
  other.rules[0].when = "temp_c < 3";
  other.rules[0].for_ms = 0;
  size_t cold = 0;
  for (const std::string& line : replayed(other)) {
    cold += line.find(R"("block":"cold")") != std::string::npos;
  }
  EXPECT_GT(cold, 0u);
}

TEST_F(ReplayOfJournal, a_folder_without_a_journal_is_told) {
  const auto result = replay_journal(config_, folder_ / "elsewhere", {}, [](std::string_view) {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "there is no journal in " + (folder_ / "elsewhere/journal"));
}

// Each of them reads the journal from its beginning, before there is a first row.
TEST_F(ReplayOfJournal, an_expired_one_ends_within_an_entry) {
  const std::string& dir = config_.gateway.state_dir;
  int looks = 0;
  const auto expired = [&] { return ++looks == 2; };
  const auto past = JournalReplay::look_at(dir, UINT64_MAX, expired);
  ASSERT_FALSE(past.ok());
  EXPECT_EQ(past.error().code, ErrorCode::kUnavailable);
  looks = 0;
  auto replay = JournalReplay::open(config_, dir, {1, {}, {}}, {}, expired);
  ASSERT_TRUE(replay.ok());
  EXPECT_TRUE((*replay)->next().ok());
  EXPECT_FALSE((*replay)->next().ok());
}

TEST(Moment, is_an_entry_or_a_time) {
  EXPECT_EQ(Moment::parse("17")->entry, 17u);
  EXPECT_EQ(Moment::parse("17")->wall_ms, kTimeMax);
  EXPECT_EQ(Moment::parse("2023-11-14T22:13:20Z")->wall_ms, 1'700'000'000'000);
  EXPECT_EQ(Moment::parse("2023-11-14T22:13:20Z")->entry, UINT64_MAX);
  for (const char* text : {"", "yesterday", "17 ", "-3", "2023-11-14"}) {
    EXPECT_FALSE(Moment::parse(text)) << text;
  }
}

}  // namespace
}  // namespace wayside
