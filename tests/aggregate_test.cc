#include "pipeline/aggregate.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <vector>

#include "sensors/reading.h"

namespace wayside {
namespace {

// The result of `name` over `values`, of which only those with a true mask count (no mask: all).
Value aggregate(const char* name, const std::vector<double>& values,
                const std::vector<double>& mask = {}) {
  const AggregateFunction* f = find_aggregate(name);
  EXPECT_NE(f, nullptr) << name;
  std::vector<double> pool(f->slots, -1);
  f->reset(pool.data());
  const std::vector<uint32_t> panes(values.size(), 0);
  std::vector<uint32_t> rows(values.size());
  std::iota(rows.begin(), rows.end(), 0u);
  f->add({pool.data(), panes.data(), rows.data(), rows.size()}, 0, values.data(),
         mask.empty() ? nullptr : mask.data());
  return f->result(pool.data());
}

TEST(Aggregate, leaves_out_null_as_sql_does) {
  const Value null;
  const struct {
    const char* name;
    std::vector<double> values;
    Value expected;
  } cases[] = {
      {"count", {}, 0.0},
      {"count", {kNull, kNull}, 0.0},
      {"count", {1, kNull, 0}, 2.0},
      {"sum", {}, null},
      {"sum", {kNull}, null},
      {"sum", {1.5, kNull, 2}, 3.5},
      {"sum", {0}, 0.0},
      {"avg", {}, null},
      {"avg", {1, kNull, 2}, 1.5},
      {"min", {}, null},
      {"min", {kNull, 3, -2, kNull}, -2.0},
      {"max", {kNull}, null},
      {"max", {-5, kNull, -7}, -5.0},
  };
  for (const auto& c : cases) EXPECT_EQ(aggregate(c.name, c.values), c.expected) << c.name;
}

TEST(Aggregate, filter_takes_what_is_true_and_neither_false_nor_null) {
  EXPECT_EQ(aggregate("sum", {1, 2, 4, 8}, {1, 0, kNull, 1}), Value(9.0));
  EXPECT_EQ(aggregate("count", {1, 2}, {0, kNull}), Value(0.0));
  EXPECT_EQ(aggregate("max", {1, 2}, {0, 0}), Value());
}

TEST(Aggregate, rows_go_into_the_panes_they_belong_to) {
  const AggregateFunction* sum = find_aggregate("sum");
  std::vector<double> pool(2 * (sum->slots + 1), 0);
  const uint32_t stride = sum->slots + 1;  // the accumulator begins at 1
  for (uint32_t pane : {0u, stride}) sum->reset(pool.data() + pane + 1);
  const uint32_t rows[] = {0, 2, 3}, panes[] = {stride, 0, stride};
  const double values[] = {1, 100, 2, 4};
  sum->add({pool.data(), panes, rows, 3}, 1, values, nullptr);
  EXPECT_EQ(sum->result(pool.data() + 1), Value(2.0));
  EXPECT_EQ(sum->result(pool.data() + stride + 1), Value(5.0));
}

TEST(Aggregate, a_sum_keeps_what_plain_addition_would_lose) {
  EXPECT_EQ(aggregate("sum", {1e16, 1, -1e16}), Value(1.0));
  EXPECT_EQ(aggregate("sum", {1, 1e100, 1, -1e100}), Value(2.0));
  EXPECT_EQ(aggregate("avg", std::vector<double>(10, 0.1)), Value(0.1));
}

TEST(Aggregate, a_sum_beyond_all_numbers_is_infinite_as_in_sql) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  EXPECT_EQ(aggregate("sum", {kLargest, kLargest}), Value(std::numeric_limits<double>::infinity()));
}

TEST(Aggregate, is_found_in_any_case_by_its_whole_name) {
  EXPECT_EQ(find_aggregate("AVG"), find_aggregate("avg"));
  EXPECT_EQ(find_aggregate("average"), nullptr);
  EXPECT_EQ(find_aggregate(""), nullptr);
}

TEST(SelectItem, is_an_aggregate_call_with_an_optional_filter) {
  const struct {
    const char* text;
    const char* name;
    const char* argument;
    const char* filter;
  } cases[] = {
      {"count()", "count", "", ""},
      {"count(*)", "count", "", ""},
      {"count( * )", "count", "", ""},
      {" Sum ( temp_c ) ", "sum", "temp_c", ""},
      {"avg(temp_c) FILTER (WHERE door = 'open')", "avg", "temp_c", "door = 'open'"},
      {"count() filter(where speed > 5)", "count", "", "speed > 5"},
      {"max(abs(temp_c - (2 + 3)))", "max", "abs(temp_c - (2 + 3))", ""},
      {"count(door = ')')", "count", "door = ')'", ""},
      {"count(door = ',')", "count", "door = ','", ""},
      {"sum(instr(door, 'it''s, (so'))", "sum", "instr(door, 'it''s, (so')", ""},
  };
  for (const auto& c : cases) {
    const SelectItem item = parse_select_item(c.text);
    ASSERT_NE(item.aggregate, nullptr) << c.text;
    EXPECT_EQ(item.aggregate->name, c.name) << c.text;
    const std::string argument = item.argument;
    EXPECT_EQ(argument.substr(0, argument.find_last_not_of(' ') + 1), c.argument) << c.text;
    EXPECT_EQ(item.filter, c.filter) << c.text;
  }
}

TEST(SelectItem, knows_where_its_parts_begin) {
  const std::string text = "avg( temp_c ) FILTER (WHERE  door = 'open')";
  const SelectItem item = parse_select_item(text);
  EXPECT_EQ(item.argument_offset, text.find("temp_c"));
  EXPECT_EQ(item.filter_offset, text.find("door"));
}

TEST(SelectItem, anything_else_is_sql_over_the_aliases) {
  for (const char* text :
       {"max_c - min_c", "max(low, high)", "min(a, 0)", "round(avg_c, 1)", "counter", "sum(x",
        "sum()", "count() + 1", "avg(x) filter (having y)", ""}) {
    const SelectItem item = parse_select_item(text);
    EXPECT_EQ(item.aggregate, nullptr) << text;
    EXPECT_EQ(item.argument, text);
  }
}

}  // namespace
}  // namespace wayside
