// Lives that end by a kill, each under another configuration than the one before: what was answered
// is never contradicted, what waits is never lost, and a copy is what the original is.
#include <gtest/gtest.h>

#include <random>

#include "firmware-gw/restore.h"
#include "firmware-gw/sql.h"
#include "storage/store_view.h"
#include "tests/killed_life.h"
#include "tests/seeds.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

constexpr const char* kShop = R"toml(
[gateway]
id = "shop"
state_dir = "@"

[storage]
commit_age = "1ms"
anchor = "0s"

[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1"

[[command]]
name = "orders"
topic = "shop/{order_id}/put"
key = "order_id"
id = "command_id"
answer_topic = "answers/{order_id}"
require = { amount = "amount > LEAST" }
[command.fields]
command_id = { path = "id", type = "text" }
amount = "amount"

[[state]]
name = "order"
from = "orders"
next = { total = "coalesce(total, 0) + amount", n = "coalesce(n, 0) + 1" }
to = ["centre"]

[[view]]
name = "order_list"
from = "order"
select = { total = "total", n = "n" }

[[rule]]
name = "large"
from = "orders"
when = "amount > LARGE"

[[uplink]]
name = "centre"
)toml";

class ChangedLives {
 public:
  explicit ChangedLives(uint64_t seed) : random_(seed) {}

  void live() {
    const auto answers = live_and_be_killed(some_config(folder_ / "state"), {some(), some()});
    for (const SentAnswer& answer : answers) check(answer.json);
  }
  // Its copy, made under yet another configuration, is what the life came to.
  void check_copy() {
    const std::string state = folder_ / "state";
    const std::string dir = folder_ / ("copy" + std::to_string(++copies_));
    const Config config = some_config(state);
    const auto restored = restore(config, {}, dir);
    ASSERT_TRUE(restored.ok()) << restored.error().message;
    const bool has_away = config.uplinks.size() == 2;
    const std::string ended = state + ".ended";
    const uint64_t away = waiting(ended, "away");
    EXPECT_EQ(restored->pending, waiting(ended, "centre") + (has_away ? away : 0));
    EXPECT_EQ(restored->lost, has_away ? 0 : away);
    EXPECT_EQ(waiting(dir, "centre"), waiting(ended, "centre"));
    EXPECT_EQ(rows(dir, config), rows(ended, config));
  }
  size_t repeated() const { return repeated_; }

 private:
  static void put(std::string& text, const std::string& name, const std::string& value) {
    text.replace(text.find(name), name.size(), value);
  }
  Config some_config(const std::string& state_dir) {
    std::string text = kShop;
    put(text, "@", state_dir);
    put(text, "LEAST", std::to_string(random_() % 3 * 30));
    put(text, "LARGE", std::to_string(random_() % 3 * 30));
    if (random_() % 2) text += "[[uplink]]\nname = \"away\"\n";
    std::vector<ConfigError> errors;
    auto config = parse_config(text, "test.toml", errors);
    if (!config) throw std::logic_error(errors.front().to_text());
    return *config;
  }
  // Of few ids, so that many come again, in this life or in a later one.
  std::vector<TestMessage> some() {
    std::vector<TestMessage> all;
    for (int i = 0; i < 6; ++i) {
      const std::string id = std::to_string(random_() % 8);
      all.push_back({"shop/o" + std::to_string(random_() % 2) + "/put",
                     "{\"id\":\"" + id + "\",\"amount\":" + std::to_string(id[0] % 8 * 12) + '}'});
    }
    return all;
  }
  // {"command":"orders","key":"o1","id":"3","outcome":"accepted","version":1}
  void check(std::string json) {
    constexpr std::string_view kRepeated = ",\"repeated\":true";
    const size_t at = json.find(kRepeated);
    const std::string id = json.substr(0, json.find(",\"outcome\""));
    if (at == json.npos) {
      EXPECT_TRUE(answers_.emplace(id, json).second) << "decided twice: " << json;
      return;
    }
    ++repeated_;
    EXPECT_EQ(answers_[id], json.erase(at, kRepeated.size()));
  }
  static uint64_t waiting(const std::string& dir, const std::string& uplink) {
    const auto store = view_store(posix_disk(), dir);
    if (!store.ok()) return 0;
    const auto at = std::find(store->uplinks.begin(), store->uplinks.end(), uplink);
    return at == store->uplinks.end() ? 0 : store->outbox[size_t(at - store->uplinks.begin())];
  }
  static std::vector<std::string> rows(const std::string& dir, Config config) {
    config.gateway.state_dir = dir;
    std::vector<std::string> all;
    for (const char* question : {"SELECT order_id, total, n FROM order_list ORDER BY 1",
                                 "SELECT number, key, id, outcome, version FROM commands"}) {
      const auto answer = answer_sql(config, {question, true, {}},
                                     [&](std::string_view l) { all.emplace_back(l); });
      EXPECT_TRUE(answer.ok());
    }
    return all;
  }

  std::mt19937_64 random_;
  TempFolder folder_;
  std::map<std::string, std::string> answers_;  // the first one by command, key and id
  size_t repeated_ = 0;
  size_t copies_ = 0;
};

TEST(ChangedLives, contradict_no_answer_and_lose_nothing_and_copies_of_them_are_the_same) {
  size_t repeated = 0, tried = 0;
  for (auto [seed, end] = seeds(3); seed < end; ++seed) {
    ++tried;
    SCOPED_TRACE("seed " + std::to_string(seed));
    ChangedLives lives(seed);
    for (int life = 0; life < 3; ++life) {
      lives.live();
      lives.check_copy();
    }
    repeated += lives.repeated();
  }
  EXPECT_GT(3 * repeated, 10 * tried);
}

}  // namespace
}  // namespace wayside
