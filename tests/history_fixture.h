// A journal of two sources for tests of history, and what must be found in it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "storage/history.h"
#include "storage/journal.h"
#include "tests/faulty_disk.h"

namespace wayside {

class HistoryJournal {
 public:
  // entry, place, source, time, key, value
  using Row = std::tuple<uint64_t, uint32_t, std::string, int64_t, std::string, double>;

  HistoryJournal() {
    for (const char* name : {"climate", "gps"}) {
      NamedSchema source;
      source.source = name;
      source.schema.fields = {{"vehicle", FieldType::kText}, {"value", FieldType::kNumber}};
      sources.push_back(source);
    }
    reopen();
  }

  void reopen() {
    auto opened = Journal::open(disk, {"/state/journal", 16 * kJournalPage, 1 << 30});
    if (!opened.ok()) ADD_FAILURE() << opened.error().message;
    journal = std::move(*opened);
  }

  Group make_group() const {
    Group group;
    for (const NamedSchema& s : sources) group.batches.emplace_back(s.schema);
    group.duplicates.resize(sources.size());
    group.rows_before.resize(sources.size());
    return group;
  }

  // An entry of some turns about `now_ms`; now and then a device is an hour late, or years off.
  void append(std::mt19937_64& random, int64_t now_ms) {
    Group group = make_group();
    uint32_t place = 0;
    for (uint64_t turns = 1 + random() % 3; turns > 0; --turns) {
      group.turns.push_back({{now_ms, now_ms}, {}});
      for (uint32_t s = 0; s < sources.size(); ++s) {
        const auto begin = static_cast<uint32_t>(group.batches[s].rows());
        for (uint64_t n = random() % 4; n > 0; --n) {
          const std::string key = "v" + std::to_string(random() % 5);
          int64_t time_ms = now_ms - int64_t(random() % 5'000);
          if (random() % 20 == 0) time_ms -= 3'600'000;
          if (random() % 50 == 0) time_ms = int64_t(random() % 1'000);
          ReadingBatch& batch = group.batches[s];
          batch.times.push_back(time_ms);
          batch.columns[0].texts.push_back(batch.texts.intern(key));
          batch.columns[1].numbers.push_back(double(random() % 100));
          rows.emplace_back(journal->last_sequence() + 1, place++, sources[s].source, time_ms, key,
                            batch.columns[1].numbers.back());
        }
        const auto end = static_cast<uint32_t>(group.batches[s].rows());
        if (end > begin) group.turns.back().slices.push_back({s, begin, end});
      }
    }
    std::string block;
    encode_group(group, sources, {}, block);
    ASSERT_TRUE(journal->append(1, now_ms, {}, block).ok());
  }

  static Row row_of(const History& history, const History::Scan& scan) {
    const History::Reading& r = scan.reading();
    const ReadingBatch& batch = scan.batch();
    return {scan.entry(),
            r.place,
            history.sources()[r.source].source,
            batch.times[r.row],
            std::string(batch.texts.text(batch.keys()[r.row])),
            batch.columns[1].numbers[r.row]};
  }

  std::vector<Row> found(History& history, const History::Range& range) const {
    std::vector<Row> all;
    auto scan = history.scan(range, [] { return false; });
    EXPECT_TRUE(scan.ok());
    while (true) {
      const auto there = (*scan)->next();
      EXPECT_TRUE(there.ok()) << there.error().message;
      if (!there.ok() || !*there) return all;
      all.push_back(row_of(history, **scan));
    }
  }

  // As found() should have it, without these entries.
  std::vector<Row> expected(const History::Range& range, const std::set<uint64_t>& damaged) const {
    std::vector<Row> all;
    for (const Row& row : rows) {
      const auto& [entry, place, source, time_ms, key, value] = row;
      const bool wanted = time_ms >= range.from_ms && time_ms <= range.to_ms &&
                          entry >= range.first_entry && entry <= range.last_entry &&
                          (!range.key || *range.key == key) &&
                          (!range.source || sources[*range.source].source == source);
      if (wanted && !damaged.contains(entry)) all.push_back(row);
    }
    return all;
  }

  void make_indexes() {
    KnownIndexes known;
    while (true) {
      const auto more = index_some(disk, "/state", 0, known, [] { return true; });
      ASSERT_TRUE(more.ok()) << more.error().message;
      if (!*more) return;
    }
  }

  // Flips a bit of an entry's frame.
  void damage(uint64_t sequence) {
    JournalReader reader(disk, "/state/journal");
    uint64_t oldest = 0;
    ASSERT_TRUE(reader.seek(sequence, oldest).ok());
    JournalEntry entry;
    ASSERT_TRUE(*reader.next(entry));
    ASSERT_EQ(entry.sequence, sequence);
    const std::string path = journal_path("/state/journal", entry.place.file);
    std::string bytes = disk.contents(path);
    bytes[entry.place.offset + sizeof(EntryHeader) + 5] ^= 1;
    disk.set_contents(path, bytes);
  }

  FaultyDisk disk;
  std::vector<NamedSchema> sources;
  std::unique_ptr<Journal> journal;
  std::vector<Row> rows;
};

}  // namespace wayside
