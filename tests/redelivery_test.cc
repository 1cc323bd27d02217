#include "sensors/redelivery.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

TEST(Redelivery, only_the_same_id_with_the_same_content_is_known) {
  Redelivery session;
  EXPECT_FALSE(session.is_known(1, 10));
  session.remember(1, 10);
  session.remember(65'535, 20);
  EXPECT_TRUE(session.is_known(1, 10));
  EXPECT_TRUE(session.is_known(65'535, 20));
  EXPECT_FALSE(session.is_known(1, 20));
  EXPECT_FALSE(session.is_known(2, 10));
}

TEST(Redelivery, an_id_that_is_used_again_stands_for_the_newer_message) {
  Redelivery session;
  session.remember(1, 10);
  session.remember(1, 11);
  EXPECT_FALSE(session.is_known(1, 10));
  EXPECT_TRUE(session.is_known(1, 11));
}

TEST(Redelivery, a_message_is_forgotten_once_all_other_ids_were_used_after_it) {
  Redelivery session;
  session.remember(65'535, 10);
  for (int i = 1; i <= 60'000; ++i) session.remember(static_cast<uint16_t>(i), 0);
  EXPECT_TRUE(session.is_known(65'535, 10));
  for (int i = 1; i <= 5'535; ++i) session.remember(static_cast<uint16_t>(i), 0);
  EXPECT_FALSE(session.is_known(65'535, 10));
}

TEST(Redelivery, a_new_session_knows_nothing) {
  Redelivery session;
  session.remember(1, 10);
  session.forget_session();
  EXPECT_FALSE(session.is_known(1, 10));
}

TEST(Redelivery, the_fingerprint_covers_topic_and_payload) {
  const auto of = [](std::string_view topic, std::string_view payload) {
    return Redelivery::fingerprint(hash64(topic), payload);
  };
  EXPECT_EQ(of("a/b", "42"), 2'608'188'586u) << "journals hold it";
  EXPECT_NE(of("a/b", "42"), of("a/c", "42"));
  EXPECT_NE(of("a/b", "42"), of("a/b", "43"));
  EXPECT_NE(of("a/b", "42"), of("a/b4", "2"));
}

TEST(RecentReadings, the_oldest_is_forgotten_first) {
  RecentReadings recent(3);
  for (uint64_t hash : {1, 2, 3}) EXPECT_TRUE(recent.insert(hash));
  for (uint64_t hash : {1, 2, 3}) EXPECT_FALSE(recent.insert(hash));
  EXPECT_TRUE(recent.insert(4));
  EXPECT_FALSE(recent.insert(2));
  EXPECT_TRUE(recent.insert(1));
  EXPECT_TRUE(recent.insert(2));
}

}  // namespace
}  // namespace wayside
