// Lives of a small gateway, and what its journal tells of them.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "config/written.h"
#include "firmware-gw/explain.h"
#include "firmware-gw/loop.h"
#include "firmware-gw/replay.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {

// Stands still.
class StandingClock : public Clock {
 public:
  explicit StandingClock(int64_t ms) : now_{ms, ms} {}
  Now now() override { return now_; }
  std::string save() const override { return ""; }

 private:
  Now now_;
};

class ExplainFixture : public testing::Test {
 protected:
  using Group = std::vector<std::string>;  // "truck-1 1000 5 open", "truck-1 1000 5 true"
  static constexpr int64_t kStartMs = 1'700'000'000'000;
  static constexpr int64_t kHourMs = 3'600'000;

  struct Said {
    std::string id;
    std::string line;
  };
  static bool never() { return false; }

  // `source`: more keys of the source.
  static Config config_in(const std::string& folder, const std::string& blocks,
                          const std::string& source = "") {
    constexpr const char* kSource = R"toml(
max_future = "off"
max_disorder = "0s"
fields = { temp_c = "t", door = { path = "door", type = "text" }, shut = { path = "shut", type = "bool" } }
)toml";
    constexpr const char* kUplink = "\n[[uplink]]\nname = \"centre\"\n";
    return climate_config(folder, kSource + source + kUplink + blocks);
  }
  Config config(const std::string& blocks, const std::string& source = "") const {
    return config_in(folder_ / "state", blocks, source);
  }

  static TestMessage message_of(const std::string& reading) {
    std::istringstream words(reading);
    std::string key, time, temp, door;
    words >> key >> time >> temp >> door;
    std::string payload = "{\"ts\":" + time + ",\"t\":" + temp;
    if (door == "true" || door == "false") {
      payload += ",\"shut\":" + door;
    } else if (!door.empty()) {
      payload += ",\"door\":\"" + door + "\"";
    }
    return {"fleet/" + key + "/climate", payload + "}"};
  }
  // A life of its own for each group, `step_ms_` after the last one. All of it is one turn, or each
  // reading one.
  void live(const Config& config, const Group& readings, bool one_turn = false) {
    std::vector<TestMessage> messages;
    for (const std::string& reading : readings) messages.push_back(message_of(reading));
    Surroundings around = Surroundings::system(config);
    const int64_t now_ms = kStartMs + step_ms_ * lives_++;
    around.make_clock = [=](std::string_view, const Now&) {
      return std::make_unique<StandingClock>(now_ms);
    };
    auto loop = Loop::recover(config, around);
    ASSERT_TRUE(loop.ok()) << loop.error().message;
    push_chunks((*loop)->queue(), messages, one_turn ? messages.size() : 1);
    (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
    (*loop)->stop();
  }
  static std::vector<Said> said(const Config& config, const std::string& block) {
    std::vector<Said> all;
    const auto take = [&](std::string_view line) {
      if (line.find("\"block\":\"" + block + "\"") == line.npos) return;
      const size_t id = line.find(":\"") + 2;
      all.push_back({std::string(line.substr(id, line.find('"', id) - id)), std::string(line)});
    };
    EXPECT_TRUE(replay_journal(config, config.gateway.state_dir, {}, take).ok());
    return all;
  }
  // "climate 1000" for each reading behind it; of a block between what is behind that.
  static std::string behind(const Explanation& e) {
    std::string text;
    for (const Explanation& b : e.behind) {
      if (!text.empty()) text += ", ";
      text += b.told.block + ' ' + std::to_string(b.told.time_ms);
      if (b.told.type == "row") text += " (" + behind(b) + ")";
    }
    return text;
  }
  static std::string behind(const Config& config, const std::string& id, size_t limit = 100) {
    const auto explained = explain(config, id, limit, never);
    EXPECT_TRUE(explained.ok()) << explained.error().message;
    return explained.ok() ? behind(explained->event) : "";
  }
  static std::string error(const Config& config, const std::string& id) {
    const auto explained = explain(config, id, 100, never);
    EXPECT_FALSE(explained.ok()) << id;
    return explained.ok() ? "" : explained.error().message;
  }

  TempFolder folder_;
  int64_t lives_ = 0;
  int64_t step_ms_ = 1'000;
};

constexpr const char* kTooWarm =
    "[[rule]]\nname = \"r\"\nfrom = \"climate\"\nwhen = \"temp_c > 4\"\n";

}  // namespace wayside
