#include "storage/group_codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "sensors/gps_era.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

const NamedSchema kClimate{"climate",
                           {{{"vehicle", FieldType::kText},
                             {"temp_c", FieldType::kNumber},
                             {"door", FieldType::kText},
                             {"moving", FieldType::kBool}},
                            0}};
const NamedSchema kPosition{"position",
                            {{{"lat", FieldType::kNumber}, {"vehicle", FieldType::kText}}, 1}};
const std::vector<NamedSchema> kSources{kClimate, kPosition};
const std::vector<std::string> kConnections{"local", "remote"};

Group empty_group(const std::vector<NamedSchema>& sources) {
  Group group;
  for (const NamedSchema& s : sources) group.batches.emplace_back(s.schema);
  group.duplicates.resize(sources.size());
  group.rows_before.resize(sources.size());
  return group;
}

void add_climate(Group& group, int64_t time_ms, const char* vehicle, double temp_c,
                 const char* door, double moving) {
  ReadingBatch& b = group.batches[0];
  auto text = [&](const char* t) { return t ? b.texts.intern(t) : Interner::kNone; };
  b.times.push_back(time_ms);
  b.columns[0].texts.push_back(text(vehicle));
  b.columns[1].numbers.push_back(temp_c);
  b.columns[2].texts.push_back(text(door));
  b.columns[3].numbers.push_back(moving);
}

void add_position(Group& group, int64_t time_ms, double lat, const char* vehicle,
                  size_t source = 1) {
  ReadingBatch& b = group.batches[source];
  b.times.push_back(time_ms);
  b.columns[0].numbers.push_back(lat);
  b.columns[1].texts.push_back(b.texts.intern(vehicle));
}

// With something of everything in it.
Group full_group() {
  Group g = empty_group(kSources);
  g.batches[0].texts.intern("from an earlier group");
  add_climate(g, 1'000, "truck-1", 4.5, "open", 1);
  add_climate(g, 900, "truck-2", kNull, nullptr, kNull);
  add_position(g, kTimeMin, -33.1234567, "truck-1");
  add_climate(g, 2'000, "", -0.0, "", 0);
  g.turns = {{{5'000, 70}, {{0, 0, 1}, {0, 1, 2}}},
             {{kTimeMin, 80}, {{1, 0, 1}, {0, 2, 3}}},
             {{kTimeMax, 80}, {}}};
  g.rejected = {{1, "range", "lat: 99", "fleet/1", std::string("\0\xff{", 3)},
                {Rejected::kNoSource, "topic", "", "nobody/asked", ""}};
  g.duplicates = {3, 0};
  g.rows_before = {1ull << 40, 7};
  g.publishes = {{0, 1, 0xdeadbeef}, {1, 65'535, 0}, {0, 2, 0xffffffff}};
  g.notes = {{Note::Kind::kNewSession, 1, "local", "the broker forgot us"},
             {Note::Kind::kNewEpoch, 0, "7f3a", ""},
             {Note::Kind::kNewEpoch, 1, "81cc", "a copy", 0, 12, 1ull << 40},
             {Note::Kind::kUplink, 1, "centre", "another gateway"},
             {Note::Kind::kClock, 2, "synced", "unset", -kGpsEraMs},
             {Note::Kind::kRolledOver, 1, "climate", "truck-1 says …", 7}};
  return g;
}

std::string coded(const Group& group, const std::vector<NamedSchema>& sources = kSources) {
  std::string block;
  encode_group(group, sources, kConnections, block);
  return block;
}

// A reading as text, so that interner ids do not matter.
std::string row_text(const ReadingBatch& b, const Schema& schema, size_t row) {
  std::string text = std::to_string(b.times[row]);
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    text += ' ' + schema.fields[i].name + '=';
    if (schema.fields[i].type == FieldType::kText) {
      const uint32_t id = b.columns[i].texts[row];
      text += id == Interner::kNone ? "null" : '\'' + std::string(b.texts.text(id)) + '\'';
    } else {
      const double number = b.columns[i].numbers[row];
      text += is_null(number) ? "null" : std::to_string(std::bit_cast<uint64_t>(number));
    }
  }
  return text;
}

void expect_same(const Group& a, const Group& b) {
  ASSERT_EQ(a.batches.size(), b.batches.size());
  for (size_t s = 0; s < a.batches.size(); ++s) {
    ASSERT_EQ(a.batches[s].rows(), b.batches[s].rows());
    for (size_t row = 0; row < a.batches[s].rows(); ++row) {
      EXPECT_EQ(row_text(a.batches[s], kSources[s].schema, row),
                row_text(b.batches[s], kSources[s].schema, row));
    }
  }
  ASSERT_EQ(a.turns.size(), b.turns.size());
  for (size_t t = 0; t < a.turns.size(); ++t) {
    EXPECT_EQ(a.turns[t].now.wall_ms, b.turns[t].now.wall_ms);
    EXPECT_EQ(a.turns[t].now.timer_ms, b.turns[t].now.timer_ms);
    ASSERT_EQ(a.turns[t].slices.size(), b.turns[t].slices.size());
    for (size_t i = 0; i < a.turns[t].slices.size(); ++i) {
      const Slice &x = a.turns[t].slices[i], &y = b.turns[t].slices[i];
      EXPECT_EQ(std::tie(x.source, x.begin, x.end), std::tie(y.source, y.begin, y.end));
    }
  }
  ASSERT_EQ(a.rejected.size(), b.rejected.size());
  for (size_t i = 0; i < a.rejected.size(); ++i) {
    const Rejected &x = a.rejected[i], &y = b.rejected[i];
    EXPECT_EQ(std::tie(x.source, x.reason, x.detail, x.topic, x.payload),
              std::tie(y.source, y.reason, y.detail, y.topic, y.payload));
  }
  EXPECT_EQ(a.duplicates, b.duplicates);
  EXPECT_EQ(a.rows_before, b.rows_before);
  ASSERT_EQ(a.publishes.size(), b.publishes.size());
  for (size_t i = 0; i < a.publishes.size(); ++i) {
    const Publish &x = a.publishes[i], &y = b.publishes[i];
    EXPECT_EQ(std::tie(x.connection, x.packet_id, x.hash),
              std::tie(y.connection, y.packet_id, y.hash));
  }
  ASSERT_EQ(a.notes.size(), b.notes.size());
  for (size_t i = 0; i < a.notes.size(); ++i) {
    const Note &x = a.notes[i], &y = b.notes[i];
    EXPECT_EQ(std::tie(x.kind, x.turn, x.name, x.text, x.number, x.first_sequence, x.first_entry),
              std::tie(y.kind, y.turn, y.name, y.text, y.number, y.first_sequence, y.first_entry));
  }
}

TEST(GroupCodec, turns_know_whether_the_clock_was_set) {
  Group group = empty_group(kSources);
  group.turns.resize(4);
  group.notes = {{Note::Kind::kClock, 1, "unset", ""}, {Note::Kind::kClock, 3, "synced", "unset"}};
  Group got = empty_group(kSources);
  ASSERT_TRUE(decode_group(coded(group), kSources, kConnections, got).ok());
  std::vector<bool> unset;
  for (const Turn& t : got.turns) unset.push_back(t.now.clock == ClockState::kUnset);
  EXPECT_EQ(unset, (std::vector<bool>{false, true, true, false}));
}

TEST(GroupCodec, a_group_comes_back_as_it_was_admitted) {
  for (const Group& group : {full_group(), empty_group(kSources)}) {
    Group got = empty_group(kSources);
    const Status status = decode_group(coded(group), kSources, kConnections, got);
    ASSERT_TRUE(status.ok()) << status.error().message;
    expect_same(group, got);
  }
}

TEST(GroupCodec, a_block_holds_only_texts_that_its_readings_use) {
  EXPECT_EQ(coded(full_group()).find("from an earlier group"), std::string::npos);
}

TEST(GroupCodec, sources_and_fields_are_found_by_name_after_the_configuration_changed) {
  // The order is another one, a field is new, one has another type, one is gone.
  const std::vector<NamedSchema> today{{"new", {{{"vehicle", FieldType::kText}}, 0}},
                                       kPosition,
                                       {"climate",
                                        {{{"door", FieldType::kNumber},
                                          {"temp_c", FieldType::kNumber},
                                          {"humidity", FieldType::kNumber},
                                          {"vehicle", FieldType::kText}},
                                         3}}};
  Group got = empty_group(today);
  const Status status = decode_group(coded(full_group()), today, {"remote", "local"}, got);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(got.batches[0].rows(), 0u);
  EXPECT_EQ(got.batches[1].rows(), 1u);
  ASSERT_EQ(got.batches[2].rows(), 3u);
  EXPECT_EQ(row_text(got.batches[2], today[2].schema, 0),
            "1000 door=null temp_c=" + std::to_string(std::bit_cast<uint64_t>(4.5)) +
                " humidity=null vehicle='truck-1'");
  EXPECT_EQ(got.turns[1].slices[0].source, 1u);
  EXPECT_EQ(got.turns[1].slices[1].source, 2u);
  EXPECT_EQ(got.duplicates, (std::vector<uint64_t>{0, 0, 3}));
  EXPECT_EQ(got.rows_before, (std::vector<uint64_t>{0, 7, 1ull << 40}));
  EXPECT_EQ(got.rejected[0].source, 1u);
  EXPECT_EQ(got.publishes[0].connection, 1u);
  EXPECT_EQ(got.publishes[1].connection, 0u);
}

TEST(GroupCodec, a_source_that_is_no_longer_configured_is_left_out) {
  const std::vector<NamedSchema> today{kPosition};
  Group got = empty_group(today);
  ASSERT_TRUE(decode_group(coded(full_group()), today, {}, got).ok());
  EXPECT_EQ(got.rows(), 1u);
  EXPECT_EQ(got.turns[1].slices[0].place, 2u) << "behind two of the other source";
  EXPECT_EQ(got.turns.size(), 3u);
  EXPECT_TRUE(got.turns[0].slices.empty());
  EXPECT_EQ(got.rejected.size(), 2u);
  EXPECT_EQ(got.publishes[0].connection, UINT32_MAX);
}

TEST(GroupCodec, a_block_that_is_cut_off_is_refused_at_every_length) {
  const std::string block = coded(full_group());
  for (size_t size = 0; size < block.size(); ++size) {
    Group got = empty_group(kSources);
    const Status status =
        decode_group(std::string_view(block).substr(0, size), kSources, kConnections, got);
    ASSERT_FALSE(status.ok()) << size << " of " << block.size() << " bytes";
    EXPECT_EQ(status.error().code, ErrorCode::kBadData);
  }
  Group got = empty_group(kSources);
  EXPECT_FALSE(decode_group(block + '\0', kSources, kConnections, got).ok());
}

// What every reader of a group relies on, whatever the bytes were.
void expect_sound(const Group& group) {
  for (const ReadingBatch& b : group.batches) {
    for (const Column& c : b.columns) {
      EXPECT_EQ(c.numbers.size() + c.texts.size(), b.rows());
      for (uint32_t id : c.texts) EXPECT_TRUE(id == Interner::kNone || id < b.texts.size());
    }
  }
  for (const Turn& t : group.turns) {
    for (const Slice& s : t.slices) {
      ASSERT_LT(s.source, group.batches.size());
      EXPECT_LE(s.begin, s.end);
      EXPECT_LE(s.end, group.batches[s.source].rows());
    }
  }
}

TEST(GroupCodec, damaged_blocks_are_refused_or_yield_a_sound_group) {
  const std::string whole = coded(full_group());
  for (auto [seed, end] = seeds(20'000); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::string block = whole;
    for (size_t n = 1 + random() % 4; n > 0; --n) {
      const size_t at = random() % block.size();
      switch (random() % 3) {
        case 0:
          block[at] = static_cast<char>(random());
          break;
        case 1:
          block.erase(at, 1 + random() % 9);
          break;
        default:
          block.insert(at, std::string(1 + random() % 9, static_cast<char>(random())));
      }
      if (block.empty()) block = "x";
    }
    Group got = empty_group(kSources);
    if (decode_group(block, kSources, kConnections, got).ok()) expect_sound(got);
  }
}

TEST(GroupCodec, a_source_or_a_field_that_comes_twice_is_refused) {
  const std::vector<NamedSchema> twins{kPosition, kPosition};
  Group group = empty_group(twins);
  add_position(group, 1, 2, "truck-1", 0);
  add_position(group, 1, 2, "truck-1", 1);
  Group got = empty_group({kPosition});
  EXPECT_FALSE(decode_group(coded(group, twins), {kPosition}, kConnections, got).ok());

  const std::vector<NamedSchema> doubled{
      {"position", {{{"vehicle", FieldType::kText}, {"vehicle", FieldType::kText}}, 0}}};
  group = empty_group(doubled);
  ReadingBatch& b = group.batches[0];
  b.times.push_back(1);
  for (Column& c : b.columns) c.texts.push_back(b.texts.intern("truck-1"));
  got = empty_group({kPosition});
  EXPECT_FALSE(decode_group(coded(group, doubled), {kPosition}, kConnections, got).ok());
}

}  // namespace
}  // namespace wayside
