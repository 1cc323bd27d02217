#include "storage/journal.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/journal_checks.h"

namespace wayside {
namespace {

TEST(Journal, entries_come_back_as_they_were_appended) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  Digest emissions{};
  emissions[3] = 7;
  const std::string blocks[] = {"", "x", std::string(10'000, 'a'), block_of(4, 9'000)};
  for (size_t i = 0; i < 4; ++i) {
    emissions[0] = static_cast<uint8_t>(i);
    const auto now = static_cast<int64_t>(i) - 2;
    ASSERT_TRUE(journal->append(UINT64_MAX - i, now, emissions, blocks[i]).ok());
  }
  JournalReader reader(disk, kDir);
  uint64_t oldest = 0;
  ASSERT_TRUE(*reader.seek(1, oldest));
  JournalEntry entry;
  Digest previous{};
  for (size_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(*reader.next(entry));
    emissions[0] = static_cast<uint8_t>(i);
    EXPECT_EQ(entry.sequence, i + 1);
    EXPECT_EQ(entry.engine_stamp, UINT64_MAX - i);
    EXPECT_EQ(entry.wall_ms, static_cast<int64_t>(i) - 2);
    EXPECT_EQ(entry.emissions, emissions);
    EXPECT_EQ(entry.previous, previous);
    EXPECT_EQ(entry.block, blocks[i]);
    previous = entry.hash;
  }
  EXPECT_FALSE(*reader.next(entry));
  EXPECT_EQ(journal->head(), previous);
}

TEST(Journal, a_reader_follows_the_writer_from_file_to_file) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  JournalReader reader(disk, kDir);
  uint64_t oldest = 0;
  ASSERT_TRUE(*reader.seek(1, oldest));
  JournalEntry entry;
  for (uint64_t s = 1; s <= 30; ++s) {
    EXPECT_FALSE(*reader.next(entry));
    append(*journal, s);
    ASSERT_TRUE(*reader.next(entry));
    EXPECT_EQ(entry.block, block_of(s));
  }
}

TEST(Journal, goes_on_where_it_was_closed) {
  FaultyDisk disk;
  for (uint64_t s = 1; s <= 30; ++s) {
    auto journal = open_journal(disk);
    EXPECT_EQ(journal->last_sequence(), s - 1);
    append(*journal, s);
  }
  expect_entries(disk, oldest_of(disk), 30);
}

TEST(Journal, a_torn_tail_is_cut_at_the_last_whole_entry) {
  FaultyDisk disk;
  {
    auto journal = open_journal(disk);
    for (uint64_t s = 1; s <= 2; ++s) append(*journal, s);
  }
  const std::string before = disk.contents(first_file());
  append(*open_journal(disk), 3, block_of(3, 5'000));
  const std::string after = disk.contents(first_file());
  size_t end = after.size();
  while (after[end - 1] == before[end - 1]) --end;
  size_t begin = 0;
  while (after[begin] == before[begin]) ++begin;
  ASSERT_GT(end - begin, 5'000u);
  for (size_t cut = begin; cut < end; ++cut) {
    disk.set_contents(first_file(), after.substr(0, cut) + before.substr(cut));
    ASSERT_EQ(open_journal(disk)->last_sequence(), 2u) << "cut at byte " << cut;
    disk.set_contents(first_file(), after.substr(0, cut));
    ASSERT_EQ(open_journal(disk)->last_sequence(), 2u) << "cut off at byte " << cut;
  }
  auto journal = open_journal(disk);
  append(*journal, 3);
  expect_entries(disk, 1, 3);
}

TEST(Journal, a_changed_bit_anywhere_in_an_entry_ends_the_chain_before_it) {
  FaultyDisk disk;
  {
    auto journal = open_journal(disk);
    for (uint64_t s = 1; s <= 2; ++s) append(*journal, s, block_of(s, 100));
  }
  const std::string whole = disk.contents(first_file());
  for (size_t at = 2 * kJournalPage; at < 2 * kJournalPage + 180; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    disk.set_contents(first_file(), damaged);
    ASSERT_EQ(open_journal(disk)->last_sequence(), 1u) << "byte " << at;
  }
}

TEST(Journal, an_entry_of_another_chain_does_not_pass) {
  FaultyDisk ours, theirs;
  for (FaultyDisk* disk : {&ours, &theirs}) {
    auto journal = open_journal(*disk);
    append(*journal, 1, disk == &ours ? "ours" : "theirs");
    append(*journal, 2, "the same in both");
  }
  std::string mixed = ours.contents(first_file());
  mixed.replace(2 * kJournalPage, kJournalPage, theirs.contents(first_file()), 2 * kJournalPage,
                kJournalPage);
  ours.set_contents(first_file(), mixed);
  EXPECT_EQ(open_journal(ours)->last_sequence(), 1u);
}

TEST(Journal, recycling_takes_no_more_than_it_announced) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    FaultyDisk disk;
    auto journal = open_journal(disk);
    uint64_t gone = 0;
    for (uint64_t s = 1; s <= 120; ++s) {
      const uint64_t announced = journal->next_loss();
      append(*journal, s, block_of(s, random() % 9'000));
      EXPECT_LE(journal->used_bytes(), kOptions.max_bytes);
      const uint64_t oldest = oldest_of(disk);
      EXPECT_EQ(oldest, journal->oldest_sequence());
      if (oldest != gone + 1) {
        EXPECT_EQ(oldest, announced + 1);
        gone = announced;
      }
      expect_entries(disk, oldest, s, false);
    }
    EXPECT_GT(gone, 0u);
  }
}

TEST(Journal, its_files_never_take_more_room_than_it_was_given) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  for (uint64_t s = 1; s <= 100; ++s) {
    append(*journal, s);
    uint64_t bytes = 0;
    for (const std::string& path : disk.paths()) bytes += disk.contents(path).size();
    EXPECT_LE(bytes, kOptions.max_bytes);
  }
}

TEST(Journal, the_tail_begins_with_the_last_file_but_one) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  EXPECT_EQ(journal->tail_sequence(), 1u);
  std::vector<uint64_t> files{1};
  for (uint64_t s = 1; s <= 60; ++s) {
    append(*journal, s);
    if (disk.has(file_of(s)) && s > 1) files.push_back(s);
    EXPECT_EQ(journal->tail_sequence(), files[files.size() > 1 ? files.size() - 2 : 0]);
  }
}

TEST(Journal, a_recycled_entry_is_reported_as_gone) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  for (uint64_t s = 1; s <= 60; ++s) append(*journal, s);
  JournalReader reader(disk, kDir);
  uint64_t oldest = 0;
  EXPECT_FALSE(*reader.seek(1, oldest));
  EXPECT_EQ(oldest, journal->oldest_sequence());
  EXPECT_GT(oldest, 1u);
  EXPECT_TRUE(*reader.seek(oldest, oldest));
  JournalEntry entry;
  ASSERT_TRUE(*reader.next(entry));
  EXPECT_EQ(entry.sequence, oldest);
}

TEST(Journal, a_reader_whose_file_is_recycled_meanwhile_sees_no_other_entry) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  append(*journal, 1);
  append(*journal, 2);
  JournalReader reader(disk, kDir);
  uint64_t oldest = 0;
  JournalEntry entry;
  ASSERT_TRUE(*reader.seek(1, oldest));
  ASSERT_TRUE(*reader.next(entry));
  for (uint64_t s = 3; s <= 60; ++s) append(*journal, s);
  ASSERT_TRUE(*reader.next(entry));
  EXPECT_EQ(entry.sequence, journal->oldest_sequence()) << "what follows those that are gone";
  EXPECT_FALSE(*reader.seek(2, oldest));
  EXPECT_EQ(oldest, journal->oldest_sequence());
}

TEST(Journal, a_gap_left_by_skip_to_is_reported_as_gone) {
  FaultyDisk disk;
  for (const bool reopened : {false, true}) {
    SCOPED_TRACE(reopened);
    for (const std::string& path : disk.paths()) disk.drop(path);
    auto journal = open_journal(disk);
    for (uint64_t s = 1; s <= 3; ++s) append(*journal, s);
    ASSERT_TRUE(journal->skip_to(100).ok());
    EXPECT_EQ(journal->last_sequence(), 100u);
    for (uint64_t s = 101; s <= 103; ++s) append(*journal, s);
    if (reopened) journal = open_journal(disk);
    EXPECT_EQ(journal->last_sequence(), 103u);
    for (uint64_t wanted : {4, 50, 100}) {
      JournalReader reader(disk, kDir);
      uint64_t oldest = 0;
      EXPECT_FALSE(*reader.seek(wanted, oldest)) << wanted;
      EXPECT_EQ(oldest, 101u) << wanted;
    }
    JournalReader reader(disk, kDir);
    uint64_t oldest = 0;
    ASSERT_TRUE(*reader.seek(1, oldest));
    JournalEntry entry;
    for (uint64_t expected : {1, 2, 3, 101, 102, 103}) {
      ASSERT_TRUE(*reader.next(entry));
      EXPECT_EQ(entry.sequence, expected);
    }
    EXPECT_FALSE(*reader.next(entry));
    expect_entries(disk, 101, 103);
  }
}

TEST(Journal, power_lost_right_after_a_skip_leaves_a_journal_that_goes_on) {
  FaultyDisk disk;
  ASSERT_TRUE(open_journal(disk)->skip_to(100).ok());
  auto journal = open_journal(disk);
  ASSERT_TRUE(journal->skip_to(100).ok());
  for (uint64_t s = 101; s <= 160; ++s) append(*journal, s);
  expect_entries(disk, journal->oldest_sequence(), 160);
}

TEST(Journal, goes_on_after_its_only_file_was_damaged) {
  for (const size_t at : {size_t{0}, size_t{9}, size_t{kJournalPage}, size_t{kJournalPage + 90}}) {
    SCOPED_TRACE(at);
    FaultyDisk disk;
    append(*open_journal(disk), 1);
    std::string damaged = disk.contents(first_file());
    damaged[at] = static_cast<char>(~damaged[at]);
    disk.set_contents(first_file(), damaged);
    auto journal = open_journal(disk);
    EXPECT_EQ(journal->last_sequence(), at < kJournalPage ? 1u : 0u);
    EXPECT_EQ(journal->damage().size(), 1u);
    for (uint64_t s = journal->last_sequence() + 1; s <= 60; ++s) append(*journal, s);
    expect_entries(disk, journal->oldest_sequence(), 60);
  }
}

TEST(Journal, a_group_that_fits_no_file_is_refused_and_harms_nothing) {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  append(*journal, 1);
  const Status refused = journal->append(0, 0, {}, block_of(2, kOptions.file_bytes));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kConfig);
  append(*journal, 2);
  expect_entries(disk, 1, 2);
}

}  // namespace
}  // namespace wayside
