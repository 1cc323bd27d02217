// first, last, delta, rate, arg_min and arg_max.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "aggregates.h"

namespace wayside {
namespace {

TEST(AggregateEnds, go_by_event_time_and_at_one_time_by_value) {
  const struct {
    const char* about;
    TestReadings readings;
    Value first, last, delta, rate;
  } cases[] = {
      {"none", {}, null, null, null, null},
      {"one", {{.time = 5, .x = 2}}, 2.0, 2.0, 0.0, null},
      {"out of order",
       {{.time = 3000, .x = 7}, {.time = 1000, .x = 4}, {.time = 2000, .x = 9}},
       4.0,
       7.0,
       3.0,
       1.5},
      {"NULL at the ends",
       {{.time = 0}, {.time = 500, .x = 1}, {.time = 1000, .x = 4}, {.time = 2000}},
       1.0,
       4.0,
       3.0,
       6.0},
      {"ties",
       {{.time = 1, .x = 5}, {.time = 1, .x = 4}, {.time = 9, .x = 6}, {.time = 9, .x = 8}},
       4.0,
       8.0,
       4.0,
       500.0},
      {"one time", {{.time = 1, .x = 5}, {.time = 1, .x = 4}}, 4.0, 5.0, 1.0, null},
      {"before 1970", {{.time = -1, .x = 2}, {.time = -1001, .x = 4}}, 4.0, 2.0, -2.0, -2.0},
      {"infinite",
       {{.time = 1, .x = std::numeric_limits<double>::infinity()},
        {.time = 2, .x = std::numeric_limits<double>::infinity()}},
       std::numeric_limits<double>::infinity(),
       std::numeric_limits<double>::infinity(),
       null,
       null},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.about);
    TestReadings reversed = c.readings;
    std::reverse(reversed.begin(), reversed.end());
    for (const TestReadings& readings : {c.readings, reversed}) {
      EXPECT_EQ(aggregate("first(x)", readings), c.first);
      EXPECT_EQ(aggregate("last(x)", readings), c.last);
      EXPECT_EQ(aggregate("delta(x)", readings), c.delta);
      EXPECT_EQ(aggregate("rate(x)", readings), c.rate);
    }
  }
}

TEST(AggregateEnds, may_be_texts) {
  const TestReadings readings = {{.time = 2, .name = "open"},
                                 {.time = 3, .name = "closed"},
                                 {.time = 3, .name = "ajar"},
                                 {.time = 1, .name = "a text that is too long to be kept inside"},
                                 {.time = 9}};
  EXPECT_EQ(aggregate("first(name)", readings), Value("a text that is too long to be kept inside"));
  EXPECT_EQ(aggregate("last(name)", readings), Value("closed"));
  EXPECT_EQ(aggregate("last(name)", {{.time = 9}}), null);
}

TEST(AggregateEnds, a_counter_that_began_anew_shows_as_a_fall) {
  EXPECT_EQ(aggregate("delta(x)", readings_of({100, 150, 3, 20})), Value(-80.0));
}

TEST(AggregateArg, is_the_value_where_another_was_best_and_the_earliest_of_equals) {
  const struct {
    const char* about;
    TestReadings readings;
    Value least, most;
  } cases[] = {
      {"none", {}, null, null},
      {"NULL on either side",
       {{.time = 1, .x = 1}, {.time = 2, .y = 9}, {.time = 3, .x = 3, .y = 5}},
       3.0,
       3.0},
      {"plain", {{.time = 1, .x = 10, .y = 2}, {.time = 2, .x = 20, .y = -1}}, 20.0, 10.0},
      {"equals",
       {{.time = 5, .x = 10, .y = 2}, {.time = 4, .x = 20, .y = 2}, {.time = 6, .x = 5, .y = 2}},
       20.0,
       20.0},
      {"equals at one time", {{.time = 4, .x = 8, .y = 2}, {.time = 4, .x = 7, .y = 2}}, 7.0, 7.0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.about);
    TestReadings reversed = c.readings;
    std::reverse(reversed.begin(), reversed.end());
    for (const TestReadings& readings : {c.readings, reversed}) {
      EXPECT_EQ(aggregate("arg_min(x, y)", readings), c.least);
      EXPECT_EQ(aggregate("arg_max(x, y)", readings), c.most);
    }
  }
}

TEST(AggregateArg, may_be_a_text) {
  const TestReadings readings = {{.time = 1, .x = 3, .name = "north"},
                                 {.time = 2, .x = 8, .name = "east"},
                                 {.time = 3, .x = 9}};
  EXPECT_EQ(aggregate("arg_max(name, x)", readings), Value("east"));
  EXPECT_EQ(aggregate("arg_min(name, x)", readings), Value("north"));
}

TEST(AggregateEnds, take_a_few_bytes_a_pane_whatever_comes) {
  TestReadings readings;
  for (int i = 0; i < 10'000; ++i) {
    readings.push_back({.time = i, .x = 1.0 * i, .y = 2.0 * i, .name = std::to_string(i)});
  }
  for (const char* item : {"first(x)", "last(x)", "delta(x)", "rate(x)", "arg_max(x, y)",
                           "first(name)", "arg_max(name, x)"}) {
    TestPanes panes(item);
    panes.add(0, readings);
    EXPECT_LE(panes.bytes(), 48u) << item;
  }
}

}  // namespace
}  // namespace wayside
