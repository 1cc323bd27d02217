#include "sensors/topic.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

using Levels = std::vector<std::string_view>;

std::optional<Levels> match(const char* pattern, std::string_view topic) {
  auto parsed = TopicPattern::parse(pattern);
  EXPECT_TRUE(parsed.ok()) << pattern;
  Levels levels{"left", "over"};
  if (!parsed.ok() || !parsed->match(topic, levels)) return std::nullopt;
  return levels;
}

TEST(Topic, a_braced_level_becomes_a_text_field) {
  const auto pattern = TopicPattern::parse("{site}/fleet/{vehicle}/climate");
  ASSERT_TRUE(pattern.ok());
  EXPECT_EQ(pattern->names(), (std::vector<std::string>{"site", "vehicle"}));
  EXPECT_EQ(pattern->filter(), "+/fleet/+/climate");
  EXPECT_EQ(match("{site}/fleet/{vehicle}/climate", "north/fleet/truck 1/climate"),
            (Levels{"north", "truck 1"}));
}

TEST(Topic, the_filter_is_the_pattern_with_plus_for_braces) {
  const std::pair<const char*, const char*> rows[] = {
      {"a", "a"}, {"a/b", "a/b"}, {"{x}", "+"},       {"+/{x}/#", "+/+/#"},
      {"#", "#"}, {"/", "/"},     {"/a//b", "/a//b"}, {"a/{x}/", "a/+/"},
  };
  for (const auto& [text, filter] : rows) {
    const auto pattern = TopicPattern::parse(text);
    ASSERT_TRUE(pattern.ok()) << text;
    EXPECT_EQ(pattern->filter(), filter);
  }
}

TEST(Topic, wildcards_match_as_mqtt_says) {
  struct Row {
    const char* pattern;
    const char* topic;
    bool matches;
  };
  const Row rows[] = {
      // The examples of MQTT 3.1.1 section 4.7.1.
      {"sport/tennis/player1/#", "sport/tennis/player1", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
      {"sport/#", "sport", true},
      {"sport/tennis/+", "sport/tennis/player1", true},
      {"sport/tennis/+", "sport/tennis/player1/ranking", false},
      {"sport/+", "sport", false},
      {"sport/+", "sport/", true},
      {"+/+", "/finance", true},
      {"/+", "/finance", true},
      {"+", "/finance", false},
      // And of 4.7.2: what begins with '$' is not for wildcards in the first place.
      {"#", "$SYS/uptime", false},
      {"+/monitor/Clients", "$SYS/monitor/Clients", false},
      {"{x}/uptime", "$SYS/uptime", false},
      {"$SYS/#", "$SYS/uptime", true},
      {"$SYS/{what}", "$SYS/uptime", true},
      {"a/+", "a/$b", true},
      {"#", "a/b", true},
      {"a/b", "a/b", true},
      {"a/b", "A/b", false},
      {"a/b", "a", false},
      {"a/b", "a/b/c", false},
      {"a", "a/", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(match(row.pattern, row.topic).has_value(), row.matches)
        << row.pattern << " " << row.topic;
  }
}

TEST(Topic, levels_are_taken_also_when_empty_and_before_a_rest) {
  EXPECT_EQ(match("a/{x}/{y}", "a//"), (Levels{"", ""}));
  EXPECT_EQ(match("a/{x}/#", "a/b"), (Levels{"b"}));
  EXPECT_EQ(match("a/{x}/#", "a/b/c/d"), (Levels{"b"}));
  EXPECT_EQ(match("a/b", "a/b"), Levels{});
}

TEST(Topic, patterns_overlap_where_a_topic_is_of_both) {
  const struct {
    const char *one, *other;
    bool overlap;
  } cases[] = {{"a/{x}", "a/+", true},     {"a/{x}", "b/{x}", false}, {"a/{x}", "+/b", true},
               {"a/{x}", "a/b/c", false},  {"a/#", "a/b/c", true},    {"a/#", "b/#", false},
               {"{x}/{y}", "a/b", true},   {"a/b", "a/b", true},      {"a/b", "a", false},
               {"#", "any/{thing}", true}, {"a/#", "a", true},        {"a/b/#", "a", false}};
  for (const auto& c : cases) {
    const TopicPattern one = *TopicPattern::parse(c.one), other = *TopicPattern::parse(c.other);
    EXPECT_EQ(one.overlaps(other), c.overlap) << c.one << ' ' << c.other;
    EXPECT_EQ(other.overlaps(one), c.overlap) << c.other << ' ' << c.one;
  }
}

TEST(Topic, a_pattern_that_cannot_be_meant_is_refused_with_its_text) {
  struct Row {
    const char* pattern;
    const char* why;
  };
  const Row rows[] = {{"", "is empty"},
                      {"a/#/b", "'#' may only be the last level"},
                      {"a/b#", "never a mixture"},
                      {"a+/b", "never a mixture"},
                      {"truck-{id}/x", "never a mixture"},
                      {"{id", "never a mixture"},
                      {"{}/x", "never a mixture"},
                      {"{a b}/x", "'a b' is not a name"},
                      {"{x}/{x}", "{x} stands twice"}};
  for (const Row& row : rows) {
    const auto parsed = TopicPattern::parse(row.pattern);
    ASSERT_FALSE(parsed.ok()) << row.pattern;
    EXPECT_EQ(parsed.error().code, ErrorCode::kConfig);
    const std::string& message = parsed.error().message;
    EXPECT_NE(message.find("\"" + std::string(row.pattern) + "\""), std::string::npos) << message;
    EXPECT_NE(message.find(row.why), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace wayside
