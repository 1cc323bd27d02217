#include "storage/history.h"

#include <gtest/gtest.h>

#include <thread>

#include "firmware-gw/indexer.h"
#include "storage/history_index.h"
#include "tests/history_fixture.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kStepMs = 60'000;

History::Range some_range(std::mt19937_64& random, uint64_t entries) {
  History::Range range;
  if (random() % 2) {
    range.from_ms = kStartMs + int64_t(random() % entries) * kStepMs;
    range.to_ms = range.from_ms + int64_t(random() % 10) * kStepMs;
  }
  if (random() % 5 == 0) range.from_ms = kTimeMin;
  if (random() % 4 == 0) {
    range.first_entry = 1 + random() % entries;
    range.last_entry = range.first_entry + random() % 30;
  }
  if (random() % 2) range.key = "v" + std::to_string(random() % 6);
  if (random() % 3 == 0) range.source = random() % 2;
  return range;
}

// With an index for each file, some, or none; whole or damaged before or after they were made.
TEST(History, a_scan_finds_what_looking_at_every_reading_finds) {
  for (auto [seed, end] = seeds(60); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    HistoryJournal j;
    const uint64_t entries = 20 + random() % 80;
    std::set<uint64_t> damaged;
    for (uint64_t n = 0; n < entries; ++n) j.append(random, kStartMs + int64_t(n) * kStepMs);
    const auto harm = [&] {
      for (uint64_t n = random() % 3; n > 0; --n) {
        const uint64_t entry = 1 + random() % entries;
        if (damaged.insert(entry).second) j.damage(entry);
      }
    };
    harm();
    if (random() % 3) j.make_indexes();
    harm();
    for (int i = 0; i < 20; ++i) {
      const History::Range range = some_range(random, entries);
      History history(j.disk, "/state", j.sources, entries);
      EXPECT_EQ(j.found(history, range), j.expected(range, damaged));
      EXPECT_EQ(j.found(history, range), j.expected(range, damaged)) << "asked again";
    }
    History history(j.disk, "/state", j.sources, entries);
    j.found(history, {});
    std::set<uint64_t> told;
    for (const auto& [from, to] : history.damaged()) {
      for (uint64_t entry = from; entry <= to; ++entry) told.insert(entry);
    }
    EXPECT_EQ(told, damaged);
  }
}

TEST(History, what_is_behind_the_last_committed_entry_is_not_seen) {
  HistoryJournal j;
  std::mt19937_64 random(1);
  for (int n = 0; n < 10; ++n) j.append(random, kStartMs);
  History history(j.disk, "/state", j.sources, 7);
  History::Range upto;
  upto.last_entry = 7;
  EXPECT_EQ(j.found(history, {}), j.expected(upto, {}));
}

TEST(History, damage_at_the_end_of_what_is_asked_for_is_told) {
  HistoryJournal made;
  std::mt19937_64 random(1);
  for (int n = 0; n < 60; ++n) made.append(random, kStartMs);
  const uint64_t second = (*first_sequences(made.disk, "/state/journal"))[1];
  struct Case {
    uint64_t damaged;
    uint64_t asked_upto;
    uint64_t committed;
    bool told;
  };
  const Case cases[] = {
      {second - 1, second - 1, 60, true},
      {second - 1, UINT64_MAX, 60, true},
      {second - 1, second - 2, 60, false},
      {60, UINT64_MAX, 60, true},
      {60, 1'000, 60, true},
      {60, 59, 60, false},
      {60, 1'000, UINT64_MAX, false},  // nobody knows that it was there
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::to_string(c.damaged) + " damaged, asked up to " +
                 std::to_string(c.asked_upto));
    HistoryJournal j;
    std::mt19937_64 same(1);
    for (int n = 0; n < 60; ++n) j.append(same, kStartMs);
    j.damage(c.damaged);
    History history(j.disk, "/state", j.sources, c.committed);
    History::Range range;
    range.last_entry = c.asked_upto;
    EXPECT_EQ(j.found(history, range), j.expected(range, {c.damaged}));
    std::map<uint64_t, uint64_t> told;
    if (c.told) told[c.damaged] = c.damaged;
    EXPECT_EQ(history.damaged(), told);
  }
}

TEST(History, a_source_that_is_not_configured_is_not_shown_and_shifts_no_place) {
  HistoryJournal j;
  std::mt19937_64 random(1);
  for (int n = 0; n < 10; ++n) j.append(random, kStartMs);
  History history(j.disk, "/state", {j.sources[1]});
  History::Range gps;
  gps.source = 1;
  EXPECT_EQ(j.found(history, {}), j.expected(gps, {}));
}

TEST(History, an_expired_scan_says_so) {
  HistoryJournal j;
  std::mt19937_64 random(1);
  j.append(random, kStartMs);
  History history(j.disk, "/state", j.sources);
  auto scan = history.scan({}, [] { return true; });
  ASSERT_TRUE(scan.ok());
  const auto next = (*scan)->next();
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().code, ErrorCode::kUnavailable);
}

TEST(HistoryIndex, far_times_do_not_widen_a_range) {
  struct Case {
    std::vector<int64_t> times;
    std::vector<TimeRange> ranges;
  };
  constexpr int64_t kHour = 3'600'000;
  const Case cases[] = {
      {{}, {}},
      {{5}, {{5, 5}}},
      {{9, 5, 7}, {{5, 9}}},
      {{kHour, 0, 1}, {{0, 1}, {kHour, kHour}}},
      {{0, 2 * kHour, 3 * kHour, 9 * kHour, 20 * kHour},
       {{0, 0}, {2 * kHour, 3 * kHour}, {9 * kHour, 9 * kHour}, {20 * kHour, 20 * kHour}}},
      {{kTimeMax, kTimeMin, 0}, {{kTimeMin, kTimeMin}, {0, 0}, {kTimeMax, kTimeMax}}},
  };
  for (const Case& c : cases) {
    std::vector<int64_t> times = c.times;
    EXPECT_EQ(ranges_of(times), c.ranges);
  }
}

TEST(HistoryIndex, comes_back_from_its_bytes_and_a_changed_bit_is_noticed) {
  HistoryIndex index;
  index.file = 17;
  index.chain = 99;
  index.ranges = {{kTimeMin, -5}, {kStartMs, kStartMs + 7}, {-3, kTimeMax}};
  index.entries = {{17, kJournalPage, 0}, {18, 2 * kJournalPage, 2}, {25, 9 * kJournalPage, 3}};
  const std::string bytes = index.encode();
  const auto back = HistoryIndex::decode(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->file, index.file);
  EXPECT_EQ(back->chain, index.chain);
  EXPECT_EQ(back->entries, index.entries);
  EXPECT_EQ(back->ranges, index.ranges);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ (1 << i % 8));
    EXPECT_FALSE(HistoryIndex::decode(changed)) << "byte " << i;
    EXPECT_FALSE(HistoryIndex::decode(bytes.substr(0, i)));
  }
}

class Indexes : public testing::Test {
 protected:
  void SetUp() override {
    std::mt19937_64 random(1);
    for (int n = 0; n < 60; ++n) journal_.append(random, kStartMs + n * kStepMs);
    files_ = *first_sequences(journal_.disk, "/state/journal");
  }
  size_t indexed() {
    size_t n = 0;
    for (uint64_t file : files_) n += load_index(journal_.disk, "/state", file)->has_value();
    return n;
  }

  HistoryJournal journal_;
  std::vector<uint64_t> files_;
};

TEST_F(Indexes, are_made_for_all_files_but_the_one_that_is_written) {
  journal_.make_indexes();
  EXPECT_GE(files_.size(), 3u);
  EXPECT_EQ(indexed(), files_.size() - 1);
}

TEST_F(Indexes, of_another_journal_do_not_count) {
  journal_.make_indexes();
  const std::string name = "/state/history/" + journal_path("", files_[1]).substr(1, 17) + "wsh";
  const std::string bytes = journal_.disk.contents(name);
  HistoryJournal other;
  std::mt19937_64 random(2);
  for (int n = 0; n < 60; ++n) other.append(random, kStartMs + n * kStepMs);
  ASSERT_TRUE(other.disk.make_dirs("/state/history").ok());
  other.disk.set_contents(name, bytes);
  const auto loaded = load_index(other.disk, "/state", files_[1]);
  ASSERT_TRUE(loaded.ok());
  EXPECT_FALSE(loaded->has_value());
}

// The file that a recovery ends with again was complete before, and had an index.
TEST_F(Indexes, of_a_file_that_has_grown_since_do_not_count) {
  const std::string path = journal_path("/state/journal", files_[1]);
  const std::string whole = journal_.disk.contents(path);
  JournalReader reader(journal_.disk, "/state/journal");
  uint64_t oldest = 0;
  for (const uint64_t last : {files_[2] - 2, files_[1] - 1}) {
    SCOPED_TRACE("once it ended with entry " + std::to_string(last));
    ASSERT_TRUE(reader.seek(last + 1, oldest).ok());
    JournalEntry behind;
    ASSERT_TRUE(*reader.next(behind));
    std::string shorter = whole;
    std::fill(shorter.begin() + ptrdiff_t(behind.place.offset), shorter.end(), '\0');
    journal_.disk.set_contents(path, shorter);
    journal_.make_indexes();
    EXPECT_TRUE(load_index(journal_.disk, "/state", files_[1])->has_value());
    journal_.disk.set_contents(path, whole);
    EXPECT_FALSE(load_index(journal_.disk, "/state", files_[1])->has_value());
    History history(journal_.disk, "/state", journal_.sources);
    EXPECT_EQ(journal_.found(history, {}), journal_.expected({}, {}));
  }
}

TEST_F(Indexes, of_a_file_that_could_not_be_read_are_made_in_another_life) {
  const std::string path = journal_path("/state/journal", files_[1]);
  KnownIndexes known;
  const auto make_all = [&] {
    for (size_t looks = 0; looks <= files_.size(); ++looks) {
      const auto more = index_some(journal_.disk, "/state", 0, known, [] { return true; });
      ASSERT_TRUE(more.ok()) << more.error().message;
      if (!*more) return;
    }
    ADD_FAILURE() << "it never ends";
  };
  journal_.disk.wear_out(path, 2 * kJournalPage, 1);
  make_all();
  EXPECT_EQ(indexed(), files_.size() - 2);
  journal_.disk.wear_out(path, 0, 0);
  make_all();
  EXPECT_EQ(indexed(), files_.size() - 2) << "it is not read again and again";
  known = {};
  make_all();
  EXPECT_EQ(indexed(), files_.size() - 1);
}

TEST_F(Indexes, go_with_their_files_and_come_back_when_they_are_lost) {
  journal_.make_indexes();
  ASSERT_TRUE(journal_.disk.remove(journal_path("/state/journal", files_[0])).ok());
  journal_.make_indexes();
  EXPECT_EQ(journal_.disk.list("/state/history")->size(), files_.size() - 2);
  const std::vector<std::string> names = *journal_.disk.list("/state/history");
  for (const std::string& name : names) {
    ASSERT_TRUE(journal_.disk.remove("/state/history/" + name).ok());
  }
  journal_.make_indexes();
  EXPECT_EQ(indexed(), files_.size() - 2);
}

TEST_F(Indexes, take_nothing_of_what_is_to_stay_free) {
  KnownIndexes known;
  const auto more = index_some(journal_.disk, "/state", UINT64_MAX / 2, known, [] { return true; });
  ASSERT_TRUE(more.ok());
  EXPECT_FALSE(*more);
  EXPECT_EQ(indexed(), 0u);
}

TEST_F(Indexes, survive_any_single_failure_of_the_disk) {
  for (uint64_t call = 1; call <= 60; ++call) {
    SCOPED_TRACE(call);
    KnownIndexes known;
    journal_.disk.fail_call(call);
    (void)index_some(journal_.disk, "/state", 0, known, [] { return true; }).ok();
    journal_.disk.heal();
  }
  journal_.make_indexes();
  EXPECT_EQ(indexed(), files_.size() - 1);
  History history(journal_.disk, "/state", journal_.sources);
  EXPECT_EQ(journal_.found(history, {}), journal_.expected({}, {}));
}

TEST_F(Indexes, are_made_behind_the_back_of_a_gateway) {
  Indexer indexer(journal_.disk, "/state", 0, std::chrono::milliseconds(1));
  indexer.start();
  while (indexed() < files_.size() - 1) std::this_thread::yield();
  indexer.stop();
}

}  // namespace
}  // namespace wayside
