#include <gtest/gtest.h>

#include <limits>

#include "aggregates.h"

namespace wayside {
namespace {

TEST(AggregateHistogram, an_edge_belongs_to_what_is_above_it) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const struct {
    const char* item;
    std::vector<double> values;
    const char* expected;
  } cases[] = {
      {"histogram(x, 0)", {}, "[0,0]"},
      {"histogram(x, 0)", {kNull}, "[0,0]"},
      {"histogram(x, 0)", {-1, 0, 1, kNull}, "[1,2]"},
      {"histogram(x, -5, 0, 5)", {-6, -5, -0.0, 4.9, 5, 6, 7}, "[1,1,2,3]"},
      {"histogram(x, 1, 2)", {kInfinity, -kInfinity, 1.5}, "[1,1,1]"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(aggregate(c.item, readings_of(c.values)), Value(c.expected)) << c.item;
  }
}

TEST(AggregateHistogram, of_other_edges_is_not_loaded) {
  TestPanes two("histogram(x, 1, 2)"), three("histogram(x, 1, 2, 3)");
  two.add(0, readings_of({1}));
  EXPECT_FALSE(three.load(0, two.saved()));
  EXPECT_EQ(three.result(), Value("[0,0,0,0]"));
}

}  // namespace
}  // namespace wayside
