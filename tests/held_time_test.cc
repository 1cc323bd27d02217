#include "base/held_time.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/machine.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

constexpr int64_t kHourMs = 3'600'000;
const int64_t kBuild = *parse_rfc3339_ms("2026-01-01T00:00:00Z");
const int64_t kTrue = *parse_rfc3339_ms("2026-07-17T08:00:00Z");

ClockOptions clock_options() {
  ClockOptions o;
  o.build_ms = kBuild;
  return o;
}

// The first time of a life after one that ended at `last`, on another run of the machine.
Now after_reboot(const Now& last, const ClockReading& first) {
  return HeldTime(clock_options(), "boot-2", "boot-1 5000 sure", last, first).at(first);
}

TEST(HeldTime, the_start_of_a_life_takes_the_best_that_is_known) {
  const Now held{kTrue, 7'000'000};
  const Now unset{kBuild + kHourMs, 7'000'000, ClockState::kUnset};
  struct Row {
    const char* what;
    Now last;
    int64_t system_ms;
    bool synchronised;
    ClockState state;
    int64_t wall_ms;
  };
  const Row rows[] = {
      {"nothing known, 1970", {}, 12'000, false, ClockState::kUnset, kBuild},
      {"nothing known, plausible", {}, kTrue, false, ClockState::kHeld, kTrue},
      {"nothing known, year 2099",
       {},
       kBuild + 73 * 366 * kDayMs,
       false,
       ClockState::kUnset,
       kBuild},
      {"nothing known, synchronised", {}, kTrue, true, ClockState::kSynced, kTrue},
      {"synchronised to before the build", {}, 12'000, true, ClockState::kUnset, kBuild},
      {"after a power cut 1970", held, 12'000, false, ClockState::kHeld, kTrue},
      {"the last shutdown", held, kTrue - kHourMs, false, ClockState::kHeld, kTrue},
      {"some hours later", held, kTrue + 5 * kHourMs, false, ClockState::kHeld,
       kTrue + 5 * kHourMs},
      {"years ahead", held, kTrue + 3'650 * kDayMs, false, ClockState::kHeld, kTrue},
      {"synchronised, years away", held, kTrue + 800 * kDayMs, true, ClockState::kSynced,
       kTrue + 800 * kDayMs},
      {"still nothing known", unset, 12'000, false, ClockState::kUnset, kBuild + kHourMs},
      {"set by hand before the start", unset, kTrue, false, ClockState::kHeld, kTrue},
      {"a newer build than our time",
       {kBuild - kDayMs, 7'000'000},
       12'000,
       false,
       ClockState::kHeld,
       kBuild},
  };
  for (const Row& row : rows) {
    const Now now = after_reboot(row.last, {row.system_ms, 3'000, row.synchronised});
    EXPECT_EQ(now.clock, row.state) << row.what;
    EXPECT_EQ(now.wall_ms, row.wall_ms) << row.what;
    EXPECT_EQ(now.may_lag_ms == 0, row.state == ClockState::kSynced) << row.what;
  }
}

TEST(HeldTime, a_battery_clock_makes_a_plausible_time_sure) {
  const Now last{kTrue, 7'000'000};
  EXPECT_EQ(after_reboot(last, {kTrue + kHourMs, 1, false, true}).may_lag_ms, 0);
  EXPECT_EQ(after_reboot(last, {12'000, 1, false, true}).may_lag_ms, clock_options().max_away_ms);
}

TEST(HeldTime, timers_go_on_by_the_time_away_if_that_is_known) {
  const Now last{kTrue, 7'000'000};
  struct Row {
    int64_t system_ms;
    int64_t away_ms;
  };
  for (const Row& row : {Row{kTrue + kHourMs, kHourMs}, Row{kTrue - kHourMs, 0}, Row{12'000, 0},
                         Row{kTrue + 3'650 * kDayMs, 0}}) {
    EXPECT_EQ(after_reboot(last, {row.system_ms, 3'000}).timer_ms, 7'000'000 + row.away_ms);
  }
  const Now unset{kBuild, 7'000'000, ClockState::kUnset};
  EXPECT_EQ(after_reboot(unset, {kTrue, 3'000, true}).timer_ms, 7'000'000);
}

TEST(HeldTime, a_sync_sets_it_and_so_does_a_step_of_a_synchronised_clock) {
  HeldTime time(clock_options(), "b", "", {}, {12'000, 1'000});
  EXPECT_EQ(time.at({13'000, 2'000}).clock, ClockState::kUnset);
  Now now = time.at({kTrue, 3'000, true});
  EXPECT_EQ(now.clock, ClockState::kSynced);
  EXPECT_EQ(now.wall_ms, kTrue);
  now = time.at({kTrue + 1'500, 4'000, true});
  EXPECT_EQ(now.wall_ms, kTrue + 1'000) << "within the step limit";
  now = time.at({kTrue + 2'501, 5'000, true});
  EXPECT_EQ(now.wall_ms, kTrue + 2'501);
  now = time.at({kTrue + 9'000'000, 6'000, false});
  EXPECT_EQ(now.clock, ClockState::kHeld);
  EXPECT_EQ(now.wall_ms, kTrue + 3'501) << "whoever set it did not tell the kernel";
  EXPECT_EQ(now.may_lag_ms, 0) << "it was synchronised in this run of the machine";
}

TEST(HeldTime, a_system_clock_that_is_trusted_is_followed) {
  ClockOptions trusting = clock_options();
  trusting.trust = ClockTrust::kSystem;
  HeldTime time(trusting, "b", "", {}, {12'000, 1'000});
  EXPECT_EQ(time.at({12'000, 1'000}).clock, ClockState::kUnset) << "but not to before the build";
  EXPECT_EQ(time.at({kTrue, 2'000}).wall_ms, kTrue);
}

TEST(HeldTime, a_restart_within_one_run_of_the_machine_does_not_look_at_the_system_clock) {
  HeldTime before(clock_options(), "b", "", {}, {kTrue, 1'000, true});
  const Now last = before.at({kTrue, 1'000, true});
  HeldTime after(clock_options(), "b", before.save(), last, {12'000, 61'000});
  const Now now = after.at({12'000, 61'000});
  EXPECT_EQ(now.wall_ms, kTrue + 60'000);
  EXPECT_EQ(now.timer_ms, last.timer_ms + 60'000);
  EXPECT_EQ(now.may_lag_ms, 0);
}

TEST(HeldTime, a_journal_that_is_ahead_of_the_saved_offset_wins) {
  HeldTime before(clock_options(), "b", "", {}, {kTrue, 1'000});
  const Now last{kTrue + kDayMs, kTrue + kDayMs};
  const Now now =
      HeldTime(clock_options(), "b", before.save(), last, {12'000, 2'000}).at({12'000, 2'000});
  EXPECT_GE(now.timer_ms, last.timer_ms);
  EXPECT_GE(now.wall_ms, last.wall_ms);
}

// Whatever anybody sets the system clock to, our time goes on with the boot clock while the kernel
// does not call it synchronised; timers do so always. Lives and runs of the machine change often.
TEST(HeldTime, unsynchronised_steps_do_not_reach_it) {
  for (auto [seed, end] = seeds(300); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Machine machine(kTrue, seed % 3 == 0);
    auto time =
        std::make_unique<HeldTime>(clock_options(), machine.boot(), "", Now(), machine.read());
    Now last = time->at(machine.read());
    for (int i = 0; i < 400; ++i) {
      machine.advance(int64_t(random() % 18'000));
      machine.step(random);
      const bool reboot = random() % 40 == 0;
      if (reboot) machine.reboot(int64_t(random() % (72 * kHourMs)));
      if (reboot || random() % 20 == 0) {
        time = std::make_unique<HeldTime>(clock_options(), machine.boot(), time->save(), last,
                                          machine.read());
      }
      const Now now = time->at(machine.read());
      ASSERT_GE(now.timer_ms, last.timer_ms);
      if (!reboot) {
        ASSERT_EQ(now.timer_ms - last.timer_ms, now.boot_ms - last.boot_ms);
        if (now.clock != ClockState::kSynced && last.clock == ClockState::kHeld) {
          ASSERT_EQ(step_between(last, now), 0);
        }
      }
      if (now.clock == ClockState::kSynced) {
        ASSERT_LE(std::abs(now.wall_ms - machine.read().system_ms), 500);
      }
      ASSERT_GE(now.wall_ms, kBuild);
      last = now;
    }
  }
}

}  // namespace
}  // namespace wayside
