#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "aggregates.h"
#include "base/text.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

TEST(AggregateTop, are_pairs_of_value_and_count_the_most_frequent_first) {
  const struct {
    const char* item;
    TestReadings readings;
    const char* expected;
  } cases[] = {
      {"top_k(name, 3)", {}, "[]"},
      {"top_k(name, 3)", {{}, {}}, "[]"},
      {"top_k(name, 2)",
       {{.name = "b"}, {.name = "c"}, {.name = "a"}, {.name = "c"}, {}},
       R"([["c",2],["a",1]])"},
      {"top_k(name, 1)", {{.name = "say \"so\""}}, R"([["say \"so\"",1]])"},
      {"top_k(x, 9)",
       {{.x = 2.5}, {.x = -1}, {.x = 0.0}, {.x = -0.0}, {.x = -1}},
       "[[-1,2],[0,2],[2.5,1]]"},
  };
  for (const auto& c : cases) EXPECT_EQ(aggregate(c.item, c.readings), Value(c.expected)) << c.item;
}

std::string exact(const std::map<double, uint64_t>& counts, size_t k) {
  std::vector<std::pair<double, uint64_t>> all(counts.begin(), counts.end());
  std::stable_sort(all.begin(), all.end(), [](auto a, auto b) { return a.second > b.second; });
  std::string json = "[";
  for (size_t i = 0; i < std::min(k, all.size()); ++i) {
    json += i > 0 ? ",[" : "[";
    append_json_number(json, all[i].first);
    json += "," + std::to_string(all[i].second) + "]";
  }
  return json + "]";
}

TEST(AggregateTop, is_exact_up_to_256_values_in_any_split) {
  for (auto [seed, end] = seeds(50); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::map<double, uint64_t> counts;
    TestReadings readings;
    std::vector<uint32_t> targets;
    for (int i = 0; i < 3'000; ++i) {
      readings.push_back({.x = double(random() % 256)});
      targets.push_back(random() % 4);
      ++counts[readings.back().x];
    }
    TestPanes panes("top_k(x, 20)", 4);
    panes.add(readings, targets);
    for (uint32_t from : {3u, 1u, 2u}) panes.merge(0, from);
    EXPECT_EQ(panes.result(0), Value(exact(counts, 20)));
  }
}

std::vector<std::pair<double, double>> pairs_of(const Value& json) {
  std::vector<std::pair<double, double>> pairs;
  const char* at = std::get<std::string>(json).c_str();
  for (double value, count; *++at;) {
    int read = 0;
    if (std::sscanf(at, "[%lf,%lf]%n", &value, &count, &read) != 2) break;
    pairs.emplace_back(value, count);
    at += read;
  }
  return pairs;
}

TEST(AggregateTop, beyond_that_a_count_is_too_low_by_one_in_128_readings_at_most) {
  for (auto [seed, end] = seeds(20); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::map<double, double> counts;
    TestReadings readings;
    std::vector<uint32_t> targets;
    constexpr int kReadings = 50'000;
    for (int i = 0; i < kReadings; ++i) {
      // Ten values with a share of 4 % each, and a tail of thousands.
      const double x = random() % 10 < 4 ? double(random() % 10) : double(10 + random() % 30'000);
      readings.push_back({.x = x});
      targets.push_back(random() % 5);
      ++counts[x];
    }
    TestPanes panes("top_k(x, 10)", 5);
    panes.add(readings, targets);
    for (uint32_t from : {3u, 1u, 4u, 2u}) panes.merge(0, from);
    const auto top = pairs_of(panes.result(0));
    ASSERT_EQ(top.size(), 10u);
    for (const auto& [value, count] : top) {
      EXPECT_LT(value, 10) << "those that are frequent are found";
      EXPECT_LE(count, counts[value]);
      EXPECT_GE(count, counts[value] - kReadings / 128.0);
    }
  }
}

TEST(AggregateTop, memory_is_bounded_by_k) {
  const std::pair<const char*, size_t> cases[] = {{"top_k(name, 10)", 256},
                                                  {"top_k(name, 100)", 800}};
  for (const auto& [item, counters] : cases) {
    TestPanes panes(item, 2);
    size_t most = 0;
    for (uint32_t round = 0; round < 40; ++round) {
      TestReadings readings;
      for (int i = 0; i < 500; ++i) {
        readings.push_back(
            {.name = "a name that is longer than others " + std::to_string(round * 500 + i)});
      }
      panes.add(round % 2, readings);
      if (round % 5 == 4) panes.merge(0, 1);
      most = std::max(most, panes.bytes());
    }
    EXPECT_LE(most, 2 * (64 + counters * (40 + 41))) << item;
    EXPECT_GE(most, counters * 50) << item;
  }
}

}  // namespace
}  // namespace wayside
