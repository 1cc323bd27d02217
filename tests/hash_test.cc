#include "base/hash.h"

#include <gtest/gtest.h>

#include <set>

namespace wayside {
namespace {

TEST(Hash, crc32c_gives_the_examples_of_rfc_3720) {
  std::string ascending, descending;
  for (int i = 0; i < 32; ++i) {
    ascending.push_back(static_cast<char>(i));
    descending.push_back(static_cast<char>(31 - i));
  }
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
  EXPECT_EQ(crc32c(descending), 0x113fdb5cu);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(Hash, crc32c_may_be_computed_piece_by_piece) {
  const std::string text = "one append and one fdatasync a group";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const uint32_t front = crc32c(std::string_view(text).substr(0, cut));
    EXPECT_EQ(crc32c(std::string_view(text).substr(cut), front), crc32c(text)) << cut;
  }
}

TEST(Hash, sha256_16_is_the_first_half_of_the_published_digest) {
  EXPECT_EQ(to_hex(sha256_16({"abc"})), "ba7816bf8f01cfea414140de5dae2223");
  EXPECT_EQ(to_hex(sha256_16({})), "e3b0c44298fc1c149afbf4c8996fb924");
  EXPECT_EQ(sha256_16({"a", "", "bc"}), sha256_16({"abc"}));
}

TEST(Hash, hash64_tells_similar_texts_and_seeds_apart) {
  std::set<uint64_t> seen;
  std::string zeros;
  for (int i = 0; i < 40; ++i, zeros.push_back('\0')) seen.insert(hash64(zeros));
  for (int i = 0; i < 10'000; ++i) seen.insert(hash64("truck-" + std::to_string(i)));
  for (uint64_t seed = 1; seed <= 100; ++seed) seen.insert(hash64("truck-1", seed));
  EXPECT_EQ(seen.size(), 10'140u);
  EXPECT_EQ(hash64("truck-1"), hash64(std::string("truck-") + "1"));
}

}  // namespace
}  // namespace wayside
