// The journal on a disk that fails.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "storage/journal.h"
#include "tests/journal_checks.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

constexpr uint64_t kManyEntries = 40;

uint64_t calls_of_a_whole_run() {
  FaultyDisk disk;
  auto journal = open_journal(disk);
  for (uint64_t s = 1; s <= kManyEntries; ++s) append(*journal, s);
  return disk.calls();
}

// What a reader finds, all of it as it was written.
std::set<uint64_t> sequences_of(FaultyDisk& disk) {
  std::set<uint64_t> found;
  JournalReader reader(disk, kDir);
  uint64_t oldest = 0;
  EXPECT_TRUE(reader.seek(1, oldest).ok());
  JournalEntry entry;
  while (*reader.next(entry)) {
    EXPECT_EQ(entry.block, block_of(entry.sequence, entry.block.size()));
    EXPECT_TRUE(found.empty() || entry.sequence > *found.rbegin());
    found.insert(entry.sequence);
  }
  return found;
}

TEST(JournalFaults, an_append_that_failed_can_be_tried_again) {
  const uint64_t calls = calls_of_a_whole_run();
  for (uint64_t n = 1; n <= calls; ++n) {
    SCOPED_TRACE("call " + std::to_string(n) + " fails");
    FaultyDisk disk(n);
    disk.fail_call(n);
    auto journal = Journal::open(disk, kOptions);
    if (!journal.ok()) journal = Journal::open(disk, kOptions);
    ASSERT_TRUE(journal.ok()) << journal.error().message;
    for (uint64_t s = 1; s <= kManyEntries; ++s) {
      Status status = (*journal)->append(1, 2, {}, block_of(s));
      if (!status.ok()) {
        ASSERT_EQ((*journal)->last_sequence(), s - 1);
        status = (*journal)->append(1, 2, {}, block_of(s));
      }
      ASSERT_TRUE(status.ok()) << "entry " << s << ": " << status.error().message;
    }
    expect_entries(disk, (*journal)->oldest_sequence(), kManyEntries);
    disk.power_cycle();
    expect_entries(disk, open_journal(disk)->oldest_sequence(), kManyEntries);
  }
}

TEST(JournalFaults, an_append_that_failed_may_be_followed_by_a_different_one) {
  const uint64_t calls = calls_of_a_whole_run();
  for (uint64_t n = 10; n <= calls; n += 3) {
    SCOPED_TRACE("call " + std::to_string(n) + " fails");
    FaultyDisk disk(n);
    auto journal = open_journal(disk);
    disk.fail_call(n);
    for (uint64_t s = 1; s <= kManyEntries; ++s) {
      if (!journal->append(1, 2, {}, std::string(6'000, 'x') + block_of(s, 6'000)).ok()) {
        append(*journal, s);
      }
    }
    expect_entries(disk, journal->oldest_sequence(), kManyEntries, false);
    disk.power_cycle();
    expect_entries(disk, journal->oldest_sequence(), kManyEntries, false);
  }
}

// Power is lost at every call of a run, again and again: what append() promised is there, whatever
// tore.
TEST(JournalFaults, an_appended_entry_survives_any_power_cut) {
  const uint64_t calls = calls_of_a_whole_run();
  for (auto [seed, end] = seeds(3); seed < end; ++seed) {
    for (uint64_t n = 1; n <= calls; ++n) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", power lost at call " + std::to_string(n));
      FaultyDisk disk(seed * 1'000'003 + n);
      uint64_t promised = 0;
      for (int life = 0; life < 3 && promised < kManyEntries; ++life) {
        disk.lose_power_at(life == 2 ? 0 : n);
        auto journal = Journal::open(disk, kOptions);
        if (journal.ok()) {
          const uint64_t last = (*journal)->last_sequence();
          ASSERT_GE(last, promised);
          ASSERT_LE(last, promised + 1) << "there is more than was ever appended";
          promised = last;
          while (promised < kManyEntries &&
                 (*journal)->append(1, 2, {}, block_of(promised + 1)).ok()) {
            ++promised;
          }
        }
        disk.power_cycle();
      }
      ASSERT_EQ(promised, kManyEntries);
      expect_entries(disk, open_journal(disk)->oldest_sequence(), kManyEntries);
    }
  }
}

// As when the process is killed before it could make the name of a new file safe.
TEST(JournalFaults, what_the_next_life_appends_lies_under_a_name_that_is_safe) {
  for (auto [seed, end] = seeds(20); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FaultyDisk disk(seed);
    {
      auto journal = open_journal(disk);
      for (uint64_t s = 1; s <= 7; ++s) append(*journal, s);
      disk.fail_call(4);  // header, its sync, its name, the name's sync
      ASSERT_FALSE(journal->append(1, 2, {}, block_of(8)).ok());
      ASSERT_TRUE(disk.has(file_of(8)));
    }
    append(*open_journal(disk), 8);
    disk.power_cycle();
    expect_entries(disk, 1, 8);
  }
}

// A sync that fails leaves pages that can be read and are not on the disk. The next life must not
// take them for an entry.
TEST(JournalFaults, an_entry_whose_sync_failed_does_not_count_unless_it_is_on_the_disk) {
  for (auto [seed, end] = seeds(40); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FaultyDisk disk(seed);
    {
      auto journal = open_journal(disk);
      for (uint64_t s = 1; s <= 3; ++s) append(*journal, s);
      disk.fail_call(2);
      ASSERT_FALSE(journal->append(1, 2, {}, block_of(4, 3'000)).ok());
    }
    const uint64_t last = open_journal(disk)->last_sequence();
    disk.power_cycle();
    EXPECT_EQ(open_journal(disk)->last_sequence(), last);
    expect_entries(disk, 1, last);
  }
}

TEST(JournalFaults, a_spare_whose_sync_failed_is_made_again) {
  for (auto [seed, end] = seeds(20); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FaultyDisk disk(seed);
    auto journal = open_journal(disk);
    disk.fail_call(4);  // open, truncate, write, sync
    ASSERT_FALSE(journal->append(1, 2, {}, block_of(1)).ok());
    append(*journal, 1);
    disk.power_cycle();
    journal = open_journal(disk);
    EXPECT_EQ(disk.contents(first_file()).size(), kOptions.file_bytes);
    EXPECT_TRUE(journal->damage().empty());
  }
}

TEST(JournalFaults, a_skip_that_failed_can_be_tried_again) {
  for (uint64_t n = 1; n <= 8; ++n) {
    SCOPED_TRACE("call " + std::to_string(n) + " fails");
    FaultyDisk disk(n);
    auto journal = open_journal(disk);
    for (uint64_t s = 1; s <= 3; ++s) append(*journal, s);
    disk.fail_call(n);
    if (!journal->skip_to(100).ok()) {
      ASSERT_TRUE(journal->skip_to(100).ok());
    }
    disk.fail_call(0);
    for (uint64_t s = 101; s <= 160; ++s) append(*journal, s);
    expect_entries(disk, journal->oldest_sequence(), 160);
  }
}

TEST(JournalFaults, a_disk_that_cannot_be_read_is_an_error_and_no_empty_journal) {
  FaultyDisk disk;
  {
    auto journal = open_journal(disk);
    for (uint64_t s = 1; s <= 20; ++s) append(*journal, s);
  }
  const uint64_t before = disk.calls();
  (void)open_journal(disk);
  const uint64_t calls = disk.calls() - before;
  for (uint64_t n = 1; n <= calls; ++n) {
    disk.fail_calls(n, UINT64_MAX);
    EXPECT_FALSE(Journal::open(disk, kOptions).ok()) << "from call " << n << " on";
    for (uint64_t count = 1; count <= 3; ++count) {
      disk.fail_calls(n, count);
      const auto journal = Journal::open(disk, kOptions);
      if (journal.ok()) {
        EXPECT_EQ((*journal)->last_sequence(), 20u);
        EXPECT_TRUE((*journal)->damage().empty());
      }
    }
    disk.heal();
    ASSERT_EQ(open_journal(disk)->last_sequence(), 20u) << "after call " << n << " failed";
  }
}

TEST(JournalFaults, any_damage_at_all_leaves_a_journal_that_opens_and_goes_on) {
  FaultyDisk whole;
  {
    auto journal = open_journal(whole);
    for (uint64_t s = 1; s <= kManyEntries; ++s) append(*journal, s);
  }
  for (auto [seed, end] = seeds(300); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    FaultyDisk disk(seed);
    for (const std::string& path : whole.paths()) disk.set_contents(path, whole.contents(path));
    for (size_t n = 1 + random() % 3; n > 0; --n) {
      const auto paths = disk.paths();
      if (paths.empty()) break;
      const std::string& path = paths[random() % paths.size()];
      std::string bytes = disk.contents(path);
      const size_t at = bytes.empty() ? 0 : random() % bytes.size();
      switch (random() % 5) {
        case 0:
          disk.drop(path);
          continue;
        case 1:
          bytes.resize(at);
          break;
        case 2:
          std::fill(bytes.begin() + static_cast<ptrdiff_t>(at), bytes.end(), '\0');
          break;
        case 3:
          bytes.assign(bytes.size(), '\0');
          break;
        default:
          if (!bytes.empty()) bytes[at] = static_cast<char>(~bytes[at]);
      }
      disk.set_contents(path, bytes);
    }
    const std::set<uint64_t> left = sequences_of(disk);
    auto journal = open_journal(disk);
    const uint64_t last = journal->last_sequence();
    if (!left.empty()) {
      ASSERT_GE(last, *left.rbegin());
    }
    for (uint64_t s = last + 1; s <= last + 10; ++s) append(*journal, s);
    std::set<uint64_t> kept = sequences_of(disk);
    for (uint64_t s : left) {
      EXPECT_TRUE(kept.contains(s) || s < journal->oldest_sequence()) << "entry " << s;
    }
    for (uint64_t s = last + 11; s <= last + 60; ++s) append(*journal, s);
    expect_entries(disk, last + 45, last + 60);
    EXPECT_EQ(open_journal(disk)->last_sequence(), last + 60);
  }
}

}  // namespace
}  // namespace wayside
