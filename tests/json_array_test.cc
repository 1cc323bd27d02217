#include "sensors/json_array.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

constexpr size_t kMost = 100;

TEST(JsonArray, gives_its_elements_as_values) {
  using Values = std::vector<Value>;
  struct Case {
    const char* text;
    Values elements;
  };
  const Case cases[] = {
      {"[]", {}},
      {" [ 1 , -2.5e1 ] ", {1.0, -25.0}},
      {R"(["a\u00e4\"", ""])", {std::string("aä\""), std::string()}},
      {"[true, false, null]", {1.0, 0.0, std::monostate()}},
      {R"([{"a": [1]}, [2, 3]])", {std::string(R"({"a": [1]})"), std::string("[2, 3]")}},
      {"[9007199254740993, 1e300]", {9007199254740992.0, 1e300}},
  };
  JsonArray array;
  for (const Case& c : cases) {
    std::vector<JsonElement> elements(1);
    EXPECT_TRUE(array.parse(c.text, kMost, elements)) << c.text;
    Values values;
    for (const JsonElement& e : elements) values.push_back(e.value);
    EXPECT_EQ(values, c.elements) << c.text;
  }
}

TEST(JsonArray, keeps_the_digits_of_whole_numbers_that_a_double_cannot_hold) {
  JsonArray array;
  std::vector<JsonElement> elements;
  ASSERT_TRUE(
      array.parse("[9007199254740991, 9007199254740993, -9223372036854775808, "
                  "18446744073709551615, 1e300, 100000000000000000000]",
                  kMost, elements));
  std::vector<std::string> digits;
  for (const JsonElement& e : elements) digits.push_back(e.digits);
  EXPECT_EQ(digits, (std::vector<std::string>{"", "9007199254740993", "-9223372036854775808",
                                              "18446744073709551615", "", ""}));
}

TEST(JsonArray, what_is_no_array_is_refused) {
  JsonArray array;
  std::vector<JsonElement> elements;
  for (const char* text : {"", " ", "1", "{}", "null", "[", "[1", "[1,", "[1,]", "[1] 2", "[1]]",
                           "[1}", "[nul]", "[\"a]", "[1 2]", "[-open]", "[-]", "[1,-.5]"}) {
    EXPECT_FALSE(array.parse(text, kMost, elements)) << text;
  }
  EXPECT_TRUE(array.parse("[1]", kMost, elements)) << "and the next one is none the worse";
}

TEST(JsonArray, one_with_more_elements_than_asked_for_is_refused) {
  JsonArray array;
  std::vector<JsonElement> elements;
  EXPECT_TRUE(array.parse("[1,2,3]", 3, elements));
  EXPECT_FALSE(array.parse("[1,2,3,4]", 3, elements));
}

}  // namespace
}  // namespace wayside
