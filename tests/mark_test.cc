#include "storage/mark.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

const Mark kMark{"7f3a", {12, 340}, 56, 7, 890, 1234, 5};

TEST(Mark, reads_back_from_its_text) {
  Mark extreme{std::string(32, 'f'),
               {UINT64_MAX, UINT64_MAX},
               UINT64_MAX,
               UINT64_MAX,
               UINT64_MAX,
               UINT64_MAX,
               UINT64_MAX};
  for (const Mark& mark : {kMark, Mark{}, extreme}) {
    const std::string text = mark.to_text();
    EXPECT_LE(text.size(), 200u);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_EQ(Mark::from_text(text), mark) << text;
  }
}

TEST(Mark, a_text_that_is_not_a_whole_mark_is_refused) {
  const std::string good = "1 e 1 2 3 4 5 6 7";
  ASSERT_TRUE(Mark::from_text(good));
  for (const std::string& text :
       {std::string(), std::string("1"), std::string("2 e 1 2 3 4 5 6 7"), good + " 8", good + "x",
        "1  e 1 2 3 4 5 6 7" + good, std::string("1 e 1 2 3 4 5 6"),
        std::string("1 e 1 2 -3 4 5 6 7"), std::string("1 e 1 2 3 4 5 6 18446744073709551616"),
        std::string("1 e 1 2 three 4 5 6 7"), std::string(100, ' ')}) {
    EXPECT_FALSE(Mark::from_text(text)) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace wayside
