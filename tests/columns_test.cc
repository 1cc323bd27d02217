#include "pipeline/columns.h"

#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

// Rows of climate(), as they come out of cleaning.
class Columns : public testing::Test {
 protected:
  Columns() : schema_(*make_schema(climate())), batch_(schema_), cleaner_(climate(), schema_) {}

  void add(int64_t time, double temp_c, const char* door) {
    batch_.times.push_back(time);
    batch_.columns[0].texts.push_back(batch_.texts.intern("a"));
    batch_.columns[1].numbers.push_back(temp_c);
    batch_.columns[2].texts.push_back(*door ? batch_.texts.intern(door) : Interner::kNone);
    keys_.push_back(0);
  }
  void evaluate(const std::vector<std::string>& texts) {
    std::vector<ColumnExpressions::Item> items;
    for (const std::string& text : texts)
      items.push_back({"item" + std::to_string(items.size()), text});
    BlockError error;
    ASSERT_TRUE(columns_.compile(engine_, schema_, items, error)) << error.message;
    cleaner_.clean(batch_, 0, batch_.rows(), keys_.data(), view_);
    columns_.evaluate(view_);
  }
  std::vector<double> values(size_t item) const {
    return {columns_.values(item), columns_.values(item) + view_.rows};
  }

  Schema schema_;
  ReadingBatch batch_;
  Cleaner cleaner_;
  ExpressionEngine engine_;
  ColumnExpressions columns_;
  std::vector<uint32_t> keys_;
  BatchView view_;
};

TEST_F(Columns, a_plain_column_is_the_column_itself) {
  add(0, 20, "open");
  add(1, 30, "closed");
  evaluate({"temp_c", " temp_c "});
  EXPECT_EQ(columns_.values(0), view_.columns[1].numbers) << "not a copy";
  EXPECT_EQ(columns_.values(1), view_.columns[1].numbers);
}

TEST(TypeOf, a_text_is_what_is_a_text_field_or_cast_to_one_as_a_whole) {
  const Schema schema = *make_schema(climate());
  const struct {
    const char* expression;
    FieldType type;
  } cases[] = {
      {"door", FieldType::kText},
      {"temp_c", FieldType::kNumber},
      {"CAST(temp_c AS TEXT)", FieldType::kText},
      {" cast((temp_c + 1) * 2 as text) ", FieldType::kText},
      {"CAST(')' || door AS TEXT)", FieldType::kText},
      {"CAST( door  AS   TEXT )", FieldType::kText},
      {"cast\t(door\nas\ttext)", FieldType::kText},
      {"castle(door AS TEXT)", FieldType::kNumber},
      {"CAST(doorAS TEXT)", FieldType::kNumber},
      {"CAST(door ASTEXT)", FieldType::kNumber},
      {"CAST(temp_c AS TEXT) = CAST(door AS TEXT)", FieldType::kNumber},
      {"CAST(temp_c AS REAL) + (door = 'as text)')", FieldType::kNumber},
      {"CAST(temp_c AS TEXT", FieldType::kNumber},
  };
  for (const auto& c : cases) EXPECT_EQ(type_of(schema, c.expression), c.type) << c.expression;
}

TEST_F(Columns, plain_and_computed_items_keep_their_places) {
  add(1'000, 20, "open");
  add(2'000, 30, "closed");
  evaluate({"temp_c * 2", "temp_c", "door = 'open'", "time", "temp_c + length(vehicle)"});
  EXPECT_EQ(values(0), (std::vector<double>{40, 60}));
  EXPECT_EQ(values(1), (std::vector<double>{20, 30}));
  EXPECT_EQ(values(2), (std::vector<double>{1, 0}));
  EXPECT_EQ(values(3), (std::vector<double>{1'000, 2'000}));
  EXPECT_EQ(values(4), (std::vector<double>{21, 31}));
}

TEST_F(Columns, there_may_be_more_items_than_an_expression_set_holds) {
  add(0, 20, "open");
  add(1, 30, "closed");
  std::vector<std::string> texts;
  for (size_t i = 0; i <= 2 * kMaxExpressions; ++i) {
    texts.push_back("temp_c + " + std::to_string(i));
    if (i == 3) texts.push_back("temp_c");
  }
  evaluate(texts);
  EXPECT_EQ(values(4), (std::vector<double>{20, 30}));
  for (size_t i = 5; i < texts.size(); ++i) {
    EXPECT_EQ(values(i), (std::vector<double>{19.0 + double(i), 29.0 + double(i)})) << i;
  }
}

TEST_F(Columns, null_and_texts_are_no_numbers) {
  add(0, kNull, "open");
  evaluate({"temp_c", "temp_c + 1", "door"});
  for (size_t item : {0u, 1u, 2u}) EXPECT_TRUE(is_null(values(item)[0])) << item;
}

TEST_F(Columns, a_row_at_fault_is_null_and_counted_and_alone) {
  add(0, 1, "{\"v\":1}");
  add(1, 2, "broken");
  add(2, 3, "{\"v\":3}");
  evaluate({"json_extract(door, '$.v')", "temp_c"});
  const std::vector<double> computed = values(0);
  EXPECT_EQ(computed[0], 1);
  EXPECT_TRUE(is_null(computed[1]));
  EXPECT_EQ(computed[2], 3);
  EXPECT_EQ(values(1), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(columns_.faults(), 1u);
}

TEST_F(Columns, a_fault_of_one_item_leaves_the_others_of_its_row_alone) {
  add(0, 1, "{\"v\":1}");
  add(1, 2, "broken");
  add(2, 3, "{");
  evaluate({"temp_c * 2", "json_extract(door, '$.v')", "door ->> '$.w'", "temp_c + length(door)",
            "abs(-9223372036854775807 - 1)"});
  EXPECT_EQ(values(0), (std::vector<double>{2, 4, 6}));
  EXPECT_EQ(values(1)[0], 1);
  for (const size_t row : {1u, 2u}) EXPECT_TRUE(is_null(values(1)[row]));
  EXPECT_EQ(values(3), (std::vector<double>{8, 8, 4}));
  for (const double n : values(4)) EXPECT_TRUE(is_null(n));
  EXPECT_EQ(columns_.faults(), 3u) << "rows, however many items fail over them";
}

TEST_F(Columns, a_row_at_fault_in_several_sets_is_counted_once) {
  add(0, 1, "broken");
  std::vector<std::string> texts;
  for (size_t i = 0; i <= kMaxExpressions; ++i) {
    texts.push_back(i % kMaxExpressions == 0 ? "door ->> '$.a'" : "temp_c + " + std::to_string(i));
  }
  evaluate(texts);
  EXPECT_EQ(values(1), std::vector<double>{2});
  EXPECT_EQ(columns_.faults(), 1u);
}

TEST_F(Columns, a_text_where_a_number_is_wanted_is_null_and_counted) {
  add(0, 1, "open");
  add(1, 2, "");
  evaluate({"upper(door)"});
  EXPECT_TRUE(is_null(values(0)[0]));
  EXPECT_EQ(columns_.faults(), 1u) << "of a NULL there is nothing to lose";
}

TEST_F(Columns, an_error_is_counted_from_the_begin_of_the_item) {
  BlockError error;
  const std::vector<ColumnExpressions::Item> items = {
      {"where", "temp_c > 1", 0},
      {"select.n", "tmp_c + 1", 4},  // "sum(tmp_c + 1)"
      {"select.m", "CASE WHEN (tmp_c) THEN 1 END", 6, 11},
  };
  EXPECT_FALSE(columns_.compile(engine_, schema_, {items[0], items[1]}, error));
  EXPECT_EQ(error.item, "select.n");
  EXPECT_EQ(error.offset, 4u);
  ColumnExpressions other;
  EXPECT_FALSE(other.compile(engine_, schema_, {items[0], items[2]}, error));
  EXPECT_EQ(error.item, "select.m");
  EXPECT_EQ(error.offset, 6u);
  EXPECT_EQ(error.message, "unknown field 'tmp_c'; did you mean 'temp_c'?");
}

}  // namespace
}  // namespace wayside
