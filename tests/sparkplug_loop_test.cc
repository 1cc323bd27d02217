// Sparkplug B through a whole gateway: what a node has to be told leaves, and its data come in.
#include <gtest/gtest.h>

#include "firmware-gw/loop.h"
#include "firmware-gw/sql.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

using namespace std::literals;
using Lines = std::vector<std::string>;

constexpr const char* kPlant = R"toml(
[gateway]
id = "plant"
state_dir = "@"
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1"
[[source]]
name = "plant"
topic = "spBv1.0/{plant}/+/{node}/#"
format = "sparkplug"
key = "node"
max_future = "off"
fields = { temp = "temp" }
)toml";

TEST(SparkplugLoop, a_node_that_is_not_born_is_asked_for_its_rebirth_and_read_from_then_on) {
  const TempFolder folder;
  std::string text = kPlant;
  text.replace(text.find('@'), 1, folder / "state");
  std::vector<ConfigError> errors;
  const auto config = parse_config(text, "test.toml", errors);
  ASSERT_TRUE(config) << errors.front().to_text();
  auto loop = Loop::recover(*config, Surroundings::system(*config));
  ASSERT_TRUE(loop.ok()) << loop.error().message;

  const std::string value = "\x69\x00\x00\x00\x00\x00\x00\x32\x40"s;  // 18
  const std::string birth = "\x08\x64\x12\x13\x0a\x04temp\x10\x0a\x20\x0a"s + value + "\x18\x00"s;
  const auto data = [&](char sequence) {
    return "\x08\x65\x12\x0b\x10\x0a"s + value + "\x18"s + sequence;
  };
  for (const TestMessage& m :
       {TestMessage{"spBv1.0/a/NDATA/n1", data(7)}, TestMessage{"spBv1.0/a/NDATA/n1", data(8)},
        TestMessage{"spBv1.0/a/NBIRTH/n1", birth}, TestMessage{"spBv1.0/a/NDATA/n1", data(1)}}) {
    (*loop)->queue().push(make_chunk({m}), 100);
  }
  Lines published;
  (*loop)->start({.release = [](uint32_t, uint64_t) {},
                  .resume = [] {},
                  .publish =
                      [&](uint32_t connection, const Outgoing& message) {
                        published.push_back(std::to_string(connection) + " " + message.topic);
                      }});
  (*loop)->stop();
  EXPECT_EQ(published, Lines{"0 spBv1.0/a/NCMD/n1"});
  Lines rows;
  const auto answer = answer_sql(*config, {"SELECT time, node, temp FROM plant", true, {}},
                                 [&](std::string_view l) { rows.emplace_back(l); });
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(rows, (Lines{R"({"time":100,"node":"n1","temp":18})",
                         R"({"time":101,"node":"n1","temp":18})"}));
  EXPECT_EQ((*loop)->engine().pipeline().total().quarantined, 2u);
}

}  // namespace
}  // namespace wayside
