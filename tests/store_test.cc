#include "storage/store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "pipeline/emission_codec.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

std::unique_ptr<Store> open_store(const TempFolder& folder) {
  auto store = Store::open(posix_disk(), folder.path());
  if (!store.ok()) ADD_FAILURE() << store.error().message;
  return std::move(*store);
}

Store::Recovered recover(Store& store) {
  auto recovered = store.recover();
  if (!recovered.ok()) ADD_FAILURE() << recovered.error().message;
  return std::move(*recovered);
}

Emission emission(uint64_t sequence, Lane lane = Lane::kResult, uint32_t targets = 1) {
  Emission e;
  e.sequence = sequence;
  e.lane = lane;
  e.targets = targets;
  e.type = "window";
  e.block = "cold";
  e.key = "truck-" + std::to_string(sequence);
  return e;
}

void apply(Store& store, const Store::Changes& changes, uint64_t quarantine_rows = 100) {
  const Status status = store.apply(changes, quarantine_rows);
  ASSERT_TRUE(status.ok()) << status.error().message;
}
void add(Store& store, const std::vector<Emission>& emissions) {
  Store::Changes changes;
  changes.emissions = emissions;
  changes.said.last_sequence = emissions.back().sequence;
  apply(store, changes);
}

using Sequences = std::vector<uint64_t>;
Sequences in_outbox(const TempFolder& folder, Lane lane, uint32_t bit, uint64_t after = 0,
                    size_t limit = 100) {
  auto reader = OutboxReader::open(posix_disk(), folder.path());
  auto rows = (*reader)->next(lane, after, UINT64_MAX, bit, limit);
  if (!rows.ok()) ADD_FAILURE() << rows.error().message;
  Sequences sequences;
  for (const auto& row : *rows) sequences.push_back(row.sequence);
  return sequences;
}

TEST(Store, is_empty_when_it_is_new) {
  TempFolder folder;
  const auto recovered = recover(*open_store(folder));
  EXPECT_EQ(recovered.checkpoint.at.entry, 0u);
  EXPECT_EQ(recovered.outbox.last_sequence, 0u);
  EXPECT_TRUE(recovered.checkpoint.rows.empty());
  EXPECT_TRUE(recovered.epochs.empty());
  EXPECT_TRUE(recovered.marks.empty());
}

TEST(Store, brings_back_everything_that_was_applied) {
  TempFolder folder;
  const std::vector<Emission> emissions{emission(41), emission(42)};
  const Mark mark{"7f3a", {1, 2}, {3, 4, 5}, 6, 7, 8, 9, {}};
  Digest digest{};
  digest[15] = 9;
  Store::Changes changes;
  changes.emissions = emissions;
  changes.said = {10, 42, {40}, digest};
  changes.marks["centre"] = mark;
  changes.new_epoch = Epoch{"7f3a", 41, 10};
  changes.checkpoint = Checkpoint{{11, 42, {40, 0, 2}, digest},
                                  std::string("boot\0id", 7),
                                  {{"window", "truck-1", std::string("\0\1", 2)}}};
  apply(*open_store(folder), changes);

  const auto recovered = recover(*open_store(folder));
  EXPECT_EQ(recovered.checkpoint.at.entry, 11u);
  EXPECT_EQ(recovered.checkpoint.at.last_sequence, 42u);
  EXPECT_EQ(recovered.outbox.last_sequence, 42u);
  EXPECT_EQ(recovered.checkpoint.at.emitted, (std::vector<uint64_t>{40, 0, 2}));
  EXPECT_EQ(recovered.checkpoint.at.emissions, digest);
  EXPECT_EQ(recovered.checkpoint.clock, std::string("boot\0id", 7));
  ASSERT_EQ(recovered.checkpoint.rows.size(), 1u);
  EXPECT_EQ(recovered.checkpoint.rows[0].component, "window");
  EXPECT_EQ(recovered.checkpoint.rows[0].key, "truck-1");
  EXPECT_EQ(recovered.checkpoint.rows[0].bytes, std::string("\0\1", 2));
  ASSERT_EQ(recovered.epochs.size(), 1u);
  EXPECT_EQ(recovered.epochs[0].name, "7f3a");
  EXPECT_EQ(recovered.epochs[0].first_sequence, 41u);
  EXPECT_EQ(recovered.epochs[0].first_entry, 10u);
  EXPECT_EQ(recovered.marks.at("centre"), mark);
  EXPECT_EQ(in_outbox(folder, Lane::kResult, 0), (Sequences{41, 42}));
}

TEST(Store, a_checkpoint_changes_only_the_state_that_it_names) {
  TempFolder folder;
  auto store = open_store(folder);
  auto checkpoint = [&](std::vector<StateRow> rows) {
    Store::Changes changes;
    changes.checkpoint.emplace();
    changes.checkpoint->rows = std::move(rows);
    apply(*store, changes);
  };
  checkpoint(
      {{"w", "a", "1"}, {"r", "a", "1"}, {"w", "b", "1"}, {"w", "c", "1"}, {"w", "", "all"}});
  checkpoint({{"w", "a", "2"}, {"r", "a", ""}, {"", "c", ""}});
  std::map<std::string, std::string> state;
  for (const StateRow& row : recover(*store).checkpoint.rows)
    state[row.component + '/' + row.key] = row.bytes;
  EXPECT_EQ(state, (std::map<std::string, std::string>{{"w/a", "2"}, {"w/b", "1"}, {"w/", "all"}}));
}

TEST(Store, emissions_that_a_replay_gives_again_are_kept_once) {
  TempFolder folder;
  add(*open_store(folder), {emission(1), emission(2)});
  auto store = open_store(folder);
  recover(*store);
  add(*store, {emission(1), emission(2), emission(3)});
  add(*store, {emission(2), emission(3)});
  EXPECT_EQ(in_outbox(folder, Lane::kResult, 0), (Sequences{1, 2, 3}));
}

TEST(Store, emissions_that_were_delivered_do_not_come_back_with_a_replay) {
  TempFolder folder;
  {
    auto store = open_store(folder);
    add(*store, {emission(1), emission(2)});
    ASSERT_TRUE(store->trim_outbox({"centre"}, {{"centre", Mark{"", {0, 2}}}}).ok());
  }
  auto store = open_store(folder);
  recover(*store);
  add(*store, {emission(1), emission(2), emission(3)});
  EXPECT_EQ(in_outbox(folder, Lane::kResult, 0), (Sequences{3}));
}

TEST(Store, an_uplink_reads_its_own_emissions_lane_by_lane_in_order) {
  TempFolder folder;
  auto store = open_store(folder);
  add(*store, {emission(1, Lane::kResult, 0b01), emission(2, Lane::kAlarm, 0b11),
               emission(3, Lane::kResult, 1u << 31), emission(4, Lane::kResult, 0b11),
               emission(5, Lane::kAlarm, 0b10)});
  const struct {
    Lane lane;
    uint32_t bit;
    uint64_t after;
    size_t limit;
    Sequences expected;
  } rows[] = {
      {Lane::kAlarm, 0, 0, 9, {2}},     {Lane::kAlarm, 1, 0, 9, {2, 5}},
      {Lane::kResult, 0, 0, 9, {1, 4}}, {Lane::kResult, 0, 1, 9, {4}},
      {Lane::kResult, 0, 4, 9, {}},     {Lane::kResult, 0, 0, 1, {1}},
      {Lane::kResult, 31, 0, 9, {3}},   {Lane::kResult, 2, 0, 9, {}},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(in_outbox(folder, row.lane, row.bit, row.after, row.limit), row.expected);
  }
}

TEST(Store, an_emission_in_the_outbox_decodes_to_what_was_said) {
  TempFolder folder;
  auto store = open_store(folder);
  Emission said = emission(1);
  said.time_ms = -5;
  said.fields = {{"n", 2.5}, {"open", true}, {"note", std::string("ä\0", 3)}, {"none", {}}};
  add(*store, {said});
  auto rows =
      (*OutboxReader::open(posix_disk(), folder.path()))->next(Lane::kResult, 0, UINT64_MAX, 0, 1);
  auto read = decode_emission((*rows)[0].message);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->key, said.key);
  EXPECT_EQ(read->time_ms, said.time_ms);
  EXPECT_EQ(read->fields, said.fields);
}

TEST(Store, trims_what_every_uplink_has_delivered_and_keeps_what_one_still_needs) {
  TempFolder folder;
  auto store = open_store(folder);
  add(*store, {emission(1, Lane::kResult, 0b11), emission(2, Lane::kResult, 0b01),
               emission(3, Lane::kResult, 0b11), emission(4, Lane::kResult, 0b10),
               emission(5, Lane::kAlarm, 0b11)});
  const std::vector<std::string> uplinks{"fast", "slow"};
  const struct {
    uint64_t fast;
    uint64_t slow;
    Sequences left_fast;
    Sequences left_slow;
  } steps[] = {
      {0, 0, {1, 2, 3}, {1, 3, 4}}, {1, 0, {1, 2, 3}, {1, 3, 4}},
      {3, 0, {1, 3}, {1, 3, 4}},  // only the fast one was to get 2
      {3, 1, {3}, {3, 4}},          {3, 4, {}, {}},
  };
  for (const auto& step : steps) {
    const std::map<std::string, Mark> marks{{"fast", {"", {0, step.fast}}},
                                            {"slow", {"", {0, step.slow}}}};
    ASSERT_TRUE(store->trim_outbox(uplinks, marks).ok());
    EXPECT_EQ(in_outbox(folder, Lane::kResult, 0), step.left_fast);
    EXPECT_EQ(in_outbox(folder, Lane::kResult, 1), step.left_slow);
  }
  EXPECT_EQ(in_outbox(folder, Lane::kAlarm, 0), (Sequences{5}));
}

TEST(Store, an_uplink_that_gets_nothing_does_not_make_the_outbox_grow) {
  TempFolder folder;
  auto store = open_store(folder);
  uint64_t sequence = 0;
  for (int turn = 0; turn < 5; ++turn) {
    for (int i = 0; i < 10; ++i) add(*store, {emission(++sequence, Lane::kResult, 0b010)});
    const std::map<std::string, Mark> marks{{"busy", {"", {0, sequence}}}};
    ASSERT_TRUE(store->trim_outbox({"idle", "busy", ""}, marks).ok());
    EXPECT_EQ(*store->count("outbox"), 0u);
  }
}

TEST(Store, an_uplink_keeps_its_bit) {
  TempFolder folder;
  using Names = std::vector<std::string>;
  EXPECT_EQ(open_store(folder)->assign_bits({"a", "b", "c"})->names, (Names{"a", "b", "c"}));
  EXPECT_EQ(open_store(folder)->assign_bits({"c", "a"})->names, (Names{"a", "", "c"}));
  const auto bits = open_store(folder)->assign_bits({"d", "c", "a"});
  EXPECT_EQ(bits->names, (Names{"a", "d", "c"}));
  EXPECT_EQ(bits->fresh, std::vector<size_t>{1});
}

TEST(Store, emissions_for_an_uplink_that_is_gone_are_removed_and_counted) {
  TempFolder folder;
  auto store = open_store(folder);
  ASSERT_TRUE(store->assign_bits({"a", "b"}).ok());
  add(*store, {emission(1, Lane::kResult, 0b01), emission(2, Lane::kResult, 0b11),
               emission(3, Lane::kAlarm, 0b10)});
  EXPECT_EQ(store->assign_bits({"a"})->removed, 2u);
  EXPECT_EQ(*store->count("outbox"), 2u);
  EXPECT_EQ(store->assign_bits({"a", "new"})->removed, 0u);
  EXPECT_EQ(in_outbox(folder, Lane::kResult, 1), Sequences())
      << "it must not inherit the bit's past";
}

TEST(Store, more_than_32_uplinks_are_refused_and_harm_nothing) {
  TempFolder folder;
  auto store = open_store(folder);
  std::vector<std::string> names;
  for (int i = 0; i < 33; ++i) names.push_back("uplink-" + std::to_string(i));
  EXPECT_FALSE(store->assign_bits(names).ok());
  names.pop_back();
  auto bits = store->assign_bits(names);
  ASSERT_TRUE(bits.ok()) << bits.error().message;
  EXPECT_EQ(bits->names, names);
  add(*store, {emission(1)});
}

TEST(Store, quarantine_keeps_the_newest_rows_and_none_of_them_twice) {
  TempFolder folder;
  auto store = open_store(folder);
  for (uint64_t entry : {1, 2, 2, 3, 4}) {
    Store::Changes changes;
    for (uint64_t i = 0; i < 2; ++i) {
      changes.quarantine.push_back({entry, i, 5, "climate", "range", "temp_c", "fleet/1", "{\xff"});
    }
    apply(*store, changes, 5);
    EXPECT_EQ(*store->count("quarantine"), std::min<uint64_t>(entry * 2, 5));
  }
}

TEST(Store, state_counts_as_durable_only_after_it_was_made_so) {
  TempFolder folder;
  auto store = open_store(folder);
  Store::Changes changes;
  changes.checkpoint.emplace().at.entry = 7;
  apply(*store, changes);
  EXPECT_EQ(store->durable_entry(), 0u);
  const auto log_bytes = [&] { return std::filesystem::file_size(folder / "wayside.db-wal"); };
  const auto before = log_bytes();
  ASSERT_TRUE(store->make_durable().ok());
  EXPECT_GT(log_bytes(), before) << "a commit that writes nothing syncs nothing";
  EXPECT_EQ(store->durable_entry(), 7u);
  changes.checkpoint->at.entry = 9;
  apply(*store, changes);
  EXPECT_EQ(store->durable_entry(), 7u);
}

TEST(Store, a_file_that_is_no_store_is_an_error) {
  for (const std::string& bytes :
       {std::string(5'000, 'x'), "SQLite format 3" + std::string(9'000, '\1')}) {
    TempFolder folder;
    std::ofstream(folder.path() + "/wayside.db") << bytes;
    auto store = Store::open(posix_disk(), folder.path());
    ASSERT_FALSE(store.ok());
    EXPECT_EQ(store.error().code, ErrorCode::kBadData);
    EXPECT_NE(store.error().message.find("wayside.db"), std::string::npos) << store.error().message;
  }
}

TEST(Store, a_store_of_a_newer_version_is_refused) {
  TempFolder folder;
  open_store(folder);
  {
    auto db = Database::open(folder.path() + "/wayside.db", Database::Mode::kReadWrite);
    ASSERT_TRUE((*db)->exec("PRAGMA user_version = 3").ok());
    ASSERT_TRUE((*db)->exec("UPDATE meta SET value = 3 WHERE name = 'format'").ok());
  }
  auto store = Store::open(posix_disk(), folder.path());
  ASSERT_FALSE(store.ok());
  EXPECT_NE(store.error().message.find("newer version"), std::string::npos)
      << store.error().message;
}

TEST(Store, a_store_of_format_1_goes_on_as_one_of_today) {
  TempFolder folder;
  {
    auto db = Database::open(folder.path() + "/wayside.db", Database::Mode::kReadWrite);
    ASSERT_TRUE((*db)
                    ->exec(R"(
        CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE epochs(first_sequence INTEGER NOT NULL, first_entry INTEGER NOT NULL, name TEXT NOT NULL UNIQUE);
        CREATE TABLE uplinks(bit INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE outbox(lane INTEGER NOT NULL, sequence INTEGER NOT NULL, targets INTEGER NOT NULL,
                            message BLOB NOT NULL, PRIMARY KEY(lane, sequence)) WITHOUT ROWID;
        CREATE TABLE state(key TEXT NOT NULL, component TEXT NOT NULL, bytes BLOB NOT NULL,
                           PRIMARY KEY(key, component)) WITHOUT ROWID;
        CREATE TABLE marks(uplink TEXT PRIMARY KEY, mark TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE quarantine(entry INTEGER NOT NULL, number INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
                                source TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
                                topic TEXT NOT NULL, payload BLOB NOT NULL,
                                PRIMARY KEY(entry, number)) WITHOUT ROWID;
        INSERT INTO epochs VALUES(1, 1, 'e1');
        INSERT INTO outbox VALUES(1, 5, 1, x'00');
        INSERT INTO marks VALUES('centre', '1 e1 1 2 3 4 5 6 7');
        PRAGMA user_version = 1)")
                    .ok());
  }
  for (int start = 0; start < 2; ++start) {
    const auto recovered = recover(*open_store(folder));
    ASSERT_EQ(recovered.epochs.size(), 1u);
    EXPECT_EQ(recovered.marks.at("centre").delivered, 6u);
    EXPECT_EQ(in_outbox(folder, Lane::kResult, 0), (Sequences{5}));
  }
}

TEST(Store, a_changed_row_of_the_outbox_is_noticed_whoever_it_is_for) {
  TempFolder folder;
  add(*open_store(folder), {emission(1), emission(2, Lane::kResult, 2), emission(3)});
  auto db = Database::open(folder.path() + "/wayside.db", Database::Mode::kReadWrite);
  ASSERT_TRUE((*db)->exec("UPDATE outbox SET targets = 0 WHERE sequence = 2").ok());
  auto reader = OutboxReader::open(posix_disk(), folder.path());
  auto rows = (*reader)->next(Lane::kResult, 0, UINT64_MAX, 0, 10);
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().code, ErrorCode::kBadData);
  EXPECT_TRUE((*reader)->next(Lane::kResult, 2, UINT64_MAX, 0, 10).ok());
}

TEST(Store, of_those_that_are_set_aside_the_newest_are_kept) {
  TempFolder folder;
  for (int n = 1; n <= 5; ++n) {
    open_store(folder);
    EXPECT_EQ(*Store::set_aside(posix_disk(), folder.path(), 2),
              "wayside.db.bad-" + std::to_string(n));
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/wayside.db"));
  }
  for (int n = 1; n <= 5; ++n) {
    EXPECT_EQ(std::filesystem::exists(folder.path() + "/wayside.db.bad-" + std::to_string(n)),
              n > 3);
  }
}

}  // namespace
}  // namespace wayside
