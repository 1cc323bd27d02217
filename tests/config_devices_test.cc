// The registry: devices of the configuration and of a CSV file.
#include <gtest/gtest.h>

#include "config/written.h"
#include "tests/config_text.h"

namespace wayside {
namespace {

const std::string kUplink = "[[uplink]]\n";
const std::string kDevice = R"toml([[device]]
id = "v1"
calibrate = { temp_c = { scale = 1.02, offset = -0.3 }, speed = { offset = 1 } }
attributes = { trailer = "T-17", customer = "c1" }
[[device]]
id = "v2"
blocked = true
)toml";

std::string with_devices(const std::string& devices, const std::string& text = kGoodConfig) {
  return with(kUplink, devices + kUplink, text);
}
std::string taking(const std::string& keys, const std::string& text = kGoodConfig) {
  return with(kTime, kTime + "\n" + keys, text);
}
std::string with_file(const std::string& path, const std::string& more = "") {
  return with_devices("[registry]\nfile = \"" + path + "\"\n" + more);
}

class DeviceFile : public testing::Test {
 protected:
  std::string path() const { return folder_ / "devices.csv"; }
  std::string config_of(const std::string& csv, const std::string& more = "") const {
    std::ofstream(path(), std::ios::binary) << csv;
    return with_file(path(), more);
  }
  // Those of the CSV file without its name; of the configuration as "F:…".
  std::vector<std::string> errors(const std::string& csv, const std::string& more = "") const {
    return errors_in(config_of(csv, more));
  }
  std::vector<std::string> errors_in(const std::string& text) const {
    std::vector<ConfigError> errors;
    const auto config = parse_config(text, "F", errors, machine_id_file());
    EXPECT_EQ(config.has_value(), errors.empty());
    std::vector<std::string> out;
    for (const ConfigError& e : errors) {
      std::string line = e.to_text();
      if (line.starts_with(path() + ":")) line.erase(0, path().size() + 1);
      out.push_back(line);
    }
    return out;
  }
  std::string error(const std::string& csv, const std::string& more = "") const {
    const auto all = errors(csv, more);
    EXPECT_EQ(all.size(), 1u) << csv;
    return all.empty() ? "" : all[0];
  }

  TempFolder folder_;
};

// Of the attribute or field of this name.
std::string attribute(const Registry& r, const std::string& id, const std::string& name) {
  for (size_t i = 0; i < r.attributes().size(); ++i) {
    if (r.attributes()[i] == name) return std::string(r.attribute(r.find(id), i));
  }
  return "no such attribute";
}
Calibration calibration(const Registry& r, const std::string& id, const std::string& name) {
  for (size_t i = 0; i < r.calibrated_fields().size(); ++i) {
    const Calibration* c = r.calibration(r.find(id), i);
    if (r.calibrated_fields()[i] == name && c) return *c;
  }
  return {};
}

TEST(ConfigDevices, what_is_known_of_a_device_stands_in_its_block) {
  const auto config =
      parse_good(taking(R"(attributes = ["trailer", "customer"])", with_devices(kDevice)));
  ASSERT_TRUE(config);
  const Registry& r = *config->known_devices;
  EXPECT_EQ(r.size(), 2u);
  EXPECT_EQ(attribute(r, "v1", "trailer"), "T-17");
  EXPECT_EQ(attribute(r, "v2", "trailer"), "");
  EXPECT_EQ(calibration(r, "v1", "temp_c").scale, 1.02);
  EXPECT_EQ(calibration(r, "v1", "temp_c").offset, -0.3);
  EXPECT_EQ(calibration(r, "v1", "speed").scale, 1);
  EXPECT_EQ(calibration(r, "v1", "speed").offset, 1);
  EXPECT_FALSE(r.is_blocked(r.find("v1")));
  EXPECT_TRUE(r.is_blocked(r.find("v2")));
  EXPECT_EQ(config->sources[0].devices, config->known_devices);
  EXPECT_FALSE(config->sources[0].known_only);
}

TEST(ConfigDevices, an_attribute_is_a_field_to_whoever_reads_the_source) {
  const std::string text = taking(R"(attributes = "trailer")", with_devices(kDevice));
  const std::string when = "door = 'open' AND speed > 5";
  EXPECT_TRUE(parse_good(with(when, "trailer = 'T-17'", text)));
  EXPECT_EQ(errors_of(with(when, "customer = 'c1'", text)).size(), 1u)
      << "none that was not asked for";
}

TEST(ConfigDevices, without_any_a_source_knows_none) {
  const auto config = parse_good(kGoodConfig);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->known_devices->size(), 0u);
}

TEST_F(DeviceFile, a_file_says_the_same_as_blocks) {
  const auto blocks =
      parse_good(taking(R"(attributes = ["trailer", "customer"])", with_devices(kDevice)));
  const auto file = parse_good(taking(R"(attributes = ["trailer", "customer"])",
                                      config_of("\xEF\xBB\xBFtemp_c.scale,customer,id,colour,"
                                                "blocked,temp_c.offset,trailer,speed.offset\r\n"
                                                ",,v2,red,TRUE,,,\r\n"
                                                "1.02,c1,v1,,, -0.3 ,\"T-17\",1\r\n")));
  ASSERT_TRUE(blocks && file);
  EXPECT_EQ(config_version(*file), config_version(*blocks));
  EXPECT_EQ(file->known_devices->attributes(),
            (std::vector<std::string>{"customer", "colour", "trailer"}));
}

TEST_F(DeviceFile, blocks_and_a_file_are_one_registry) {
  const auto config = parse_good(config_of("id\nv3\n\"v,4\"\n", kDevice));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->known_devices->size(), 4u);
  EXPECT_NE(config->known_devices->find("v,4"), Registry::kUnknown);
}

TEST_F(DeviceFile, a_column_that_is_empty_today_is_an_attribute) {
  EXPECT_TRUE(errors_in(taking("attributes = [\"trailer\"]", config_of("id,trailer\n"))).empty());
}

TEST_F(DeviceFile, who_leaves_it_alone_is_not_told_what_is_wrong_in_it) {
  const std::string text =
      taking("attributes = [\"trailer\"]\nknown_only = true", config_of("vehicle\n"));
  EXPECT_FALSE(errors_in(text).empty());
  std::vector<ConfigError> errors;
  EXPECT_TRUE(parse_config(text, "F", errors, machine_id_file(), Devices::kLeft));
}

TEST_F(DeviceFile, its_path_begins_beside_the_configuration) {
  std::ofstream(folder_ / "devices.csv") << "id\nv1\n";
  std::ofstream(folder_ / "wayside.toml") << with_file("devices.csv");
  std::vector<ConfigError> errors;
  const auto config = load_config(folder_ / "wayside.toml", errors);
  ASSERT_TRUE(config) << errors.front().to_text();
  EXPECT_EQ(config->known_devices->size(), 1u);
  EXPECT_NE(effective_config(*config).find("file = \"" + path() + "\""), std::string::npos)
      << "what is in force loads from anywhere";
}

TEST(ConfigDevices, what_is_in_force_reads_as_the_same_again) {
  const auto config =
      parse_good(taking("known_only = true\nattributes = [\"trailer\"]", with_devices(kDevice)));
  ASSERT_TRUE(config);
  const std::string written = effective_config(*config);
  EXPECT_NE(written.find("calibrate = { temp_c = { scale = 1.02, offset = -0.3 }, speed = { offset "
                         "= 1 } }"),
            std::string::npos)
      << written;
  const auto again = parse_good(written);
  ASSERT_TRUE(again);
  EXPECT_EQ(effective_config(*again), written);
  EXPECT_EQ(config_version(*again), config_version(*config));
}

TEST(ConfigDevices, the_version_changes_with_what_has_a_bearing_on_what_is_said) {
  const std::string text = taking(R"(attributes = "trailer")", with_devices(kDevice));
  const uint32_t version = config_version(*parse_good(text));
  const auto changed = [&](const std::string& part, const std::string& instead) {
    return config_version(*parse_good(with(part, instead, text)));
  };
  EXPECT_NE(changed("scale = 1.02", "scale = 1.03"), version);
  EXPECT_NE(changed("T-17", "T-18"), version);
  EXPECT_NE(changed("blocked = true", "blocked = false"), version);
  EXPECT_NE(changed("\"v2\"", "\"v3\""), version);
  EXPECT_EQ(changed("\"c1\"", "\"c2\""), version) << "nobody takes it along";
  EXPECT_EQ(
      changed("[[device]]\nid = \"v2\"", "[registry]\nmax_devices = 5\n[[device]]\nid = \"v2\""),
      version);
}

TEST(ConfigDevices, what_does_not_fit_is_told_in_its_place) {
  struct Row {
    std::string part, instead, message;
  };
  const std::string good = taking(R"(attributes = ["trailer"])", with_devices(kDevice));
  const std::vector<Row> rows = {
      {"scale = 1.02", "scale = @@0",
       "'calibrate.temp_c.scale': is a number, and not 0: what is right as it is has scale 1"},
      {"scale = 1.02", "scale = @@inf",
       "'calibrate.temp_c.scale': is a number, and not 0: what is right as it is has scale 1"},
      {"offset = -0.3", "offset = @@nan",
       "'calibrate.temp_c.offset': is a number, in the unit that is held"},
      {"offset = -0.3", "@@ofset = -0.3", "unknown key 'ofset'; did you mean 'offset'?"},
      {"{ offset = 1 }", "@@1",
       "'calibrate.speed': expected { scale = …, offset = … }, found a whole number"},
      {"temp_c = { scale", "temp = @@{ scale",
       "'calibrate.temp': no source has a number field 'temp'"},
      {"temp_c = { scale", "door = @@{ scale",
       "'calibrate.door': no source has a number field 'door'"},
      {"temp_c = { scale", "temp_d = @@{ scale",
       "'calibrate.temp_d': no source has a number field 'temp_d'; did you mean 'temp_c'?"},
      {"customer = \"c1\"", "\"the customer\" = @@\"c1\"",
       "'attributes.the customer': a name is made of letters, digits, '_' and '-', at most 64 of "
       "them"},
      {"customer = \"c1\"", "customer = @@1",
       "'attributes.customer': expected a text, found a whole number"},
      {"[\"trailer\"]", "@@[\"trailr\"]",
       "'attributes': no device has an attribute 'trailr'; did you mean 'trailer'?"},
      {"[\"trailer\"]", "@@[\"colour\"]",
       "'attributes': no device has an attribute 'colour'; give it to a [[device]], or as a column "
       "to the file of [registry]"},
      {"[\"trailer\"]", "@@[\"trailer\", \"Door\"]",
       "'attributes': there is a field 'Door' already; leave the attribute out, or give one of "
       "them another name"},
      {"[\"trailer\"]", "@@[\"trailer\", \"door\"]",
       "'attributes': there is a field 'door' already; leave the attribute out, or give one of "
       "them "
       "another name"},
      {"[\"trailer\"]", "@@[\"vehicle\"]",
       "'attributes': there is a field 'vehicle' already; leave the attribute out, or give one of "
       "them another name"},
      {"[\"trailer\"]", "@@[\"trailer\", \"trailer\"]",
       "'attributes': there is a field 'trailer' already; leave the attribute out, or give one of "
       "them another name"},
      {"[\"trailer\"]", "@@[\"order\"]",
       "'attributes': 'order' is a word of SQL; choose another name"},
      {"[\"trailer\"]", "@@[\"time\"]",
       "'attributes': each event has a 'time' of its own; choose another name"},
      {"\"v2\"", "@@\"v1\"", "'id': device 'v1' has another [[device]]; leave one of them"},
      {"\"v2\"", "@@\"\"", "'id': is empty"},
      {"blocked = true", "blocked = @@1",
       "'blocked': expected true or false, found a whole number"},
      {"[[device]]\nid = \"v2\"", "[registry]\nmax_devices = 1\n[[device]]\nid = @@\"v2\"",
       "'id': there are more devices than max_devices = 1 of [registry]: raise that, or take some "
       "out"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.instead);
    std::string text = with(row.part, row.instead, good);
    const auto marks = take_marks(text);
    ASSERT_EQ(marks.size(), 1u);
    EXPECT_EQ(errors_of(text), std::vector<std::string>{marks[0] + ": " + row.message});
  }
}

TEST(ConfigDevices, known_only_needs_somebody_who_is_known) {
  std::string text = taking("known_only = @@true");
  const auto marks = take_marks(text);
  EXPECT_EQ(errors_of(text),
            std::vector<std::string>{marks[0] +
                                     ": 'known_only': no device is known: give [[device]] blocks, "
                                     "or [registry] a file of them"});
}

TEST_F(DeviceFile, what_is_wrong_in_it_is_told_with_line_and_column) {
  const std::string head = "id,blocked,temp_c.scale,temp_c.offset,trailer\n";
  EXPECT_EQ(error(""), " is empty; its first line names the columns, as id,blocked,trailer");
  EXPECT_EQ(error("vehicle\nv1\n"),
            "1: there is no column 'id'; the first line names the columns, with commas between");
  EXPECT_EQ(error("id,trailer,trailer\n"), "1: column 'trailer' stands there twice; take one out");
  EXPECT_EQ(error("id,,trailer\n"), "1: column 2 has no name; give it one, or take it out");
  EXPECT_EQ(error("id,temp.scale\n"),
            "1: column 'temp.scale': no source has a number field 'temp'");
  EXPECT_EQ(error("id,speeed.offset\n"),
            "1: column 'speeed.offset': no source has a number field 'speeed'; did you mean "
            "'speed'?");
  EXPECT_EQ(error("id,site.name\n"),
            "1: column 'site.name': only FIELD.scale and FIELD.offset have a dot; give it another "
            "name");
  EXPECT_EQ(error("id,Blocked\n"), "1: column 'Blocked': did you mean 'blocked'?");
  std::string wide = "id";
  for (int i = 1; i < 65; ++i) wide += ",a" + std::to_string(i);
  EXPECT_EQ(error(wide + "\n"), "1: has more than 64 columns; take some out");
  EXPECT_EQ(error(head + "v1,,1\n"), "2: 3 cells where the first line has 5");
  EXPECT_EQ(error(head + "v1,,,,\n,,,,T\n"),
            "3: 'id': is empty: it is the key of the device's readings");
  EXPECT_EQ(error(head + "v1,maybe,,,\n"), "2: 'blocked': 'maybe' is neither true nor false");
  EXPECT_EQ(error(head + "v1,,\"1,02\",,\n"),
            "2: 'temp_c.scale': '1,02' is no number such as 1.02");
  EXPECT_EQ(error(head + "v1,,0,,\n"),
            "2: 'temp_c.scale': is a number, and not 0: what is right as it is has scale 1");
  EXPECT_EQ(error(head + "v1,,,inf,\n"),
            "2: 'temp_c.offset': is a number, in the unit that is held");
  EXPECT_EQ(error(head + "v1,,,,M\xfcller\n"),
            "2: 'trailer': is not UTF-8; save the file as UTF-8");
  EXPECT_EQ(error(head + "v1,,,,\n\nv1,,,,\n"),
            "4: 'id': device 'v1' stands in line 2, too; leave one of them");
  EXPECT_EQ(error(head + "v9,,,,\nv1,,,,\n", kDevice),
            "3: 'id': device 'v1' stands in a [[device]] of F, too; leave one of them");
  EXPECT_EQ(error(head + "v1,,,,\"T\n"), "2: a quote is not closed");
  EXPECT_EQ(
      error(head + "v1,,,,\nv2,,,,\nv3,,,,\n", "max_devices = 2\n"),
      "4: there are more devices than max_devices = 2 of [registry]: raise that, or take some "
      "out");
}

TEST_F(DeviceFile, all_that_is_wrong_is_told_at_once_up_to_twenty) {
  EXPECT_EQ(errors("id,blocked,speed.scale\nv1,x,\nv2,,y\nv3,x,y\n"),
            (std::vector<std::string>{"2: 'blocked': 'x' is neither true nor false",
                                      "3: 'speed.scale': 'y' is no number such as 1.02",
                                      "4: 'blocked': 'x' is neither true nor false",
                                      "4: 'speed.scale': 'y' is no number such as 1.02"}));
  std::string csv = "id,blocked\n";
  for (int i = 0; i < 1'000; ++i) csv += "v" + std::to_string(i) + ",x\n";
  const auto all = errors(csv);
  ASSERT_EQ(all.size(), 21u);
  EXPECT_EQ(all.back(), "21: what is wrong behind this line is not told");
}

TEST_F(DeviceFile, one_that_cannot_be_read_is_told_where_it_is_named) {
  std::string text = with_devices("[registry]\nfile = @@\"" + path() + "\"\n");
  const auto marks = take_marks(text);
  EXPECT_EQ(errors_in(text),
            std::vector<std::string>{"F:" + marks[0] + ": 'file': " + path() +
                                     " cannot be read: No such file or directory"});
  text = with_file(folder_.path());
  EXPECT_EQ(errors_in(text), std::vector<std::string>{"F:" + marks[0] + ": 'file': " +
                                                      folder_.path() + " is not a regular file"});
}

TEST_F(DeviceFile, its_size_has_a_limit) {
  std::string csv = "id,trailer\nv1," + std::string(70'000, 'x') + "\n";
  const auto all = errors(csv, "max_devices = 1\n");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_NE(all[0].find("has more than 65KiB, 1 KiB for each of max_devices"), std::string::npos)
      << all[0];
  EXPECT_TRUE(errors(csv).empty());
}

TEST_F(DeviceFile, a_fault_of_it_is_told_once) {
  const std::string text =
      taking("known_only = true\nattributes = [\"trailer\"]", config_of("id,trailer\nv1\n"));
  EXPECT_EQ(errors_in(text), std::vector<std::string>{"2: 1 cells where the first line has 2"})
      << "and not that nobody is known, nor that nobody has a trailer";
}

}  // namespace
}  // namespace wayside
