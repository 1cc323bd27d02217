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
  EXPECT_EQ(config->inputs[0].split, Split::kBurst);
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
      {kSource, input("url = @@\"ftp://x\"" + topic),
       "'url': expected tcp://HOST:PORT, gpsd://HOST, udp://ADDRESS:PORT, serial:/dev/NAME, "
       "http://ADDRESS:PORT/PATH, http-poll://HOST/PATH, modbus://HOST, exec:/PROGRAM, file:/PATH "
       "or -"},
      {kSource, input("url = \"tcp://x:1\"\nbaud = @@4800" + topic),
       "'baud': is for url = \"serial:…\""},
      {kSource, input("url = \"serial:/dev/ttyS0\"\nbaud = @@9601" + topic),
       "'baud': is no speed of a serial port, such as 4800, 9600, 38400 or 115200"},
      {kSource, input("url = \"tcp://x:1\"\ntopic = @@\"a/{b}\""),
       "'topic': is what all its messages have: there is nothing to fill in"},
      {kSource, "@@" + input("url = \"tcp://x:1\""),
       "'topic': is missing: sources know its messages by it"},
      {kSource, input(kGood, "input = @@\"gp\""),
       "'input': there is no input 'gp'; did you mean 'gps'?"},
      {kSource, input(kGood, "input = @@\"gps\"\nmqtt = \"local\""),
       "'input': its messages come by mqtt, as this says, too"},
  });
}

TEST(ConfigInputs, keys_belong_to_what_they_are_for) {
  const std::string topic = "\ntopic = \"fleet/truck-1/climate\"";
  const std::string tcp = "url = \"tcp://x:1\"" + topic + "\n";
  const std::string http = "url = \"http://127.0.0.1:1\"\n";
  const std::string poll = "url = \"http-poll://x\"" + topic + "\n";
  const std::string modbus = "url = \"modbus://x\"" + topic + "\n";
  expect_errors({
      {kSource, input(tcp + "every = @@\"1s\""),
       "'every': is for url = \"http-poll://…, modbus://… or exec:…\""},
      {kSource, input(tcp + "split = @@\"all\""),
       "'split': \"all\" needs an end: here it is \"line\" or \"burst\""},
      {kSource, input(tcp + "max_payload = @@\"16MiB\""),
       "'max_payload': twice [storage] commit_bytes, max_payload, 64KiB and the max_bytes of "
       "look-ups must fit in its file_bytes"},
      {kSource, input(http + "split = @@\"burst\""),
       "'split': a burst needs what comes by itself: serial, tcp, gpsd or file"},
      {kSource, input(http + "max_header = @@\"65KiB\""), "'max_header': must be at most 64KiB"},
      {kSource, input(http + "args = @@[\"x\"]"), "'args': is for url = \"exec:…\""},
      {kSource, input(poll + "async = @@true"), "'async': is for url = \"http://…\""},
      {kSource, input(poll + "max_output = @@\"16MiB\""),
       "'max_output': twice [storage] commit_bytes, max_output, 64KiB and the max_bytes of "
       "look-ups must fit in its file_bytes"},
      {kSource, input(poll + "function = @@4"), "'function': is for url = \"modbus://…\""},
      {kSource, input(modbus + "address = 65500\ncount = @@37"),
       "'count': goes beyond register 65535"},
      {kSource, input(modbus + "count = @@126"), "'count': must be from 1 to 125"},
  });
}

TEST(ConfigInputs, a_request_and_an_answer_are_a_message_unless_the_file_says_otherwise) {
  const auto split_of = [](const std::string& lines) {
    const auto config = parse_good(with(kSource, input(lines)));
    return config ? config->inputs[0].split : Split::kBurst;
  };
  const std::string poll = "url = \"http-poll://x\"\ntopic = \"fleet/truck-1/climate\"";
  EXPECT_EQ(split_of("url = \"http://127.0.0.1:1/in\""), Split::kAll);
  EXPECT_EQ(split_of(poll), Split::kAll);
  EXPECT_EQ(split_of(poll + "\nsplit = \"line\""), Split::kLine);
  EXPECT_EQ(split_of(kGood), Split::kLine);
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
