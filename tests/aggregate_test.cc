#include "pipeline/aggregate.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "aggregates.h"

namespace wayside {
namespace {

TEST(Aggregate, leaves_out_null_as_sql_does) {
  const struct {
    const char* item;
    std::vector<double> values;
    Value expected;
  } cases[] = {
      {"count(x)", {}, 0.0},
      {"count(x)", {kNull, kNull}, 0.0},
      {"count(x)", {1, kNull, 0}, 2.0},
      {"count()", {}, 0.0},
      {"count()", {1, kNull, 0}, 3.0},
      {"sum(x)", {}, null},
      {"sum(x)", {kNull}, null},
      {"sum(x)", {1.5, kNull, 2}, 3.5},
      {"sum(x)", {0}, 0.0},
      {"avg(x)", {}, null},
      {"avg(x)", {1, kNull, 2}, 1.5},
      {"min(x)", {}, null},
      {"min(x)", {kNull, 3, -2, kNull}, -2.0},
      {"max(x)", {kNull}, null},
      {"max(x)", {-5, kNull, -7}, -5.0},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(aggregate(c.item, readings_of(c.values)), c.expected) << c.item;
  }
}

TEST(Aggregate, count_of_a_text_leaves_out_null) {
  EXPECT_EQ(aggregate("count(name)", {{.name = "a"}, {}, {.name = "b"}}), Value(2.0));
}

TEST(Aggregate, filter_takes_what_is_true_and_neither_false_nor_null) {
  const TestReadings readings = {
      {.x = 1, .mask = 1}, {.x = 2, .mask = 0}, {.x = 4, .mask = kNull}, {.x = 8, .mask = -1}};
  EXPECT_EQ(aggregate("sum(x) FILTER (WHERE m)", readings), Value(9.0));
  EXPECT_EQ(aggregate("count() FILTER (WHERE m)", readings), Value(2.0));
  EXPECT_EQ(aggregate("max(x) FILTER (WHERE m)", {{.x = 1, .mask = 0}}), null);
}

TEST(Aggregate, rows_go_into_the_panes_they_belong_to) {
  TestPanes sums("sum(x)", 3);
  sums.add(readings_of({1, 2, 4, 8}), {2, 0, 2, 0});
  EXPECT_EQ(sums.result(0), Value(10.0));
  EXPECT_EQ(sums.result(1), null);
  EXPECT_EQ(sums.result(2), Value(5.0));
}

TEST(Aggregate, rows_that_are_not_named_are_not_read) {
  const auto sum = find_aggregate("sum")->make({{FieldType::kNumber}, {}});
  sum->resize(1);
  const double values[] = {1, 100, 2};
  const uint32_t rows[] = {0, 2}, panes[] = {0, 0};
  AggregateInput input;
  input.columns[0].numbers = values;
  sum->add(input, {panes, rows, 2});
  EXPECT_EQ(sum->result(0, 0), Value(3.0));
}

TEST(Aggregate, a_pane_that_is_reset_is_empty) {
  TestPanes panes("max(x)", 2);
  panes.add(0, readings_of({5}));
  panes.add(1, readings_of({7}));
  panes.reset(0);
  EXPECT_EQ(panes.result(0), null);
  EXPECT_EQ(panes.result(1), Value(7.0));
}

TEST(Aggregate, a_sum_keeps_what_plain_addition_would_lose) {
  EXPECT_EQ(aggregate("sum(x)", readings_of({1e16, 1, -1e16})), Value(1.0));
  EXPECT_EQ(aggregate("sum(x)", readings_of({1, 1e100, 1, -1e100})), Value(2.0));
  EXPECT_EQ(aggregate("avg(x)", readings_of(std::vector<double>(10, 0.1))), Value(0.1));
}

TEST(Aggregate, a_merged_sum_keeps_it_too) {
  TestPanes panes("sum(x)", 2);
  panes.add(0, readings_of({1, 1e100}));
  panes.add(1, readings_of({1, -1e100}));
  panes.merge(0, 1);
  EXPECT_EQ(panes.result(0), Value(2.0));
}

TEST(Aggregate, a_sum_beyond_all_numbers_is_infinite_as_in_sql) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(aggregate("sum(x)", readings_of({kLargest, kLargest})), Value(kInfinity));
  EXPECT_EQ(aggregate("sum(x)", readings_of({kInfinity, -kInfinity})), null);
}

TEST(Aggregate, shared_stats_say_what_each_alone_would_say) {
  const std::vector<double> x = {3, kNull, -4, 1e16, 1, -1e16};
  const auto shared = make_shared_stats();
  shared->resize(3);
  AggregateInput input;
  input.columns[0].numbers = x.data();
  const uint32_t rows[] = {0, 1, 2, 3, 4, 5}, panes[] = {0, 0, 0, 1, 1, 1};
  shared->add(input, {panes, rows, 6});
  shared->merge(0, 1);
  const std::pair<Stat, const char*> stats[] = {{Stat::kCount, "count(x)"},
                                                {Stat::kSum, "sum(x)"},
                                                {Stat::kMin, "min(x)"},
                                                {Stat::kMax, "max(x)"},
                                                {Stat::kAvg, "avg(x)"}};
  for (const auto& [stat, item] : stats) {
    const auto output = static_cast<uint32_t>(stat);
    EXPECT_EQ(shared->result(0, output), aggregate(item, readings_of(x))) << item;
    EXPECT_EQ(shared->result(2, output), aggregate(item, {})) << item;
    EXPECT_EQ(parsed(item).aggregate->stat, stat);
  }
}

TEST(Aggregate, is_found_in_any_case_by_its_whole_name) {
  EXPECT_EQ(find_aggregate("AVG"), find_aggregate("avg"));
  EXPECT_EQ(find_aggregate("Arg_Min")->name, "arg_min");
  EXPECT_EQ(find_aggregate("average"), nullptr);
  EXPECT_EQ(find_aggregate(""), nullptr);
}

TEST(Aggregate, texts_come_from_texts_and_from_what_is_a_list) {
  const std::pair<const char*, FieldType> cases[] = {
      {"first(name)", FieldType::kText},      {"first(x)", FieldType::kNumber},
      {"arg_max(name, x)", FieldType::kText}, {"arg_max(x, y)", FieldType::kNumber},
      {"count(name)", FieldType::kNumber},    {"count_distinct(name)", FieldType::kNumber},
      {"top_k(x, 3)", FieldType::kText},      {"top_k(name, 3)", FieldType::kText},
      {"histogram(x, 1)", FieldType::kText},  {"median(x)", FieldType::kNumber},
  };
  for (const auto& [text, type] : cases) {
    const SelectItem item = parsed(text);
    EXPECT_EQ(item.aggregate->type(call_of(item)), type) << text;
  }
}

TEST(Aggregate, parameters_that_mean_nothing_are_refused_with_what_would) {
  const std::pair<const char*, const char*> cases[] = {
      {"quantile(x, 0)", "above 0 and below 1"}, {"quantile(x, 1)", "min(x) and max(x)"},
      {"quantile(x, 95)", "quantile(x, 0.95)"},  {"quantile(x, nan)", "above 0 and below 1"},
      {"top_k(x, 0)", "from 1 to 1000"},         {"top_k(x, 1001)", "from 1 to 1000"},
      {"top_k(x, 2.5)", "a whole number"},       {"histogram(x, 2, 1)", "ascending"},
      {"histogram(x, 1, 1)", "each one once"},   {"histogram(x, inf)", "finite"},
      {"histogram(x, nan, 1)", "finite"},
  };
  for (const auto& [text, part] : cases) {
    const SelectItem item = parsed(text);
    const std::string wrong = item.aggregate->check(call_of(item));
    EXPECT_NE(wrong.find(part), std::string::npos) << text << ": " << wrong;
  }
}

}  // namespace
}  // namespace wayside
