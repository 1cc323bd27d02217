#include "firmware-gw/losses.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

constexpr int64_t kMinuteMs = 60'000;

TEST(Losses, are_told_at_once_the_first_time_and_then_together) {
  Losses losses(10 * kMinuteMs);
  EXPECT_TRUE(losses.tell(0, 0).empty());
  losses.add(LossClass::kResult, 3, 1'000, 2'000);
  auto notes = losses.tell(0, 2);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].kind, Note::Kind::kLost);
  EXPECT_EQ(notes[0].turn, 2u);
  EXPECT_EQ(notes[0].name, "result");
  EXPECT_EQ(notes[0].text,
            "3 results, from 1970-01-01T00:00:01.000Z to 1970-01-01T00:00:02.000Z: the disk is at "
            "its limit");
  losses.add(LossClass::kResult, 4, 3'000, 4'000);
  EXPECT_TRUE(losses.tell(kMinuteMs, 0).empty());
  losses.add(LossClass::kResult, 1, 2'500, 5'000);
  EXPECT_TRUE(losses.tell(10 * kMinuteMs - 1, 0).empty());
  notes = losses.tell(10 * kMinuteMs, 0);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_TRUE(
      notes[0].text.starts_with("5 results, from 1970-01-01T00:00:02.500Z to "
                                "1970-01-01T00:00:05.000Z"))
      << notes[0].text;
  EXPECT_TRUE(losses.tell(60 * kMinuteMs, 0).empty()) << "nothing new";
  EXPECT_EQ(losses.total(LossClass::kResult), 8u);
}

TEST(Losses, of_one_class_do_not_hold_back_those_of_another) {
  Losses losses(kMinuteMs);
  losses.add(LossClass::kRaw, 1, 0, 0);
  EXPECT_EQ(losses.tell(0, 0).size(), 1u);
  losses.add(LossClass::kAlarm, 1, 0, 0);
  losses.add(LossClass::kRaw, 1, 0, 0);
  const auto notes = losses.tell(1, 0);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].name, "alarm");
}

TEST(Losses, a_reading_is_lost_once_and_only_if_its_uplink_had_not_passed_it) {
  Losses losses(1);
  const auto after = [](uint64_t seen) { return Losses::Ranges{{seen, UINT64_MAX}}; };
  EXPECT_EQ(losses.newly_lost("a", after(100), 90), 0u);
  EXPECT_EQ(losses.newly_lost("a", after(100), 150), 50u);
  EXPECT_EQ(losses.newly_lost("b", after(0), 150), 150u);
  EXPECT_EQ(losses.newly_lost("a", after(100), 150), 0u);
  Losses restarted(1);
  restarted.restore(losses.save());
  EXPECT_EQ(restarted.newly_lost("a", after(100), 160), 10u);
  EXPECT_EQ(restarted.newly_lost("a", after(500), 510), 10u);
}

TEST(Losses, what_went_ahead_of_a_backlog_is_not_lost_with_it) {
  Losses losses(1);
  const Losses::Ranges waiting{{900, UINT64_MAX}, {100, 300}, {400, 500}};
  EXPECT_EQ(losses.newly_lost("a", waiting, 350), 200u);
  EXPECT_EQ(losses.newly_lost("a", waiting, 950), 150u);
}

TEST(Losses, all_of_them_are_told_however_often_the_process_ends) {
  uint64_t told = 0;
  std::string saved;
  for (uint64_t life = 1; life <= 20; ++life) {
    Losses losses(10 * kMinuteMs);
    losses.restore(saved);
    for (int64_t minute = 0; minute < 3; ++minute) {
      for (const Note& note : losses.tell(minute * kMinuteMs, 0)) told += std::stoull(note.text);
      losses.add(LossClass::kResult, life, int64_t(life), int64_t(life));
    }
    saved = losses.save();
  }
  Losses last(1);
  last.restore(saved);
  const auto notes = last.tell(0, 0);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].text,
            "60 results, from 1970-01-01T00:00:00.020Z to 1970-01-01T00:00:00.020Z: the disk is at "
            "its limit");
  EXPECT_EQ(told + 60, last.total(LossClass::kResult));
}

TEST(Losses, totals_outlive_the_process) {
  Losses before(1);
  before.add(LossClass::kRaw, 70'000, 0, 0);
  before.add(LossClass::kAlarm, 2, 0, 0);
  Losses after(1);
  after.restore(before.save());
  EXPECT_EQ(after.total(LossClass::kRaw), 70'000u);
  EXPECT_EQ(after.total(LossClass::kAlarm), 2u);
  after.restore("");
  EXPECT_EQ(after.total(LossClass::kRaw), 70'000u);
}

}  // namespace
}  // namespace wayside
