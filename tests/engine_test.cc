#include "firmware-gw/engine.h"

#include <gtest/gtest.h>

#include "tests/messages.h"
#include "tests/seeds.h"
#include "tests/stage.h"

namespace wayside {
namespace {

constexpr uint64_t kSeeds = 8;

std::unique_ptr<Engine> make_engine(const Config& config) {
  auto engine = Engine::make(config, {"centre"});
  EXPECT_TRUE(engine.ok()) << engine.error().message;
  return std::move(*engine);
}

// What a life leaves: the journal's blocks, the digest behind each, all emissions with their
// numbers.
struct Life {
  std::vector<std::string> blocks;
  std::vector<Digest> digests;
  Lines said;
  Ledger ledger;
  uint64_t emitted = 0;
};

void hear(Engine& engine, Life& life) {
  life.digests.push_back(engine.digest());
  for (const Emission& e : engine.emissions().pending()) {
    life.said.push_back(std::to_string(e.sequence) + ' ' + to_line(e));
  }
  life.ledger = engine.pipeline().total();
  life.emitted = engine.emissions().emitted().empty() ? 0 : engine.emissions().emitted()[0];
}

// Turns of some messages a second, some of them with a long silence before; a group ends after
// `group_turns`.
Life live(const Config& config, uint64_t seed, size_t group_turns) {
  Life life;
  auto engine = make_engine(config);
  std::mt19937_64 random(seed);
  const std::vector<TestMessage> messages = make_messages(seed, 600);
  int64_t now_ms = 1'700'000'000'000;
  size_t turns = 0;
  const auto end_group = [&] {
    engine->end_group();
    encode_group(engine->group(), engine->schemas(), engine->connections(),
                 life.blocks.emplace_back());
    hear(*engine, life);
    engine->next_group();
  };
  for (size_t i = 0; i < messages.size();) {
    std::vector<std::unique_ptr<Chunk>> chunks;
    for (uint64_t n = random() % 3; n > 0 && i < messages.size(); --n) {
      const size_t end = std::min<size_t>(messages.size(), i + 1 + random() % 8);
      chunks.push_back(
          make_chunk({messages.begin() + ptrdiff_t(i), messages.begin() + ptrdiff_t(end)}));
      i = end;
    }
    now_ms += random() % 20 == 0 ? 45'000 : 1'000;
    engine->turn({now_ms, now_ms}, chunks);
    if (++turns % group_turns == 0) end_group();
  }
  end_group();
  return life;
}

Life replay(const Config& config, const std::vector<std::string>& blocks) {
  Life life;
  auto engine = make_engine(config);
  for (const std::string& block : blocks) {
    Group group = engine->admission().make_group();
    const Status decoded = decode_group(block, engine->schemas(), engine->connections(), group);
    EXPECT_TRUE(decoded.ok());
    engine->replay(group, blocks.size());
    hear(*engine, life);
  }
  return life;
}

TEST(Engine, a_replay_of_the_journal_says_the_same_under_the_same_numbers) {
  const Config config = small_config();
  for (auto [seed, end] = seeds(kSeeds); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Life first = live(config, seed, 1 + seed % 5);
    const Life again = replay(config, first.blocks);
    ASSERT_GT(first.said.size(), 50u);
    EXPECT_EQ(again.said, first.said);
    EXPECT_EQ(again.digests, first.digests);
    EXPECT_EQ(again.emitted, first.emitted);
  }
}

TEST(Engine, how_turns_are_grouped_into_commits_does_not_matter) {
  const Config config = small_config();
  const Life single = live(config, 3, 1);
  for (size_t group_turns : {2u, 7u, 1'000u}) {
    const Life grouped = live(config, 3, group_turns);
    EXPECT_EQ(grouped.said, single.said);
    EXPECT_EQ(grouped.emitted, single.emitted);
  }
}

TEST(Engine, each_message_has_one_fate_live_and_in_a_replay) {
  const Config config = small_config();
  for (auto [seed, end] = seeds(kSeeds); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Life first = live(config, seed, 3);
    const Life again = replay(config, first.blocks);
    for (const Ledger& ledger : {first.ledger, again.ledger}) {
      EXPECT_EQ(ledger.in, make_messages(seed, 600).size());
      EXPECT_TRUE(ledger.balanced());
      EXPECT_GT(ledger.quarantined, 0u);
      EXPECT_GT(ledger.duplicate, 0u);
      EXPECT_GT(ledger.late, 0u);
      EXPECT_EQ(ledger.used, first.ledger.used);
      EXPECT_EQ(ledger.duplicate, first.ledger.duplicate);
    }
  }
}

TEST(Engine, readings_that_an_uplink_forwards_count_as_its_emissions) {
  Config config = small_config();
  const Life forwarding = live(config, 1, 2);
  config.uplinks[0].raw.clear();
  const Life not_forwarding = live(config, 1, 2);
  EXPECT_EQ(not_forwarding.emitted, not_forwarding.said.size());
  EXPECT_EQ(forwarding.said, not_forwarding.said);
  EXPECT_EQ(forwarding.emitted - not_forwarding.emitted,
            forwarding.ledger.used + forwarding.ledger.late);
}

}  // namespace
}  // namespace wayside
