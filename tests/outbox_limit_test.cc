#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/uplink_fixture.h"
#include "tests/world.h"

namespace wayside {
namespace {

std::set<uint64_t> deliver(Backlog& backlog, Mark& mark) {
  std::set<uint64_t> sequences;
  MessageBatch messages;
  while (true) {
    Mark after;
    const Status status = backlog.next(mark, Committed{0}, messages, after);
    if (!status.ok()) ADD_FAILURE() << status.error().message;
    const bool moved = after != mark;
    mark = after;
    for (const Message& m : messages) {
      EXPECT_TRUE(sequences.insert(std::stoull(m.id.substr(m.id.rfind('/') + 1))).second) << m.id;
    }
    if (!moved) return sequences;
  }
}

TEST(OutboxLimit, the_oldest_of_a_lane_go_and_are_counted_as_dropped) {
  UplinkFixture f;
  for (int i = 0; i < 10; ++i) {
    f.emit(Lane::kAlarm);
    f.emit(Lane::kResult);
  }
  const auto dropped = f.store->drop_oldest(Lane::kResult, 1);
  ASSERT_TRUE(dropped.ok());
  EXPECT_EQ(dropped->emissions, 1u);
  EXPECT_EQ(dropped->from_ms, 1'000);
  EXPECT_EQ(dropped->to_ms, 1'000);
  Mark mark;
  const auto delivered = deliver(*f.backlog(), mark);
  EXPECT_FALSE(delivered.contains(2));
  EXPECT_EQ(mark.delivered, 19u);
  EXPECT_EQ(mark.dropped, 1u);
}

// So that no alarm goes as long as there are results.
TEST(OutboxLimit, a_lane_that_holds_less_than_is_wanted_gives_all_it_has) {
  UplinkFixture f;
  f.emit(Lane::kAlarm);
  for (int i = 0; i < 3; ++i) f.emit(Lane::kResult);
  EXPECT_EQ(f.store->drop_oldest(Lane::kResult, 10'000)->emissions, 3u);
  EXPECT_EQ(f.store->drop_oldest(Lane::kResult, 10'000)->emissions, 0u);
  Mark mark;
  EXPECT_EQ(deliver(*f.backlog(), mark), std::set<uint64_t>{1});
  EXPECT_EQ(mark.dropped, 3u);
}

TEST(OutboxLimit, what_was_taken_and_not_passed_yet_is_pending) {
  UplinkFixture f;
  for (int i = 0; i < 5; ++i) f.emit(Lane::kResult);
  Mark mark;
  EXPECT_EQ(*f.store->pending(0, mark), 5u);
  ASSERT_EQ(f.store->drop_oldest(Lane::kResult, 1)->emissions, 1u);
  EXPECT_EQ(*f.store->pending(0, mark), 5u);
  deliver(*f.backlog(), mark);
  EXPECT_EQ(*f.store->pending(0, mark), 0u);
}

TEST(OutboxLimit, an_uplink_passes_a_lane_that_lost_everything) {
  UplinkFixture f;
  for (int i = 0; i < 5; ++i) f.emit(Lane::kResult);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(f.store->drop_oldest(Lane::kResult, 1)->emissions, 1u);
  EXPECT_EQ(f.store->drop_oldest(Lane::kResult, 1)->emissions, 0u);
  Mark mark;
  auto backlog = f.backlog();
  EXPECT_EQ(deliver(*backlog, mark), std::set<uint64_t>());
  EXPECT_EQ(mark.dropped, 5u);
  EXPECT_EQ(mark.delivered_upto[1], 5u);
  f.emit(Lane::kResult);
  EXPECT_EQ(deliver(*backlog, mark), std::set<uint64_t>{6});
  EXPECT_EQ(mark.dropped, 5u);
}

// Wherever the uplinks are when something is taken, and whatever batch they hold.
TEST(OutboxLimit, each_emission_is_either_delivered_or_counted_by_each_uplink) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    UplinkFixture f;
    uint64_t emitted[2] = {};
    Mark marks[2];
    std::unique_ptr<Backlog> backlogs[2];
    for (uint32_t bit = 0; bit < 2; ++bit) {
      BacklogOptions options = f.options();
      options.bit = bit;
      options.batch_messages = static_cast<uint32_t>(1 + random() % 5);
      backlogs[bit] = f.backlog(options);
    }
    const std::vector<std::string> names{"a", "b"};
    for (int step = 0; step < 60; ++step) {
      const uint32_t targets = 1 + random() % 3;
      f.emit(random() % 4 ? Lane::kResult : Lane::kAlarm, targets);
      for (uint32_t bit = 0; bit < 2; ++bit) emitted[bit] += targets >> bit & 1;
      const uint32_t bit = random() % 2;
      MessageBatch messages;
      Mark after;
      const bool reads = random() % 2;
      if (reads) {
        ASSERT_TRUE(backlogs[bit]->next(marks[bit], Committed{0}, messages, after).ok());
      }
      if (random() % 8 == 0) {
        ASSERT_TRUE(
            f.store->drop_oldest(random() % 2 ? Lane::kResult : Lane::kAlarm, random() % 600).ok());
      }
      if (reads) marks[bit] = after;  // delivered meanwhile
      if (random() % 10 == 0) {
        ASSERT_TRUE(f.store->trim_outbox(names, {{"a", marks[0]}, {"b", marks[1]}}).ok());
      }
    }
    for (uint32_t bit = 0; bit < 2; ++bit) {
      deliver(*backlogs[bit], marks[bit]);
      EXPECT_EQ(marks[bit].delivered + marks[bit].dropped, emitted[bit]);
    }
    ASSERT_TRUE(f.store->trim_outbox(names, {{"a", marks[0]}, {"b", marks[1]}}).ok());
    EXPECT_EQ(*f.store->count("outbox"), 0u);
    EXPECT_EQ(*f.store->count("gaps"), 0u);
  }
}

TEST(OutboxLimit, what_was_taken_costs_a_few_bytes_each) {
  UplinkFixture f;
  std::vector<Emission> emissions;
  for (uint64_t s = 1; s <= 20'000; ++s) {
    Emission e;
    e.sequence = s;
    e.targets = 1;
    e.type = "window";
    e.block = "cold";
    e.key = "truck-" + std::to_string(s % 100);
    e.fields = {{"mean", 20.25},
                {"text", "a hundred bytes of which nothing is left" + std::to_string(s)}};
    emissions.push_back(e);
  }
  Store::Changes changes;
  changes.emissions = emissions;
  ASSERT_TRUE(f.store->apply(changes, 0).ok());
  const auto before = *f.store->usage();
  uint64_t dropped = 0;
  while (const uint64_t n = f.store->drop_oldest(Lane::kResult, 100'000)->emissions) {
    EXPECT_LE(n, Store::kDropMax);
    dropped += n;
  }
  EXPECT_GT(dropped, 19'000u);
  const auto after = *f.store->usage();
  EXPECT_GT(after.unused, before.unused + 1'500'000);
  Mark mark;
  deliver(*f.backlog(), mark);
  EXPECT_EQ(mark.dropped, dropped);
  EXPECT_EQ(mark.delivered + dropped, 20'000u);
}

TEST(OutboxLimit, an_uplink_with_the_bit_of_a_former_one_has_lost_nothing) {
  UplinkFixture f;
  ASSERT_TRUE(f.store->assign_bits({"old", "other"}).ok());
  f.emit(Lane::kResult, 3);
  ASSERT_TRUE(f.store->drop_oldest(Lane::kResult, 1).ok());
  ASSERT_TRUE(f.store->assign_bits({"other"}).ok());
  ASSERT_EQ(f.store->assign_bits({"other", "fresh"})->names,
            (std::vector<std::string>{"fresh", "other"}));
  for (const uint32_t bit : {0u, 1u}) {
    BacklogOptions options = f.options();
    options.bit = bit;
    Mark mark;
    deliver(*f.backlog(options), mark);
    EXPECT_EQ(mark.dropped, bit);
  }
}

TEST(OutboxLimit, the_older_half_of_the_quarantine_goes) {
  UplinkFixture f;
  EXPECT_FALSE(*f.store->halve_quarantine());
  Store::Changes changes;
  for (uint64_t i = 0; i < 5; ++i) changes.quarantine.push_back({i, 0, 0, "s", "r", "", "t", "p"});
  ASSERT_TRUE(f.store->apply(changes, 100).ok());
  EXPECT_TRUE(*f.store->halve_quarantine());
  EXPECT_EQ(*f.store->count("quarantine"), 2u);
}

// While somebody reads, the log grows; a power cut then leaves it as long as what counts of it.
TEST(StoreOnAFullDisk, a_log_that_cannot_grow_is_begun_anew) {
  SimulatedDisk disk(1);
  const auto open = [&] {
    auto store = Store::open(disk, "/state", 64 << 10);
    EXPECT_TRUE(store.ok());
    return std::move(*store);
  };
  auto change = [n = 'a'](Store& store) mutable {
    Store::Changes changes;
    changes.told = std::string(20'000, n++);
    return store.apply(changes, 0);
  };
  {
    auto store = open();
    ASSERT_TRUE(store->make_reserve(64 << 10).ok() && change(*store).ok());
    auto reader = OutboxReader::open(disk, "/state");
    ASSERT_TRUE(reader.ok() && (*reader)->begin_view().ok() && (*reader)->epochs().ok());
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(change(*store).ok());
    ASSERT_TRUE(store->make_durable().ok());
    disk.lose_power_at(1);
  }
  disk.power_cycle();
  auto store = open();
  disk.set_capacity(disk.used_bytes());
  const Status full = change(*store);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, ErrorCode::kFull) << full.error().message;
  ASSERT_TRUE(store->restart_log().ok());
  EXPECT_TRUE(change(*store).ok());
}

}  // namespace
}  // namespace wayside
