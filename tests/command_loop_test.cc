// Commands through a whole gateway: answered once they are safe, and only then.
#include <gtest/gtest.h>

#include <filesystem>

#include "firmware-gw/loop.h"
#include "firmware-gw/restore.h"
#include "firmware-gw/sql.h"
#include "sensors/mqtt_packet.h"
#include "tests/killed_life.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

constexpr const char* kOrders = R"toml(
[gateway]
id = "shop"
state_dir = "@"

[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1"

[[command]]
name = "orders"
topic = "shop/{order_id}/{kind}"
key = "order_id"
id = "command_id"
version = "version"
changes = "kind != 'get'"
require = { no_amount = "kind = 'get' OR amount > 0" }
answer_topic = "answers/{order_id}"
view = "order_list"
[command.fields]
command_id = { path = "id", type = "text" }
version = "version"
amount = "amount"

[[state]]
name = "order"
from = "orders"
next = { total = "coalesce(total, 0) + amount" }

[[view]]
name = "order_list"
from = "order"
select = { total = "total" }
)toml";

Config orders_config(const std::string& state_dir) {
  std::string text = kOrders;
  text.replace(text.find('@'), 1, state_dir);
  std::vector<ConfigError> errors;
  auto config = parse_config(text, "test.toml", errors);
  if (!config) throw std::logic_error(errors.front().to_text());
  return *config;
}

class CommandLoop : public testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  // A life; what it answers.
  Lines live(const std::vector<TestMessage>& commands, const std::string& properties = "") {
    return live_under(config_, commands, properties);
  }
  Lines live_under(const Config& config, const std::vector<TestMessage>& commands,
                   const std::string& properties = "") {
    auto loop = Loop::recover(config, Surroundings::system(config));
    if (!loop.ok()) return {loop.error().message};
    Lines lines;
    for (const TestMessage& m : commands) {
      auto chunk = make_chunk({m});
      chunk->frames[0].properties = properties;
      (*loop)->queue().push(std::move(chunk), 100);
    }
    (*loop)->start({.release = [](uint32_t, uint64_t) {},
                    .resume = [] {},
                    .answer =
                        [&](const SentAnswer& answer) {
                          lines.push_back(answer.topic + ' ' + answer.json);
                          answers_.push_back(answer);
                        }});
    (*loop)->stop();
    EXPECT_TRUE((*loop)->engine().pipeline().total().balanced());
    return lines;
  }
  Lines sql(const std::string& question) const {
    Lines all;
    const auto answer =
        answer_sql(config_, {question, true, {}}, [&](std::string_view l) { all.emplace_back(l); });
    return answer.ok() ? all : Lines{answer.error().message};
  }

  TempFolder folder_;
  const Config config_ = orders_config(folder_ / "state");
  std::vector<SentAnswer> answers_;
};

TEST_F(CommandLoop, an_answer_says_what_was_decided_and_shows_what_the_view_has_then) {
  EXPECT_EQ(live({{"shop/o1/put", R"({"id":"a","amount":5})"},
                  {"shop/o2/get", R"({"id":"g"})"},
                  {"shop/o1/put", R"({"id":"b","amount":0})"}}),
            (Lines{R"(answers/o1 {"command":"orders","key":"o1","id":"a","outcome":"accepted",)"
                   R"("version":1,"row":{"order_id":"o1","total":5}})",
                   R"(answers/o2 {"command":"orders","key":"o2","id":"g","outcome":"accepted",)"
                   R"("version":0,"row":null})",
                   R"(answers/o1 {"command":"orders","key":"o1","id":"b","outcome":"refused",)"
                   R"("reason":"no_amount","version":1,"row":{"order_id":"o1","total":5}})"}));
}

TEST_F(CommandLoop, a_command_that_comes_again_in_a_later_life_gets_the_same_answer) {
  const TestMessage first{"shop/o1/put", R"({"id":"a","amount":5,"version":0})"};
  const TestMessage second{"shop/o1/put", R"({"id":"b","amount":7,"version":0})"};
  const Lines answers = live({first, second});
  ASSERT_EQ(answers.size(), 2u);
  const auto repeated = [](std::string line) {
    return line.insert(line.find(",\"version\""), ",\"repeated\":true");
  };
  EXPECT_EQ(live({second, first}), (Lines{repeated(answers[1]), repeated(answers[0])}));
  EXPECT_EQ(
      sql("SELECT number, key, id, outcome, reason, version FROM commands"),
      (Lines{
          R"({"number":1,"key":"o1","id":"a","outcome":"accepted","reason":"","version":1})",
          R"({"number":2,"key":"o1","id":"b","outcome":"refused","reason":"version","version":1})",
          R"({"number":3,"key":"o1","id":"b","outcome":"repeated","reason":"version","version":1})",
          R"({"number":4,"key":"o1","id":"a","outcome":"repeated","reason":"","version":1})"}));
  EXPECT_EQ(sql("SELECT total FROM order_list"), Lines{R"({"total":5})"});
}

TEST_F(CommandLoop, what_was_decided_is_made_again_from_the_journal_and_answered_to_nobody) {
  live({{"shop/o1/put", R"({"id":"a","amount":5})"}, {"shop/o1/put", R"({"id":"b","amount":1})"}});
  const Lines decisions = sql("SELECT * FROM commands");
  ASSERT_EQ(decisions.size(), 2u);
  for (const char* rest : {"", "-wal", "-shm"}) {
    std::filesystem::remove(config_.gateway.state_dir + "/wayside.db" + rest);
  }
  EXPECT_EQ(live({}), Lines{});
  EXPECT_EQ(sql("SELECT * FROM commands"), decisions);
  EXPECT_EQ(live({{"shop/o1/get", R"({"id":"g"})"}}),
            Lines{R"(answers/o1 {"command":"orders","key":"o1","id":"g","outcome":"accepted",)"
                  R"("version":2,"row":{"order_id":"o1","total":6}})"});
}

TEST_F(CommandLoop, an_answer_shows_no_row_that_a_later_command_of_its_commit_has_changed) {
  EXPECT_EQ(live({{"shop/o1/put", R"({"id":"a","amount":5})"},
                  {"shop/o1/get", R"({"id":"g"})"},
                  {"shop/o2/put", R"({"id":"b","amount":1})"},
                  {"shop/o1/put", R"({"id":"c","amount":7})"},
                  {"shop/o1/get", R"({"id":"h"})"}}),
            (Lines{R"(answers/o1 {"command":"orders","key":"o1","id":"a","outcome":"accepted",)"
                   R"("version":1})",
                   R"(answers/o1 {"command":"orders","key":"o1","id":"g","outcome":"accepted",)"
                   R"("version":1})",
                   R"(answers/o2 {"command":"orders","key":"o2","id":"b","outcome":"accepted",)"
                   R"("version":1,"row":{"order_id":"o2","total":1}})",
                   R"(answers/o1 {"command":"orders","key":"o1","id":"c","outcome":"accepted",)"
                   R"("version":2,"row":{"order_id":"o1","total":12}})",
                   R"(answers/o1 {"command":"orders","key":"o1","id":"h","outcome":"accepted",)"
                   R"("version":2,"row":{"order_id":"o1","total":12}})"}));
}

// Whatever is required later, an answer that was given stays true.
TEST_F(CommandLoop, what_was_answered_stays_so_after_a_kill_and_under_other_requirements) {
  const auto answers = live_and_be_killed(config_, {{{"shop/o1/put", R"({"id":"a","amount":50})"}},
                                                    {{"shop/o1/put", R"({"id":"b","amount":0})"}}});
  ASSERT_EQ(answers.size(), 2u);
  Config strict = config_;
  strict.commands[0].require = {{"too_little", "kind = 'get' OR amount > 100"}};
  for (SourceOptions& s : strict.sources) s.max_keys = 7;
  const auto restored = restore(strict, {}, folder_ / "copy");
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  Config copy = strict;
  copy.gateway.state_dir = folder_ / "copy";
  for (const Config& config : {strict, copy}) {
    EXPECT_EQ(live_under(config, {{"shop/o1/get", R"({"id":"g"})"},
                                  {"shop/o1/put", R"({"id":"a","amount":50})"},
                                  {"shop/o1/put", R"({"id":"c","amount":200,"version":0})"}}),
              (Lines{R"(answers/o1 {"command":"orders","key":"o1","id":"g","outcome":"accepted",)"
                     R"("version":1,"row":{"order_id":"o1","total":50}})",
                     R"(answers/o1 {"command":"orders","key":"o1","id":"a","outcome":"accepted",)"
                     R"("repeated":true,"version":1,"row":{"order_id":"o1","total":50}})",
                     R"(answers/o1 {"command":"orders","key":"o1","id":"c","outcome":"refused",)"
                     R"("reason":"version","version":1,"row":{"order_id":"o1","total":50}})"}));
  }
}

TEST_F(CommandLoop, who_names_a_response_topic_gets_the_answer_there) {
  const std::string properties = mqtt::properties_with({"me/answers", std::string("\0\xff", 2)});
  live({{"shop/o1/put", R"({"id":"a","amount":5})"}}, properties);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].reply_to, "me/answers");
  EXPECT_EQ(answers_[0].correlation, std::string("\0\xff", 2));
  EXPECT_EQ(answers_[0].connection, 0u);
  EXPECT_EQ(sql("SELECT reply_to, correlation FROM orders"),
            Lines{R"({"reply_to":"me/answers","correlation":"00ff"})"});
}

TEST_F(CommandLoop, a_response_topic_with_a_wildcard_is_none) {
  live({{"shop/o1/put", R"({"id":"a","amount":5})"}}, mqtt::properties_with({"#local/1", ""}));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].reply_to, "");
}

}  // namespace
}  // namespace wayside
