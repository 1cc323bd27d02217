// Which reading made a block say something, through each kind of block.
#include "pipeline/cause.h"

#include <gtest/gtest.h>

#include "firmware-gw/engine.h"
#include "tests/messages.h"

namespace wayside {
namespace {

constexpr const char* kBlocks = R"toml(
max_future = "off"
max_disorder = "0s"
fields = { temp_c = "t", door = { path = "door", type = "text" } }

[[window]]
name = "window"
from = "climate"
size = "10s"
select = { n = "count()" }
late_to = ["centre"]

[[window]]
name = "of_windows"
from = "window"
size = "20s"
select = { n = "sum(n)" }

[[rule]]
name = "rule"
from = "climate"
when = "temp_c > 4"

[[map]]
name = "lines"
from = "climate"
explode = "'[' || temp_c || ',' || temp_c || ']'"
select = { v = "value" }

[[state]]
name = "state"
from = "lines"
next = { n = "coalesce(n, 0) + 1" }
to = ["centre"]

[[join]]
name = "join"
from = "climate"
with = "window"
max_wait = "0s"

[[order]]
name = "ordered"
from = "climate"

[[pattern]]
name = "pattern"
from = "ordered"
within = "1m"
steps = [{ name = "one", when = "temp_c = 1" }, { name = "nine", when = "temp_c = 9" }]

[[uplink]]
name = "centre"
)toml";

// "window 0.2" and so on: block, entry and place.
std::vector<std::string> causes(const Engine& engine) {
  std::vector<std::string> all;
  for (const Emission& e : const_cast<Engine&>(engine).emissions().pending()) {
    all.push_back(e.block + ' ' + to_text(e.cause));
  }
  std::sort(all.begin(), all.end());
  return all;
}

TestMessage reading(int64_t time_ms, int temp_c) {
  return {"fleet/a/climate",
          "{\"ts\":" + std::to_string(time_ms) + ",\"t\":" + std::to_string(temp_c) + "}"};
}

class CauseOf : public testing::Test {
 protected:
  // A turn a list of messages, all of them in one group of entry 7.
  std::vector<std::string> said(const std::vector<std::vector<TestMessage>>& turns) {
    auto engine = std::move(*Engine::make(config_, {"centre"}));
    engine->begin_group(7);
    for (const auto& messages : turns) {
      std::vector<std::unique_ptr<Chunk>> chunks;
      chunks.push_back(make_chunk(messages));
      engine->turn({100'000, 100'000}, chunks);
    }
    engine->end_group();
    encode_group(engine->group(), engine->schemas(), engine->connections(), block_);
    return causes(*engine);
  }
  const Config config_ = climate_config("/nowhere", kBlocks);
  std::string block_;
};

TEST_F(CauseOf, each_event_is_the_reading_that_had_just_come) {
  const std::vector<TestMessage> all = {reading(1'000, 1), reading(9'000, 9), reading(10'500, 2),
                                        reading(3'000, 2), reading(25'000, 2)};
  const std::vector<std::string> expected = {
      "join 7.1",  "join 7.2",  "join 7.4",   "of_windows 7.4", "pattern 7.2",
      "rule 7.2",  "rule 7.4",  "state 7.0",  "state 7.0",      "state 7.1",
      "state 7.1", "state 7.2", "state 7.2",  "state 7.3",      "state 7.3",
      "state 7.4", "state 7.4", "window 7.2", "window 7.3",     "window 7.4",
  };
  EXPECT_EQ(said({all}), expected);
  EXPECT_EQ(said({{all[0]}, {all[1]}, {all[2], all[3]}, {all[4]}}), expected)
      << "however they are cut";
}

TEST_F(CauseOf, a_replay_is_the_same) {
  const auto live = said({{reading(1'000, 1), reading(9'000, 9)}, {reading(10'500, 2)}});
  auto engine = std::move(*Engine::make(config_, {"centre"}));
  Group group = engine->admission().make_group();
  ASSERT_TRUE(decode_group(block_, engine->schemas(), engine->connections(), group).ok());
  engine->replay(group, 7);
  EXPECT_EQ(causes(*engine), live);
  for (const Emission& e : engine->emissions().pending()) {
    EXPECT_EQ(e.config, engine->config_version());
  }
}

TEST_F(CauseOf, what_time_alone_brings_is_the_entry) {
  auto engine = std::move(*Engine::make(config_, {"centre"}));
  engine->begin_group(7);
  std::vector<std::unique_ptr<Chunk>> chunks;
  chunks.push_back(make_chunk({reading(1'000, 1)}));
  engine->turn({100'000, 100'000}, chunks);
  engine->turn({100'000'000, 100'000'000}, {});  // it is forgotten
  engine->end_group();
  const auto all = causes(*engine);
  EXPECT_NE(std::find(all.begin(), all.end(), "window 7"), all.end());
}

}  // namespace
}  // namespace wayside
