#include "firmware-gw/scrub.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/faulty_disk.h"

namespace wayside {
namespace {

constexpr int kEntries = 30;
constexpr int64_t kFast = 1;  // ms a pass, as fast as it can

class ScrubTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Journal::open(disk_, {"/journal", 1 << 20, 4 << 20});
    ASSERT_TRUE(opened.ok());
    journal_ = std::move(*opened);
    for (int i = 0; i < kEntries; ++i) {
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
  const std::vector<std::string> expected = {"journal entries 5 to 6 are damaged",
                                             "journal entries 20 to 20 are damaged"};
  EXPECT_EQ(scrub.take_findings(), expected);
}

TEST_F(ScrubTest, what_cannot_be_read_is_told_and_does_not_hold_it) {
  disk_.wear_out("/journal/0000000000000001.wsj", 5 * kJournalPage, kJournalPage);
  Scrub scrub(disk_, "/journal", kFast);
  scrub.start();
  await_passes(scrub, 3);
  scrub.stop();
  EXPECT_EQ(scrub.take_findings(), std::vector<std::string>{"journal entries 5 to 5 are damaged"});
}

}  // namespace
}  // namespace wayside
