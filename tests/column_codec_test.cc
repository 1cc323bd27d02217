#include "storage/column_codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "sensors/reading.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

using Limits = std::numeric_limits<double>;

std::string numbers_to_bytes(const std::vector<double>& values) {
  std::string bytes;
  ByteWriter out(bytes);
  encode_numbers(values, out);
  return bytes;
}

// Bit by bit, since 0 == -0 would hide a lost sign; every NaN is the one null.
void expect_same(const std::vector<double>& expected, const std::vector<double>& got) {
  ASSERT_EQ(expected.size(), got.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    if (is_null(expected[i])) {
      EXPECT_TRUE(is_null(got[i])) << "row " << i;
    } else {
      EXPECT_EQ(std::bit_cast<uint64_t>(expected[i]), std::bit_cast<uint64_t>(got[i]))
          << "row " << i << ": " << expected[i] << " became " << got[i];
    }
  }
}

void expect_round_trip(const std::vector<double>& values) {
  const std::string bytes = numbers_to_bytes(values);
  ByteReader in(bytes);
  std::vector<double> got;
  decode_numbers(in, values.size(), got);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.left(), 0u);
  expect_same(values, got);
}

TEST(ColumnCodec, numbers_come_back_bit_by_bit) {
  const std::vector<double> rows[] = {
      {},
      {0},
      {-0.0},
      {0, -0.0, 0},
      {kNull},
      {kNull, kNull, kNull},
      {kNull, 1, kNull, 2, kNull, 3, kNull, 4, kNull},
      {20.1, 20.2, 19.9, -0.1},
      {1e-9, 2e-9},
      {1e-10, 1},
      {1.0 / 3, 2.0 / 3},
      {Limits::max(), Limits::lowest(), Limits::min(), Limits::denorm_min()},
      {Limits::infinity(), -Limits::infinity(), 0, kNull},
      {4.5e15, -4.5e15, 4.499999999999999e15, 9007199254740992, 9007199254740994},
      {0.1, 4.6e14},
      {1, 1.5, 1.25, 1.125, 1.0625},
      {1e300, kNull, -1e-300},
  };
  for (const auto& values : rows) {
    SCOPED_TRACE(testing::PrintToString(values));
    expect_round_trip(values);
  }
}

TEST(ColumnCodec, integers_come_back_also_where_their_difference_overflows) {
  const std::vector<int64_t> values{0,        kTimeMin, kTimeMax, kTimeMin,    -1,
                                    kTimeMax, 1,        0,        kPossibleMax};
  std::string bytes;
  ByteWriter out(bytes);
  encode_integers(values, out);
  ByteReader in(bytes);
  std::vector<int64_t> got;
  decode_integers(in, values.size(), got);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(got, values);
}

TEST(ColumnCodec, any_column_survives) {
  for (auto [seed, end] = seeds(400); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const int kind = static_cast<int>(seed % 4);
    std::vector<double> values(random() % 200);
    for (double& v : values) {
      if (random() % 5 == 0) {
        v = kNull;
      } else if (kind == 0) {
        v = std::bit_cast<double>(random());  // any bits at all
      } else if (kind == 1) {
        v = static_cast<double>(static_cast<int64_t>(random() % 2'000'001) - 1'000'000) / 1000;
      } else if (kind == 2) {
        v = std::ldexp(static_cast<double>(random() % 1000), static_cast<int>(random() % 80) - 40);
      } else {
        v = static_cast<double>(random() % 2);
      }
    }
    expect_round_trip(values);
  }
}

TEST(ColumnCodec, decimal_readings_take_a_fraction_of_their_eight_bytes) {
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) values.push_back(std::round(200 + 10 * std::sin(i / 50.0)) / 10);
  EXPECT_LT(numbers_to_bytes(values).size(), values.size() * 8 / 4);
  EXPECT_LT(numbers_to_bytes(std::vector<double>(1000, kNull)).size(), 8u);
}

TEST(ColumnCodec, a_column_that_is_cut_off_is_not_taken_for_whole) {
  const std::vector<double> columns[] = {
      {20.1, 20.2, kNull, 19.9}, {1.0 / 3, kNull, 2.0 / 3}, {kNull, kNull}};
  for (const auto& values : columns) {
    const std::string bytes = numbers_to_bytes(values);
    for (size_t size = 0; size < bytes.size(); ++size) {
      ByteReader in(std::string_view(bytes).substr(0, size));
      std::vector<double> got;
      decode_numbers(in, values.size(), got);
      EXPECT_FALSE(in.ok()) << size << " of " << bytes.size() << " bytes";
    }
  }
}

TEST(ColumnCodec, integers_of_any_range_come_back_in_every_layout) {
  std::mt19937_64 random(7);
  for (unsigned width = 0; width <= 64; ++width) {
    for (const size_t count : {1, 2, 3, 7, 100, 1'000}) {
      for (const bool steps : {false, true}) {
        const uint64_t mask = width == 64 ? UINT64_MAX : (uint64_t{1} << width) - 1;
        std::vector<int64_t> values;
        uint64_t at = random();
        for (size_t i = 0; i < count; ++i) {
          const uint64_t n = random() & mask;
          values.push_back(static_cast<int64_t>(steps ? at += n : at + n));
        }
        std::string bytes;
        ByteWriter out(bytes);
        encode_integers(values, out);
        ByteReader in(bytes);
        std::vector<int64_t> got;
        decode_integers(in, values.size(), got);
        EXPECT_TRUE(in.ok() && in.left() == 0);
        EXPECT_EQ(got, values) << width << ' ' << count << ' ' << steps;
      }
    }
  }
}

TEST(ColumnCodec, numbers_without_a_pattern_take_the_bits_of_their_range) {
  std::mt19937_64 random(7);
  std::vector<double> values;
  for (int i = 0; i < 1'000; ++i) values.push_back(double(510'300 + random() % 800) / 10'000);
  std::string bytes;
  ByteWriter out(bytes);
  encode_numbers(values, out);
  EXPECT_LT(bytes.size(), 1'000u * 10 / 8 + 20);
}

TEST(ColumnCodec, an_unknown_encoding_is_refused) {
  for (int encoding = 0; encoding < 256; ++encoding) {
    if (encoding >= 1 && encoding <= 4) continue;
    std::string bytes(20, '\0');
    bytes[0] = static_cast<char>(encoding);
    ByteReader in(bytes);
    std::vector<double> got;
    decode_numbers(in, 2, got);
    EXPECT_FALSE(in.ok()) << encoding;
  }
}

TEST(ColumnCodec, a_finer_power_than_it_knows_is_refused) {
  const std::string bytes{1, 10, 0, 2};  // decimal, power 10, no nulls, the integer 1
  ByteReader in(bytes);
  std::vector<double> got;
  decode_numbers(in, 1, got);
  EXPECT_FALSE(in.ok());
}

TEST(ColumnCodec, damaged_bytes_never_yield_more_rows_than_were_asked_for) {
  for (auto [seed, end] = seeds(2000); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::string bytes(random() % 60, '\0');
    for (char& b : bytes) b = static_cast<char>(random());
    if (!bytes.empty()) bytes[0] = static_cast<char>(random() % 5);
    const size_t rows = random() % 40;
    ByteReader in(bytes);
    std::vector<double> got;
    decode_numbers(in, rows, got);
    EXPECT_LE(got.size(), rows);
    if (in.ok()) {
      EXPECT_EQ(got.size(), rows);
    }
  }
}

}  // namespace
}  // namespace wayside
