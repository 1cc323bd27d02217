#include "storage/mark.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

const Mark kMark{"7f3a", {12, 340}, {56, 7, 890}, 1234, 5, 60, 0xfedc'ba98'7654'3210, {}};

TEST(Mark, reads_back_from_its_text) {
  const uint64_t most = UINT64_MAX;
  Mark extreme{std::string(32, 'f'), {most, most}, {most, most, most}, most, most, most, most, {}};
  Mark waiting = kMark;
  waiting.backlog = {{1, 2, {3, 4, 5}, {6, 0, 7}}, {8, 9, {10, 11, 12}, {13, 0, 14}}};
  Mark most_waiting = extreme;
  most_waiting.backlog.assign(Mark::kPartsMax, {most, most, {most, most, most}, {most, 0, most}});
  for (const Mark& mark : {kMark, Mark{}, extreme, waiting, most_waiting}) {
    const std::string text = mark.to_text();
    EXPECT_LE(text.size(), mark.backlog.empty() ? 250u : 1000u);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_EQ(Mark::from_text(text), mark) << text;
  }
}

TEST(Mark, the_first_version_is_still_read) {
  EXPECT_EQ(Mark::from_text("1 e 1 2 3 4 5 6 7"), (Mark{"e", {1, 2}, {3, 4, 5}, 6, 7, 0, 0, {}}));
}

TEST(Mark, a_text_that_is_not_a_whole_mark_is_refused) {
  const std::string good = "2 e 1 2 3 4 5 6 7 8 9";
  ASSERT_TRUE(Mark::from_text(good));
  ASSERT_TRUE(Mark::from_text(good + " 1 2 3 4 5 6 7"));
  for (const std::string& text :
       {std::string(), std::string("1"), std::string("3 e 1 2 3 4 5 6 7 8 9"), good + " 8",
        good + "x", "2  e 1 2 3 4 5 6 7 8" + good, std::string("2 e 1 2 3 4 5 6 7 8"),
        std::string("1 e 1 2 3 4 5 6 7 8"), std::string("2 e 1 2 -3 4 5 6 7 8 9"),
        std::string("2 e 1 2 3 4 5 6 7 8 18446744073709551616"), good + " 1 2 3 4 5 6",
        good + " 1 2 3 4 5 6 7 1 2 3 4 5 6 7 1 2 3 4 5 6 7 1 2 3 4 5 6 7 1 2 3 4 5 6 7",
        std::string("2 e 1 2 three 4 5 6 7 8 9"), std::string(100, ' ')}) {
    EXPECT_FALSE(Mark::from_text(text)) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace wayside
