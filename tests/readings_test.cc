#include "sensors/readings.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wayside {
namespace {

TEST(Readings, keep_texts_of_any_length_until_the_next_payload) {
  Readings readings;
  for (int payload = 0; payload < 3; ++payload) {
    readings.clear();
    std::vector<std::string> expected;
    std::vector<std::string_view> kept;
    for (int i = 0; i < 3'000; ++i) {
      expected.push_back(i % 500 == 7 ? std::string(9'000, 'x') : std::to_string(i * payload));
      kept.push_back(readings.keep(expected.back()));
    }
    EXPECT_TRUE(std::equal(kept.begin(), kept.end(), expected.begin(), expected.end())) << payload;
  }
}

TEST(Readings, an_empty_text_is_a_text) {
  Readings readings;
  EXPECT_NE(readings.keep("").data(), nullptr);
}

TEST(Readings, short_texts_stand_close_together) {
  Readings readings;
  const std::string_view first = readings.keep("1");
  EXPECT_EQ(readings.keep("2").data(), first.data() + 1);
}

}  // namespace
}  // namespace wayside
