// The whole loop, with its threads, journal and store, on a machine whose system clock is set to
// something else at nearly every look at it. Nothing here waits for a time to come.
#include <gtest/gtest.h>

#include "firmware-gw/loop.h"
#include "pipeline/emission_codec.h"
#include "tests/machine.h"
#include "tests/messages.h"
#include "tests/seeds.h"
#include "tests/stage.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

constexpr uint64_t kSeeds = 6;
constexpr size_t kLives = 6;
const int64_t kStart = *parse_rfc3339_ms("2026-07-17T08:00:00Z");

// Each look at it takes some milliseconds and finds the system clock set to anything.
class DisturbedClock : public Clock {
 public:
  DisturbedClock(Machine& machine, std::mt19937_64& random, bool disturbed, std::string_view saved,
                 const Now& last)
      : machine_(machine),
        random_(random),
        disturbed_(disturbed),
        time_({.build_ms = Machine::kBuildMs}, machine.boot(), saved, last, machine.read()) {}
  Now now() override {
    machine_.advance(7);
    if (disturbed_) machine_.step(random_);
    return time_.at(machine_.read());
  }
  std::string save() const override { return time_.save(); }

 private:
  Machine& machine_;
  std::mt19937_64& random_;
  bool disturbed_;
  HeldTime time_;
};

class ClockInLoop : public testing::Test {
 protected:
  struct Outcome {
    Lines lines;  // windows and alarms, by text
    Ledger ledger;
    size_t epochs = 0;
  };

  // Lives over parts of the messages; between some of them the machine itself was off.
  Outcome live(uint64_t seed, const std::vector<TestMessage>& messages, bool disturbed,
               bool starts_unset) {
    const std::string state_dir =
        folder_ / (std::to_string(seed) + (disturbed ? "-stepped" : "-calm") +
                   (starts_unset ? "-unset" : ""));
    Config config = small_config(state_dir);
    config.sources[0].max_future_ms = 120'000;
    config.sources[0].idle_after_ms = config.sources[0].forget_after_ms = 365 * kDayMs;
    Machine machine(kStart, starts_unset);
    std::mt19937_64 random(seed);
    Surroundings around = Surroundings::system(config);
    around.make_clock = [&](std::string_view saved, const Now& last) {
      return std::make_unique<DisturbedClock>(machine, random, disturbed, saved, last);
    };
    Outcome outcome;
    for (size_t i = 0; i < kLives; ++i) {
      if (i % 2 == 1) machine.reboot(3'600'000);
      auto made = Loop::recover(config, around);
      EXPECT_TRUE(made.ok()) << made.error().message;
      if (!made.ok()) return outcome;
      Loop& loop = **made;
      const size_t begin = messages.size() * i / kLives, end = messages.size() * (i + 1) / kLives;
      push_chunks(loop.queue(),
                  {messages.begin() + ptrdiff_t(begin), messages.begin() + ptrdiff_t(end)}, 10);
      loop.start({[](uint32_t, uint64_t) {}, [] {}});
      loop.stop();
      outcome.ledger = loop.engine().pipeline().total();
    }
    read_outbox(state_dir, outcome);
    return outcome;
  }

 protected:
  TempFolder folder_;

 private:
  static void read_outbox(const std::string& state_dir, Outcome& outcome) {
    auto reader = OutboxReader::open(posix_disk(), state_dir);
    ASSERT_TRUE(reader.ok());
    outcome.epochs = (*reader)->epochs()->size();
    for (Lane lane : {Lane::kAlarm, Lane::kResult}) {
      auto rows = (*reader)->next(lane, 0, UINT64_MAX, 0, 100'000);
      ASSERT_TRUE(rows.ok());
      for (const OutboxReader::Row& row : *rows) {
        auto e = decode_emission(row.message);
        ASSERT_TRUE(e.ok());
        if (e->type != "incident") outcome.lines.push_back(to_line(*e));
      }
    }
    std::sort(outcome.lines.begin(), outcome.lines.end());
  }
};

// It may wait there for long, while the disk fails.
TEST_F(ClockInLoop, a_reading_has_the_time_at_which_it_came_not_at_which_it_left_the_queue) {
  Config config = small_config(folder_ / "queue");
  config.sources[0].time_path.clear();
  Machine machine(kStart, false);
  std::mt19937_64 random(1);
  Surroundings around = Surroundings::system(config);
  around.make_clock = [&](std::string_view saved, const Now& last) {
    return std::make_unique<DisturbedClock>(machine, random, false, saved, last);
  };
  const int64_t read_ms = machine.read().boot_ms;
  const int64_t came_ms = machine.true_ms();
  machine.advance(90'000);
  auto made = Loop::recover(config, around);
  ASSERT_TRUE(made.ok());
  auto chunk = make_chunk({{"fleet/v1/climate", R"({"t":1})", 1}});
  chunk->read_ms = read_ms;
  (*made)->queue().push(std::move(chunk), 1);
  (*made)->start({[](uint32_t, uint64_t) {}, [] {}});
  (*made)->stop();
  const auto keys = (*made)->engine().pipeline().key_times(10);
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].newest_ms, came_ms);
}

// Six devices with the right time, as of an hour before the machine's start and on.
std::vector<TestMessage> right_messages(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<TestMessage> messages;
  int64_t ts = kStart - 3'600'000;
  for (uint16_t i = 0; i < 600; ++i) {
    ts += int64_t(random() % 4'000);
    messages.push_back({"fleet/v" + std::to_string(random() % 6) + "/climate",
                        "{\"ts\":" + std::to_string(ts - int64_t(random() % 3'000)) +
                            ",\"t\":" + std::to_string(random() % 40) +
                            (random() % 3 ? ",\"door\":\"open\"}" : ",\"door\":\"shut\"}"),
                        uint16_t(i + 1)});
  }
  return messages;
}

TEST_F(ClockInLoop, whatever_the_system_clock_says_all_lives_say_the_same) {
  for (auto [seed, end] = seeds(kSeeds); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto messages = right_messages(seed);
    const Outcome expected = live(seed, messages, false, false);
    ASSERT_GT(expected.lines.size(), 100u);
    EXPECT_EQ(expected.ledger.used + expected.ledger.late, messages.size());
    for (const bool starts_unset : {false, true}) {
      const Outcome outcome = live(seed, messages, true, starts_unset);
      EXPECT_EQ(outcome.lines, expected.lines);
      EXPECT_EQ(outcome.ledger.in, messages.size());
      EXPECT_EQ(outcome.ledger.used, expected.ledger.used);
      EXPECT_EQ(outcome.ledger.late, expected.ledger.late);
      EXPECT_EQ(outcome.epochs, 1u) << "each replay said what was said before";
    }
  }
}

}  // namespace
}  // namespace wayside
