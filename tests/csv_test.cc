#include "base/csv.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows read(std::string_view text) {
  CsvReader reader(text);
  Rows rows;
  std::vector<std::string> row;
  while (reader.next(row)) rows.push_back(row);
  EXPECT_FALSE(reader.unfinished());
  return rows;
}

TEST(Csv, cells_stand_between_commas) {
  EXPECT_EQ(read("a,b\n1,2\n"), (Rows{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(read("a,,c"), (Rows{{"a", "", "c"}})) << "the last line needs no end";
  EXPECT_EQ(read("a,\n"), (Rows{{"a", ""}}));
}

TEST(Csv, quotes_hold_commas_ends_of_lines_and_quotes) {
  EXPECT_EQ(read("\"a,b\",\"c\nd\",\"say \"\"no\"\"\"\n"), (Rows{{"a,b", "c\nd", "say \"no\""}}));
  EXPECT_EQ(read("\"\",5\" tape\n"), (Rows{{"", "5\" tape"}})) << "within a cell it is a quote";
}

TEST(Csv, files_of_other_systems_read_the_same) {
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "a,b\r\n1,2\r\n"),
            (Rows{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(read("a\n\n\nb\n"), (Rows{{"a"}, {"b"}})) << "empty lines are no rows";
  EXPECT_EQ(read(""), Rows{});
}

TEST(Csv, a_row_knows_the_line_where_it_begins) {
  CsvReader reader("a\n\n\"b\nc\",d\ne\n");
  std::vector<std::string> row;
  std::vector<size_t> lines;
  while (reader.next(row)) lines.push_back(reader.line());
  EXPECT_EQ(lines, (std::vector<size_t>{1, 3, 5}));
}

TEST(Csv, an_open_quote_is_noticed) {
  CsvReader reader("a,\"b\n");
  std::vector<std::string> row;
  EXPECT_TRUE(reader.next(row));
  EXPECT_FALSE(reader.next(row));
  EXPECT_TRUE(reader.unfinished());
}

}  // namespace
}  // namespace wayside
