// What a gateway has said and decided stays so, whatever its configuration says at the next start.
#include <gtest/gtest.h>

#include "config/written.h"
#include "firmware-gw/journal_replay.h"
#include "firmware-gw/replay.h"
#include "firmware-gw/restore.h"
#include "storage/store_view.h"
#include "tests/killed_life.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

class ChangedConfig : public testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  Config config_of(const std::string& name) const {
    Config config = small_config(folder_ / name);
    config.uplinks[0].raw.clear();
    config.storage.commit_age_ms = 0;
    return config;
  }
  static Config with_another_uplink(Config config) {
    config.uplinks.insert(config.uplinks.begin(), config.uplinks[0]);
    config.uplinks[0].name = "away";
    return config;
  }
  static Config with_another_rule(Config config) {
    config.rules[0].for_ms = 1'000;
    return config;
  }
  std::vector<std::vector<TestMessage>> entries() const {
    std::vector<std::vector<TestMessage>> all;
    for (uint64_t seed = 1; seed <= 2; ++seed) all.push_back(make_messages(seed, 100));
    return all;
  }
  static Lines ids(const Config& config) {
    Lines ids;
    const auto take = [&](std::string_view line) {
      ids.emplace_back(line.substr(0, line.find(',')));
    };
    EXPECT_TRUE(replay_journal(config, config.gateway.state_dir, {}, take).ok());
    return ids;
  }

  TempFolder folder_;
  const Config config_ = config_of("state");
};

uint64_t pending_for(const std::string& state_dir, const std::string& uplink) {
  const auto store = view_store(posix_disk(), state_dir);
  if (!store.ok()) return 0;
  for (size_t bit = 0; bit < store->uplinks.size(); ++bit) {
    if (store->uplinks[bit] == uplink) return store->outbox[bit];
  }
  return 0;
}

TEST_F(ChangedConfig, one_more_uplink_after_a_kill_gives_no_new_epoch_and_tells_of_no_damage) {
  live_and_be_killed(config_, entries());
  const uint64_t waiting = pending_for(config_.gateway.state_dir, "centre");
  ASSERT_GT(waiting, 20u);
  const Config more = with_another_uplink(config_);
  const auto loop = Loop::recover(more, Surroundings::system(more));
  ASSERT_TRUE(loop.ok()) << loop.error().message;
  EXPECT_TRUE((*loop)->damage().empty()) << (*loop)->damage().front().what;
  const auto epochs = (*OutboxReader::open(posix_disk(), more.gateway.state_dir))->epochs();
  EXPECT_EQ(epochs->size(), 1u);
  EXPECT_EQ(pending_for(config_.gateway.state_dir, "centre"), waiting);
}

TEST_F(ChangedConfig, one_more_uplink_leaves_the_ids_of_the_past_as_they_were) {
  live_and_be_killed(config_, entries());
  const Lines before = ids(config_);
  ASSERT_GT(before.size(), 20u);
  EXPECT_EQ(before.front().find("/replay/"), std::string::npos);
  EXPECT_EQ(ids(with_another_uplink(config_)), before);
}

TEST_F(ChangedConfig, another_rule_after_a_kill_loses_nothing_that_waits_and_says_so_of_nothing) {
  live_and_be_killed(config_, entries());
  const uint64_t waiting = pending_for(config_.gateway.state_dir, "centre");
  const Config other = with_another_rule(config_);
  const auto loop = Loop::recover(other, Surroundings::system(other));
  ASSERT_TRUE(loop.ok()) << loop.error().message;
  EXPECT_TRUE((*loop)->damage().empty()) << (*loop)->damage().front().what;
  EXPECT_EQ(pending_for(config_.gateway.state_dir, "centre"), waiting);
}

// Not what the rule of the life behind the kill would have said in its place.
TEST_F(ChangedConfig, what_was_said_before_a_kill_is_what_the_journal_records_of_it) {
  live_and_be_killed(config_, entries());
  const Lines before = ids(config_);
  live_and_be_killed(with_another_rule(config_), {make_messages(9, 50)});
  const Lines after = ids(config_);
  ASSERT_GE(after.size(), before.size());
  EXPECT_EQ(Lines(after.begin(), after.begin() + std::ssize(before)), before);
}

TEST_F(ChangedConfig, a_copy_delivers_what_the_original_has_not_whatever_it_would_say_itself) {
  live_and_be_killed(config_, entries());
  const uint64_t waiting = pending_for(config_.gateway.state_dir, "centre");
  size_t n = 0;
  for (const Config& other : {config_, with_another_uplink(config_), with_another_rule(config_),
                              with_another_rule(with_another_uplink(config_))}) {
    const std::string copy = folder_ / ("copy" + std::to_string(++n));
    const auto restored = restore(other, {}, copy);
    ASSERT_TRUE(restored.ok()) << restored.error().message;
    EXPECT_EQ(restored->pending, waiting);
    EXPECT_EQ(restored->lost, 0u);
    EXPECT_EQ(pending_for(copy, "centre"), waiting);
    EXPECT_EQ(pending_for(copy, "away"), 0u);
  }
}

TEST_F(ChangedConfig, what_another_rule_would_have_said_has_its_version) {
  live_and_be_killed(config_, entries());
  const Config other = with_another_rule(config_);
  const std::string version = version_digits(config_version(other));
  ASSERT_NE(version, version_digits(config_version(config_)));
  size_t would_be = 0;
  const auto take = [&](std::string_view line) {
    const bool is_new = line.find("/replay/") != line.npos;
    would_be += is_new;
    EXPECT_EQ(line.find("\"config\":\"" + version) != line.npos, is_new) << line;
  };
  EXPECT_TRUE(replay_journal(other, other.gateway.state_dir, {}, take).ok());
  EXPECT_GT(would_be, 0u);
}

TEST_F(ChangedConfig, a_replay_says_which_readings_and_fields_its_configuration_misses) {
  live_and_be_killed(config_, entries());
  const auto left_out = [&](const Config& config) {
    const auto never = [] { return false; };
    auto past = JournalReplay::look_at(config_.gateway.state_dir, UINT64_MAX, never);
    auto replay = JournalReplay::open(config, config_.gateway.state_dir, *past, {}, never);
    while (*(*replay)->next()) {
    }
    return (*replay)->left_out();
  };
  EXPECT_TRUE(left_out(config_).empty());
  Config more = config_;
  more.sources[0].fields.emplace_back().name = "hum";
  Lines lines = left_out(more);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("readings of 'climate' the field 'hum' is NULL"), std::string::npos);
  Config renamed = config_;
  renamed.sources[0].name = "weather";
  for (WindowOptions& w : renamed.windows) w.from = {"weather"};
  for (RuleOptions& r : renamed.rules) r.from = "weather";
  lines = left_out(renamed);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("readings are of source 'climate'"), std::string::npos);
}

TEST_F(ChangedConfig, a_copy_for_other_uplinks_tells_how_much_nobody_will_deliver) {
  live_and_be_killed(config_, entries());
  const uint64_t waiting = pending_for(config_.gateway.state_dir, "centre");
  Config other = config_;
  other.uplinks[0].name = "elsewhere";
  const auto restored = restore(other, {}, folder_ / "copy");
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  EXPECT_EQ(restored->pending, 0u);
  EXPECT_EQ(restored->lost, waiting);
}

}  // namespace
}  // namespace wayside
