#include "uplink/backlog.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/uplink_fixture.h"

namespace wayside {
namespace {

using Ids = std::vector<std::string>;

// What the next batch holds, without "gw/"; the mark goes on.
// The next batch with messages; before it come those that only tell what was dropped.
Ids next_ids(Backlog& backlog, Mark& mark, uint64_t committed) {
  MessageBatch messages;
  Mark after;
  for (bool told = true; told; mark = told ? after : mark) {
    const Status status = backlog.next(mark, Committed{committed}, messages, after);
    if (!status.ok()) ADD_FAILURE() << status.error().message;
    told = messages.empty() && after.dropped > mark.dropped;
  }
  Ids ids;
  for (const Message& m : messages) {
    EXPECT_TRUE(m.id.starts_with("gw/")) << m.id;
    EXPECT_NE(m.value.find('"' + m.id + '"'), std::string::npos) << m.value;
    ids.push_back(m.id.substr(3));
  }
  EXPECT_EQ(after.delivered, mark.delivered + ids.size());
  mark = after;
  return ids;
}

Ids all_ids(Backlog& backlog, Mark& mark, uint64_t committed) {
  Ids all;
  for (Ids some; !(some = next_ids(backlog, mark, committed)).empty();)
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

TEST(Backlog, alarms_go_first_and_alone_then_results_then_readings) {
  UplinkFixture f;
  f.read(2);
  f.emit(Lane::kResult);
  f.emit(Lane::kAlarm);
  f.emit(Lane::kResult);
  f.emit(Lane::kAlarm);
  Mark mark;
  auto backlog = f.backlog();
  EXPECT_EQ(next_ids(*backlog, mark, 1), (Ids{"e1/2", "e1/4"}));
  EXPECT_EQ(next_ids(*backlog, mark, 1), (Ids{"e1/1", "e1/3", "e1/1.0", "e1/1.1"}));
  EXPECT_EQ(mark.delivered_upto, (std::array<uint64_t, 2>{4, 3}));
  EXPECT_EQ(mark.raw.seen, 2u);
  EXPECT_EQ(next_ids(*backlog, mark, 1), Ids());
}

TEST(Backlog, any_batch_size_gives_the_same_messages_once) {
  UplinkFixture f;
  for (int i = 0; i < 3; ++i) {
    f.read(4, 2);
    f.emit(Lane::kResult);
    f.emit(Lane::kAlarm);
  }
  Mark whole_mark;
  const Ids whole = all_ids(*f.backlog(), whole_mark, 3);
  EXPECT_EQ(whole.size(), 3u * (4 + 2));
  for (const bool reopened : {false, true}) {
    for (uint32_t size = 1; size <= whole.size(); ++size) {
      SCOPED_TRACE("batches of " + std::to_string(size) +
                   (reopened ? ", reopened after each" : ""));
      BacklogOptions options = f.options();
      options.batch_messages = size;
      auto backlog = f.backlog(options);
      Mark mark;
      Ids all;
      while (true) {
        const Ids ids = next_ids(*backlog, mark, 3);
        EXPECT_LE(ids.size(), size);
        if (ids.empty()) break;
        all.insert(all.end(), ids.begin(), ids.end());
        if (reopened) backlog = f.backlog(options);
      }
      EXPECT_EQ(all, whole);
      EXPECT_EQ(mark, whole_mark);
    }
  }
}

TEST(Backlog, a_batch_ends_soon_after_its_limit_in_bytes) {
  UplinkFixture f;
  for (int i = 0; i < 5; ++i) f.emit(Lane::kResult);
  BacklogOptions options = f.options();
  options.batch_bytes = 1;
  Mark mark;
  EXPECT_EQ(next_ids(*f.backlog(options), mark, 0), (Ids{"e1/1"}));
}

TEST(Backlog, a_batch_that_was_not_delivered_is_given_again) {
  UplinkFixture f;
  f.emit(Lane::kAlarm);
  f.read(3);
  auto backlog = f.backlog();
  Mark first;
  const Ids ids = next_ids(*backlog, first, 1);
  Mark again;
  EXPECT_EQ(next_ids(*backlog, again, 1), ids);
  EXPECT_EQ(again, first);
}

TEST(Backlog, what_is_not_committed_is_not_looked_at) {
  UplinkFixture f;
  f.read(1);
  f.read(1);
  auto backlog = f.backlog();
  Mark mark;
  EXPECT_EQ(next_ids(*backlog, mark, 0), Ids());
  EXPECT_EQ(next_ids(*backlog, mark, 1), (Ids{"e1/1.0"}));
  EXPECT_EQ(next_ids(*backlog, mark, 2), (Ids{"e1/2.0"}));
}

TEST(Backlog, an_uplink_gets_what_is_meant_for_it_only) {
  UplinkFixture f;
  f.emit(Lane::kResult, 0b01);
  f.emit(Lane::kResult, 0b10);
  f.read(2, 1);
  BacklogOptions options = f.options();
  options.bit = 1;
  options.raw.forwarded = {false, true};
  Mark mark;
  EXPECT_EQ(next_ids(*f.backlog(options), mark, 1), (Ids{"e1/2", "e1/1.2"}));
  options.raw.forwarded = {false, false};
  Mark without_raw;
  EXPECT_EQ(next_ids(*f.backlog(options), without_raw, 1), (Ids{"e1/2"}));
  EXPECT_EQ(without_raw.raw.entry, 1u);
}

TEST(Backlog, a_reading_has_the_same_id_wherever_it_goes) {
  const auto by_id = [](std::vector<bool> forwarded) {
    UplinkFixture f;
    f.read(3, 2);
    BacklogOptions options = f.options();
    options.raw.forwarded = std::move(forwarded);
    options.batch_messages = 2;
    auto backlog = f.backlog(options);
    std::map<std::string, std::string> values;
    Mark mark;
    MessageBatch messages;
    do {
      Mark after;
      EXPECT_TRUE(backlog->next(mark, Committed{1}, messages, after).ok());
      for (const Message& m : messages) EXPECT_TRUE(values.emplace(m.id, m.value).second);
      mark = after;
    } while (!messages.empty());
    EXPECT_EQ(mark.raw.seen, values.size());
    EXPECT_EQ(mark.raw.entry, 1u);
    return values;
  };
  const auto both = by_id({true, true});
  EXPECT_EQ(both.size(), 5u);
  auto parts = by_id({true, false});
  EXPECT_EQ(parts.size(), 3u);
  parts.merge(by_id({false, true}));
  EXPECT_EQ(parts, both);
}

TEST(Backlog, a_reading_keeps_its_id_when_another_source_is_removed) {
  UplinkFixture f;
  f.read(3, 2);
  BacklogOptions options = f.options();
  options.raw.sources.erase(options.raw.sources.begin());
  options.raw.forwarded = {true};
  Mark mark;
  EXPECT_EQ(next_ids(*f.backlog(options), mark, 1), (Ids{"e1/1.3", "e1/1.4"}));
  options.batch_messages = 1;
  mark = {};
  EXPECT_EQ(all_ids(*f.backlog(options), mark, 1), (Ids{"e1/1.3", "e1/1.4"}));
}

TEST(Backlog, an_uplink_that_forwards_nothing_any_more_keeps_no_place_within_an_entry) {
  UplinkFixture f;
  for (int i = 0; i < 2; ++i) f.read(3, 2);
  BacklogOptions options = f.options();
  options.raw.forwarded = {false, false};
  Mark mark;
  mark.raw = {0, 2, 2};
  EXPECT_EQ(next_ids(*f.backlog(options), mark, 1), Ids());
  EXPECT_EQ(next_ids(*f.backlog(), mark, 2).size(), 3u);
}

TEST(Backlog, a_mark_of_other_sources_counts_anew) {
  UplinkFixture f;
  for (int i = 0; i < 12; ++i) f.read(3, 5);
  const uint64_t oldest = f.journal->oldest_sequence();
  BacklogOptions options = f.options();
  options.raw.forwarded = {true, true};
  const struct {
    RawPosition at;
    uint64_t seen;
  } rows[] = {
      {{10, 0, 30}, 80}, {{10, 4, 33}, 84}, {{12, 0, 36}, 96}, {{1, 0, 3}, 8 * (oldest - 1)}};
  for (const auto& [at, seen] : rows) {
    Mark mark;
    mark.raw = at;
    auto backlog = f.backlog(options);
    ASSERT_TRUE(backlog->recount(mark, {12}).ok());
    EXPECT_EQ(mark.raw, at) << "nobody has asked for it";
    options.recount = true;
    backlog = f.backlog(options);
    options.recount = false;
    ASSERT_TRUE(backlog->recount(mark, {12}).ok());
    EXPECT_EQ(mark.raw.seen, seen);
  }
}

TEST(Backlog, an_id_names_the_epoch_in_which_it_was_given) {
  UplinkFixture f;
  f.emit(Lane::kResult);
  f.read(1);
  f.begin_epoch({"e2", 2, 2});
  f.emit(Lane::kResult);
  f.read(1);
  Mark mark;
  EXPECT_EQ(next_ids(*f.backlog(), mark, 2), (Ids{"e1/1", "e2/2", "e1/1.0", "e2/2.0"}));
}

TEST(Backlog, readings_that_were_recycled_are_counted_as_dropped) {
  for (const bool was_reading : {false, true}) {
    SCOPED_TRACE(was_reading);
    UplinkFixture f;
    auto backlog = f.backlog();
    Mark mark;
    f.read(3, 5);
    if (was_reading) {
      EXPECT_EQ(next_ids(*backlog, mark, 1).size(), 3u);
    }
    for (int i = 2; i <= 12; ++i) f.read(3, 5);
    const uint64_t oldest = f.journal->oldest_sequence();
    ASSERT_GT(oldest, 2u);
    size_t delivered = mark.delivered;
    while (const size_t n = next_ids(*backlog, mark, 12).size()) delivered += n;
    EXPECT_EQ(delivered, 3 * ((was_reading ? 1 : 0) + 12 - oldest + 1));
    EXPECT_EQ(mark.delivered + mark.dropped, 3u * 12);
    EXPECT_EQ(mark.raw.seen, 3u * 12);
  }
}

// A sink that finds its place by what it has cannot see that something is missing between two
// messages.
TEST(Backlog, what_was_dropped_is_told_before_what_follows_it) {
  UplinkFixture f;
  auto backlog = f.backlog();
  f.read(3, 5);
  f.emit(Lane::kResult);
  for (int i = 2; i <= 12; ++i) f.read(3, 5);
  Mark mark, after;
  MessageBatch messages;
  uint64_t gaps = 0;
  do {
    ASSERT_TRUE(backlog->next(mark, {12, f.last_sequence, 0}, messages, after).ok());
    const bool gap = after.dropped > mark.dropped;
    gaps += gap;
    EXPECT_TRUE(messages.empty() || !gap);
    std::swap(mark, after);
  } while (mark != after);
  EXPECT_EQ(gaps, 1u);
  EXPECT_EQ(mark.delivered + mark.dropped, 3u * 12 + 1);
}

TEST(Backlog, readings_of_a_half_forwarded_entry_that_is_gone_are_counted_once) {
  UplinkFixture f;
  BacklogOptions options = f.options();
  options.batch_messages = 2;
  Mark mark;
  f.read(3);
  EXPECT_EQ(next_ids(*f.backlog(options), mark, 1), (Ids{"e1/1.0", "e1/1.1"}));
  for (int i = 2; i <= 12; ++i) f.read(3);
  auto backlog = f.backlog(options);
  while (!next_ids(*backlog, mark, 12).empty()) {
  }
  EXPECT_EQ(mark.delivered + mark.dropped, 3u * 12);
}

TEST(Backlog, a_mark_that_does_not_know_how_many_readings_it_has_seen_learns_it) {
  UplinkFixture f;
  for (int i = 0; i < 2; ++i) f.read(3, 5);
  for (const uint64_t seen : {0u, 400u}) {
    Mark mark;
    mark.raw = {0, 2, seen};
    EXPECT_EQ(next_ids(*f.backlog(), mark, 2), (Ids{"e1/1.2", "e1/2.0", "e1/2.1", "e1/2.2"}));
    EXPECT_EQ(mark.raw, (RawPosition{2, 0, 6}));
  }
}

TEST(Backlog, forwarding_goes_on_behind_entries_that_were_skipped) {
  UplinkFixture f;
  auto backlog = f.backlog();
  Mark mark;
  f.read(1);
  EXPECT_EQ(next_ids(*backlog, mark, 1), (Ids{"e1/1.0"}));
  ASSERT_TRUE(f.journal->skip_to(50).ok());
  f.read(1);
  EXPECT_EQ(next_ids(*backlog, mark, 51), (Ids{"e1/51.0"}));
  EXPECT_EQ(mark.raw.entry, 51u);
}

TEST(Backlog, a_reading_from_before_the_key_was_renamed_has_no_key) {
  UplinkFixture f;
  f.read(1);
  BacklogOptions options = f.options();
  options.raw.sources[0].schema.fields[0].name = "truck";
  MessageBatch messages;
  Mark after;
  ASSERT_TRUE(f.backlog(options)->next({}, Committed{1}, messages, after).ok());
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].key, "");
  EXPECT_EQ(messages[0].block, "climate");
}

TEST(Backlog, a_disk_that_fails_once_loses_and_repeats_nothing) {
  UplinkFixture f;
  for (int i = 0; i < 3; ++i) f.read(3);
  Mark expected_mark;
  const Ids expected = next_ids(*f.backlog(), expected_mark, 3);
  BacklogOptions options = f.options();
  options.batch_messages = 2;
  for (uint64_t n = 1; n <= 30; ++n) {
    SCOPED_TRACE("call " + std::to_string(n) + " fails");
    auto backlog = f.backlog(options);
    f.disk.fail_call(n);
    Mark mark;
    Ids all;
    for (int failures = 0; failures < 2;) {
      MessageBatch messages;
      Mark after;
      if (!backlog->next(mark, Committed{3}, messages, after).ok()) {
        ++failures;
        continue;
      }
      if (messages.empty()) break;
      for (const Message& m : messages) all.push_back(m.id.substr(3));
      mark = after;
    }
    f.disk.fail_call(0);
    EXPECT_EQ(all, expected);
    EXPECT_EQ(mark, expected_mark);
  }
}

TEST(Backlog, a_block_that_cannot_be_read_is_passed_over_and_its_readings_are_counted) {
  UplinkFixture f;
  f.read(2);
  ASSERT_TRUE(f.journal->append(0, 0, {}, "no block").ok());
  auto backlog = f.backlog();
  Mark mark;
  EXPECT_EQ(next_ids(*backlog, mark, 2).size(), 2u);
  EXPECT_EQ(mark.raw.entry, 1u) << "what is lost shows with the next entry";
  f.rows_before[0] += 4;
  f.read(1);
  EXPECT_EQ(next_ids(*backlog, mark, 3).size(), 1u);
  EXPECT_EQ(mark.raw.entry, 3u);
  EXPECT_EQ(mark.dropped, 4u);
}

// ---- what waited

std::vector<std::string> lanes_of(Backlog& backlog, Mark& mark, const Committed& committed) {
  MessageBatch messages;
  const Mark from = mark;
  EXPECT_TRUE(backlog.next(from, committed, messages, mark).ok());
  std::vector<std::string> lanes;
  for (const Message& m : messages)
    lanes.push_back((m.waited ? "waited " : "new ") + m.id.substr(3));
  return lanes;
}

TEST(Backlog, what_waited_follows_behind_what_is_new) {
  UplinkFixture f;
  for (int i = 0; i < 2; ++i) {
    f.read(2);
    f.emit(Lane::kResult);
  }
  auto backlog = f.backlog();
  Mark mark;
  mark.raw.rows = 1;  // in the middle of an entry
  mark.raw.seen = 1;
  mark.delivered = 1;
  EXPECT_FALSE(*backlog->cut(mark, {2, 2, 0}, 5)) << "2 results and 3 readings wait";
  EXPECT_EQ(mark.backlog.size(), 0u);
  EXPECT_TRUE(*backlog->cut(mark, {2, 2, 0}, 4));
  f.read(1);
  f.emit(Lane::kResult);
  f.emit(Lane::kAlarm);
  EXPECT_EQ(lanes_of(*backlog, mark, {3, 4, 0}), (Ids{"new e1/4"}));
  EXPECT_EQ(lanes_of(*backlog, mark, {3, 4, 0}),
            (Ids{"new e1/3", "new e1/3.0", "waited e1/1", "waited e1/2", "waited e1/1.1",
                 "waited e1/2.0", "waited e1/2.1"}));
  EXPECT_EQ(mark, (Mark{"", {4, 4}, {3, 0, 5}, 9, 0, 3, 0, {}}));
}

TEST(Backlog, new_outages_while_it_is_delivered_lose_and_repeat_nothing_at_any_batch_size) {
  for (uint32_t size = 1; size <= 14; ++size) {
    UplinkFixture g(100);
    SCOPED_TRACE(size);
    BacklogOptions options = g.options();
    options.batch_messages = size;
    std::map<std::string, int> got;
    Mark mark;
    uint64_t entries = 0;
    const auto deliver = [&](int batches) {
      auto backlog = g.backlog(options);  // each time as after a restart
      for (int i = 0; i < batches; ++i) {
        MessageBatch messages;
        const Mark from = *Mark::from_text(mark.to_text());
        ASSERT_TRUE(backlog->next(from, {entries, g.last_sequence, 0}, messages, mark).ok());
        for (const Message& m : messages) ++got[m.id];
      }
    };
    for (int outage = 0; outage < 6; ++outage) {
      for (int i = 0; i < 1 + outage % 3; ++i) {
        g.read(1);
        g.emit(Lane::kResult, 0b11);
        g.emit(Lane::kResult, 0b10);  // another uplink's
        ++entries;
      }
      ASSERT_TRUE(g.backlog(options)->cut(mark, {entries, g.last_sequence, 0}, 1).ok());
      EXPECT_LE(mark.backlog.size(), Mark::kPartsMax);
      deliver(1);
    }
    deliver(40);
    EXPECT_EQ(got.size(), 2 * entries);
    for (const auto& [id, times] : got) EXPECT_EQ(times, 1) << id;
    EXPECT_EQ(mark.delivered, 2 * entries);
    EXPECT_EQ(mark.dropped, 0u);
    EXPECT_TRUE(mark.backlog.empty());
  }
}

TEST(Backlog, readings_that_waited_too_long_are_counted_as_dropped) {
  UplinkFixture f;
  auto backlog = f.backlog();
  Mark mark;
  for (int i = 1; i <= 4; ++i) f.read(3, 5);
  ASSERT_TRUE(*backlog->cut(mark, {4, 0, 0}, 1));
  for (int i = 5; i <= 6; ++i) f.read(3, 5);
  ASSERT_GT(f.journal->oldest_sequence(), 1u);
  for (int i = 7; i <= 12; ++i) f.read(3, 5);
  ASSERT_GT(f.journal->oldest_sequence(), 5u) << "the waiting ones, and some more";
  all_ids(*backlog, mark, 12);
  EXPECT_EQ(mark.delivered + mark.dropped, 3u * 12);
  EXPECT_TRUE(mark.backlog.empty());
}

TEST(Backlog, knows_a_mark_of_its_own_store) {
  UplinkFixture f;
  for (int i = 0; i < 3; ++i) f.read(1);
  f.emit(Lane::kResult);
  JournalReader reader(f.disk, "/journal");
  uint64_t oldest = 0;
  ASSERT_TRUE(*reader.seek(2, oldest));
  JournalEntry second;
  ASSERT_TRUE(*reader.next(second));
  const uint64_t chain = chain_of(second.hash);
  const auto backlog = f.backlog();
  const Committed now{3, 1, 0};
  struct Row {
    Mark mark;
    bool ours;
  };
  const Row rows[] = {
      {Mark{}, true},
      {Mark{"e1", {1, 1}, {3, 0, 3}, 4, 0, 0, 0, {}}, true},  // it does not say more
      {Mark{"e1", {1, 1}, {2, 0, 2}, 4, 0, 2, chain, {}}, true},
      {Mark{"e1", {1, 1}, {2, 0, 2}, 4, 0, 2, chain + 1, {}}, false},
      {Mark{"e1", {1, 1}, {2, 0, 2}, 4, 0, 4, chain, {}}, false},
      {Mark{"e1", {1, 1}, {4, 0, 2}, 4, 0, 0, 0, {}}, false},
      {Mark{"e1", {2, 1}, {2, 0, 2}, 4, 0, 0, 0, {}}, false},
      {Mark{"e1", {1, 2}, {2, 0, 2}, 4, 0, 0, 0, {}}, false},
  };
  for (const auto& [mark, ours] : rows)
    EXPECT_EQ(*backlog->is_ours(mark, now), ours) << mark.to_text();
  for (int i = 4; i <= 12; ++i) f.read(1);
  ASSERT_GT(f.journal->oldest_sequence(), 2u);
  EXPECT_TRUE(*backlog->is_ours(rows[3].mark, {12, 1, 0})) << "nobody can tell any more";
}

}  // namespace
}  // namespace wayside
