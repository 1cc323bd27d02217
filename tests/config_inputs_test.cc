#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

const std::string kSource = "[[source]]\nname = \"climate\"";

std::string input(const std::string& lines, const std::string& source = "input = \"gps\"") {
  return "[[input]]\nname = \"gps\"\n" + lines + "\n" + kSource + "\n" + source;
}
const std::string kGood = "url = \"tcp://logger:10110\"\ntopic = \"fleet/truck-1/climate\"";

TEST(ConfigInputs, a_source_may_have_an_input_instead_of_a_connection) {
  const auto config = parse_good(with(kSource, input(kGood + "\nsplit = \"burst\"")));
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->inputs[0].burst);
  EXPECT_EQ(config->sources[0].connection(), "gps");
  EXPECT_EQ(config->connection_names(), (std::vector<std::string>{"local", "gps"}));
}

TEST(ConfigInputs, a_gateway_may_do_without_mqtt) {
  const std::string text = with("[[mqtt]]\nname = \"local\"\nurl = \"mqtt://broker:1884\"\n", "");
  EXPECT_TRUE(parse_good(with(kSource, input(kGood), text)));
}

TEST(ConfigInputs, what_is_wrong_with_an_input_is_told_at_its_place) {
  const std::string topic = "\ntopic = \"fleet/truck-1/climate\"";
  expect_errors({
      {kSource, input("url = @@\"http://x\"" + topic),
       "'url': expected tcp://HOST:PORT, gpsd://HOST, udp://ADDRESS:PORT or serial:/dev/NAME"},
      {kSource, input("url = \"tcp://x:1\"\nbaud = @@4800" + topic),
       "'baud': is for url = \"serial:…\""},
      {kSource, input("url = \"serial:/dev/ttyS0\"\nbaud = @@9601" + topic),
       "'baud': is no speed of a serial port, such as 4800, 9600, 38400 or 115200"},
      {kSource, input("url = \"tcp://x:1\"\ntopic = @@\"a/{b}\""),
       "'topic': is what all its messages have: there is nothing to fill in"},
      {kSource, input(kGood, "input = @@\"gp\""),
       "'input': there is no input 'gp'; did you mean 'gps'?"},
      {kSource, input(kGood, "input = @@\"gps\"\nmqtt = \"local\""),
       "'input': its messages come by mqtt, as this says, too"},
  });
}

TEST(ConfigInputs, what_comes_is_taken_by_a_source) {
  expect_errors({{kSource, input("url = \"tcp://x:1\"\ntopic = @@\"elsewhere\""),
                  "'topic': no source with input = \"gps\" has a topic that takes it"}});
  const std::string text = with("[[mqtt]]\nname = \"local\"\nurl = \"mqtt://broker:1884\"\n", "");
  const auto errors = errors_of(with(kSource, input(kGood, ""), text));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_TRUE(errors[0].ends_with("'input': there is no [[mqtt]]: name an [[input]]")) << errors[0];
}

TEST(ConfigInputs, names_of_connections_and_inputs_are_unique_together) {
  EXPECT_EQ(errors_of(with("\"local\"", "\"gps\"", with(kSource, input(kGood)))).size(), 1u);
}

}  // namespace
}  // namespace wayside
