// Secrets never stand in the file itself.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "tests/config_text.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

// Sets an environment variable for a while; null removes it.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* found = getenv(name)) former_ = found;
    set(value);
  }
  ~Environment() { set(former_ ? former_->c_str() : nullptr); }

 private:
  void set(const char* value) { value ? setenv(name_, value, 1) : unsetenv(name_); }
  const char* name_;
  std::optional<std::string> former_;
};

std::string with_password(const std::string& value) {
  return with("url = \"mqtt://broker:1884\"", "url = \"mqtt://broker\"\npassword = " + value);
}

TEST(ConfigSecret, it_comes_from_a_file_the_environment_or_a_credential) {
  TempFolder folder;
  std::ofstream(folder / "one") << "open sesame\nsecond line\n";
  std::ofstream(folder / "mqtt") << "no line end";
  Environment variable("WAYSIDE_TEST_SECRET", "from outside");
  Environment credentials("CREDENTIALS_DIRECTORY", folder.path().c_str());
  const std::pair<std::string, std::string> rows[] = {
      {"{ file = \"" + (folder / "one") + "\" }", "open sesame"},
      {"{ env = \"WAYSIDE_TEST_SECRET\" }", "from outside"},
      {"{ credential = \"mqtt\" }", "no line end"}};
  for (const auto& [value, secret] : rows) {
    const auto config = parse_good(with_password(value));
    ASSERT_TRUE(config);
    EXPECT_EQ(config->mqtt[0].password, secret);
  }
}

TEST(ConfigSecret, one_that_is_not_there_is_an_error) {
  TempFolder folder;
  std::ofstream(folder / "empty").flush();
  Environment variable("WAYSIDE_TEST_SECRET", nullptr);
  Environment credentials("CREDENTIALS_DIRECTORY", nullptr);
  const std::pair<std::string, std::string> rows[] = {
      {"{ file = \"" + (folder / "none") + "\" }", "cannot read " + (folder / "none")},
      {"{ file = \"" + (folder / "empty") + "\" }", (folder / "empty")},
      {"{ file = \"" + folder.path() + "\" }", folder.path()},
      {"{ env = \"WAYSIDE_TEST_SECRET\" }", "environment variable WAYSIDE_TEST_SECRET is not set"},
      {"{ credential = \"no-such\" }",
       "cannot read /run/credentials/wayside.service/no-such, or it is empty: the service has to "
       "run with LoadCredential=no-such:…"},
      {"{ vault = \"x\" }", "unknown kind of secret 'vault': file, env or credential"},
      {"{ file = 5 }", ""}};
  for (const auto& [value, message] : rows) {
    const auto errors = errors_of(with_password(value));
    ASSERT_EQ(errors.size(), 1u) << value;
    EXPECT_TRUE(errors[0].starts_with("7:12: 'password': ")) << errors[0];
    EXPECT_NE(errors[0].find(message), std::string::npos) << errors[0];
  }
}

TEST(ConfigSecret, one_that_stands_in_the_file_is_refused_and_not_repeated) {
  for (const char* value :
       {"\"hunter2\"", "{ file = \"hunter2\", env = \"hunter2\" }", "{}", "[\"hunter2\"]"}) {
    const auto errors = errors_of(with_password(value));
    ASSERT_EQ(errors.size(), 1u) << value;
    EXPECT_NE(errors[0].find("secrets do not stand in this file"), std::string::npos) << errors[0];
    EXPECT_EQ(errors[0].find("hunter2"), std::string::npos);
  }
}

std::string with_option(const std::string& option) {
  return with(
      "name = \"centre\"",
      "name = \"centre\"\ntype = \"kafka\"\nbrokers = [\"k\"]\noptions = { " + option + " }");
}

TEST(ConfigSecret, one_may_be_an_option_of_kafka) {
  TempFolder folder;
  std::ofstream(folder / "one") << "open sesame\n";
  Environment variable("WAYSIDE_TEST_SECRET", "from outside");
  const auto config = parse_good(
      with_option("\"sasl.username\" = \"me\", \"sasl.password\" = { file = \"" + (folder / "one") +
                  "\" }, \"ssl.key.password\" = { env = \"WAYSIDE_TEST_SECRET\" }"));
  ASSERT_TRUE(config);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"sasl.username", "me"},
      {"sasl.password", "open sesame"},
      {"ssl.key.password", "from outside"}};
  EXPECT_EQ(config->uplinks[0].options, expected);
}

TEST(ConfigSecret, one_of_kafka_that_is_not_there_or_not_taken_is_an_error_without_it) {
  Environment variable("WAYSIDE_TEST_SECRET", "hunter2");
  Environment none("WAYSIDE_TEST_NONE", nullptr);
  const std::pair<std::string, std::string> rows[] = {
      {"\"sasl.password\" = { env = \"WAYSIDE_TEST_NONE\" }",
       "'options.sasl.password': environment variable WAYSIDE_TEST_NONE is not set"},
      {"\"sasl.password\" = { vault = \"hunter2\" }",
       "'options.sasl.password': unknown kind of secret 'vault': file, env or credential"},
      {"\"sasl.password\" = { file = \"hunter2\", env = \"hunter2\" }",
       "'options.sasl.password': a secret is { file = \"…\" }, { env = \"…\" } or { credential = "
       "\"…\" }"},
      {"\"security.protocol\" = {}",
       "'options.security.protocol': a secret is { file = \"…\" }, { env = \"…\" } or "
       "{ credential = \"…\" }"},
      {"\"security.protocol\" = { env = \"WAYSIDE_TEST_SECRET\" }",
       "'options.security.protocol': librdkafka does not take this value"}};
  for (const auto& [option, message] : rows) {
    const auto errors = errors_of(with_option(option));
    ASSERT_EQ(errors.size(), 1u) << option;
    EXPECT_TRUE(errors[0].ends_with(": " + message)) << errors[0];
    EXPECT_EQ(errors[0].find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace wayside
