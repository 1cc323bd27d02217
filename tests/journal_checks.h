// What the tests of the journal have in common: one small enough to be recycled soon, and what must
// be in it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "storage/journal.h"
#include "tests/faulty_disk.h"

namespace wayside {

inline const std::string kDir = "/journal";
// Room for four files of seven pages each.
inline const JournalOptions kOptions{kDir, 8 * kJournalPage, 4 * 8 * kJournalPage};

inline std::string file_of(uint64_t first_sequence) {
  char name[32];
  std::snprintf(name, sizeof name, "/%016llx.wsj", static_cast<unsigned long long>(first_sequence));
  return kDir + name;
}
inline std::string first_file() { return file_of(1); }

// Different for each entry, and nothing that zstd could make smaller.
inline std::string block_of(uint64_t sequence, size_t size = 300) {
  std::mt19937_64 random(sequence);
  std::string block(size, '\0');
  for (char& c : block) c = static_cast<char>(random());
  return block;
}

inline std::unique_ptr<Journal> open_journal(FaultyDisk& disk) {
  auto journal = Journal::open(disk, kOptions);
  if (!journal.ok()) ADD_FAILURE() << journal.error().message;
  return std::move(*journal);
}

inline void append(Journal& journal, uint64_t sequence, const std::string& block) {
  const Status status = journal.append(1, 2, {}, block);
  ASSERT_TRUE(status.ok()) << status.error().message;
  ASSERT_EQ(journal.last_sequence(), sequence);
}
inline void append(Journal& journal, uint64_t sequence) {
  append(journal, sequence, block_of(sequence));
}

// The first entry that is there.
inline uint64_t oldest_of(FaultyDisk& disk) {
  JournalReader reader(disk, kDir);
  uint64_t oldest = 0;
  EXPECT_TRUE(reader.seek(1, oldest).ok());
  return oldest;
}

// Entries `first` to `last` are there, in a chain, and nothing behind them; with `blocks` they are
// block_of().
inline void expect_entries(FaultyDisk& disk, uint64_t first, uint64_t last, bool blocks = true) {
  JournalReader reader(disk, kDir);
  uint64_t oldest = 0;
  const Result<bool> found = reader.seek(first, oldest);
  ASSERT_TRUE(found.ok() && *found) << "entry " << first << " is not there";
  JournalEntry entry;
  for (uint64_t s = first; s <= last; ++s) {
    const Digest former = entry.hash;
    const Result<bool> there = reader.next(entry);
    ASSERT_TRUE(there.ok() && *there) << "entry " << s << " of " << last;
    ASSERT_EQ(entry.sequence, s);
    if (s > first) {
      ASSERT_EQ(entry.previous, former);
    }
    if (blocks) {
      ASSERT_EQ(entry.block, block_of(s, entry.block.size()));
    }
  }
  const Result<bool> more = reader.next(entry);
  EXPECT_TRUE(more.ok() && !*more) << "there is an entry behind " << last;
}

}  // namespace wayside
