// A gateway as an uplink sees it: an outbox with emissions and a journal with readings.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/group_codec.h"
#include "storage/journal.h"
#include "storage/store.h"
#include "tests/faulty_disk.h"
#include "tests/temp_folder.h"
#include "uplink/backlog.h"

namespace wayside {

class UplinkFixture {
 public:
  explicit UplinkFixture(uint64_t journal_pages = 8, uint64_t file_pages = 2)
      : sources({{"climate", {{{"vehicle", FieldType::kText}, {"temp_c", FieldType::kNumber}}, 0}},
                 {"doors", {{{"vehicle", FieldType::kText}, {"open", FieldType::kBool}}, 0}}}) {
    auto opened = Store::open(posix_disk(), folder.path());
    if (!opened.ok()) ADD_FAILURE() << opened.error().message;
    store = std::move(*opened);
    // By default two pages a file and four files: an entry each, so that the fourth is the oldest
    // soon.
    auto journaled =
        Journal::open(disk, {"/journal", file_pages * kJournalPage, journal_pages * kJournalPage});
    if (!journaled.ok()) ADD_FAILURE() << journaled.error().message;
    journal = std::move(*journaled);
    begin_epoch({"e1", 1, 1});
  }

  void begin_epoch(const Epoch& epoch) {
    Store::Changes changes;
    changes.new_epoch = epoch;
    ASSERT_TRUE(store->apply(changes, 0).ok());
  }

  void emit(Lane lane, uint32_t targets = 1, const std::string& key = "truck-1") {
    Emission e;
    e.sequence = ++last_sequence;
    e.lane = lane;
    e.targets = targets;
    e.type = lane == Lane::kAlarm ? "alarm" : "window";
    e.block = "cold";
    e.key = key;
    e.time_ms = 1'000;
    e.fields = {{"n", 3.0}};
    const std::vector<Emission> emissions{e};
    Store::Changes changes;
    changes.emissions = emissions;
    ASSERT_TRUE(store->apply(changes, 0).ok());
  }

  // One journal entry with as many readings of each source.
  void read(size_t climate, size_t doors = 0) {
    Group group;
    for (const NamedSchema& s : sources) group.batches.emplace_back(s.schema);
    group.duplicates.resize(2);
    group.rows_before = rows_before;
    Turn turn;
    for (const auto& [source, rows] : {std::pair{0u, climate}, std::pair{1u, doors}}) {
      ReadingBatch& b = group.batches[source];
      for (size_t i = 0; i < rows; ++i) {
        b.times.push_back(shift_ms + static_cast<int64_t>(rows_before[source] + i));
        b.columns[0].texts.push_back(b.texts.intern("truck-" + std::to_string(i % 3)));
        b.columns[1].numbers.push_back(source == 0 ? 20.5 : 1);
      }
      turn.slices.push_back({source, 0, static_cast<uint32_t>(rows)});
      rows_before[source] += rows;
    }
    group.turns = {turn};
    std::string block;
    encode_group(group, sources, {}, block);
    ASSERT_TRUE(journal->append(0, 0, {}, block).ok());
  }

  BacklogOptions options() const {
    BacklogOptions o;
    o.store_dir = folder.path();
    o.gateway = "gw";
    o.raw = {"/journal", "/thinned", sources, {true, false}};
    return o;
  }
  std::unique_ptr<Backlog> backlog(const BacklogOptions& o) {
    auto opened = Backlog::open(disk, o);
    if (!opened.ok()) ADD_FAILURE() << opened.error().message;
    return std::move(*opened);
  }
  std::unique_ptr<Backlog> backlog() { return backlog(options()); }

  TempFolder folder;
  FaultyDisk disk;
  std::vector<NamedSchema> sources;
  std::unique_ptr<Store> store;
  std::unique_ptr<Journal> journal;
  uint64_t last_sequence = 0;
  int64_t shift_ms = 0;  // of the readings' times
  std::vector<uint64_t> rows_before = std::vector<uint64_t>(2);
};

}  // namespace wayside
