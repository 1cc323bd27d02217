// What the door makes of times: those of devices whose clocks are wrong, and its own.
#include <gtest/gtest.h>

#include <limits>

#include "sensors/gps_era.h"
#include "tests/door.h"
#include "tests/fields.h"

namespace wayside {
namespace {

constexpr int64_t kNow = Door::kArrivalMs;
constexpr int64_t kYearMs = 365 * kDayMs;

SourceOptions thermometer() { return climate_source({field("temp_c", "t")}); }
SourceOptions by_arrival() {
  SourceOptions o = thermometer();
  o.time_path = "";
  return o;
}

void send(Door& door, int64_t ts) {
  door.admit("fleet/v/climate", "{\"ts\":" + std::to_string(ts) + ",\"t\":1}");
}
std::string row(int64_t ts) { return "@" + std::to_string(ts) + " v 1"; }

TEST(AdmissionClock, the_future_is_guarded_as_far_as_our_own_time_is_known) {
  struct Row {
    ClockState clock;
    int64_t may_lag_ms;
    int64_t ahead_ms;
    bool taken;
  };
  const Row rows[] = {
      {ClockState::kSynced, 0, 120'001, false},
      {ClockState::kHeld, 0, 120'001, false},
      {ClockState::kHeld, 30 * kDayMs, 30 * kDayMs + 120'000, true},
      {ClockState::kHeld, 30 * kDayMs, 30 * kDayMs + 120'001, false},
      {ClockState::kHeld, 30 * kDayMs, 5 * kYearMs, false},
      {ClockState::kUnset, 20 * kYearMs, 5 * kYearMs, true},
      {ClockState::kUnset, 20 * kYearMs, 21 * kYearMs, false},
  };
  for (const Row& r : rows) {
    Door door({thermometer()});
    door.now = {kNow, 0, r.clock, r.may_lag_ms};
    door.next_turn();
    send(door, kNow + r.ahead_ms);
    EXPECT_EQ(door.group().rows(), r.taken ? 1u : 0u) << r.ahead_ms;
    if (!r.taken) {
      EXPECT_EQ(door.rejected().back().reason, "too_far_in_future");
    }
  }
}

TEST(AdmissionClock, a_time_from_another_1024_weeks_is_moved_into_ours_and_told) {
  Door door({thermometer()});
  for (int64_t eras : {-1, 1, -2, 3}) send(door, kNow - 90'000 + eras * kGpsEraMs);
  EXPECT_EQ(door.rows("climate"), TextRows(4, row(kNow - 90'000)));
  ASSERT_EQ(door.group().notes.size(), 1u) << "one a turn and source";
  const Note& note = door.group().notes[0];
  EXPECT_EQ(note.kind, Note::Kind::kRolledOver);
  EXPECT_EQ(note.name, "climate");
  EXPECT_EQ(note.number, 4);
  EXPECT_EQ(note.text, "v says " + format_rfc3339(kNow - 90'000 - kGpsEraMs) + ", taken as " +
                           format_rfc3339(kNow - 90'000));
  door.next_turn();
  send(door, kNow - kGpsEraMs);
  EXPECT_EQ(door.group().notes.size(), 2u);
}

TEST(AdmissionClock, only_what_is_right_to_the_day_counts_as_a_rollover) {
  struct Row {
    int64_t off_ms;
    bool moved;
  };
  for (const Row& r :
       {Row{-kDayMs, true}, Row{-kDayMs - 1, false}, Row{120'000, true}, Row{kDayMs + 1, false}}) {
    Door door({thermometer()});
    send(door, kNow - kGpsEraMs + r.off_ms);
    EXPECT_EQ(door.rows("climate"), TextRows{row(kNow + r.off_ms - (r.moved ? 0 : kGpsEraMs))})
        << r.off_ms;
  }
  // Nothing is moved where our own time says too little, or by choice.
  for (int variant = 0; variant < 3; ++variant) {
    SourceOptions source = thermometer();
    if (variant == 0) source.gps_rollover = false;
    if (variant == 1) source.max_future_ms.reset();
    Door door({source});
    if (variant == 2) door.now = {kNow, 0, ClockState::kUnset, 20 * kYearMs};
    door.next_turn();
    send(door, kNow - kGpsEraMs);
    EXPECT_EQ(door.rows("climate"), TextRows{row(kNow - kGpsEraMs)});
    EXPECT_TRUE(door.group().notes.empty());
  }
}

TEST(AdmissionClock, a_rollover_moved_into_the_near_future_is_still_too_far_in_future) {
  Door door({thermometer()});
  send(door, kNow - kGpsEraMs + 3'600'000);
  ASSERT_EQ(door.rejected().size(), 1u);
  EXPECT_EQ(door.rejected()[0].reason, "too_far_in_future");
  EXPECT_TRUE(door.group().notes.empty());
}

TEST(AdmissionClock, no_time_of_a_device_is_too_extreme) {
  Door door({thermometer()});
  for (const int64_t ts : {kTimeMin, kTimeMin + 1, kPossibleMin - 1, kPossibleMin, int64_t{0},
                           kPossibleMax, kPossibleMax + 1, kTimeMax - 1, kTimeMax}) {
    for (const Now& now : {Now{kNow}, Now{kNow, 0, ClockState::kUnset, kTimeMax / 4},
                           Now{kNow - 10 * kYearMs, 0, ClockState::kHeld, 400 * kDayMs}}) {
      door.now = now;
      door.next_turn();
      send(door, ts);
    }
  }
  EXPECT_EQ(door.group().rows() + door.rejected().size(), 27u);
  for (int64_t time : door.group().batches[0].times) {
    EXPECT_GE(time, kPossibleMin);
    EXPECT_LE(time, kPossibleMax);
  }
}

TEST(AdmissionClock, arrivals_never_go_back) {
  Door door({by_arrival()});
  door.admission().begin_arrivals_at(0, kNow - 10);
  for (int64_t at : {kNow - 50, kNow, kNow - 5'000, kNow + 1}) {
    door.now.wall_ms = at;
    send(door, 5);
  }
  EXPECT_EQ(door.rows("climate"), (TextRows{row(kNow - 10), row(kNow), row(kNow), row(kNow + 1)}));
}

TEST(AdmissionClock, when_our_clock_is_set_back_arrivals_follow_up_to_max_future) {
  Door door({by_arrival()});
  send(door, 5);
  door.admission().clock_was_set(kNow - kDayMs);
  for (int64_t at : {-kDayMs, -kDayMs + 60'000, -kDayMs + 200'000}) {
    door.now.wall_ms = kNow + at;
    send(door, 5);
  }
  EXPECT_EQ(door.rows("climate"),
            (TextRows{row(kNow), row(kNow - kDayMs + 120'000), row(kNow - kDayMs + 120'000),
                      row(kNow - kDayMs + 200'000)}));
}

}  // namespace
}  // namespace wayside
