#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>

#include "tests/config_text.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

TEST(ConfigLoader, a_good_file_becomes_options) {
  const auto c = parse_good(kGoodConfig);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->gateway.id, "truck-17");
  EXPECT_EQ(c->mqtt.at(0).host, "broker");
  EXPECT_EQ(c->mqtt.at(0).port, 1884);
  const SourceOptions& s = c->sources.at(0);
  EXPECT_EQ(s.time_path, "ts");
  EXPECT_EQ(s.time.unit, TimeUnit::kMillis);
  ASSERT_EQ(s.fields.size(), 3u);
  EXPECT_EQ(s.fields[0].name + " " + s.fields[0].path, "temp_c t");
  EXPECT_EQ(s.fields[1].type, FieldType::kText);
  EXPECT_NEAR(90 * s.fields[2].scale + s.fields[2].shift, 25, 1e-9);  // km/h, held in m/s
  EXPECT_EQ(s.fields[2].max, 60);                                     // in the unit that is held
  EXPECT_EQ(c->windows.at(0).size_ms, 300'000);
  EXPECT_EQ(c->windows.at(0).select.at(1).first, "avg_c");  // in the order of the file
  EXPECT_EQ(c->rules.at(0).when, "door = 'open' AND speed > 5");
  EXPECT_EQ(c->detectors.at(0).field, "temp_c");
}

TEST(ConfigLoader, values_have_units_and_lists_may_be_single) {
  std::string text = with("key = \"vehicle\"",
                          "key = \"vehicle\"\nmax_disorder = \"1.5s\"\nmax_future = \"off\"\n"
                          "watermark = \"source\"\nkeep = \"door\"\nmax_keys = 5");
  text = with("id = \"truck-17\"", "id = \"truck-17\"\nqueue = \"1MiB\"", text);
  const auto c = parse_good(text);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->sources[0].max_disorder_ms, 1'500);
  EXPECT_EQ(c->sources[0].max_future_ms, std::nullopt);
  EXPECT_EQ(c->sources[0].watermark, WatermarkMode::kSource);
  EXPECT_EQ(c->sources[0].keep, std::vector<std::string>{"door"});
  EXPECT_EQ(c->sources[0].max_keys, 5u);
  EXPECT_EQ(c->gateway.queue_bytes, 1u << 20);
}

TEST(ConfigLoader, an_unknown_key_is_an_error_with_its_place_and_the_nearest_name) {
  expect_errors({
      {"key = \"vehicle\"", "key = \"vehicle\"\n@@max_disordr = \"5s\"",
       "unknown key 'max_disordr'; did you mean 'max_disorder'?"},
      {"id = \"truck-17\"", "  @@frobnicate = 1", "unknown key 'frobnicate'"},
      {"temp_c = \"t\"", "temp_c = { path = \"t\", @@mn = 3 }",
       "unknown key 'mn'; did you mean 'min'?"},
      {"unit = \"ms\" }", "@@units = \"ms\" }", "unknown key 'units'; did you mean 'unit'?"},
      {"[[detector]]", "[@@detectors]\nx = 1\n[[detector]]",
       "unknown section 'detectors'; did you mean 'detector'?"},
      {"[gateway]\n", "@@id = \"x\"\n[gateway]\n", "unknown section 'id'"},
  });
}

TEST(ConfigLoader, a_value_of_a_wrong_type_is_an_error_that_says_what_was_found) {
  const std::string duration =
      "expected a duration such as \"250ms\", \"5s\", \"10m\", \"2h\" or \"1d\"";
  expect_errors({
      {"\"truck-17\"", "@@17", "'id': expected a text, found a whole number"},
      {"\"truck-17\"", "@@2026-03-01", "'id': expected a text, found a date or time"},
      {"\"5m\"", "@@300", "'size': " + duration},
      {"\"5m\"", "@@\"5 min\"", "'size': " + duration},
      {"\"5m\"", "@@\"0s\"", "'size': must be at least 1ms"},
      {"\"truck-17\"", "\"truck-17\"\nqueue = @@\"1MB\"",
       "'queue': expected a size such as \"64MiB\", \"16KiB\" or \"512B\""},
      {"\"truck-17\"", "\"truck-17\"\nqueue = @@\"1KiB\"", "'queue': must be at least 64KiB"},
      {"\"mqtt://broker:1884\"", "\"mqtt://broker\"\nqos = @@2", "'qos': must be from 0 to 1"},
      {"\"mqtt://broker:1884\"", "\"mqtt://broker\"\nqos = @@1.0",
       "'qos': expected a whole number, found a number"},
      {"field = \"temp_c\"", "field = \"temp_c\"\nthreshold = @@\"8\"",
       "'threshold': expected a number, found a text"},
      {"key = \"vehicle\"", "key = \"vehicle\"\nkeep = @@true",
       "'keep': expected a text or an array of texts, found true or false"},
      {"key = \"vehicle\"", "key = \"vehicle\"\nkeep = [\"door\", @@5]",
       "'keep': expected a text, found a whole number"},
      {"key = \"vehicle\"", "key = \"vehicle\"\nwatermark = @@\"keys\"",
       "'watermark': expected \"key\" or \"source\"; did you mean \"key\"?"},
      {"key = \"vehicle\"", "key = \"vehicle\"\nmax_future = @@\"of\"",
       "'max_future': " + duration},
      {"\"ms\" }", "@@\"mss\" }",
       "'unit': expected \"rfc3339\", \"s\", \"ms\", \"us\", \"ns\" or \"auto\"; did you mean "
       "\"ms\"?"},
      {"{ field = \"ts\", unit = \"ms\" }", "@@\"ts\"",
       "'time': expected { field = …, unit = … }, found a text"},
      {"{ field = \"ts\", unit = \"ms\" }", "@@{ unit = \"ms\" }", "'time': 'field' is missing"},
      {"temp_c = \"t\"", "temp_c = @@5",
       "'temp_c': expected a path or a table, found a whole number"},
      {"\"count()\"", "@@5", "'select.n': expected a text, found a whole number"},
      {"[gateway]\nid = \"truck-17\"", "gateway = @@5", "expected a table: [gateway]"},
      {"[[detector]]", "@@[detector]", "expected an array of tables: [[detector]]"},
  });
}

TEST(ConfigLoader, a_unit_that_does_not_exist_is_an_error) {
  expect_errors({
      {"\"km/h\"", "@@\"kmh\"", "'speed': unknown unit \"kmh\"; did you mean \"km/h\"?"},
      {"{ path = \"door\", type = \"text\" }", "@@{ path = \"door\", type = \"text\", min = 1 }",
       "field 'door': unit, scale, shift, min and max are for numbers"},
  });
}

TEST(ConfigLoader, a_missing_key_is_an_error_at_its_block_and_says_what_it_is) {
  expect_errors({
      {"[[rule]]\nname = \"door_open_moving\"\nfrom = \"climate\"\nwhen = \"door = 'open' AND "
       "speed > 5\"",
       "@@[[rule]]\nname = \"r\"\nfrom = \"climate\"", "'when' is missing: SQL over the fields"},
      {"[[uplink]]\nname = \"centre\"", "@@[[uplink]]", "'name' is missing: names the uplink"},
  });
}

TEST(ConfigLoader, all_errors_are_told_at_once_in_the_order_of_the_file) {
  std::string text = with("id = \"truck-17\"", "@@idd = \"x\"\nqueue = @@5");
  text = with("size = \"5m\"", "size = @@\"5x\"", text);
  text = with("[[uplink]]", "[@@uplinks]\n[[uplink]]", text);
  const auto marks = take_marks(text);
  const auto errors = errors_of(text);
  ASSERT_EQ(errors.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(errors[i].starts_with(marks[i] + ": ")) << errors[i];
}

TEST(ConfigLoader, errors_of_all_stages_are_told_at_once_and_each_once) {
  std::string text = with("id = \"truck-17\"", "id = \"truck-17\"\n@@quue = \"1MiB\"");
  text = with("\"km/h\"", "@@\"kmh\"", text);
  text = with("size = \"5m\"", "size = @@300", text);
  text = with("speed > 5", "@@sped > 5", text);
  text = with("field = \"temp_c\"", "field = \"temp_c\"\nto = @@\"center\"", text);
  const auto marks = take_marks(text);
  const char* messages[] = {
      "unknown key 'quue'; did you mean 'queue'?",
      "'speed': unknown unit \"kmh\"; did you mean \"km/h\"?",
      "'size': expected a duration such as \"250ms\", \"5s\", \"10m\", \"2h\" or \"1d\"",
      "'when': unknown field 'sped'; did you mean 'speed'?",
      "'to': there is no uplink 'center'; did you mean 'centre'?"};
  std::vector<std::string> expected;
  for (size_t i = 0; i < 5; ++i) expected.push_back(marks.at(i) + ": " + messages[i]);
  EXPECT_EQ(errors_of(text), expected);
}

TEST(ConfigLoader, an_unknown_source_of_one_block_does_not_hide_errors_of_the_others) {
  std::string text = with("from = \"climate\"\nsize", "from = @@\"climat\"\nsize");
  text = with("speed > 5", "@@sped > 5", text);
  const auto marks = take_marks(text);
  EXPECT_EQ(
      errors_of(text),
      (std::vector<std::string>{
          marks.at(0) + ": 'from': there is no source or block 'climat'; did you mean 'climate'?",
          marks.at(1) + ": 'when': unknown field 'sped'; did you mean 'speed'?"}));
}

// What follows from an error is not told as another one.
TEST(ConfigLoader, one_slip_is_one_error) {
  const std::string rule = "name = \"door_open_moving\"\nfrom = \"climate\"";
  const std::pair<std::string, std::string> rows[] = {
      {"temp_c = \"t\"", "temp_c = @@5"},
      {"temp_c = \"t\"", "temp_c = { path = @@5 }"},
      {"temp_c = \"t\"", "temp_c = { path = \"t\", min = @@\"5\", max = -5 }"},
      {"[source.fields]", "[source.@@fiels]"},
      {"key = \"vehicle\"", "@@keyy = \"vehicle\""},
      {"key = \"vehicle\"", "key = @@5"},
      {"key = \"vehicle\"", "key = @@\"\""},
      {"topic = \"fleet/{vehicle}/climate\"", "topic = @@5"},
      {"topic = \"fleet/{vehicle}/climate\"", "topic = @@\"fleet/{vehicle/climate\""},
      {"key = \"vehicle\"", "key = \"vehicle\"\nkeep = [\"door\", @@5]"},
      {"key = \"vehicle\"", "key = \"vehicle\"\nidle_after = @@5\nforget_after = \"10s\""},
      {"[[source]]\nname = \"climate\"", "@@[[source]]"},
      {"[[source]]\nname = \"climate\"", "[[source]]\nname = @@5"},
      {"[[source]]\nname = \"climate\"", "[[source]]\nname = @@\"\""},
      {"[[uplink]]\nname = \"centre\"", "[[@@uplnk]]\nname = \"centre\""},
      {"[[mqtt]]", "@@[mqtt]"},
      {rule, "name = \"r\"\n@@frm = \"climate\""},
      {rule, "name = \"r\"\nfrom = @@[\"climate\"]"},
      {"from = \"climate\"\nsize", "from = @@5\nsize"},
      {"from = \"climate\"\nsize", "from = [@@5]\nsize"},
      {"from = \"climate\"\nsize", "from = @@[]\nsize"},
      {"{ n = \"count()\", avg_c = \"avg(temp_c)\" }", "@@5"},
      {"\"avg(temp_c)\"", "@@5"},
      {"having = \"n >= 3\"", "having = @@3"},
      {"field = \"temp_c\"", "field = @@\"tempc\""},
      {"field = \"temp_c\"", "field = \"temp_c\"\nhistory = @@-5"},
      {"name = \"centre\"", "name = \"centre\"\ntype = @@\"kafak\"\nformat = \"protobuf\""},
      {"name = \"centre\"", "name = \"centre\"\nfile_bytes = @@8\nmax_bytes = \"1MiB\""},
      {"name = \"door_open_moving\"", "name = @@\"climate\""},
  };
  for (const auto& [part, instead] : rows) {
    SCOPED_TRACE(instead);
    std::string text = with(part, instead);
    const auto marks = take_marks(text);
    const auto errors = errors_of(text);
    ASSERT_EQ(marks.size(), 1u);
    EXPECT_EQ(errors.size(), 1u);
    for (const std::string& e : errors) EXPECT_TRUE(e.starts_with(marks[0] + ": ")) << e;
  }
}

TEST(ConfigLoader, what_is_not_toml_is_an_error_with_its_place) {
  const auto errors = errors_of("[gateway]\nid = truck-17\n");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_TRUE(errors[0].starts_with("2:")) << errors[0];
}

TEST(ConfigLoader, a_broker_is_a_host_and_perhaps_a_port) {
  struct Row {
    const char* url;
    const char* host;  // null: an error
    uint16_t port;
  };
  const Row rows[] = {{"mqtt://broker", "broker", 1883},
                      {"mqtt://broker.depot:8883", "broker.depot", 8883},
                      {"mqtt://10.0.0.1:1", "10.0.0.1", 1},
                      {"mqtt://[::1]", "::1", 1883},
                      {"mqtt://[fe80::2]:1999", "fe80::2", 1999},
                      {"mqtts://broker", "broker", 8883},
                      {"mqtts://[::1]:1999", "::1", 1999},
                      {"broker:1883", nullptr, 0},
                      {"tcp://broker", nullptr, 0},
                      {"mqtt://", nullptr, 0},
                      {"mqtt://:1883", nullptr, 0},
                      {"mqtt://broker:", nullptr, 0},
                      {"mqtt://broker:0", nullptr, 0},
                      {"mqtt://broker:65536", nullptr, 0},
                      {"mqtt://broker:18x83", nullptr, 0},
                      {"mqtt://broker:-5", nullptr, 0},
                      {"mqtt://broker/path", nullptr, 0}};
  for (const Row& row : rows) {
    const std::string text = with("mqtt://broker:1884", row.url);
    if (!row.host) {
      const auto errors = errors_of(text);
      ASSERT_EQ(errors.size(), 1u) << row.url;
      EXPECT_EQ(errors[0],
                "6:7: 'url': expected mqtt://HOST or mqtts://HOST, with :PORT or without");
      continue;
    }
    const auto config = parse_good(text);
    ASSERT_TRUE(config) << row.url;
    EXPECT_EQ(config->mqtt[0].host, row.host);
    EXPECT_EQ(config->mqtt[0].port, row.port);
    EXPECT_EQ(config->mqtt[0].tls.on, std::string_view(row.url).starts_with("mqtts"));
  }
}

TEST(ConfigLoader, a_file_that_cannot_be_read_is_an_error_and_no_empty_configuration) {
  TempFolder folder;
  for (const std::string& path : {folder / "none", folder.path()}) {
    std::vector<ConfigError> errors;
    EXPECT_FALSE(load_config(path, errors)) << path;
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].to_text(), path + ": cannot be read");
  }
  std::ofstream(folder / "good.toml") << kGoodConfig;
  std::vector<ConfigError> errors;
  EXPECT_TRUE(load_config(folder / "good.toml", errors));
}

}  // namespace
}  // namespace wayside
