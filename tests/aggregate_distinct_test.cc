#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "aggregates.h"
#include "base/hash.h"
#include "pipeline/distinct_sketch.h"

namespace wayside {
namespace {

TEST(AggregateDistinct, is_exact_up_to_512_numbers_or_texts) {
  std::mt19937 random(3);
  for (const size_t count : {0u, 1u, 2u, 100u, 511u, 512u}) {
    TestReadings readings;
    for (int round = 0; round < 3; ++round) {
      for (size_t i = 0; i < count; ++i) {
        readings.push_back({.x = 0.1 * double(i), .name = "vehicle " + std::to_string(i)});
      }
    }
    readings.push_back({});
    std::shuffle(readings.begin(), readings.end(), random);
    EXPECT_EQ(aggregate("count_distinct(x)", readings), Value(double(count)));
    EXPECT_EQ(aggregate("count_distinct(name)", readings), Value(double(count)));
  }
}

TEST(AggregateDistinct, there_is_one_zero) {
  EXPECT_EQ(aggregate("count_distinct(x)", readings_of({0.0, -0.0})), Value(1.0));
}

// Sets of values that follow each other closely, as those of counters and serial numbers do.
uint64_t hash_of(unsigned seed, size_t i, bool texts) {
  if (texts) return hash64(std::to_string(seed) + "-" + std::to_string(i));
  const auto number = 1e6 * seed + static_cast<double>(i);
  return hash64({reinterpret_cast<const char*>(&number), sizeof number});
}

TEST(AggregateDistinct, beyond_that_its_standard_error_is_below_two_percent) {
  constexpr int kSeeds = 40;
  for (const bool texts : {false, true}) {
    for (const size_t count : {513u, 1'000u, 3'000u, 10'000u, 20'000u, 100'000u}) {
      double squares = 0, bias = 0;
      for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        DistinctSketch sketch;
        for (size_t i = 0; i < count; ++i) sketch.add(hash_of(seed, i, texts));
        const double error = sketch.count() / double(count) - 1;
        squares += error * error;
        bias += error;
        EXPECT_LT(std::abs(error), 0.08) << "seed " << seed << ", " << count;
      }
      EXPECT_LT(std::sqrt(squares / kSeeds), 0.02) << count << (texts ? " texts" : " numbers");
      EXPECT_LT(std::abs(bias / kSeeds), 0.008) << count << (texts ? " texts" : " numbers");
    }
  }
}

std::string saved(const DistinctSketch& sketch) {
  std::string bytes;
  ByteWriter writer(bytes);
  sketch.save(writer);
  return bytes;
}

TEST(AggregateDistinct, parts_in_any_order_are_as_one_whether_exact_or_not) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const size_t values = 1 + random() % 1'500;
    DistinctSketch one, parts[4];
    for (int i = 0; i < 2'000; ++i) {
      const uint64_t hash = hash_of(seed, random() % values, false);
      one.add(hash);
      parts[random() % 8 ? 0 : 1 + random() % 3].add(hash);  // one large, three small
    }
    for (int i = 1; i < 4; ++i) {
      if (seed % 2) {
        parts[0].merge(parts[i]);
      } else {
        parts[i].merge(parts[i == 1 ? 0 : i - 1]);
      }
    }
    EXPECT_EQ(saved(parts[seed % 2 ? 0 : 3]), saved(one));
  }
}

TEST(AggregateDistinct, takes_four_kilobytes_at_most) {
  DistinctSketch sketch;
  size_t most = 0;
  for (size_t i = 0; i < 50'000; ++i) {
    sketch.add(hash_of(1, i, false));
    most = std::max(most, sketch.heap_bytes());
  }
  EXPECT_EQ(most, 4'096u);
}

}  // namespace
}  // namespace wayside
