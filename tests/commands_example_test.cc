// The worked example of commands: what it makes of its recorded input.
#include <gtest/gtest.h>

#include "config/config.h"
#include "firmware-gw/replay.h"

namespace wayside {
namespace {

using Lines = std::vector<std::string>;

Lines rows_of(const std::string& view) {
  const std::string examples = WAYSIDE_FIXTURES "/../../config/examples/";
  std::vector<ConfigError> errors;
  const auto config = load_config(examples + "commands.toml", errors);
  if (!config) return {errors.front().to_text()};
  Lines lines;
  const auto result = replay_dumps(
      *config, {examples + "commands.dump"}, [&](std::string_view l) { lines.emplace_back(l); },
      view);
  return result.ok() ? lines : Lines{result.error().message};
}

TEST(OrdersExample, the_view_shows_what_the_accepted_commands_add_up_to) {
  EXPECT_EQ(rows_of("order_list"),
            (Lines{R"({"order_id":"o-1","total":15,"till":"1","time":1772359203000})",
                   R"({"order_id":"o-2","total":7,"till":"2","time":1772359201000})"}));
}

TEST(OrdersExample, each_command_has_its_decision) {
  const Lines expected = {"a accepted  1",      "b accepted  1", "c refused version 1",
                          "d accepted  2",      "d repeated  2", "e refused version 2",
                          "f refused amount 1", "g accepted  1", "h refused known_kind 1"};
  const Lines rows = rows_of("commands");
  ASSERT_EQ(rows.size(), expected.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto text = [&](const std::string& name) {
      const size_t at = rows[i].find("\"" + name + "\":") + name.size() + 3;
      const size_t end = rows[i].find_first_of(",}", at);
      std::string value = rows[i].substr(at, end - at);
      std::erase(value, '"');
      return value;
    };
    EXPECT_EQ(text("id") + ' ' + text("outcome") + ' ' + text("reason") + ' ' + text("version"),
              expected[i]);
  }
}

TEST(OrdersExample, a_view_that_is_not_there_is_an_error) {
  EXPECT_EQ(rows_of("order_lis"),
            Lines{"there is no view 'order_lis'; did you mean 'order_list'?"});
}

}  // namespace
}  // namespace wayside
