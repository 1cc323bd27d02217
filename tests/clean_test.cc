#include "sensors/clean.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/fields.h"

namespace wayside {
namespace {

// A source with a ranged number, a text and a flag; temp_c and door are kept.
struct Bench {
  Bench() : options(make_options()), cleaner(options, schema()), batch(schema()) {}

  static SourceOptions make_options() {
    SourceOptions o;
    o.fields = {ranged(field("temp_c", "t"), -60, 90), field("door", "door", FieldType::kText),
                ranged(field("level", "l"), std::nullopt, 100)};
    o.keep = {"temp_c", "door"};
    return o;
  }
  static Schema schema() {
    return {{{"vehicle", FieldType::kText}, {"temp_c"}, {"door", FieldType::kText}, {"level"}}, 0};
  }

  struct In {
    int64_t time;
    double temp = kNull;
    const char* door = nullptr;
    double level = kNull;
    uint32_t key = 0;
  };
  // "temp door level" of each row, '-' for nothing.
  std::vector<std::string> clean(const std::vector<In>& rows) {
    batch.clear_rows();
    std::vector<uint32_t> keys;
    for (const In& row : rows) {
      batch.times.push_back(row.time);
      batch.columns[0].texts.push_back(batch.texts.intern("truck-" + std::to_string(row.key)));
      batch.columns[1].numbers.push_back(row.temp);
      batch.columns[2].texts.push_back(row.door ? batch.texts.intern(row.door) : Interner::kNone);
      batch.columns[3].numbers.push_back(row.level);
      keys.push_back(row.key);
    }
    BatchView view;
    cleaner.clean(batch, 0, batch.rows(), keys.data(), view);
    return show(view);
  }
  static std::vector<std::string> show(const BatchView& view) {
    std::vector<std::string> out;
    auto number = [](double v) { return is_null(v) ? std::string("-") : std::to_string(int(v)); };
    for (size_t i = 0; i < view.rows; ++i) {
      const uint32_t door = view.columns[2].texts[i];
      out.push_back(number(view.columns[1].numbers[i]) + " " +
                    (door == Interner::kNone ? "-" : std::string(view.texts->text(door))) + " " +
                    number(view.columns[3].numbers[i]));
    }
    return out;
  }

  SourceOptions options;
  Cleaner cleaner;
  ReadingBatch batch;
};

TEST(Cleaner, a_number_out_of_its_range_becomes_nothing_and_is_counted) {
  Bench b;
  EXPECT_EQ(
      b.clean({{1, kNull, nullptr, 100}, {2, kNull, nullptr, 101}, {3, kNull, nullptr, -1e9}}),
      (TextRows{"- - 100", "- - -", "- - -1000000000"}));
  EXPECT_EQ(b.clean({{4, 91}, {5, -61, "open"}, {6, 90}, {7, -60}}),
            (TextRows{"- - -", "- open -", "90 open -", "-60 open -"}));
  EXPECT_EQ(b.cleaner.out_of_range(), 3u);
}

// Of a range and a past each, and a position; all are marked.
struct Judged {
  explicit Judged(const SourceOptions& o = options()) : cleaner(o, schema()), batch(schema()) {}

  static SourceOptions options() {
    SourceOptions o;
    o.fields = {field("temp_c", "t"), ranged(field("lat", "lat"), std::nullopt, 60),
                field("lon", "lon"), field("door", "door", FieldType::kText)};
    o.fields[0].cleaning.max_rate = 1;
    o.fields[0].cleaning.fill_ms = 5'000;
    o.fields[3].cleaning.fill_ms = 5'000;
    o.position.lat = "lat";
    o.position.lon = "lon";
    return o;
  }
  static Schema schema() {
    return {
        {{"vehicle", FieldType::kText}, {"temp_c"}, {"lat"}, {"lon"}, {"door", FieldType::kText}},
        0};
  }
  struct In {
    int64_t time;
    double temp_c = kNull, lat = kNull, lon = kNull;
    const char* door = nullptr;
  };
  // "temp_c lat lon door | marks" of each row, '-' for nothing.
  std::vector<std::string> clean(const std::vector<In>& rows) {
    batch.clear_rows();
    const std::vector<uint32_t> keys(rows.size(), 0);
    for (const In& row : rows) {
      batch.times.push_back(row.time);
      batch.columns[0].texts.push_back(batch.texts.intern("v1"));
      batch.columns[1].numbers.push_back(row.temp_c);
      batch.columns[2].numbers.push_back(row.lat);
      batch.columns[3].numbers.push_back(row.lon);
      batch.columns[4].texts.push_back(row.door ? batch.texts.intern(row.door) : Interner::kNone);
    }
    BatchView view;
    cleaner.clean(batch, 0, batch.rows(), keys.data(), view);
    const auto text = [&](size_t column, size_t row) {
      const uint32_t id = view.columns[column].texts[row];
      return id == Interner::kNone ? "-" : std::string(view.texts->text(id));
    };
    std::vector<std::string> out;
    for (size_t i = 0; i < view.rows; ++i) {
      std::string line;
      for (size_t c : {1, 2, 3}) {
        const double number = view.columns[c].numbers[i];
        line += (is_null(number) ? "-" : std::to_string(int(number))) + " ";
      }
      out.push_back(line + text(4, i) + " | " + text(5, i));
    }
    return out;
  }

  Cleaner cleaner;
  ReadingBatch batch;
};

TEST(Cleaner, what_was_changed_and_why_stands_in_a_field_behind_the_others) {
  const Schema schema = cleaned_schema(Judged::options(), Judged::schema());
  EXPECT_EQ(schema.fields.back(), (Field{"cleaned", FieldType::kText}));
  Judged j;
  EXPECT_EQ(
      j.clean({{0, 10, 52, 9, "open"}, {1'000, 90, 0, 0, "open"}, {2'000, 11, 52, 9}}),
      (TextRows{"10 52 9 open | -",
                "10 - - open |  lat:null_island lon:null_island temp_c:too_fast temp_c:filled ",
                "11 52 9 open |  door:filled "}));
  EXPECT_EQ(j.cleaner.changed(1, Reason::kTooFast), 1u);
  EXPECT_EQ(j.cleaner.changed(2, Reason::kNullIsland), 1u);
  EXPECT_EQ(j.cleaner.changed(4, Reason::kFilled), 1u);
  EXPECT_EQ(j.cleaner.changed(4, Reason::kTooFast), 0u);
}

TEST(Cleaner, a_range_that_removes_half_a_position_removes_the_other_half) {
  Judged j;
  EXPECT_EQ(j.clean({{0, kNull, 61, 9}, {1, kNull, 52}}),
            (TextRows{"- - - - |  lat:out_of_range lon:incomplete ", "- 52 - - | -"}))
      << "what did not come is not removed";
  EXPECT_EQ(j.clean({{2, kNull, kNull, 181}}), TextRows{"- - - - |  lon:out_of_range "});
}

TEST(Cleaner, a_field_is_filled_for_as_long_as_its_last_value_is_young_enough) {
  Judged j;
  EXPECT_EQ(
      j.clean({{0, 1, kNull, kNull, "open"},
               {3'000, 1, kNull, kNull, "open"},
               {8'000},
               {8'001},
               {7'000}}),
      (TextRows{"1 - - open | -", "1 - - open | -", "1 - - open |  temp_c:filled door:filled ",
                "- - - - | -", "1 - - open |  temp_c:filled door:filled "}));
}

TEST(Cleaner, a_late_reading_does_not_change_what_is_filled) {
  Judged j;
  EXPECT_EQ(j.clean({{0, kNull, kNull, kNull, "open"},
                     {4'000, kNull, kNull, kNull, "open"},
                     {2'000, kNull, kNull, kNull, "shut"},
                     {8'000}}),
            (TextRows{"- - - open | -", "- - - open | -", "- - - shut | -",
                      "- - - open |  door:filled "}));
}

TEST(Cleaner, commands_have_no_such_field) {
  SourceOptions o = Judged::options();
  o.is_answered = true;
  EXPECT_EQ(cleaned_schema(o, Judged::schema()), Judged::schema());
}

TEST(Cleaner, a_source_that_is_not_cleaned_has_no_such_field) {
  SourceOptions o;
  o.fields = {field("temp_c", "t")};
  o.keep = {"temp_c"};
  EXPECT_TRUE(cleaned_schema(o, {}).fields.empty());
  o.fields[0].cleaning.fill_ms = 1;
  EXPECT_EQ(cleaned_schema(o, {}).fields.size(), 1u);
  o.mark = "";
  EXPECT_TRUE(cleaned_schema(o, {}).fields.empty());
}

TEST(Cleaner, a_source_with_ranges_alone_has_it_under_a_name_of_its_own_only) {
  SourceOptions o;
  o.fields = {ranged(field("temp_c", "t"), 0, 5)};
  EXPECT_TRUE(cleaned_schema(o, {}).fields.empty()) << "what is said of it stays as it was";
  o.mark = "faults";
  EXPECT_EQ(cleaned_schema(o, {}).fields.at(0).name, "faults");
}

void expect_the_same_when_saved_and_loaded(const SourceOptions& options) {
  const std::vector<Judged::In> rows = {{0, 1, 52, 9, "open"},
                                        {1'000, 50, 0, 0},
                                        {2'000, 50, 61, 9},
                                        {3'000, 50, 52.0002, 9, "shut"},
                                        {4'000, kNull, 53, 9},
                                        {3'500, kNull, 52, 9},
                                        {5'000, kNull, 52.0004, 9},
                                        {6'000, kNull, 53, 9},
                                        {7'000, kNull, 53, 9},
                                        {8'000, kNull, 53.0001, 9},
                                        {20'000, 51, 90, 200, nullptr}};
  Judged straight(options);
  const TextRows expected = straight.clean(rows);
  auto judged = std::make_unique<Judged>(options);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(judged->clean({rows[i]}), TextRows{expected[i]}) << i;
    std::string kept, past, counts;
    ByteWriter kept_writer(kept), past_writer(past), counts_writer(counts);
    ASSERT_TRUE(judged->cleaner.save_key(0, kept_writer));
    ASSERT_TRUE(judged->cleaner.save_past(0, past_writer));
    EXPECT_FALSE(judged->cleaner.save_past(1, past_writer));
    judged->cleaner.save_counts(counts_writer);
    judged = std::make_unique<Judged>(options);
    ByteReader kept_reader(kept), past_reader(past), counts_reader(counts);
    judged->cleaner.load_key(0, kept_reader);
    judged->cleaner.load_past(0, past_reader);
    judged->cleaner.load_counts(counts_reader);
    for (const ByteReader& reader : {kept_reader, past_reader, counts_reader}) {
      EXPECT_TRUE(reader.ok() && reader.left() == 0);
    }
  }
  for (size_t column = 0; column < straight.cleaner.columns(); ++column) {
    for (size_t reason = 0; reason < kReasons; ++reason) {
      EXPECT_EQ(judged->cleaner.changed(column, Reason(reason)),
                straight.cleaner.changed(column, Reason(reason)));
    }
  }
}

TEST(Cleaner, its_past_and_counts_saved_and_loaded_it_goes_on_the_same) {
  expect_the_same_when_saved_and_loaded(Judged::options());
  SourceOptions o = Judged::options();
  o.position.max_speed = 50;
  expect_the_same_when_saved_and_loaded(o);
  o.position.smooth = "kalman";
  expect_the_same_when_saved_and_loaded(o);
}

TEST(Cleaner, the_past_of_a_key_that_is_forgotten_is_forgotten) {
  Judged j;
  j.clean({{0, 1}, {1'000, 50}});
  j.cleaner.forget_key(0);
  std::string bytes;
  ByteWriter writer(bytes);
  EXPECT_FALSE(j.cleaner.save_past(0, writer));
  EXPECT_EQ(j.clean({{2'000, 50}}), TextRows{"50 - - - | -"});
}

TEST(Cleaner, the_batch_itself_keeps_what_came) {
  Bench b;
  b.clean({{1, 500}});
  EXPECT_EQ(b.batch.columns[1].numbers[0], 500);
}

TEST(Cleaner, a_kept_field_is_carried_into_later_readings_of_its_key_only) {
  Bench b;
  EXPECT_EQ(b.clean({{1, 5, "open", 7}, {2}, {2, kNull, nullptr, kNull, 1}, {3, 6}}),
            (TextRows{"5 open 7", "5 open -", "- - -", "6 open -"}));
  EXPECT_EQ(b.clean({{4}}), (TextRows{"6 open -"}));  // also from batch to batch
}

TEST(Cleaner, a_value_out_of_range_is_not_carried_on_but_replaced_by_the_last_good_one) {
  Bench b;
  EXPECT_EQ(b.clean({{1, 5}, {2, 500}, {3}}), (TextRows{"5 - -", "5 - -", "5 - -"}));
}

TEST(Cleaner, a_late_reading_finds_the_value_of_its_own_time) {
  Bench b;
  b.clean({{10, kNull, "closed"}, {20, kNull, "open"}});
  EXPECT_EQ(b.clean({{15}, {20}, {25}, {9}}),
            (TextRows{"- closed -", "- open -", "- open -", "- - -"}));
  // What a late reading brings itself is its own, but not news.
  EXPECT_EQ(b.clean({{12, kNull, "ajar"}, {30}}), (TextRows{"- ajar -", "- open -"}));
}

TEST(Cleaner, a_value_that_is_repeated_keeps_the_change_before_it) {
  Bench b;
  b.clean({{10, kNull, "closed"}, {20, kNull, "open"}, {30, kNull, "open"}, {40, kNull, "open"}});
  EXPECT_EQ(b.clean({{15}, {25}}), (TextRows{"- closed -", "- open -"}));
}

TEST(Cleaner, a_part_of_a_batch_is_cleaned_with_its_own_rows) {
  Bench b;
  b.clean({{1, 1, "a", 1}, {2, 2, "b", 2}, {3, 3, "c", 3}});
  const uint32_t keys[] = {5};
  BatchView view;
  b.cleaner.clean(b.batch, 1, 2, keys, view);
  EXPECT_EQ(Bench::show(view), TextRows{"2 b 2"});
  EXPECT_EQ(*view.times, 2);
}

TEST(Cleaner, texts_of_a_batch_may_be_forgotten_in_between) {
  Bench b;
  b.clean({{1, kNull, "open"}});
  b.batch.clear_texts();
  b.batch.texts.intern("another text with the former id");
  EXPECT_EQ(b.clean({{2}}), TextRows{"- open -"});
}

TEST(Cleaner, saved_and_loaded_it_goes_on_the_same) {
  const std::vector<Bench::In> rows = {{10, 1, "closed"},
                                       {20, 500, "open"},
                                       {15},
                                       {5, kNull, nullptr, 101, 1},
                                       {30, 7, nullptr, kNull, 1},
                                       {25},
                                       {40, kNull, "ajar"},
                                       {35},
                                       {29, kNull, nullptr, 1, 1},
                                       {41}};
  Bench straight;
  const TextRows expected = straight.clean(rows);
  auto bench = std::make_unique<Bench>();
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(bench->clean({rows[i]}), TextRows{expected[i]}) << i;
    auto restored = std::make_unique<Bench>();
    for (uint32_t key : {0u, 1u}) {
      std::string bytes;
      ByteWriter writer(bytes);
      if (!bench->cleaner.save_key(key, writer)) continue;
      ByteReader reader(bytes);
      restored->cleaner.load_key(key, reader);
      EXPECT_TRUE(reader.ok() && reader.left() == 0);
    }
    std::string totals;
    ByteWriter writer(totals);
    bench->cleaner.save_totals(writer);
    ByteReader reader(totals);
    restored->cleaner.load_totals(reader);
    bench = std::move(restored);
  }
  EXPECT_EQ(bench->cleaner.out_of_range(), straight.cleaner.out_of_range());
  EXPECT_EQ(straight.cleaner.out_of_range(), 2u);
}

TEST(Cleaner, a_key_that_is_forgotten_starts_anew) {
  Bench b;
  b.clean({{1, 5, "open"}, {1, 6, "ajar", kNull, 1}});
  b.cleaner.forget_key(0);
  std::string bytes;
  ByteWriter writer(bytes);
  EXPECT_FALSE(b.cleaner.save_key(0, writer));
  EXPECT_EQ(b.clean({{2}, {2, kNull, nullptr, kNull, 1}}), (TextRows{"- - -", "6 ajar -"}));
  b.cleaner.forget_key(1'000);  // never seen: no harm
}

}  // namespace
}  // namespace wayside
