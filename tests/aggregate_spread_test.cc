#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "aggregates.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

TEST(AggregateSpread, of_a_sample_and_of_all_there_is) {
  const struct {
    std::vector<double> values;
    Value var, stddev, var_pop, stddev_pop;
  } cases[] = {
      {{}, null, null, null, null},
      {{kNull}, null, null, null, null},
      {{7}, null, null, 0.0, 0.0},
      {{1, kNull, 3}, 2.0, std::sqrt(2.0), 1.0, 1.0},
      {{2, 4, 4, 4, 5, 5, 7, 9}, 32.0 / 7, std::sqrt(32.0 / 7), 4.0, 2.0},
      {{-5, -5, -5}, 0.0, 0.0, 0.0, 0.0},
      {{1, std::numeric_limits<double>::infinity()}, null, null, null, null},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.values));
    EXPECT_EQ(aggregate("var(x)", readings_of(c.values)), c.var);
    EXPECT_EQ(aggregate("stddev(x)", readings_of(c.values)), c.stddev);
    EXPECT_EQ(aggregate("var_pop(x)", readings_of(c.values)), c.var_pop);
    EXPECT_EQ(aggregate("stddev_pop(x)", readings_of(c.values)), c.stddev_pop);
  }
}

double two_pass_variance(const std::vector<double>& values) {
  long double mean = 0, squares = 0;
  for (const double x : values) mean += x;
  mean /= values.size();
  for (const double x : values) squares += (x - mean) * (x - mean);
  return static_cast<double>(squares / (values.size() - 1));
}

TEST(AggregateSpread, of_small_differences_of_large_numbers_is_right_in_one_pane_and_in_many) {
  for (auto [seed, end] = seeds(20); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::normal_distribution<double> values(1e9, 0.1);
    std::vector<double> all;
    TestPanes panes("var(x)", 101);
    for (uint32_t pane = 1; pane <= 100; ++pane) {
      std::vector<double> some;
      for (size_t n = random() % 200; n > 0; --n) some.push_back(values(random));
      panes.add(pane, readings_of(some));
      all.insert(all.end(), some.begin(), some.end());
    }
    for (uint32_t pane = 1; pane <= 100; ++pane) panes.merge(0, pane);
    const double expected = two_pass_variance(all);
    EXPECT_NEAR(number_of(panes.result(0)), expected, 1e-6 * expected);
    EXPECT_NEAR(number_of(aggregate("var(x)", readings_of(all))), expected, 1e-6 * expected);
  }
}

}  // namespace
}  // namespace wayside
