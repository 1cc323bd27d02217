#include "base/csv.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

using Records = std::vector<std::vector<std::string>>;

Records read(std::string_view text, char delimiter = ',') {
  CsvReader reader(text, delimiter);
  Records rows;
  std::vector<std::string_view> row;
  while (reader.next(row)) rows.emplace_back(row.begin(), row.end());
  EXPECT_FALSE(reader.unfinished());
  return rows;
}

TEST(Csv, cells_stand_between_commas) {
  EXPECT_EQ(read("a,b\n1,2\n"), (Records{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(read("a,,c"), (Records{{"a", "", "c"}})) << "the last line needs no end";
  EXPECT_EQ(read("a,\n"), (Records{{"a", ""}}));
}

TEST(Csv, quotes_hold_commas_ends_of_lines_and_quotes) {
  EXPECT_EQ(read("\"a,b\",\"c\nd\",\"say \"\"no\"\"\"\n"),
            (Records{{"a,b", "c\nd", "say \"no\""}}));
  EXPECT_EQ(read("\"\",5\" tape\n"), (Records{{"", "5\" tape"}})) << "within a cell it is a quote";
}

TEST(Csv, blanks_are_a_part_of_their_cells_unless_they_are_dropped) {
  EXPECT_EQ(read(" a , \"b\" ,\"c\" \n  \n"), (Records{{" a ", " \"b\" ", "c "}, {"  "}}));
}

TEST(Csv, files_of_other_systems_read_the_same) {
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "a,b\r\n1,2\r\n"),
            (Records{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(read("a\n\n\nb\n"), (Records{{"a"}, {"b"}})) << "empty lines are no rows";
  EXPECT_EQ(read(""), Records{});
}

TEST(Csv, another_delimiter_may_stand_between) {
  EXPECT_EQ(read("a;\"b;c\";1,5\n", ';'), (Records{{"a", "b;c", "1,5"}}));
  EXPECT_EQ(read("a\tb", '\t'), (Records{{"a", "b"}}));
}

TEST(Csv, a_last_line_that_is_cut_within_its_end_is_whole) {
  EXPECT_EQ(read("a,b\r"), (Records{{"a", "b"}}));
  EXPECT_EQ(read("a,\"b\"\r\n\r"), (Records{{"a", "b"}}));
  EXPECT_EQ(read("a\r,b"), (Records{{"a\r", "b"}})) << "within a line it is like any other";
}

// Cells whose quotes are undone have a place of their own, which must not move.
TEST(Csv, cells_stay_where_they_are_until_the_next_text) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "\"\"\"" + std::to_string(i) + "\",b\n";
  CsvReader reader;
  for (int again = 0; again < 2; ++again) {
    reader.begin(text);
    std::vector<std::string_view> row, first;
    while (reader.next(row)) first.push_back(row[0]);
    ASSERT_EQ(first.size(), 1000u);
    for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i], "\"" + std::to_string(i));
  }
}

TEST(Csv, what_is_left_of_a_row_is_passed_over) {
  CsvReader reader("a,b,\"c\nd\"\ne,f");
  std::string_view cell;
  ASSERT_TRUE(reader.next_row());
  ASSERT_TRUE(reader.next_cell(cell));
  ASSERT_TRUE(reader.next_row());
  EXPECT_EQ(reader.line(), 3u);
  ASSERT_TRUE(reader.next_cell(cell));
  EXPECT_EQ(cell, "e");
}

TEST(Csv, a_row_knows_the_line_where_it_begins) {
  CsvReader reader("a\n\n\"b\nc\",d\ne\n");
  std::vector<std::string_view> row;
  std::vector<size_t> lines;
  while (reader.next(row)) lines.push_back(reader.line());
  EXPECT_EQ(lines, (std::vector<size_t>{1, 3, 5}));
}

TEST(Csv, an_open_quote_is_noticed) {
  CsvReader reader("a,\"b\n");
  std::vector<std::string_view> row;
  EXPECT_TRUE(reader.next(row));
  EXPECT_FALSE(reader.next(row));
  EXPECT_TRUE(reader.unfinished());
}

}  // namespace
}  // namespace wayside
