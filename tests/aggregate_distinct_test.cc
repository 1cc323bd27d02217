#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "aggregates.h"
#include "base/hash.h"
#include "pipeline/distinct_sketch.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

TEST(AggregateDistinct, is_exact_up_to_2048_numbers_or_texts) {
  std::mt19937 random(3);
  for (const size_t count : {0u, 1u, 2u, 100u, 2'047u, 2'048u}) {
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

TEST(AggregateDistinct, beyond_that_it_is_mostly_within_two_percent) {
  constexpr int kSeeds = 40;
  int beyond = 0, all = 0;
  for (const bool texts : {false, true}) {
    for (const size_t count : {2'049u, 3'000u, 5'000u, 10'000u, 20'000u, 100'000u}) {
      double squares = 0, bias = 0;
      for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        DistinctSketch sketch;
        for (size_t i = 0; i < count; ++i) sketch.add(hash_of(seed, i, texts));
        const double error = sketch.count() / double(count) - 1;
        squares += error * error;
        bias += error;
        ++all;
        beyond += std::abs(error) > 0.02;
        EXPECT_LT(std::abs(error), 0.04) << "seed " << seed << ", " << count;
      }
      EXPECT_LT(std::sqrt(squares / kSeeds), 0.01) << count << (texts ? " texts" : " numbers");
      EXPECT_LT(std::abs(bias / kSeeds), 0.004) << count << (texts ? " texts" : " numbers");
    }
  }
  EXPECT_LE(beyond, all / 25);
}

std::string saved(const DistinctSketch& sketch) {
  std::string bytes;
  ByteWriter writer(bytes);
  sketch.save(writer);
  return bytes;
}

TEST(AggregateDistinct, parts_in_any_order_are_as_one_whether_exact_or_not) {
  for (auto [seed, end] = seeds(200); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const size_t values = 1 + random() % 6'000;
    DistinctSketch one, parts[4];
    for (int i = 0; i < 8'000; ++i) {
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

// 4096 registers, as an older version has saved them.
std::string saved_coarse(const std::vector<uint64_t>& hashes) {
  std::string ranks(4'096, '\0');
  for (const uint64_t hash : hashes) {
    char& most = ranks[hash >> 52];
    most = std::max(most, char(std::min(std::countl_zero(hash << 12) + 1, 53)));
  }
  std::string bytes;
  ByteWriter writer(bytes);
  writer.varint(0);
  writer.text(ranks);
  return bytes;
}

TEST(AggregateDistinct, state_of_an_older_version_goes_on_as_it_was) {
  std::vector<uint64_t> hashes;
  for (size_t i = 0; i < 20'000; ++i) hashes.push_back(hash_of(1, i, false));
  const auto load = [](const std::string& bytes) {
    DistinctSketch sketch;
    ByteReader reader(bytes);
    sketch.load(reader);
    EXPECT_TRUE(reader.ok());
    return sketch;
  };
  const auto half = hashes.begin() + 10'000;
  const std::string all = saved_coarse(hashes);
  DistinctSketch old = load(saved_coarse({hashes.begin(), half})), fresh;
  std::for_each(half, hashes.end(), [&](uint64_t hash) { fresh.add(hash); });
  DistinctSketch both = fresh;
  both.merge(old);
  old.merge(fresh);
  EXPECT_EQ(saved(old), all);
  EXPECT_EQ(saved(both), all);
  EXPECT_NEAR(old.count(), 20'000, 1'000);
}

TEST(AggregateDistinct, takes_sixteen_kilobytes_at_most) {
  DistinctSketch sketch;
  size_t most = 0;
  for (size_t i = 0; i < 50'000; ++i) {
    sketch.add(hash_of(1, i, false));
    most = std::max(most, sketch.heap_bytes());
  }
  EXPECT_EQ(most, 16'384u);
}

}  // namespace
}  // namespace wayside
