// What holds for every aggregate: merging, saving, cutting into batches.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "aggregates.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

struct Item {
  const char* text;
  bool rounds;  // the order of merging may show in the last digits
};

// Each function at least once.
const Item kItems[] = {
    {"count()", false},
    {"count(name) FILTER (WHERE m)", false},
    {"sum(x)", true},
    {"avg(x)", true},
    {"min(x)", false},
    {"max(x)", false},
    {"var(x)", true},
    {"stddev(x)", true},
    {"var_pop(x)", true},
    {"stddev_pop(x)", true},
    {"first(x)", false},
    {"first(name)", false},
    {"last(x)", false},
    {"last(name) FILTER (WHERE m)", false},
    {"delta(x)", false},
    {"rate(x)", false},
    {"arg_min(x, y)", false},
    {"arg_min(name, y)", false},
    {"arg_max(x, y)", false},
    {"arg_max(name, y)", false},
    {"quantile(x, 0.9)", false},
    {"median(x)", false},
    {"count_distinct(x)", false},
    {"count_distinct(name)", false},
    {"top_k(x, 3)", false},
    {"top_k(name, 2)", false},
    {"time_avg(x)", true},
    {"integral(x)", true},
    {"distance_m(x, y)", true},
    {"histogram(x, -1, 0, 2)", false},
};

TEST(AggregateMerge, every_function_is_in_the_table_of_this_test) {
  std::set<std::string_view> tested;
  for (const Item& item : kItems) tested.insert(parsed(item.text).aggregate->name);
  for (const AggregateFunction* f : aggregate_functions())
    EXPECT_TRUE(tested.count(f->name)) << f->name;
}

// Few values, so that there are ties of all kinds: of times, values, zeros of both signs, NULL.
TestReadings random_readings(std::mt19937& random, size_t count) {
  static const double kValues[] = {kNull, -0.0, 0.0, -3.5, 1, 1.25, 2, 40};
  static const char* kNames[] = {"", "open", "closed", "a name that is too long to be kept inside"};
  TestReadings readings;
  for (size_t i = 0; i < count; ++i) {
    readings.push_back({.time = int64_t(random() % 40) - 20,
                        .x = kValues[random() % 8],
                        .y = kValues[random() % 8],
                        .name = kNames[random() % 4],
                        .mask = double(random() % 3)});
  }
  return readings;
}

void expect_same(const Value& actual, const Value& expected, bool rounds) {
  const double a = number_of(actual), e = number_of(expected);
  if (!rounds || is_null(e)) {
    EXPECT_EQ(actual, expected);
  } else {
    EXPECT_NEAR(a, e, 1e-12 * std::max(1.0, std::abs(e)));
  }
}

TEST(AggregateMerge, in_any_split_and_order_equals_one_pane) {
  for (auto [seed, end] = seeds(200); seed < end; ++seed) {
    std::mt19937 random(seed);
    const TestReadings readings = random_readings(random, random() % 60);
    for (const Item& item : kItems) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << item.text);
      const uint32_t n = 1 + random() % 8;
      TestPanes one(item.text), parts(item.text, n);
      one.add(0, readings);
      TestReadings shuffled = readings;
      std::shuffle(shuffled.begin(), shuffled.end(), random);
      std::vector<uint32_t> panes;
      for (size_t i = 0; i < shuffled.size(); ++i) panes.push_back(random() % n);
      parts.add(shuffled, panes);
      std::vector<uint32_t> left(n);
      std::iota(left.begin(), left.end(), 0u);
      while (left.size() > 1) {
        std::shuffle(left.begin(), left.end(), random);
        const uint32_t from = left.back();
        const std::string before = parts.saved(from);
        left.pop_back();
        parts.merge(left.back(), from);
        EXPECT_EQ(parts.saved(from), before) << "what is merged keeps what it has";
      }
      expect_same(parts.result(left[0]), one.result(), item.rounds);
      if (item.rounds) continue;
      EXPECT_EQ(parts.saved(left[0]), one.saved());
    }
  }
}

// Many values and times, so that sketches and tracks reach their limits.
TestReadings many_readings(std::mt19937& random, size_t count) {
  std::lognormal_distribution<double> values(0, 3);
  std::geometric_distribution<int> names(0.002);
  TestReadings readings;
  for (size_t i = 0; i < count; ++i) {
    readings.push_back({.time = int64_t(10 * i + random() % 2000),
                        .x = random() % 20 == 0 ? kNull : values(random),
                        .y = values(random),
                        .name = std::to_string(names(random)) + " and so on, and so on",
                        .mask = double(random() % 3)});
  }
  return readings;
}

// Two panes that are filled in batches of any size and merged now and then. With save and load in
// between they are to have the same bytes.
std::string filled(const Item& item, const TestReadings& readings, unsigned seed, bool reload) {
  std::mt19937 random(seed);
  TestPanes panes(item.text, 2);
  size_t at = 0;
  while (at < readings.size()) {
    const size_t end =
        reload ? std::min(readings.size(), at + 1 + random() % 300) : readings.size();
    std::vector<uint32_t> targets;
    for (size_t i = at; i < end; ++i) targets.push_back(i / 700 % 2);
    panes.add({readings.begin() + at, readings.begin() + end}, targets);
    at = end;
    for (uint32_t pane : {0u, 1u}) {
      if (!reload) continue;
      const std::string bytes = panes.saved(pane);
      const size_t size = panes.bytes();
      EXPECT_TRUE(panes.load(pane, bytes));
      EXPECT_EQ(panes.saved(pane), bytes);
      EXPECT_EQ(panes.bytes(), size) << "memory is by content, so that limits do the same";
    }
  }
  panes.merge(0, 1);
  panes.merge(1, 0);
  return panes.saved(0) + panes.saved(1);
}

TEST(AggregateMerge, batches_saving_and_loading_leave_no_trace_in_the_bytes) {
  for (auto [seed, end] = seeds(10); seed < end; ++seed) {
    std::mt19937 random(seed);
    const TestReadings readings = many_readings(random, 3'000);
    for (const Item& item : kItems) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << item.text);
      EXPECT_EQ(filled(item, readings, seed, false), filled(item, readings, seed, true));
    }
  }
}

TEST(AggregateMerge, a_pane_that_was_used_before_loads_what_was_saved) {
  for (const Item& item : kItems) {
    std::mt19937 random(7);
    TestPanes panes(item.text, 3);
    panes.add(0, many_readings(random, 1'500));
    panes.add(1, many_readings(random, 20));
    for (uint32_t from : {1u, 2u, 1u}) {
      EXPECT_TRUE(panes.load(0, panes.saved(from))) << item.text;
      EXPECT_EQ(panes.saved(0), panes.saved(from)) << item.text;
    }
  }
}

TEST(AggregateMerge, bytes_that_are_cut_or_changed_do_no_harm) {
  for (const Item& item : kItems) {
    std::mt19937 random(11);
    TestPanes panes(item.text, 2);
    const TestReadings readings = many_readings(random, 900);
    panes.add(0, readings);
    const std::string whole = panes.saved();
    for (int round = 0; round < 100; ++round) {
      std::string bytes = whole.substr(0, random() % whole.size());
      EXPECT_FALSE(panes.load(1, bytes)) << item.text << ", cut to " << bytes.size();
      panes.result(1);
      bytes = whole;
      for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
      panes.load(1, bytes);
      panes.add(1, {readings.begin(), readings.begin() + 100});
      panes.merge(1, 0);
      panes.result(1);
    }
  }
}

}  // namespace
}  // namespace wayside
