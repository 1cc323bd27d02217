#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

std::string command(const std::string& lines, const std::string& fields = "") {
  return "[[command]]\nname = \"c\"\ntopic = \"do/{thing}\"\nkey = \"thing\"\n" + lines +
         "\n[command.fields]\ncommand_id = { path = \"id\", type = \"text\" }\nn = \"n\"\n" +
         fields + "\n[[rule]]";
}

TEST(ConfigCommands, one_is_a_source_and_more) {
  const auto config = parse_good(with(
      kRule, command("id = \"command_id\"\nversion = \"n\"\nchanges = \"n > 0\"\nremember = 3\n"
                     "require = { small = \"n < 9\" }\nanswer_topic = \"did/{thing}\"")));
  ASSERT_TRUE(config);
  const CommandOptions& c = config->commands.at(0);
  EXPECT_EQ(c.id, "command_id");
  EXPECT_EQ(c.version, "n");
  EXPECT_EQ(c.changes, "n > 0");
  EXPECT_EQ(c.require.at(0).first, "small");
  EXPECT_EQ(c.answer_topic, "did/{thing}");
  EXPECT_EQ(c.remember, 3u);
  const SourceOptions& source = config->sources.back();
  EXPECT_EQ(source.name, "c");
  EXPECT_EQ(source.mqtt, "local");
  EXPECT_TRUE(source.is_answered);
  EXPECT_EQ(source.forget_after_ms, 30LL * 86'400'000);
}

TEST(ConfigCommands, what_is_wrong_with_one_is_told_where_it_stands) {
  const std::string id = "id = \"command_id\"\n";
  expect_errors({
      {kRule, command("id = \"@@command\""), "'id': unknown field 'command'"},
      {kRule, command("id = \"@@n\""), "'id': 'n' is not a text; give the field type = \"text\""},
      {kRule, command(id + "version = \"@@m\""), "'version': unknown field 'm'; did you mean 'n'?"},
      {kRule, command(id + "require = { few = \"@@m < 3\" }"),
       "'require.few': unknown field 'm'; did you mean 'n'?"},
      {kRule, command(id + "answer_topic = \"@@did/{thin}\""),
       "'answer_topic': there is no text 'thin'"},
      {kRule, command(id + "view = @@\"list\""), "'view': there is no view 'list'"},
      {kRule, command(id + "answer_topic = @@\"do/it\""),
       "'answer_topic': is within the topic of 'c', which would take the answers"},
      {kRule, command(id + "answer_topic = @@\"fleet/{thing}/climate\""),
       "'answer_topic': is within the topic of 'climate', which would take the answers"},
      {kRule, command(id + "deduplicate = @@\"command_id\""),
       "'deduplicate': would leave repeats without an answer: `id` tells them"},
      {kRule, command(id, "m = @@{ path = \"m\", max_rate = 1 }"),
       "'fields.m': max_rate, stuck_after, smooth and fill are not for commands"},
      {kRule,
       "[[view]]\nname = \"list\"\nfrom = \"c\"\nby = [\"n\"]\n" +
           command(id + "view = @@\"list\""),
       "'view': does not have one row for each 'thing': see its `by`"},
      {kRule, command(id + "format = @@\"protobuf\""), "'format': commands are JSON"},
      {kRule, "[[view]]\nname = @@\"commands\"\nfrom = \"climate\"\n" + command(id),
       "'name': this is the table of what was decided about commands"},
  });
}

}  // namespace
}  // namespace wayside
