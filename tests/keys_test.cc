#include "pipeline/keys.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

TEST(KeyTable, gives_a_text_one_id_for_as_long_as_it_is_known) {
  KeyTable keys;
  const uint32_t a = keys.intern("a"), b = keys.intern("b");
  EXPECT_NE(a, b);
  EXPECT_EQ(keys.intern("a"), a);
  EXPECT_EQ(keys.find("b"), b);
  EXPECT_EQ(keys.text(b), "b");
  EXPECT_EQ(keys.find("c"), KeyTable::kNone);
}

TEST(KeyTable, uses_the_ids_of_released_keys_again_and_says_so) {
  KeyTable keys;
  keys.intern("a");
  keys.intern("b");
  const uint32_t capacity = keys.capacity();
  const uint64_t before = keys.releases();
  keys.release(keys.find("a"));
  EXPECT_EQ(keys.find("a"), KeyTable::kNone);
  EXPECT_NE(keys.releases(), before);
  const uint32_t c = keys.intern("c");
  EXPECT_LT(c, capacity) << "a fleet whose trucks come and go does not grow the table";
  EXPECT_EQ(keys.capacity(), capacity);
  EXPECT_EQ(keys.text(c), "c");
  EXPECT_EQ(keys.text(keys.find("b")), "b");
}

TEST(KeyTable, hands_out_each_touched_key_once) {
  KeyTable keys;
  const uint32_t a = keys.intern("a"), b = keys.intern("b");
  keys.intern("c");
  keys.touch(b);
  keys.touch(a);
  keys.touch(b);
  EXPECT_EQ(keys.take_touched(), (std::vector<uint32_t>{b, a}));
  EXPECT_TRUE(keys.take_touched().empty());
  keys.touch(b);
  EXPECT_EQ(keys.take_touched(), std::vector<uint32_t>{b});
}

TEST(KeyTable, order_is_by_text_whatever_the_ids) {
  KeyTable keys;
  std::vector<uint32_t> ids;
  for (const char* text : {"truck-2", "van-1", "truck-10", "truck-1"})
    ids.push_back(keys.intern(text));
  keys.sort_by_text(ids);
  std::vector<std::string> texts;
  for (uint32_t id : ids) texts.push_back(keys.text(id));
  EXPECT_EQ(texts, (std::vector<std::string>{"truck-1", "truck-10", "truck-2", "van-1"}));
}

}  // namespace
}  // namespace wayside
