#include "tests/journal_checks.h"

namespace wayside {
namespace {

// Entries of a page each: seven a file.
void fill(Journal& journal, uint64_t upto) {
  while (!testing::Test::HasFatalFailure() && journal.last_sequence() < upto) {
    append(journal, journal.last_sequence() + 1);
  }
}

TEST(JournalLimit, a_smaller_one_takes_the_oldest_files_at_once) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  fill(*journal, 28);
  EXPECT_EQ(journal->used_bytes(), 4 * kOptions.file_bytes);
  ASSERT_TRUE(journal->set_max_bytes(3 * kOptions.file_bytes).ok());
  EXPECT_EQ(journal->used_bytes(), 3 * kOptions.file_bytes);
  expect_entries(disk, 8, 28);
  fill(*journal, 60);
  EXPECT_EQ(journal->used_bytes(), 3 * kOptions.file_bytes);
  expect_entries(disk, journal->oldest_sequence(), 60);
}

TEST(JournalLimit, two_files_stay_however_small_it_is) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  fill(*journal, 28);
  ASSERT_TRUE(journal->set_max_bytes(0).ok());
  EXPECT_EQ(journal->used_bytes(), journal->least_bytes());
  fill(*journal, 100);
  EXPECT_EQ(journal->used_bytes(), journal->least_bytes());
  expect_entries(disk, journal->oldest_sequence(), 100);
}

TEST(JournalLimit, entries_that_are_needed_stay_even_beyond_it) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  fill(*journal, 28);
  journal->set_done(10);
  ASSERT_TRUE(journal->set_max_bytes(0).ok());
  EXPECT_EQ(oldest_of(disk), 8u);
  EXPECT_GT(journal->next_loss(), 10u);
  fill(*journal, 60);
  EXPECT_EQ(oldest_of(disk), 8u);
  expect_entries(disk, 8, 60);
  journal->set_done(60);
  ASSERT_TRUE(journal->set_max_bytes(0).ok());
  EXPECT_EQ(journal->used_bytes(), journal->least_bytes());
}

TEST(JournalLimit, a_larger_one_lets_it_grow_again) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  ASSERT_TRUE(journal->set_max_bytes(0).ok());
  fill(*journal, 28);
  ASSERT_TRUE(journal->set_max_bytes(8 * kOptions.file_bytes).ok());
  fill(*journal, 100);
  EXPECT_EQ(journal->used_bytes(), 8 * kOptions.file_bytes);
  expect_entries(disk, journal->oldest_sequence(), 100);
}

TEST(JournalLimit, a_full_disk_gets_the_spare_file_and_then_the_oldest_ones) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  fill(*journal, 20);
  ASSERT_TRUE(disk.has(kDir + "/spare"));
  ASSERT_TRUE(*journal->give_way());
  EXPECT_FALSE(disk.has(kDir + "/spare"));
  expect_entries(disk, 1, 20);
  journal->set_done(6);
  EXPECT_FALSE(*journal->give_way()) << "entry 7 is needed";
  journal->set_done(20);
  ASSERT_TRUE(*journal->give_way());
  expect_entries(disk, 8, 20);
  EXPECT_FALSE(*journal->give_way()) << "two files stay";
  fill(*journal, 60);
  expect_entries(disk, journal->oldest_sequence(), 60);
}

TEST(JournalLimit, the_spare_of_a_former_life_is_given_as_well) {
  FaultyDisk disk;
  { fill(*open_journal(disk), 13); }
  ASSERT_TRUE(disk.has(kDir + "/spare"));
  auto journal = open_journal(disk);
  EXPECT_TRUE(*journal->give_way());
  EXPECT_FALSE(disk.has(kDir + "/spare"));
  EXPECT_FALSE(*journal->give_way());
}

TEST(JournalLimit, on_a_full_disk_it_goes_on_in_its_oldest_file) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  fill(*journal, 21);
  ASSERT_TRUE(journal->give_way().ok());
  disk.set_capacity(disk.used_bytes());
  EXPECT_FALSE(journal->append(1, 2, {}, block_of(22)).ok()) << "no room for a fourth file";
  ASSERT_TRUE(journal->set_max_bytes(3 * kOptions.file_bytes).ok());
  fill(*journal, 60);
  expect_entries(disk, journal->oldest_sequence(), 60);
}

JournalOptions with_files_of(uint64_t pages) {
  JournalOptions options = kOptions;
  options.file_bytes = pages * kJournalPage;
  return options;
}

TEST(JournalLimit, a_file_is_filled_as_far_as_it_was_made_when_files_are_to_be_larger) {
  FaultyDisk disk;
  { fill(*open_journal(disk), 5); }
  auto journal = std::move(*Journal::open(disk, with_files_of(16)));
  fill(*journal, 8);
  EXPECT_EQ(disk.contents(first_file()).size(), kOptions.file_bytes);
  EXPECT_EQ(disk.contents(file_of(8)).size(), 16 * kJournalPage);
  EXPECT_EQ(journal->used_bytes(), (8 + 16) * kJournalPage);
  fill(*journal, 100);
  EXPECT_LE(journal->used_bytes(), kOptions.max_bytes);
  expect_entries(disk, journal->oldest_sequence(), 100);
}

TEST(JournalLimit, files_that_are_too_large_are_counted_as_they_are_and_cut_when_recycled) {
  FaultyDisk disk;
  { fill(*open_journal(disk), 28); }
  auto journal = std::move(*Journal::open(disk, with_files_of(4)));
  EXPECT_EQ(journal->used_bytes(), 4 * kOptions.file_bytes);
  fill(*journal, 100);
  EXPECT_LE(journal->used_bytes(), kOptions.max_bytes);
  for (const std::string& path : disk.paths()) {
    EXPECT_EQ(disk.contents(path).size(), 4 * kJournalPage) << path;
  }
  expect_entries(disk, journal->oldest_sequence(), 100);
}

TEST(JournalLimit, an_oldest_file_that_somebody_deleted_is_not_missed) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  fill(*journal, 28);
  disk.drop(first_file());
  disk.drop(file_of(8));
  fill(*journal, 60);
  expect_entries(disk, journal->oldest_sequence(), 60);
  disk.drop(file_of(journal->oldest_sequence()));
  EXPECT_TRUE(journal->set_max_bytes(0).ok());
}

TEST(JournalLimit, a_spare_that_somebody_deleted_is_made_again) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  fill(*journal, 7);
  disk.drop(kDir + "/spare");
  EXPECT_FALSE(journal->append(1, 2, {}, block_of(8)).ok());
  fill(*journal, 60);
  expect_entries(disk, journal->oldest_sequence(), 60);
}

}  // namespace
}  // namespace wayside
