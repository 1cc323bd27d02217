#include "storage/preamble.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

Preamble sample(size_t epochs) {
  Preamble p;
  p.last_sequence = 4'711;
  for (size_t i = 0; i < epochs; ++i) p.epochs.push_back({"e" + std::to_string(i), i + 1, i + 2});
  p.emitted = {{"centre", 9}, {"", 0}, {"backup", UINT64_MAX}};
  p.rows_before = {{"climate", 77}};
  return p;
}

TEST(Preamble, comes_back_as_it_was) {
  const auto p = Preamble::decode(sample(2).encode(1'000));
  ASSERT_TRUE(p);
  EXPECT_EQ(p->last_sequence, 4'711u);
  ASSERT_EQ(p->epochs.size(), 2u);
  EXPECT_EQ(p->epochs[1].name, "e1");
  EXPECT_EQ(p->epochs[1].first_sequence, 2u);
  EXPECT_EQ(p->epochs[1].first_entry, 3u);
  EXPECT_EQ(p->emitted, sample(0).emitted);
  EXPECT_EQ(p->rows_before, sample(0).rows_before);
}

TEST(Preamble, leaves_out_the_oldest_epochs_when_there_is_no_room) {
  const std::string bytes = sample(1'000).encode(500);
  EXPECT_LE(bytes.size(), 500u);
  const auto p = Preamble::decode(bytes);
  ASSERT_TRUE(p);
  EXPECT_GT(p->epochs.size(), 10u);
  EXPECT_EQ(p->epochs.back().name, "e999");
  EXPECT_EQ(sample(0).encode(10), "");
}

TEST(Preamble, anything_else_is_none) {
  const std::string bytes = sample(2).encode(1'000);
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(Preamble::decode(bytes.substr(0, n)));
  EXPECT_FALSE(Preamble::decode(bytes + "x"));
}

}  // namespace
}  // namespace wayside
