#include "pipeline/burst.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

TEST(Burst, memory_is_used_again_up_to_a_limit_and_given_back_beyond_it) {
  std::vector<double> rows(kKeptRows / 2);
  clear_burst(rows);
  EXPECT_EQ(rows.capacity(), kKeptRows / 2);
  rows.resize(kKeptRows + 1);
  clear_burst(rows);
  EXPECT_EQ(rows.capacity(), 0u);
}

TEST(Burst, a_batch_gives_back_what_its_columns_took) {
  ReadingBatch batch;
  batch.columns.resize(2);
  batch.times.resize(kKeptRows + 1);
  batch.columns[0].numbers.resize(kKeptRows + 1);
  batch.columns[1].texts.resize(kKeptRows + 1, batch.texts.intern("x"));
  clear_burst(batch);
  EXPECT_EQ(batch.rows(), 0u);
  EXPECT_EQ(batch.times.capacity() + batch.columns[0].numbers.capacity() +
                batch.columns[1].texts.capacity(),
            0u);
  EXPECT_EQ(batch.texts.size(), 0u);
}

}  // namespace
}  // namespace wayside
