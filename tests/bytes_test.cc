#include "base/bytes.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace wayside {
namespace {

TEST(Bytes, small_numbers_of_either_sign_have_short_varints) {
  struct Row {
    int64_t value;
    size_t bytes;
  };
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  for (const Row& row :
       {Row{0, 1}, {-1, 1}, {63, 1}, {-64, 1}, {64, 2}, {-65, 2}, {kMin, 10}, {kMax, 10}}) {
    std::string out;
    ByteWriter(out).signed_varint(row.value);
    EXPECT_EQ(out.size(), row.bytes) << row.value;
    ByteReader in(out);
    EXPECT_EQ(in.signed_varint(), row.value);
    EXPECT_TRUE(in.ok() && in.left() == 0);
  }
}

TEST(Bytes, what_was_written_reads_back_and_any_cut_is_noticed) {
  std::string out;
  ByteWriter writer(out);
  writer.fixed<uint8_t>(7);
  writer.fixed(3.25);
  writer.varint(300);
  writer.text("topic");
  writer.signed_varint(-5'000'000'000);
  writer.text("");
  auto read = [](ByteReader& in) {
    bool same = in.fixed<uint8_t>() == 7;
    same &= in.fixed<double>() == 3.25;
    same &= in.varint() == 300;
    same &= in.text() == "topic";
    same &= in.signed_varint() == -5'000'000'000;
    same &= in.text().empty();
    return same;
  };
  ByteReader whole(out);
  EXPECT_TRUE(read(whole) && whole.ok());
  EXPECT_EQ(whole.left(), 0u);
  for (size_t size = 0; size < out.size(); ++size) {
    ByteReader cut(std::string_view(out).substr(0, size));
    read(cut);
    EXPECT_FALSE(cut.ok()) << size;
  }
}

TEST(Bytes, after_a_read_past_the_end_everything_is_zero) {
  ByteReader in("\x01\x02\x03");
  EXPECT_EQ(in.fixed<uint32_t>(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.fixed<uint8_t>(), 0u);
  EXPECT_EQ(in.varint(), 0u);
  EXPECT_TRUE(in.raw(1).empty());
}

TEST(Bytes, a_varint_of_more_than_ten_bytes_is_damage) {
  const std::string endless(11, '\xff');
  ByteReader in(endless);
  EXPECT_EQ(in.varint(), 0u);
  EXPECT_FALSE(in.ok());
}

TEST(Bytes, a_count_cannot_promise_more_elements_than_bytes_are_left) {
  std::string out;
  ByteWriter writer(out);
  writer.varint(3);
  writer.raw("abcdef");
  EXPECT_EQ(ByteReader(out).count(2), 3u);
  ByteReader in(out);
  EXPECT_EQ(in.count(3), 0u);
  EXPECT_FALSE(in.ok());
}

TEST(Bytes, reading_random_bytes_ends_without_harm) {
  const unsigned seed = 99;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    ByteReader in(bytes);
    for (int reads = 0; in.ok() && reads < 100; ++reads) {
      switch (random() % 4) {
        case 0:
          in.varint();
          break;
        case 1:
          in.text();
          break;
        case 2:
          in.fixed<uint64_t>();
          break;
        case 3:
          ASSERT_LE(in.count(), bytes.size());
          break;
      }
      ASSERT_LE(in.left(), bytes.size());
    }
  }
}

}  // namespace
}  // namespace wayside
