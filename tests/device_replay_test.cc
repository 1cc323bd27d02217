// The registry is a part of the configuration: a restart and a replay say the same with the same
// one, and with another one what it would have said.
#include <gtest/gtest.h>

#include "config/written.h"
#include "firmware-gw/journal_replay.h"
#include "firmware-gw/replay.h"
#include "storage/history.h"
#include "storage/store.h"
#include "tests/killed_life.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

constexpr const char* kRegistry = R"toml(
max_future = "off"
known_only = true
attributes = ["trailer"]
fields = { temp_c = { path = "t", max = 90 }, door = { path = "door", type = "text" } }

[[device]]
id = "v0"
calibrate = { temp_c = { scale = 0.5, offset = 60 } }
attributes = { trailer = "T-1" }

[[device]]
id = "v1"
blocked = true

[[device]]
id = "v2"
attributes = { trailer = "T-2" }

[[device]]
id = "v3"

[[window]]
name = "w"
from = "climate"
size = "10s"
select = { n = "count()", avg = "avg(temp_c)", low = "min(temp_c)", t1 = "count() FILTER (WHERE trailer = 'T-1')" }

[[rule]]
name = "warm"
from = "climate"
when = "temp_c > 85"

[[uplink]]
name = "centre"
)toml";

class DeviceReplay : public testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  Config registered() const {
    Config config = climate_config(folder_ / "state", kRegistry);
    config.storage.commit_age_ms = 0;
    return config;
  }
  // With another calibration of the first device.
  Config changed() const {
    std::string text = kRegistry;
    text.replace(text.find("offset = 60"), 11, "offset = 50");
    Config config = climate_config(folder_ / "state", text);
    config.storage.commit_age_ms = 0;
    return config;
  }
  static Lines replayed(const Config& config, Ledger* ledger = nullptr) {
    Lines lines;
    const auto result = replay_journal(config, config.gateway.state_dir, {},
                                       [&](std::string_view line) { lines.emplace_back(line); });
    EXPECT_TRUE(result.ok()) << result.error().message;
    if (ledger && result.ok()) *ledger = result->ledger;
    return lines;
  }
  static size_t holding(const Lines& lines, const std::string& text) {
    return size_t(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(text) != line.npos;
    }));
  }

  TempFolder folder_;
};

TEST_F(DeviceReplay, a_replay_says_what_was_said_and_each_message_has_one_fate) {
  const Config config = registered();
  live_and_be_killed(config, {make_messages(1, 300), make_messages(2, 300)});
  Ledger ledger;
  const Lines lines = replayed(config, &ledger);
  EXPECT_GT(holding(lines, "\"t1\":"), 20u);
  EXPECT_EQ(holding(lines, "/replay/"), 0u) << "all of it has the id that it was given";
  EXPECT_EQ(holding(lines, "\"key\":\"v1\""), 0u);
  EXPECT_EQ(holding(lines, "\"key\":\"v4\""), 0u);
  EXPECT_TRUE(ledger.balanced());
  EXPECT_GT(ledger.quarantined, 150u) << "two of five devices, and what is broken";
  EXPECT_GE(ledger.in, 600u);
}

TEST_F(DeviceReplay, a_restart_goes_on_in_the_same_epoch) {
  const Config config = registered();
  live_and_be_killed(config, {make_messages(1, 100)});
  live_and_be_killed(config, {make_messages(2, 100)});
  const auto loop = Loop::recover(config, Surroundings::system(config));
  ASSERT_TRUE(loop.ok()) << loop.error().message;
  EXPECT_TRUE((*loop)->damage().empty());
  const auto epochs = (*OutboxReader::open(posix_disk(), config.gateway.state_dir))->epochs();
  EXPECT_EQ(epochs->size(), 1u);
  EXPECT_TRUE((*loop)->engine().pipeline().total().balanced());
}

TEST_F(DeviceReplay, with_another_calibration_a_replay_says_what_that_would_have_said) {
  live_and_be_killed(registered(), {make_messages(1, 300)});
  const Config other = changed();
  ASSERT_NE(config_version(other), config_version(registered()));
  const Lines before = replayed(registered()), after = replayed(other);
  const auto windows_of = [](const Lines& lines, const std::string& key) {
    Lines found;
    for (const std::string& line : lines) {
      const size_t at = line.find("\"window_start\"");
      if (at == line.npos || line.find("\"key\":\"" + key + "\"") == line.npos) continue;
      found.push_back(line.substr(at));
    }
    return found;
  };
  EXPECT_GT(windows_of(before, "v0").size(), 5u);
  EXPECT_NE(windows_of(after, "v0"), windows_of(before, "v0"));
  EXPECT_EQ(windows_of(after, "v2"), windows_of(before, "v2"));
}

TEST_F(DeviceReplay, a_device_that_is_blocked_today_keeps_the_past_that_it_has) {
  std::string text = kRegistry;
  const std::string second = "id = \"v2\"\n";
  live_and_be_killed(registered(), {make_messages(1, 300)});
  const Lines before = replayed(registered());
  text.replace(text.find(second), second.size(), second + "blocked = true\n");
  const Lines after = replayed(climate_config(folder_ / "state", text));
  EXPECT_GT(holding(after, "\"key\":\"v2\""), 5u) << "who came in is in the journal";
  EXPECT_EQ(holding(after, "\"key\":\"v2\""), holding(before, "\"key\":\"v2\""));
}

}  // namespace
}  // namespace wayside
