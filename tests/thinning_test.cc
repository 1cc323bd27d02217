// Readings that a limit takes before they are forwarded: one of each device and stretch of time
// stays, under its own id, and what became of all others is known.
#include <gtest/gtest.h>

#include <map>

#include "storage/thinner.h"
#include "tests/uplink_fixture.h"

namespace wayside {
namespace {

constexpr uint64_t kFilePages = 5;  // four entries
constexpr uint64_t kFiles = 4;

class Thinning : public testing::Test {
 protected:
  Thinning() {
    options_.thin_to_ms = 10;
    options_.min_free = 0;
    begin_anew();
  }

  void begin_anew() {
    gateway_ = std::make_unique<UplinkFixture>(kFiles * kFilePages, kFilePages);
    thinner_ = make_thinner();
    got_.clear();
    entries_ = 0;
  }

  std::unique_ptr<Thinner> make_thinner() {
    auto thinner = std::make_unique<Thinner>(gateway_->disk, "", options_, gateway_->sources,
                                             std::vector<bool>{true, false}, piece_rows_);
    thinner->lost = [this](const ThinnedReadings& t) {
      EXPECT_LT(t.last, gateway_->journal->oldest_sequence()) << "the journal has it";
      lost_ += t.origins.size();
    };
    thinner->damaged = [this](const Damage& d) { damage_.push_back(d); };
    EXPECT_TRUE(thinner->open(*gateway_->journal, {{epoch_, 1, 1}}).ok());
    written_ = gateway_->journal->bytes_written();
    return thinner;
  }
  // So many entries, with the thinner beside.
  void read(int entries, size_t rows = 6) {
    for (int i = 0; i < entries; ++i) {
      gateway_->read(rows, 2);
      ++entries_;
      const Status worked = work();
      if (!worked.ok()) ADD_FAILURE() << worked.error().message;
      EXPECT_LE(thinner_->bytes(), options_.thin_bytes);
    }
  }
  // Twice what was written since the last time.
  Status work() {
    const uint64_t before = std::exchange(written_, gateway_->journal->bytes_written());
    return thinner_->work(*gateway_->journal, needed_, 2 * (written_ - before));
  }
  // Delivers to the end, by a new backlog for each batch if `afresh`.
  void deliver(Mark& mark, uint32_t batch = 5'000, bool afresh = false) {
    BacklogOptions options = gateway_->options();
    options.batch_messages = batch;
    auto backlog = gateway_->backlog(options);
    for (bool more = true; more;) {
      MessageBatch messages;
      Mark after;
      const Status status = backlog->next(mark, {entries_, 0, 0}, messages, after);
      ASSERT_TRUE(status.ok()) << status.error().message;
      more = after.settled() > mark.settled();
      for (const Message& m : messages) EXPECT_TRUE(got_.emplace(m.id, m).second) << m.id;
      mark = *Mark::from_text(after.to_text());
      if (afresh) backlog = gateway_->backlog(options);
    }
    EXPECT_EQ(mark.delivered, got_.size());
    EXPECT_EQ(mark.settled(), gateway_->rows_before[0]) << "each reading has one fate";
    EXPECT_EQ(mark.raw.seen, gateway_->rows_before[0]);
  }
  // By device and stretch of time, of what came from entries that are gone.
  std::map<std::pair<std::string, int64_t>, int> kept() const {
    std::map<std::pair<std::string, int64_t>, int> kept;
    for (const auto& [id, m] : got_) {
      const uint64_t entry = std::stoull(id.substr(id.rfind('/') + 1));
      if (entry < gateway_->journal->oldest_sequence())
        ++kept[{m.key, m.time_ms / options_.thin_to_ms}];
    }
    return kept;
  }

  std::unique_ptr<UplinkFixture> gateway_;
  StorageOptions options_;
  std::unique_ptr<Thinner> thinner_;
  std::map<std::string, Message> got_;
  uint64_t entries_ = 0;
  uint64_t needed_ = 1;
  uint64_t lost_ = 0;
  std::vector<Damage> damage_;
  uint64_t written_ = 0;
  size_t piece_rows_ = Thinner::kPieceRows;
  std::string epoch_ = "e1";
};

TEST_F(Thinning, of_each_device_one_reading_in_a_stretch_of_time_is_delivered) {
  read(60);
  ASSERT_GT(gateway_->journal->oldest_sequence(), 40u);
  Mark mark;
  deliver(mark);
  EXPECT_EQ(mark.dropped, 0u);
  EXPECT_GT(mark.compacted, 100u);
  // A file begins anew, so that a stretch over its end may have two.
  const auto of_gone = kept();
  const auto gone_ms = static_cast<int64_t>(gateway_->journal->oldest_sequence() - 1) * 6;
  for (int device = 0; device < 3; ++device) {
    const std::string key = "truck-" + std::to_string(device);
    for (int64_t t = 0; t < gone_ms / options_.thin_to_ms; ++t) {
      const auto at = of_gone.find({key, t});
      ASSERT_NE(at, of_gone.end()) << key << " at " << t;
      EXPECT_LE(at->second, 2);
    }
  }
}

TEST_F(Thinning, a_reading_that_is_kept_has_the_id_and_the_value_it_had) {
  read(12);
  Mark mark;
  deliver(mark);
  const auto whole = std::exchange(got_, {});
  ASSERT_EQ(mark.compacted, 0u) << "the journal has all of it";
  read(40);
  Mark later;
  deliver(later);
  size_t same = 0;
  for (const auto& [id, m] : whole) {
    const auto at = got_.find(id);
    if (at == got_.end()) continue;
    EXPECT_EQ(at->second.value, m.value);
    ++same;
  }
  EXPECT_GT(same, 5u);
  EXPECT_LT(same, whole.size());
}

TEST_F(Thinning, any_size_of_batches_and_any_restart_gives_the_same) {
  read(50);
  Mark all;
  deliver(all);
  const auto expected = std::exchange(got_, {});
  for (uint32_t batch = 1; batch <= 13; ++batch) {
    SCOPED_TRACE(batch);
    Mark mark;
    deliver(mark, batch, true);
    EXPECT_EQ(mark, all);
    EXPECT_TRUE(std::ranges::equal(
        got_, expected, {}, [](const auto& m) { return m.first; },
        [](const auto& m) { return m.first; }));
    got_.clear();
  }
}

TEST_F(Thinning, who_is_half_through_a_file_that_goes_gets_what_is_kept_of_the_rest) {
  for (uint32_t first = 1; first < 24; ++first) {
    SCOPED_TRACE(first);
    begin_anew();
    read(6);
    BacklogOptions options = gateway_->options();
    options.batch_messages = first;
    MessageBatch messages;
    Mark mark;
    ASSERT_TRUE(gateway_->backlog(options)->next({}, {entries_, 0, 0}, messages, mark).ok());
    ASSERT_EQ(mark.delivered, first);
    for (const Message& m : messages) got_.emplace(m.id, m);
    read(40);
    deliver(mark, 7);
    EXPECT_EQ(mark.dropped, 0u);
  }
}

TEST_F(Thinning, what_waited_may_end_within_a_thinned_file) {
  for (int at = 1; at <= 8; ++at) {
    SCOPED_TRACE(at);
    begin_anew();
    read(at);
    Mark mark;
    ASSERT_TRUE(*gateway_->backlog()->cut(mark, {entries_, 0, 0}, 1));
    read(40);
    deliver(mark, 5, true);
    EXPECT_EQ(mark.dropped, 0u);
    EXPECT_TRUE(mark.backlog.empty());
  }
}

TEST_F(Thinning, beyond_thin_bytes_the_oldest_goes_and_is_told) {
  read(40);
  const uint64_t some = thinner_->bytes();
  ASSERT_GT(some, 0u);
  options_.thin_bytes = some / 2;
  read(1);
  EXPECT_LE(thinner_->bytes(), some / 2);
  EXPECT_GT(lost_, 0u);
  Mark mark;
  deliver(mark);
  EXPECT_GT(mark.dropped, lost_) << "with those that were thinned out before";
  EXPECT_GT(mark.compacted, 0u);
}

TEST_F(Thinning,
       where_one_file_has_more_than_thin_bytes_the_limit_holds_and_nothing_is_told_twice) {
  options_.thin_to_ms = 1;
  options_.thin_bytes = 300;
  read(60);
  Mark mark;
  deliver(mark);
  EXPECT_GT(mark.dropped, 0u);
  EXPECT_LE(lost_, mark.dropped);
}

TEST_F(Thinning, a_file_that_cannot_be_removed_is_not_told_as_lost) {
  read(40);
  options_.thin_bytes = thinner_->bytes() / 2;
  bool failed = false;
  for (uint64_t n = 1; n < 40; ++n) {
    const auto firsts = *thinned_files(gateway_->disk, "/thinned");
    const uint64_t lost = lost_;
    gateway_->read(6, 2);
    ++entries_;
    gateway_->disk.fail_call(n);
    (void)work().ok();
    gateway_->disk.fail_call(0);
    const auto left = *thinned_files(gateway_->disk, "/thinned");
    const bool gone = !std::ranges::includes(left, firsts);
    EXPECT_LE(lost_ > lost, gone);
    failed |= !gone;
  }
  EXPECT_TRUE(failed);
}

TEST_F(Thinning, a_journal_file_may_need_several) {
  piece_rows_ = 5;
  begin_anew();
  read(50);
  EXPECT_GT(thinned_files(gateway_->disk, "/thinned")->size(), 10u);
  Mark mark;
  deliver(mark, 4, true);
  EXPECT_EQ(mark.dropped, 0u);
  EXPECT_GT(mark.compacted, 0u);
}

TEST_F(Thinning, many_small_entries_are_thinned_in_time_for_few_large_ones) {
  read(16, 1);
  read(30, 1'500);
  Mark mark;
  deliver(mark);
  EXPECT_EQ(mark.dropped, 0u);
  EXPECT_GT(mark.compacted, 0u);
}

TEST_F(Thinning, what_waited_in_a_device_may_come_mixed_with_what_is_new) {
  options_.thin_to_ms = 1'000;
  for (int i = 0; i < 60; ++i) {
    read(1, 3);
    gateway_->shift_ms = i % 2 ? 0 : 1'000'000;
  }
  Mark mark;
  deliver(mark);
  EXPECT_GT(mark.compacted, 50u) << "a file of four entries has three devices at two times";
  EXPECT_EQ(mark.dropped, 0u);
}

TEST_F(Thinning, another_stores_files_are_set_aside) {
  read(50);
  const size_t files = thinned_files(gateway_->disk, "/thinned")->size();
  ASSERT_GT(files, 2u);
  epoch_ = "e2";
  thinner_ = make_thinner();
  EXPECT_EQ(thinner_->bytes(), 0u);
  EXPECT_EQ(thinned_files(gateway_->disk, "/thinned")->size(), 0u);
  EXPECT_EQ(gateway_->disk.list("/thinned")->size(), files) << "under other names";
  EXPECT_TRUE(damage_.empty()) << "nothing of ours";
  Mark mark;
  deliver(mark);
  EXPECT_EQ(mark.compacted, 0u);
}

TEST_F(Thinning, what_every_uplink_has_is_neither_thinned_nor_kept) {
  read(40);
  ASSERT_GT(thinner_->bytes(), 0u);
  needed_ = entries_ + 1;
  read(1);
  EXPECT_EQ(thinner_->bytes(), 0u);
  for (int i = 0; i < 40; ++i) {
    needed_ = entries_ + 1;
    read(1);
  }
  EXPECT_EQ(thinner_->bytes(), 0u);
  EXPECT_EQ(thinned_files(gateway_->disk, "/thinned")->size(), 0u);
  EXPECT_EQ(lost_, 0u);
}

TEST_F(Thinning, nothing_is_kept_where_that_is_off) {
  options_.thin_to_ms = 0;
  read(40);
  EXPECT_EQ(thinner_->bytes(), 0u);
  Mark mark;
  deliver(mark);
  EXPECT_GT(mark.dropped, 0u);
  EXPECT_EQ(mark.compacted, 0u);
}

TEST_F(Thinning, a_restart_goes_on_where_the_former_life_was) {
  for (int i = 0; i < 60; ++i) {
    read(1);
    if (i % 3 == 0) thinner_ = make_thinner();
  }
  Mark mark;
  deliver(mark);
  EXPECT_GT(mark.compacted, 0u);
  // What was read of a file is read again, so that none is without.
  EXPECT_EQ(mark.dropped, 0u);
}

TEST_F(Thinning, what_fails_once_costs_nothing) {
  for (uint64_t n = 1; n < 60; ++n) {
    SCOPED_TRACE(n);
    begin_anew();
    read(18);
    gateway_->disk.fail_call(n);
    for (int i = 0; i < 4; ++i) (void)thinner_->work(*gateway_->journal, needed_, 8'192).ok();
    gateway_->disk.fail_call(0);
    read(24);
    Mark mark;
    deliver(mark, 9);
    EXPECT_EQ(mark.dropped, 0u) << "there was time for another attempt";
  }
}

TEST_F(Thinning, what_is_damaged_is_passed_over_and_counted) {
  read(50);
  const auto firsts = *thinned_files(gateway_->disk, "/thinned");
  ASSERT_GT(firsts.size(), 4u);
  {
    auto file = gateway_->disk.open(thinned_path("/thinned", firsts[1]), Disk::Mode::kReadWrite);
    ASSERT_TRUE((*file)->write_at(20, "damage").ok());
  }
  Mark mark;
  deliver(mark);
  EXPECT_EQ(mark.dropped, (firsts[2] - firsts[1]) * 6) << "all that the file stood for";
  EXPECT_GT(mark.compacted, 0u);
  EXPECT_TRUE(damage_.empty());
  thinner_ = make_thinner();
  ASSERT_EQ(damage_.size(), 1u) << "a start tells it";
  EXPECT_EQ(damage_[0].kept_as, thinned_path("/thinned", firsts[1]) + ".bad");
  EXPECT_TRUE(gateway_->disk.open(damage_[0].kept_as, Disk::Mode::kRead).ok());
}

// Files are thinned out before they have to go.
TEST_F(Thinning, what_the_journal_still_has_behind_a_damaged_entry_comes_from_there) {
  read(50);
  const uint64_t oldest = gateway_->journal->oldest_sequence();
  const auto ahead = *find_thinned(gateway_->disk, "/thinned", oldest, gateway_->sources);
  ASSERT_TRUE(ahead && ahead->first <= oldest && ahead->last > oldest + 1);
  const JournalEntry entry = **read_entry(gateway_->disk, "/journal", oldest);
  const std::string path = "/journal/" + numbered_name(entry.place.file, ".wsj");
  std::string bytes = gateway_->disk.contents(path);
  bytes[entry.place.offset + 100] ^= 1;
  gateway_->disk.set_contents(path, bytes);
  Mark mark;
  deliver(mark);
  std::map<uint64_t, int> rows;
  for (const auto& [id, m] : got_) ++rows[std::stoull(id.substr(id.rfind('/') + 1))];
  EXPECT_LT(rows[oldest], 6) << "what is kept of it";
  for (uint64_t e = oldest + 1; e <= entries_; ++e) EXPECT_EQ(rows[e], 6) << e;
  EXPECT_EQ(mark.dropped, 0u);
}

TEST_F(Thinning, a_position_in_what_is_gone_can_be_counted_for_other_sources) {
  read(50);
  BacklogOptions options = gateway_->options();
  options.batch_messages = 7;
  MessageBatch messages;
  Mark mark;
  ASSERT_TRUE(gateway_->backlog(options)->next({}, {entries_, 0, 0}, messages, mark).ok());
  const RawPosition known = mark.raw;
  ASSERT_LT(known.entry, gateway_->journal->oldest_sequence());
  mark.raw.seen = 4'711;
  options.recount = true;
  ASSERT_TRUE(gateway_->backlog(options)->recount(mark, {entries_, 0, 0}).ok());
  EXPECT_EQ(mark.raw, known);
}

TEST(ThinnedReadings, any_damage_is_an_error) {
  const std::vector<NamedSchema> sources{{"climate", {{{"vehicle", FieldType::kText}}, 0}}};
  ThinnedReadings thinned;
  thinned.first = 3;
  thinned.last = 9;
  thinned.kept.batches.emplace_back(sources[0].schema);
  thinned.kept.duplicates = {0};
  thinned.kept.rows_before = {17};
  thinned.kept.batches[0].times = {1, 2};
  const uint32_t key = thinned.kept.batches[0].texts.intern("a");
  thinned.kept.batches[0].columns[0].texts = {key, key};
  thinned.kept.turns = {{Now{}, {{0, 0, 2}}}};
  thinned.origins = {{3, 5}, {9, 0}};
  thinned.rows_after = {40};
  const std::string bytes = *encode_thinned(thinned, sources);
  const auto good = decode_thinned(bytes, sources);
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_EQ(good->first, 3u);
  EXPECT_EQ(good->last, 9u);
  EXPECT_EQ(good->origins, thinned.origins);
  EXPECT_EQ(good->kept.rows_before, thinned.kept.rows_before);
  EXPECT_EQ(good->rows_after, thinned.rows_after);
  EXPECT_EQ(good->kept.batches[0].times, thinned.kept.batches[0].times);
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(decode_thinned(std::string_view(bytes).substr(0, n), sources).ok()) << n;
    std::string flipped = bytes;
    flipped[n] = static_cast<char>(flipped[n] ^ 0x10);
    EXPECT_FALSE(decode_thinned(flipped, sources).ok()) << n;
  }
  EXPECT_EQ(decode_thinned(bytes, {})->origins.size(), 2u) << "who knows no source loses no place";
}

}  // namespace
}  // namespace wayside
