#include "firmware-gw/init.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/config.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

Config parsed(const FirstAnswers& answers) {
  const auto text = first_config(answers);
  if (!text.ok()) {
    ADD_FAILURE() << text.error().message;
    return {};
  }
  std::vector<ConfigError> errors;
  return *parse_config(*text, "first.toml", errors);
}

TEST(Init, what_is_usual_is_a_good_configuration) {
  FirstAnswers answers;
  std::ostringstream out;
  EXPECT_TRUE(complete(answers, nullptr, out).ok());
  EXPECT_EQ(out.str(), "") << "nobody is asked";
  const Config config = parsed(answers);
  EXPECT_NE(config.gateway.id, "") << "that of the machine";
  EXPECT_EQ(config.sources.at(0).key, "vehicle");
  EXPECT_EQ(config.windows.at(0).size_ms, 60'000);
  EXPECT_EQ(config.uplinks.at(0).type, UplinkType::kFile);
}

TEST(Init, flags_count_and_the_rest_is_asked_for) {
  FirstAnswers answers;
  answers.topic = "plant/{line}/{device}";
  answers.kafka = "a:9092, b:9093";
  std::istringstream in("truck-9\n\nmqtt://broker:1884\ndevice\nbar = p.bar, rpm\nnone\n");
  std::ostringstream out;
  EXPECT_TRUE(complete(answers, &in, out).ok());
  EXPECT_EQ(out.str().find("topic of the readings"), std::string::npos);
  EXPECT_NE(out.str().find("a {level} of the topic [line]: "), std::string::npos) << out.str();
  const Config config = parsed(answers);
  EXPECT_EQ(config.gateway.id, "truck-9");
  EXPECT_EQ(config.gateway.state_dir, "/var/lib/wayside");
  EXPECT_EQ(config.mqtt.at(0).port, 1884);
  EXPECT_EQ(config.sources.at(0).key, "device");
  EXPECT_EQ(config.sources.at(0).time_path, "");
  EXPECT_EQ(config.sources.at(0).fields.at(0).path, "p.bar");
  EXPECT_EQ(config.windows.at(0).select.size(), 7u);
  EXPECT_EQ(config.uplinks.at(0).brokers, (std::vector<std::string>{"a:9092", "b:9093"}));
}

TEST(Init, answers_that_make_no_good_configuration_are_refused_with_all_reasons) {
  FirstAnswers answers;
  answers.broker = "http://broker";
  answers.fields = "select=t";
  std::ostringstream out;
  EXPECT_TRUE(complete(answers, nullptr, out).ok());
  const auto text = first_config(answers);
  ASSERT_FALSE(text.ok());
  EXPECT_NE(text.error().message.find("url = \"http://broker\"\n    'url': "), std::string::npos)
      << text.error().message;
  EXPECT_NE(text.error().message.find("'select'"), std::string::npos) << text.error().message;
}

TEST(Init, an_input_that_ends_too_early_is_an_error_that_names_the_flag) {
  FirstAnswers answers;
  std::istringstream in("truck-9\n/state\n");
  std::ostringstream out;
  const Status status = complete(answers, &in, out);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("the MQTT broker"), std::string::npos);
  EXPECT_NE(status.error().message.find("--broker"), std::string::npos);
  EXPECT_NE(status.error().message.find("nothing is written"), std::string::npos);
}

TEST(Init, who_has_given_everything_is_asked_for_nothing) {
  FirstAnswers answers{"truck-9", "/state", "mqtt://b", "fleet/{truck}", "truck",
                       "t",       "ts",     "ms",       "none"};
  std::istringstream in;
  std::ostringstream out;
  EXPECT_TRUE(complete(answers, &in, out).ok());
  EXPECT_EQ(out.str(), "");
}

TEST(Init, a_file_that_is_there_stays_as_it_is) {
  const TempFolder folder;
  const std::string path = folder / "wayside.toml";
  EXPECT_TRUE(write_new_file(path, "one\n").ok());
  const Status again = write_new_file(path, "two\n");
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.error().message.find("is there already"), std::string::npos);
  std::string line;
  std::getline(std::ifstream(path) >> std::ws, line);
  EXPECT_EQ(line, "one");
  EXPECT_EQ(write_new_file(folder / "no/where", "").error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace wayside
