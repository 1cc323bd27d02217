#include "pipeline/select_item.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wayside {
namespace {

std::vector<std::string> columns_of(const SelectItem& item) {
  std::vector<std::string> texts;
  for (const SelectItem::Text& column : item.columns) texts.push_back(column.text);
  return texts;
}

TEST(SelectItem, is_an_aggregate_call_with_an_optional_filter) {
  const struct {
    const char* text;
    const char* name;
    std::vector<std::string> columns;
    const char* filter;
  } cases[] = {
      {"count()", "count", {}, ""},
      {"count(*)", "count", {}, ""},
      {"count( * )", "count", {}, ""},
      {" Sum ( temp_c ) ", "sum", {"temp_c"}, ""},
      {"avg(temp_c) FILTER (WHERE door = 'open')", "avg", {"temp_c"}, "door = 'open'"},
      {"count() filter(where speed > 5)", "count", {}, "speed > 5"},
      {"max(abs(temp_c - (2 + 3)))", "max", {"abs(temp_c - (2 + 3))"}, ""},
      {"count(door = ')')", "count", {"door = ')'"}, ""},
      {"count(door = ',')", "count", {"door = ','"}, ""},
      {"sum(instr(door, 'it''s, (so'))", "sum", {"instr(door, 'it''s, (so')"}, ""},
      {"arg_max(door, round(a, 1))", "arg_max", {"door", "round(a, 1)"}, ""},
      {"distance_m(\"lat,itude\", lon)", "distance_m", {"\"lat,itude\"", "lon"}, ""},
  };
  for (const auto& c : cases) {
    SelectError error;
    const SelectItem item = parse_select_item(c.text, error);
    ASSERT_NE(item.aggregate, nullptr) << c.text;
    EXPECT_EQ(error.message, "") << c.text;
    EXPECT_EQ(item.aggregate->name, c.name) << c.text;
    EXPECT_EQ(columns_of(item), c.columns) << c.text;
    EXPECT_EQ(item.parameters, std::vector<double>()) << c.text;
    EXPECT_EQ(item.filter.text, c.filter) << c.text;
  }
}

TEST(SelectItem, has_its_constants_behind_its_columns) {
  const struct {
    const char* text;
    std::vector<std::string> columns;
    std::vector<double> parameters;
  } cases[] = {
      {"quantile(a + b, 0.95)", {"a + b"}, {0.95}},
      {"top_k( door , 10 )", {"door"}, {10}},
      {"histogram(t, -1.5, 0, 2e3)", {"t"}, {-1.5, 0, 2000}},
      {"histogram(t, 1) FILTER (WHERE max(a, 2) > 1)", {"t"}, {1}},
  };
  for (const auto& c : cases) {
    SelectError error;
    const SelectItem item = parse_select_item(c.text, error);
    EXPECT_EQ(error.message, "") << c.text;
    EXPECT_EQ(columns_of(item), c.columns) << c.text;
    EXPECT_EQ(item.parameters, c.parameters) << c.text;
  }
}

TEST(SelectItem, knows_where_its_parts_begin) {
  const std::string text = "arg_min( temp_c ,  speed) FILTER (WHERE  door = 'open')";
  SelectError error;
  const SelectItem item = parse_select_item(text, error);
  ASSERT_EQ(item.columns.size(), 2u);
  EXPECT_EQ(item.columns[0].offset, text.find("temp_c"));
  EXPECT_EQ(item.columns[1].offset, text.find("speed"));
  EXPECT_EQ(item.filter.offset, text.find("door"));
}

TEST(SelectItem, anything_else_is_sql_over_the_aliases) {
  for (const char* text :
       {"max_c - min_c", "max(low, high)", "min(a, 0)", "round(avg_c, 1)", "counter", "sum(x",
        "count() + 1", "avg(x) filter (having y)", "avg(x) filter (where y) + 1", "(sum(x))", ""}) {
    SelectError error;
    EXPECT_EQ(parse_select_item(text, error).aggregate, nullptr) << text;
    EXPECT_EQ(error.message, "") << text;
  }
}

TEST(SelectItem, a_call_with_wrong_arguments_says_what_it_is) {
  const struct {
    const char* text;
    const char* message;
    size_t offset;
  } cases[] = {
      {"sum()", "wrong number of arguments; it is sum(x)", 0},
      {"avg(a, b)", "wrong number of arguments; it is avg(x)", 0},
      {"arg_max(a)", "wrong number of arguments; it is arg_max(x, by)", 0},
      {"quantile(a)", "wrong number of arguments; it is quantile(x, share)", 0},
      {"quantile(a, 0.5, 0.9)", "wrong number of arguments; it is quantile(x, share)", 0},
      {"quantile(a, b)", "'b' has to be a number; it is quantile(x, share)", 12},
      {"top_k(door, '3')", "''3'' has to be a number; it is top_k(x, k)", 12},
      {"top_k(door, )", "'' has to be a number; it is top_k(x, k)", 12},
  };
  for (const auto& c : cases) {
    SelectError error;
    EXPECT_EQ(parse_select_item(c.text, error).aggregate, nullptr) << c.text;
    EXPECT_EQ(error.message, c.message) << c.text;
    EXPECT_EQ(error.offset, c.offset) << c.text;
  }
}

}  // namespace
}  // namespace wayside
