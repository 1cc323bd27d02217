#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "aggregates.h"
#include "pipeline/quantile_sketch.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

using Draw = std::function<double(std::mt19937&)>;

const std::pair<const char*, Draw> kDistributions[] = {
    {"uniform", std::uniform_real_distribution<double>(0, 1)},
    {"normal, of both signs", std::normal_distribution<double>(0, 20)},
    {"cold", std::normal_distribution<double>(-18, 2)},
    {"lognormal", std::lognormal_distribution<double>(0, 3)},
    {"exponential", std::exponential_distribution<double>(0.01)},
    {"heavy tail",
     [](std::mt19937& r) { return std::pow(std::generate_canonical<double, 53>(r), -2.0); }},
    {"small", std::uniform_real_distribution<double>(0, 1e-200)},
    {"large", std::uniform_real_distribution<double>(-1e300, 1e300)},
    {"few values", [](std::mt19937& r) { return double(r() % 5) - 2; }},
    {"mostly zero", [](std::mt19937& r) { return r() % 10 ? 0.0 : 1e-3; }},
    {"one value", [](std::mt19937&) { return 21.37; }},
};

double exact(std::vector<double> values, double share) {
  const auto rank = static_cast<size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[rank];
}

TEST(AggregateQuantile, is_within_one_percent_of_the_value_of_its_rank) {
  for (const auto& [name, distribution] : kDistributions) {
    for (const unsigned seed : {1u, 2u, 3u}) {
      for (const size_t count : {1u, 2u, 3u, 10u, 1'000u, 20'000u}) {
        std::mt19937 random(seed);
        Draw draw = distribution;
        QuantileSketch parts[3];
        std::vector<double> values;
        for (size_t i = 0; i < count; ++i) {
          values.push_back(draw(random));
          parts[random() % 3].add(values.back());
        }
        parts[0].merge(parts[2]);
        parts[1].merge(parts[0]);
        for (const double share : {0.001, 0.01, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999}) {
          const double expected = exact(values, share);
          EXPECT_NEAR(parts[1].quantile(share), expected, 0.00785 * std::abs(expected))
              << name << ", seed " << seed << ", " << count << " values, " << share;
        }
      }
    }
  }
}

TEST(AggregateQuantile, a_rank_that_is_as_good_as_whole_is_that_number) {
  std::vector<double> values;
  for (int i = 0; i <= 100; ++i) values.push_back(std::pow(1.5, i));
  const double found = number_of(aggregate("quantile(x, 0.29)", readings_of(values)));
  EXPECT_NEAR(found, values[29], 0.00785 * values[29]);
}

TEST(AggregateQuantile, eighteen_decades_keep_their_small_values) {
  std::mt19937 random(1);
  std::vector<double> values;
  for (int i = 0; i < 20'001; ++i) {
    values.push_back(std::pow(10.0, std::uniform_real_distribution<double>(-9, 9)(random)));
  }
  for (const double share : {0.01, 0.05, 0.5}) {
    const std::string sql = "quantile(x, " + std::to_string(share) + ")";
    const double expected = exact(values, share);
    EXPECT_NEAR(number_of(aggregate(sql, readings_of(values))), expected, 0.00785 * expected);
  }
}

TEST(AggregateQuantile, leaves_out_null_and_says_null_of_nothing) {
  EXPECT_EQ(aggregate("median(x)", {}), Value());
  EXPECT_EQ(aggregate("quantile(x, 0.9)", readings_of({kNull, kNull})), Value());
  EXPECT_EQ(aggregate("median(x)", readings_of({kNull, 21.37, 21.37})), Value(21.37));
}

TEST(AggregateQuantile, median_is_the_lower_one_of_two) {
  EXPECT_NEAR(number_of(aggregate("median(x)", readings_of({3, 1}))), 1, 0.01);
  EXPECT_NEAR(number_of(aggregate("median(x)", readings_of({9, 1, 4}))), 4, 0.04);
  EXPECT_NEAR(number_of(aggregate("quantile(x, 0.75)", readings_of({1, 2, 3, 4, 5}))), 4, 0.04);
}

TEST(AggregateQuantile, extremes_stay_within_what_there_was) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(aggregate("quantile(x, 0.9)", readings_of({kInfinity, kInfinity})), Value(kInfinity));
  const double least = 10.15625;  // at the upper end of its bin, whose middle is below it
  EXPECT_GE(number_of(aggregate("quantile(x, 0.1)", readings_of({least * (1 - 1e-15), 20}))), 10);
  EXPECT_EQ(aggregate("median(x)", readings_of({0, 5e-324, 1e-310})), Value(0.0));
}

// Bins of every octave there is, of both signs.
std::vector<double> of_all_magnitudes(std::mt19937& random, size_t count) {
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i) {
    const double mantissa = 1 + std::generate_canonical<double, 53>(random);
    values.push_back(std::ldexp(random() % 2 ? mantissa : -mantissa, int(random() % 2000) - 1000));
  }
  return values;
}

TEST(AggregateQuantile, beyond_its_bins_the_smallest_count_as_zero_in_whatever_order_they_came) {
  for (auto [seed, end] = seeds(20); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<double> values = of_all_magnitudes(random, 10'000);
    QuantileSketch one, parts[4];
    for (const double x : values) one.add(x);
    std::shuffle(values.begin(), values.end(), random);
    for (const double x : values) parts[random() % 4].add(x);
    for (int i = 1; i < 4; ++i) parts[0].merge(parts[i]);
    std::string bytes[2];
    ByteWriter writers[] = {ByteWriter(bytes[0]), ByteWriter(bytes[1])};
    one.save(writers[0]);
    parts[0].save(writers[1]);
    EXPECT_EQ(bytes[0], bytes[1]);
    EXPECT_LE(one.heap_bytes(), 4096u * 8);
    EXPECT_EQ(one.quantile(0.5), 0);
    for (const double share : {0.01, 0.05, 0.95, 0.99}) {
      const double expected = exact(values, share);
      EXPECT_NEAR(one.quantile(share), expected, 0.00785 * std::abs(expected)) << share;
    }
  }
}

TEST(AggregateQuantile, one_value_that_is_far_off_costs_the_others_nothing) {
  QuantileSketch sketch;
  for (int i = 1; i <= 1'000; ++i) sketch.add(i * 0.001);
  sketch.add(1e300);
  EXPECT_NEAR(sketch.quantile(0.5), 0.5, 0.005);
}

TEST(AggregateQuantile, temperatures_take_a_few_hundred_bytes) {
  std::mt19937 random(5);
  std::normal_distribution<double> values(4, 1);
  TestPanes panes("median(x)");
  for (int i = 0; i < 100; ++i) {
    std::vector<double> some(1'000);
    for (double& x : some) x = values(random);
    panes.add(0, readings_of(some));
  }
  EXPECT_LE(panes.bytes(), 4'096u);
}

}  // namespace
}  // namespace wayside
