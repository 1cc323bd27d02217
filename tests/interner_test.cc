#include "base/interner.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

TEST(Interner, ids_count_from_zero_in_order_of_first_appearance) {
  Interner texts;
  EXPECT_EQ(texts.intern("b"), 0u);
  EXPECT_EQ(texts.intern("a"), 1u);
  EXPECT_EQ(texts.intern("b"), 0u);
  EXPECT_EQ(texts.intern(""), 2u);
  EXPECT_EQ(texts.size(), 3u);
  EXPECT_EQ(texts.text(1), "a");
  EXPECT_EQ(texts.find(""), 2u);
  EXPECT_EQ(texts.find("c"), Interner::kNone);
}

TEST(Interner, views_stay_valid_while_it_grows) {
  Interner texts;
  texts.intern("short");
  const std::string_view view = texts.text(0);
  for (int i = 0; i < 10'000; ++i) texts.intern(std::to_string(i));
  EXPECT_EQ(view, "short");
  EXPECT_EQ(texts.text(0).data(), view.data());
  EXPECT_EQ(texts.find("9999"), 10'000u);
}

TEST(Interner, it_keeps_texts_of_its_own) {
  Interner texts;
  std::string borrowed = "before";
  texts.intern(borrowed);
  borrowed = "after!";
  EXPECT_EQ(texts.text(0), "before");
  EXPECT_EQ(texts.find("before"), 0u);
}

TEST(Interner, after_clear_it_counts_from_zero_again) {
  Interner texts;
  for (const char* text : {"a", "bcd", "a"}) texts.intern(text);
  EXPECT_EQ(texts.bytes(), 4u) << "each text once";
  texts.clear();
  EXPECT_EQ(texts.bytes(), 0u);
  EXPECT_EQ(texts.find("a"), Interner::kNone);
  EXPECT_EQ(texts.intern("b"), 0u);
}

}  // namespace
}  // namespace wayside
