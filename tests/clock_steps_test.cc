// Whole lives of an engine on a machine whose system clock is set to anything, 400 times an hour,
// at every stage: before the start, within a group, between groups, across restarts and reboots,
// while nothing is known. What is said must be what would have been said without.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "firmware-gw/engine.h"
#include "tests/machine.h"
#include "tests/messages.h"
#include "tests/seeds.h"
#include "tests/stage.h"

namespace wayside {
namespace {

constexpr uint64_t kStepSeeds = 24;
constexpr size_t kTurns = 400;
constexpr int kDevices = 5;
constexpr int64_t kYearMs = 365 * kDayMs;
const int64_t kStepsStart = *parse_rfc3339_ms("2026-07-17T08:00:00Z");

constexpr const char* kConfig = R"toml(
idle_after = "40s"
forget_after = "10m"
fields = { temp_c = "t", door = { path = "door", type = "text" } }

[[source]]
name = "bumps"
topic = "fleet/{vehicle}/bumps"
key = "vehicle"
idle_after = "40s"
forget_after = "10m"
fields = { g = "g" }

[[window]]
name = "w"
from = "climate"
size = "1m"
allowed_lateness = "10s"
select = { n = "count()", avg = "avg(temp_c)" }

[[window]]
name = "bumps_1m"
from = "bumps"
size = "1m"
select = { n = "count()" }

[[rule]]
name = "open_30s"
from = "climate"
when = "door = 'open'"
for = "30s"

[[uplink]]
name = "centre"
)toml";

Config make_config() { return climate_config("/nowhere", kConfig); }

// One turn as it is meant: how long after the one before, what comes in, what happens before it.
struct Step {
  int64_t after_ms = 0;
  std::vector<TestMessage> messages;
  bool ends_group = false;
  bool restart = false;  // of the daemon
  int64_t away_ms = -1;  // of the machine; less than 0: none
};

// An hour of a fleet. Devices have the right time, to a second or two; some fall silent for a
// while.
std::vector<Step> make_hour(uint64_t seed, bool reboots) {
  std::mt19937_64 random(seed);
  std::vector<Step> steps;
  int64_t now_ms = kStepsStart;
  int64_t silent_until_ms[kDevices] = {};
  for (size_t i = 0; i < kTurns; ++i) {
    Step step;
    step.after_ms = int64_t(random() % 18'000);
    step.ends_group = random() % 4 == 0;
    step.restart = random() % 50 == 0;
    if (reboots && random() % 100 == 0) step.away_ms = int64_t(random() % (3 * 3'600'000));
    now_ms += step.after_ms + std::max<int64_t>(step.away_ms, 0);
    for (int d = 0; d < kDevices; ++d) {
      if (random() % 100 == 0) silent_until_ms[d] = now_ms + int64_t(random() % 900'000);
      if (now_ms < silent_until_ms[d]) continue;
      const std::string topic = "fleet/v" + std::to_string(d);
      const int64_t ts = now_ms - int64_t(random() % 4'000) + 1'000;
      const char* door = random() % 4 == 0 ? "shut" : "open";
      step.messages.push_back({topic + "/climate", "{\"ts\":" + std::to_string(ts) +
                                                       ",\"t\":" + std::to_string(random() % 40) +
                                                       ",\"door\":\"" + door + "\"}"});
      if (random() % 2) step.messages.push_back({topic + "/bumps", "{\"g\":2}"});
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

struct ToldInSteps {
  Lines climate;  // what the source with times of its own led to
  Lines bumps;    // what the other one did
  Lines incidents;
  std::map<std::string, Ledger> ledgers;
  uint64_t sent = 0;
  size_t marked = 0;  // said while the clock was not set
  size_t set = 0;     // how often the clock was
};

// Runs an engine and its clock through the steps, as the loop does.
class World {
 public:
  World(const Config& config, bool starts_unset)
      : config_(config), machine_(kStepsStart, starts_unset) {}

  // Called before each turn.
  std::function<void(Machine&)> disturb;

  ToldInSteps run(const std::vector<Step>& steps) {
    start("", {});
    for (const Step& step : steps) {
      machine_.advance(step.after_ms);
      if (disturb) disturb(machine_);
      if (step.restart || step.away_ms >= 0) restart(step.away_ms);
      turn(step.messages);
      if (step.ends_group) end_group();
    }
    end_group();
    engine_->pipeline().finish(engine_->emissions());
    hear();
    for (const auto& s : engine_->pipeline().source_status()) told_.ledgers[s.name] = s.ledger;
    expect_same_from_journal();
    return told_;
  }

 private:
  void start(const std::string& saved, const Now& last) {
    auto engine = Engine::make(config_, {"centre"});
    ASSERT_TRUE(engine.ok());
    engine_ = std::move(*engine);
    last_ = last;
    for (const std::string& block : blocks_) {
      Group group = engine_->admission().make_group();
      ASSERT_TRUE(decode_group(block, engine_->schemas(), engine_->connections(), group).ok());
      engine_->replay(group, blocks_.size());
      engine_->admission().remember(group);
      if (!group.turns.empty()) last_ = group.turns.back().now;
    }
    engine_->emissions().clear();
    engine_->resume();
    ClockOptions options = config_.clock;
    options.build_ms = Machine::kBuildMs;
    time_ = std::make_unique<HeldTime>(options, machine_.boot(), saved, last_, machine_.read());
    const Now now = time_->at(machine_.read());
    if (last_.timer_ms == 0) last_ = now;
    if (last_.clock != ClockState::kUnset) last_.clock = now.clock;
    first_ = true;
  }
  void restart(int64_t away_ms) {
    end_group();
    const std::string saved = time_->save();
    if (away_ms >= 0) {
      machine_.reboot(away_ms);
      newest_.clear();  // keys may be forgotten when it is back
    }
    start(saved, {});
  }

  void turn(const std::vector<TestMessage>& messages) {
    const Now now = time_->at(machine_.read());
    EXPECT_GE(now.timer_ms, last_.timer_ms);
    std::vector<std::unique_ptr<Chunk>> chunks;
    chunks.push_back(make_chunk(messages));
    chunks.back()->arrival_ms = now.wall_ms;
    const bool set = step_between(last_, now) != 0 || became_synced(last_, now);
    told_.set += step_between(last_, now) != 0;
    engine_->tell_clock(last_, now, first_);
    first_ = false;
    // Timers fire where they are due, as the loop wakes for them.
    engine_->turn(now, chunks);
    told_.sent += messages.size();
    last_ = now;
    check_watermarks(set);
  }

  // What was read of each key only goes on, save where our clock is set, and the watermark is
  // behind it (in source mode: behind what was read of all).
  void check_watermarks(bool set) {
    if (set) newest_.clear();
    std::map<std::string, int64_t> now;
    const std::vector<Pipeline::KeyLag> keys = engine_->pipeline().key_times(1'000);
    int64_t newest = kTimeMin;
    for (const auto& k : keys) newest = std::max(newest, k.newest_ms);
    const bool by_key = config_.sources[0].watermark == WatermarkMode::kKey;
    for (const auto& k : keys) {
      EXPECT_LT(k.watermark_ms, by_key ? k.newest_ms : newest);
      auto before = newest_.find(k.key);
      if (before != newest_.end()) {
        EXPECT_GE(k.newest_ms, before->second) << k.key;
      }
      now[k.key] = k.newest_ms;
    }
    newest_ = std::move(now);
  }

  void end_group() {
    if (engine_->group().turns.empty()) return;
    engine_->end_group();
    encode_group(engine_->group(), engine_->schemas(), engine_->connections(),
                 blocks_.emplace_back());
    digests_.push_back(engine_->digest());
    hear();
    engine_->next_group();
  }
  void hear() {
    for (const Emission& e : engine_->emissions().pending()) {
      told_.marked += e.clock_unset;
      Lines& lines = e.type == "incident"    ? told_.incidents
                     : e.block == "bumps_1m" ? told_.bumps
                                             : told_.climate;
      lines.push_back(to_line(e));
    }
  }

  // A replay takes each note where it was taken.
  void expect_same_from_journal() {
    auto engine = std::move(*Engine::make(config_, {"centre"}));
    for (size_t i = 0; i < blocks_.size(); ++i) {
      Group group = engine->admission().make_group();
      ASSERT_TRUE(decode_group(blocks_[i], engine->schemas(), engine->connections(), group).ok());
      engine->replay(group, i + 1);
      ASSERT_EQ(engine->digest(), digests_[i]) << "journal entry " << i + 1;
    }
  }

  const Config& config_;
  Machine machine_;
  std::unique_ptr<HeldTime> time_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::string> blocks_;
  std::vector<Digest> digests_;
  Now last_;
  bool first_ = true;
  std::map<std::string, int64_t> newest_;
  ToldInSteps told_;
};

void expect_nothing_lost(const ToldInSteps& told) {
  uint64_t in = 0;
  for (const auto& [name, ledger] : told.ledgers) {
    EXPECT_TRUE(ledger.balanced()) << name;
    EXPECT_EQ(ledger.used + ledger.late, ledger.in) << name << ": all of it was taken in";
    in += ledger.in;
  }
  EXPECT_EQ(in, told.sent);
}

TEST(ClockSteps, a_system_clock_that_is_set_to_anything_changes_nothing) {
  const Config config = make_config();
  for (auto [seed, end] = seeds(kStepSeeds); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::vector<Step> hour = make_hour(seed, false);
    World calm(config, false);
    const ToldInSteps expected = calm.run(hour);
    ASSERT_GT(expected.climate.size(), 200u);
    expect_nothing_lost(expected);
    World stepped(config, false);
    std::mt19937_64 random(seed);
    stepped.disturb = [&](Machine& machine) {
      machine.step(random);
      if (random() % 2) machine.step(random);
    };
    const ToldInSteps told = stepped.run(hour);
    expect_nothing_lost(told);
    EXPECT_EQ(told.climate, expected.climate) << "idleness and `for` included";
    EXPECT_EQ(told.bumps, expected.bumps) << "and arrivals, since our time is right throughout";
    EXPECT_EQ(told.ledgers.at("climate").late, expected.ledgers.at("climate").late);
    EXPECT_EQ(told.ledgers.at("bumps").late, 0u);
  }
}

TEST(ClockSteps, a_start_that_knows_no_time_loses_nothing_and_marks_what_it_says) {
  const Config config = make_config();
  for (auto [seed, end] = seeds(kStepSeeds); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::vector<Step> hour = make_hour(seed, false);
    World calm(config, false);
    const ToldInSteps expected = calm.run(hour);
    World unset(config, true);
    size_t turns = 0;
    std::mt19937_64 random(seed);
    unset.disturb = [&](Machine& machine) {
      if (++turns == 150) return machine.synchronise();
      if (turns > 150) return machine.step(random);
      machine.set_system(int64_t(random() % 1'000'000'000) * 1'000);  // 1970 to 2001
    };
    const ToldInSteps told = unset.run(hour);
    expect_nothing_lost(told);
    EXPECT_EQ(told.climate, expected.climate);
    EXPECT_EQ(told.ledgers.at("bumps").late, 0u);
    EXPECT_GT(told.marked, 10u);
    EXPECT_EQ(told.set, 1u);
    ASSERT_EQ(told.incidents.size(), 1u);
    EXPECT_NE(told.incidents[0].find("state=synced state_before=unset"), std::string::npos)
        << told.incidents[0];
  }
}

// Away for hours, and then with a system clock of 1970 or of the last shutdown. Timers depend on
// how long we were away, so that only what event time decides is compared.
TEST(ClockSteps, reboots_with_any_clock_lose_nothing) {
  Config config = make_config();
  for (SourceOptions& s : config.sources) s.idle_after_ms = s.forget_after_ms = 30 * kDayMs;
  for (auto [seed, end] = seeds(kStepSeeds); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::vector<Step> hour = make_hour(seed, true);
    World calm(config, false);
    calm.disturb = [](Machine& machine) { machine.synchronise(); };
    const ToldInSteps expected = calm.run(hour);
    for (const bool starts_unset : {false, true}) {
      World stepped(config, starts_unset);
      std::mt19937_64 random(seed);
      stepped.disturb = [&](Machine& machine) { machine.step(random); };
      const ToldInSteps told = stepped.run(hour);
      expect_nothing_lost(told);
      EXPECT_EQ(told.climate, expected.climate);
      EXPECT_EQ(told.ledgers.at("bumps").late, 0u);
    }
  }
}

TEST(ClockSteps, one_device_years_ahead_leaves_the_other_199_as_they_were) {
  const Config config = make_config();
  for (const bool synchronised : {true, false}) {
    for (const int64_t ahead_ms : {5 * kYearMs, 10 * kYearMs, -10 * kYearMs, -kStepsStart}) {
      std::mt19937_64 random(7);
      std::vector<Step> steps(60);
      for (Step& step : steps) {
        step.after_ms = 10'000;
        step.ends_group = true;
      }
      std::vector<Step> with_bad = steps;
      int64_t now_ms = kStepsStart;
      for (size_t i = 0; i < steps.size(); ++i) {
        now_ms += steps[i].after_ms;
        for (int d = 0; d < 200; ++d) {
          const bool bad = d == 77;
          const TestMessage m{"fleet/d" + std::to_string(d) + "/climate",
                              "{\"ts\":" + std::to_string(now_ms + (bad ? ahead_ms : 0)) +
                                  ",\"t\":" + std::to_string(random() % 40) + "}"};
          with_bad[i].messages.push_back(m);
          if (!bad) steps[i].messages.push_back(m);
        }
      }
      const auto run = [&](const std::vector<Step>& what) {
        World world(config, false);
        if (synchronised) world.disturb = [](Machine& machine) { machine.synchronise(); };
        return world.run(what);
      };
      const ToldInSteps expected = run(steps);
      ToldInSteps told = run(with_bad);
      EXPECT_EQ(told.ledgers.at("climate").in, 200u * steps.size());
      EXPECT_EQ(told.ledgers.at("climate").quarantined, ahead_ms > 0 ? steps.size() : 0);
      std::erase_if(told.climate,
                    [](const std::string& line) { return line.starts_with("w d77 "); });
      EXPECT_EQ(told.climate, expected.climate) << ahead_ms;
    }
  }
}

// Before our time is known, a device years ahead is believed. When it is known, that ends: the
// device's next right readings are not late, and in source mode neither are those of the others.
TEST(ClockSteps, what_came_from_the_future_before_the_sync_does_not_make_later_readings_late) {
  for (const WatermarkMode mode : {WatermarkMode::kKey, WatermarkMode::kSource}) {
    Config config = make_config();
    for (SourceOptions& s : config.sources) s.watermark = mode;
    std::vector<Step> steps(40);
    int64_t now_ms = kStepsStart;
    for (size_t i = 0; i < steps.size(); ++i) {
      steps[i].after_ms = 10'000;
      steps[i].ends_group = i % 3 == 0;
      now_ms += 10'000;
      for (const char* device : {"v1", "v2"}) {
        const bool wrong = i < 19 && device == std::string("v2");
        steps[i].messages.push_back(
            {std::string("fleet/") + device + "/climate",
             "{\"ts\":" + std::to_string(now_ms + (wrong ? 3 * kYearMs : 0)) + ",\"t\":1}"});
      }
    }
    World world(config, true);
    size_t turns = 0;
    world.disturb = [&](Machine& machine) {
      if (++turns == 20) machine.synchronise();
    };
    const ToldInSteps told = world.run(steps);
    const Ledger& ledger = told.ledgers.at("climate");
    EXPECT_EQ(ledger.in, 80u);
    EXPECT_EQ(ledger.quarantined, 0u);
    // In source mode v1 is late as long as v2 leads the source: that is what the mode means.
    EXPECT_EQ(ledger.late, mode == WatermarkMode::kKey ? 0u : 18u);
    EXPECT_EQ(told.set, 1u);
  }
}

// The kernel itself may be wrong. Event times of devices are then too far in the future or not, but
// each reading has a fate, and a replay says the same.
TEST(ClockSteps, a_synchronised_clock_that_lies_loses_no_account_of_a_reading) {
  Config config = make_config();
  for (SourceOptions& s : config.sources) s.forget_after_ms = 30 * kDayMs;
  for (auto [seed, end] = seeds(kStepSeeds); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(config, seed % 2 == 0);
    std::mt19937_64 random(seed);
    world.disturb = [&](Machine& machine) {
      machine.step(random);
      if (random() % 3 == 0) machine.lie();
    };
    const ToldInSteps told = world.run(make_hour(seed, true));
    uint64_t in = 0;
    for (const auto& [name, ledger] : told.ledgers) {
      EXPECT_TRUE(ledger.balanced()) << name;
      in += ledger.in;
    }
    EXPECT_EQ(in, told.sent);
    EXPECT_GT(told.set, 5u);
  }
}

TEST(ClockSteps, devices_whose_gps_has_rolled_over_say_what_they_would_have_said) {
  const Config config = make_config();
  std::vector<Step> right(60);
  int64_t now_ms = kStepsStart;
  for (Step& step : right) {
    step.after_ms = 10'000;
    now_ms += 10'000;
    step.messages = {{"fleet/v1/climate", "{\"ts\":" + std::to_string(now_ms) + ",\"t\":1}"}};
  }
  std::vector<Step> rolled = right;
  for (Step& step : rolled) {
    const std::string& payload = step.messages[0].payload;
    const int64_t ts = std::stoll(payload.substr(payload.find(':') + 1));
    step.messages[0].payload = "{\"ts\":" + std::to_string(ts - kGpsEraMs) + ",\"t\":1}";
  }
  World world(config, false), other(config, false);
  const ToldInSteps expected = world.run(right);
  const ToldInSteps told = other.run(rolled);
  EXPECT_EQ(told.climate, expected.climate);
  EXPECT_FALSE(told.climate.empty());
  ASSERT_EQ(told.incidents.size(), 1u) << "told once";
  EXPECT_TRUE(told.incidents[0].starts_with("gps_rollover climate")) << told.incidents[0];
}

}  // namespace
}  // namespace wayside
