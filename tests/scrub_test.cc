#include "firmware-gw/scrub.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/faulty_disk.h"

namespace wayside {
namespace {

constexpr int kScrubbedEntries = 30;
constexpr int64_t kFast = 1;  // ms a pass, as fast as it can

class ScrubTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Journal::open(disk_, {"/journal", 1 << 20, 4 << 20});
    ASSERT_TRUE(opened.ok());
    journal_ = std::move(*opened);
    for (int i = 0; i < kScrubbedEntries; ++i) {
      ASSERT_TRUE(journal_->append(1, i, {}, "block " + std::to_string(i)).ok());
    }
  }
  // Waits until it has gone through all of the journal so often.
  static void await_passes(const Scrub& scrub, uint64_t passes) {
    while (scrub.progress().passes < passes) std::this_thread::yield();
  }

  FaultyDisk disk_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(ScrubTest, a_sound_journal_is_read_over_and_over) {
  Scrub scrub(disk_, "/journal", kFast);
  scrub.start();
  await_passes(scrub, 3);
  scrub.stop();
  EXPECT_EQ(scrub.progress().damaged, 0u);
  EXPECT_TRUE(scrub.take_findings().empty());
}

TEST_F(ScrubTest, what_rots_is_told_once_with_its_range) {
  const std::string path = "/journal/0000000000000001.wsj";
  std::string bytes = disk_.contents(path);
  for (int entry : {5, 6, 20}) bytes[static_cast<size_t>(entry) * kJournalPage + 90] ^= 1;
  disk_.set_contents(path, bytes);
  Scrub scrub(disk_, "/journal", kFast);
  scrub.start();
  await_passes(scrub, 3);
  scrub.stop();
  EXPECT_EQ(scrub.progress().damaged, 3u);
  const Scrub::Ranges expected = {{5, 6}, {20, 20}};
  EXPECT_EQ(scrub.take_findings(), expected);
}

TEST_F(ScrubTest, what_cannot_be_read_is_told_and_does_not_hold_it) {
  disk_.wear_out("/journal/0000000000000001.wsj", 5 * kJournalPage, kJournalPage);
  Scrub scrub(disk_, "/journal", kFast);
  scrub.start();
  await_passes(scrub, 3);
  scrub.stop();
  EXPECT_EQ(scrub.take_findings(), (Scrub::Ranges{{5, 5}}));
}

TEST_F(ScrubTest, a_first_pass_over_many_entries_is_as_fast_as_the_others) {
  for (int i = kScrubbedEntries; i < 3'000; ++i)
    ASSERT_TRUE(journal_->append(1, i, {}, "block").ok());
  constexpr int64_t kPassMs = 10'000;
  Scrub scrub(disk_, "/journal", kPassMs, 0, journal_->last_sequence());
  const auto begun = std::chrono::steady_clock::now();
  scrub.start();
  while (scrub.progress().entry < 300) std::this_thread::yield();
  scrub.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(kPassMs));
  EXPECT_LT(scrub.progress().entry, 3'000u) << "nor is it done at once";
}

TEST_F(ScrubTest, a_pass_goes_on_where_a_former_life_ended) {
  Scrub scrub(disk_, "/journal", 1'000'000'000, 20, kScrubbedEntries);
  EXPECT_EQ(scrub.progress().entry, 20u);
  scrub.start();
  while (scrub.progress().entry == 20) std::this_thread::yield();
  scrub.stop();
  EXPECT_EQ(scrub.progress().entry, 21u);
}

}  // namespace
}  // namespace wayside
