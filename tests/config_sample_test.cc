#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "config/describe.h"
#include "tests/config_text.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

// The keys of a block that have a default, with their values.
class Defaults : public ConfigVisitor {
 public:
  std::map<std::string, std::string> values;

  void text(const Key& key, std::string& value) override { add(key, value); }
  void texts(const Key& key, std::vector<std::string>& value) override {
    std::string all;
    for (const std::string& v : value) all += v + ",";
    add(key, all);
  }
  void duration(const Key& key, int64_t& ms, int64_t) override { add(key, std::to_string(ms)); }
  void duration_or_off(const Key& key, std::optional<int64_t>& ms) override {
    add(key, ms ? std::to_string(*ms) : "off");
  }
  void bytes(const Key& key, uint64_t& bytes, uint64_t) override {
    add(key, std::to_string(bytes));
  }
  void integer(const Key& key, int64_t& value, int64_t, int64_t) override {
    add(key, std::to_string(value));
  }
  void count_or_duration(const Key& key, uint32_t& count, int64_t& ms, uint32_t) override {
    add(key, std::to_string(count) + ' ' + std::to_string(ms));
  }
  void number(const Key& key, double& value) override { add(key, std::to_string(value)); }
  void flag(const Key& key, bool& value) override { add(key, std::to_string(value)); }
  void choice(const Key& key, int& value, std::span<const Choice>) override {
    add(key, std::to_string(value));
  }
  void secret(const Key&, std::string&) override {}
  void items(const Key&, std::vector<std::pair<std::string, std::string>>&) override {}
  void settings(const Key&, std::vector<Setting>&) override {}
  void url(const Key&, MqttOptions&) override {}
  void time(const Key&, std::string&, TimeForm&) override {}
  void fields(const Key&, std::vector<FieldOptions>&) override {}
  void position(const Key&, PositionOptions&) override {}
  void calibrations(const Key&, std::vector<std::pair<std::string, Calibration>>&) override {}
  void steps(const Key&, std::vector<PatternStep>&) override {}

 private:
  void add(const Key& key, const std::string& value) {
    if (!key.sample) values[key.name] = value;
  }
};

template <class Options>
std::map<std::string, std::string> defaults_of(Options options) {
  Defaults visitor;
  describe(visitor, options);
  return visitor.values;
}

template <class Options>
void expect_defaults(const char* section, const Options& loaded) {
  EXPECT_EQ(defaults_of(loaded), defaults_of(Options())) << section;
  EXPECT_FALSE(defaults_of(loaded).empty()) << section;
}
template <class Options>
void expect_defaults(const char* section, const std::vector<Options>& loaded) {
  ASSERT_EQ(loaded.size(), 1u) << section;
  expect_defaults(section, loaded[0]);
}

TEST(ConfigSample, it_loads_and_says_what_the_defaults_are) {
  auto config = parse_good(sample_config());
  ASSERT_TRUE(config);
  ASSERT_EQ(config->sources.size(), 2u) << "its own, and that of the command";
  config->sources.pop_back();
  for_each_section(*config,
                   [](const char* section, auto& options) { expect_defaults(section, options); });
}

TEST(ConfigSample, it_loads_also_when_its_comments_become_keys) {
  TempFolder folder;
  std::ofstream(folder / "password") << "secret\n";
  std::ofstream(folder / "token") << "bearer\n";
  std::ofstream(folder / "devices.csv") << "id,trailer\ntruck-18,T-18\n";
  std::string text = with("/etc/wayside/mqtt.password", folder / "password", sample_config());
  text = with("/etc/wayside/input.token", folder / "token", text);
  text = with("/etc/wayside/devices.csv", folder / "devices.csv", text);
  for (size_t at; (at = text.find("\n# ")) != std::string::npos;) text.erase(at + 1, 2);
  const auto config = parse_good(text);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->gateway.id, "truck-17");
  EXPECT_EQ(config->mqtt.at(0).password, "secret");
  EXPECT_EQ(config->inputs.at(0).token, "bearer");
  EXPECT_EQ(config->sources.at(0).keep, std::vector<std::string>{"door"});
  EXPECT_EQ(config->rules.at(0).to, std::vector<std::string>{"centre"});
  EXPECT_EQ(config->uplinks.at(0).options.size(), 2u);
  EXPECT_EQ(config->known_devices->size(), 2u);
}

}  // namespace
}  // namespace wayside
