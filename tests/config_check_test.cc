#include "config/check.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/text.h"
#include "tests/config_text.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

TEST(ConfigCheck, what_is_left_out_is_completed) {
  const auto c = parse_good(with("[[uplink]]\nname = \"centre\"", ""));
  ASSERT_TRUE(c);
  EXPECT_EQ(c->mqtt[0].client_id, "wayside-truck-17-local");
  EXPECT_EQ(c->sources[0].mqtt, "local");  // there is just one connection
  ASSERT_EQ(c->uplinks.size(), 1u);        // nothing is lost for want of an uplink
  EXPECT_EQ(c->uplinks[0].type, UplinkType::kFile);
  EXPECT_EQ(c->uplinks[0].dir, c->gateway.state_dir + "/out/" + c->uplinks[0].name);
}

TEST(ConfigCheck, a_gateway_without_an_id_always_makes_the_same_one) {
  const std::string machine = "3d1219c7c4c5404aaa1f6d2a48adfda4";
  EXPECT_EQ(gateway_id_of(machine), gateway_id_of(machine));
  EXPECT_NE(gateway_id_of(machine), gateway_id_of("4d1219c7c4c5404aaa1f6d2a48adfda4"));
  EXPECT_TRUE(is_name(gateway_id_of(machine)));
  EXPECT_EQ(gateway_id_of(machine).find(machine.substr(0, 8)), std::string::npos);
}

TEST(ConfigCheck, a_gateway_without_an_id_on_a_machine_without_one_is_an_error) {
  TempFolder folder;
  std::ofstream(folder / "good") << "3d1219c7c4c5404aaa1f6d2a48adfda4\n";
  std::ofstream(folder / "empty").flush();
  std::ofstream(folder / "young") << "uninitialized\n";
  const std::string no_id = with("id = \"truck-17\"\n", "");
  for (const char* file : {"good", "none", "empty", "young"}) {
    SCOPED_TRACE(file);
    std::vector<ConfigError> errors;
    EXPECT_TRUE(parse_config(kGoodConfig, "F", errors, folder / file));
    const auto config = parse_config(no_id, "F", errors, folder / file);
    if (std::string(file) == "good") {
      ASSERT_TRUE(config);
      EXPECT_TRUE(config->gateway.id.starts_with("gw-"));
      continue;
    }
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].to_text(),
              "F:1:1: 'id': is missing, and there is no /etc/machine-id to make one from");
  }
  // An empty one is not a missing one.
  EXPECT_EQ(errors_of(with("\"truck-17\"", "\"\"")).size(), 1u);
}

TEST(ConfigCheck, a_reference_to_nothing_is_an_error_with_the_nearest_name) {
  const std::string rule = "name = \"door_open_moving\"\nfrom = \"climate\"";
  expect_errors({
      {rule, "name = \"r\"\nfrom = @@\"climat\"",
       "'from': there is no source or block 'climat'; did you mean 'climate'?"},
      {rule, "name = \"r\"\nfrom = \"climate\"\nto = @@[\"center\"]",
       "'to': there is no uplink 'center'; did you mean 'centre'?"},
      {"name = \"centre\"", "name = \"centre\"\nraw = @@\"position\"",
       "'raw': there is no source 'position'"},
      {"key = \"vehicle\"", "key = \"vehicle\"\nmqtt = @@\"locl\"",
       "'mqtt': there is no connection 'locl'; did you mean 'local'?"},
      {"key = \"vehicle\"", "key = \"vehicle\"\nkeep = @@[\"dor\", \"door\"]",
       "'keep': there is no field 'dor'; did you mean 'door'?"},
      {"key = \"vehicle\"", "key = \"vehicle\"\ndeduplicate = @@\"contents\"",
       "'deduplicate': there is no field 'contents'"},
      {"field = \"temp_c\"", "field = @@\"door\"", "'field': there is no number field 'door'"},
      {"field = \"temp_c\"", "field = \"temp_c\"\nmethod = @@\"robust-z\"",
       "'method': there is no method 'robust-z'; did you mean 'robust_z'?"},
      {"\"mqtt://broker:1884\"", "\"mqtt://broker\"\nversion = @@\"3.1\"",
       "'version': there is no version '3.1'"},
      {"id = \"truck-17\"", "log_level = @@\"warning\"",
       "'log_level': there is no level 'warning'"},
  });
}

TEST(ConfigCheck, of_several_connections_a_source_names_one) {
  std::string text =
      with("[[source]]\nname = \"climate\"",
           "[[mqtt]]\nname = \"second\"\nurl = \"mqtt://b\"\n@@[[source]]\nname = \"climate\"");
  const auto marks = take_marks(text);
  EXPECT_EQ(errors_of(text), std::vector<std::string>{
                                 marks[0] + ": 'mqtt': there are several connections: name one"});
}

TEST(ConfigCheck, files_of_tls_are_for_a_url_with_tls_and_a_certificate_has_a_key) {
  const std::string plain = "\"mqtt://broker:1884\"";
  EXPECT_TRUE(parse_good(with(plain, "\"mqtts://broker\"\nca = \"a\"\ncert = \"b\"\nkey = \"c\"")));
  EXPECT_EQ(errors_of(with(plain, plain + "\nca = \"a\"")),
            std::vector<std::string>{"7:6: 'ca': is for a url with mqtts://"});
  EXPECT_EQ(errors_of(with(plain, "\"mqtts://broker\"\ncert = \"b\"")),
            std::vector<std::string>{"7:8: 'cert': cert and key go together"});
  EXPECT_EQ(errors_of(with(plain, "\"mqtts://broker\"\nkey = \"b\"")),
            std::vector<std::string>{"7:7: 'key': cert and key go together"});
}

TEST(ConfigCheck, names_are_unique_where_they_could_be_confused) {
  expect_errors({
      {"name = \"door_open_moving\"", "name = @@\"climate\"",
       "'name': another block has the name 'climate'"},
      {"name = \"centre\"", "name = \"centre\"\n[[uplink]]\nname = @@\"centre\"",
       "'name': another block has the name 'centre'"},
      {"\"truck-17\"", "@@\"truck 17\"",
       "'id': a name is made of letters, digits, '_' and '-', at most 64 of them"},
      {"\"centre\"", "@@\"a/b\"",
       "'name': a name is made of letters, digits, '_' and '-', at most 64 of them"},
  });
  // A connection, a source and an uplink may share theirs.
  std::string text = with("\"local\"", "\"climate\"");
  EXPECT_TRUE(parse_good(with("\"centre\"", "\"climate\"", text)));
}

TEST(ConfigCheck, limits_that_contradict_each_other_are_errors) {
  expect_errors({
      {"key = \"vehicle\"", "key = \"vehicle\"\nidle_after = \"1h\"\nforget_after = @@\"1m\"",
       "'forget_after': is below idle_after"},
      {"\"mqtt://broker:1884\"",
       "\"mqtt://broker\"\nreconnect_min = \"10s\"\nreconnect_max = @@\"5s\"",
       "'reconnect_max': is below reconnect_min"},
      {"name = \"centre\"", "name = \"centre\"\nretry_min = \"10s\"\nretry_max = @@\"5s\"",
       "'retry_max': is below retry_min"},
      {"name = \"centre\"", "name = \"centre\"\nfile_bytes = \"1MiB\"\nmax_bytes = @@\"1MiB\"",
       "'max_bytes': must hold at least two files of file_bytes"},
      {"[[mqtt]]", "[storage]\nfile_bytes = \"8MiB\"\nmax_bytes = @@\"16MiB\"\n[[mqtt]]",
       "'max_bytes': must hold at least four files of file_bytes"},
      {"[[mqtt]]", "[storage]\nfile_bytes = \"1MiB\"\ncommit_bytes = @@\"512KiB\"\n[[mqtt]]",
       "'commit_bytes': must be at most a quarter of file_bytes"},
      {"\"mqtt://broker:1884\"", "\"mqtt://broker\"\nmax_payload = @@\"6MiB\"",
       "'max_payload': twice [storage] commit_bytes, max_payload, 64KiB and the max_bytes of "
       "look-ups must fit in its "
       "file_bytes"},
      {"\"mqtt://broker:1884\"", "\"mqtt://broker\"\nkeep_alive = @@\"65536s\"",
       "'keep_alive': must be at most 65535s"},
      {"\"mqtt://broker:1884\"", "\"mqtt://broker\"\ndrops_topic = @@\"$SYS/#\"",
       "'drops_topic': must be one topic, without '+' and '#'"},
      {"name = \"centre\"", "name = \"centre\"\nbatch_bytes = @@\"65MiB\"",
       "'batch_bytes': must be at most 64MiB"},
      {"temp_c = \"t\"", "temp_c = @@{ path = \"t\", min = 5, max = 4 }",
       "'fields.temp_c': min is above max"},
      {"temp_c = \"t\"", "temp_c = @@\"ts\"", "'fields.temp_c': path \"ts\" is read twice"},
      {"temp_c = \"t\"", "temp_c = @@\"in.a\"\nouter = \"in\"",
       "'fields.temp_c': path \"in.a\" is in \"in\", which is read itself"},
      {"time = { field = \"ts\", unit = \"ms\" }", "time = { field = @@\"t.at\" }",
       "'time': path \"t.at\" is in \"t\", which is read itself"},
  });
}

std::string kafka(const std::string& line) {
  return "name = \"centre\"\ntype = \"kafka\"\nbrokers = [\"k:9092\"]\n" + line;
}

TEST(ConfigCheck, a_kafka_uplink_needs_brokers) {
  EXPECT_TRUE(parse_good(with("name = \"centre\"", kafka(""))));
  const auto missing = errors_of(with("name = \"centre\"", "name = \"centre\"\ntype = \"kafka\""));
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_NE(missing[0].find("'brokers': is missing"), std::string::npos);
}

TEST(ConfigCheck, kafka_options_are_those_that_librdkafka_knows_and_wayside_does_not_set) {
  EXPECT_TRUE(
      parse_good(with("name = \"centre\"", kafka("options = { \"security.protocol\" = \"ssl\", "
                                                 "\"queuing.strategy\" = \"lifo\" }"))));
  const std::string part = "name = \"centre\"";
  expect_errors({
      {part, kafka("options = { \"securty.protocol\" = @@\"ssl\" }"),
       "'options.securty.protocol': No such configuration property: \"securty.protocol\""},
      {part, kafka("options = { \"security.protocol\" = @@\"tls\" }"),
       "'options.security.protocol': Invalid value \"tls\" for configuration property "
       "\"security.protocol\""},
  });
  for (const char* name :
       {"transactional.id", "bootstrap.servers", "metadata.broker.list", "client.id", "group.id",
        "enable.idempotence", "isolation.level", "enable.auto.commit", "message.timeout.ms",
        "delivery.timeout.ms", "linger.ms", "queue.buffering.max.ms", "compression.type",
        "compression.codec", "partitioner", "acks", "request.required.acks"}) {
    std::string value = "7";
    if (std::string_view(name).starts_with("compression")) value = "gzip";
    expect_errors(
        {{part, kafka("options = { \"" + std::string(name) + "\" = @@\"" + value + "\" }"),
          "'options." + std::string(name) + "': is set by wayside itself"}});
  }
}

TEST(ConfigCheck, limits_that_are_just_met_are_good) {
  std::string text = with("\"mqtt://broker:1884\"",
                          "\"mqtt://broker\"\nmax_payload = \"3008KiB\"\nkeep_alive = \"65535s\"");
  EXPECT_TRUE(
      parse_good(with("name = \"centre\"", "name = \"centre\"\nbatch_bytes = \"64MiB\"", text)));
}

TEST(ConfigCheck, a_topic_of_kafka_has_known_placeholders_once) {
  EXPECT_TRUE(
      parse_good(with("name = \"centre\"", kafka("topic = \"{gateway}.a.{block}-{key}\""))));
  const std::string part = "name = \"centre\"";
  expect_errors({
      {part, kafka("topic = @@\"a.{blok}\""),
       "'topic': there is no placeholder '{blok}'; did you mean '{block}'?"},
      {part, kafka("topic = @@\"a.{vehicle}\""), "'topic': there is no placeholder '{vehicle}'"},
      {part, kafka("topic = @@\"a.{\""), "'topic': there is no placeholder '{'"},
      {part, kafka("topic = @@\"a.}b\""), "'topic': there is no placeholder '}'"},
      {part, kafka("topic = @@\"{key}.{key}\""), "'topic': '{key}' stands twice"},
  });
}

TEST(ConfigCheck, two_blocks_do_not_take_the_same_place) {
  const std::string second = "[[mqtt]]\nname = \"second\"\nurl = \"mqtt://";
  const std::string source =
      "[[source]]\nname = \"other\"\nkey = \"truck\"\nmqtt = \"local\"\ntopic = ";
  const std::string uplinks = "name = \"centre\"\n[[uplink]]\nname = \"second\"\ndir = ";
  const std::string url = "\"mqtt://broker:1884\"\nclient_id = \"c\"\n";
  const std::string named = with("key = \"vehicle\"", "key = \"vehicle\"\nmqtt = \"local\"");
  std::string text =
      with("\"mqtt://broker:1884\"", url + second + "broker:1884\"\nclient_id = @@\"c\"", named);
  text = with("[[window]]", source + "@@\"fleet/{truck}/climate\"\n[[window]]", text);
  text = with("name = \"centre\"", uplinks + "@@\"/var/lib/wayside//out/x/../centre\"", text);
  const auto marks = take_marks(text);
  EXPECT_EQ(errors_of(text),
            (std::vector<std::string>{
                marks.at(0) + ": 'client_id': is that of connection 'local' to the same broker, "
                              "which would end it",
                marks.at(1) + ": 'topic': source 'climate' takes the same topics, and nothing "
                              "would be left",
                marks.at(2) + ": 'dir': uplink 'centre' writes there"}));
  // Another broker, other topics, another folder.
  text = with("\"mqtt://broker:1884\"", url + second + "broker:1885\"\nclient_id = \"c\"", named);
  text = with("[[window]]", source + "\"fleet/{truck}/shock\"\n[[window]]", text);
  EXPECT_TRUE(parse_good(with("name = \"centre\"", uplinks + "\"/var/lib/wayside/out/x\"", text)));
}

TEST(ConfigCheck, a_source_that_cannot_work_is_an_error) {
  expect_errors({
      {"\"fleet/{vehicle}/climate\"", "@@\"fleet/#/{vehicle}\"",
       "'topic': topic \"fleet/#/{vehicle}\": '#' may only be the last level"},
      {"door = {", "door-2 = @@{",
       "'fields.door-2': 'door-2' does not work in SQL: letters, digits and '_' only"},
      {"door = {", "vehicle = @@{", "'fields.vehicle': the topic has a level of this name"},
      {"n = \"count()\"", "\"2n\" = @@\"count()\"",
       "'select.2n': '2n' does not work in SQL: letters, digits and '_' only"},
      {"door = {", "order = @@{", "'fields.order': 'order' is a word of SQL; choose another name"},
      {"door = {", "CURRENT_TIME = @@{",
       "'fields.CURRENT_TIME': 'CURRENT_TIME' is a word of SQL; choose another name"},
      {"n = \"count()\"", "limit = @@\"count()\"",
       "'select.limit': 'limit' is a word of SQL; choose another name"},
  });
  for (const char* name : {"temp", "row", "action", "door_order"}) {  // SQL can tell them apart
    EXPECT_TRUE(parse_good(with("door = {", std::string(name) + " = \"p\"\ndoor = {"))) << name;
  }
}

TEST(ConfigCheck, names_that_events_have_anyway_are_taken) {
  const std::string topic = "\"fleet/{vehicle}/climate\"";
  const std::string own = " of its own; choose another name";
  expect_errors({
      {"temp_c = \"t\"", "temp_c = \"t\"\ntype = @@\"kind\"",
       "'fields.type': each event has a 'type'" + own},
      {topic, "@@\"fleet/{vehicle}/{time}\"", "'topic': each event has a 'time'" + own},
      {topic, "@@\"fleet/{vehicle}/{key}\"", "'topic': each event has a 'key'" + own},
      {topic, "@@\"fleet/{vehicle}/{bus-line}\"",
       "'topic': 'bus-line' does not work in SQL: letters, digits and '_' only"},
      {"n = \"count()\"", "n = \"count()\", id = @@\"count()\"",
       "'select.id': each event has a 'id'" + own},
      {"n = \"count()\"", "n = \"count()\", final = @@\"count()\"",
       "'select.final': each result has a 'final'" + own},
      {"n = \"count()\"", "n = \"count()\", window_end = @@\"count()\"",
       "'select.window_end': each result has a 'window_end'" + own},
  });
}

TEST(ConfigCheck, a_key_may_have_any_name_since_events_call_it_key) {
  for (const char* name : {"id", "key", "source", "vehicle-id"}) {
    const std::string level = std::string("{") + name + "}";
    EXPECT_TRUE(parse_good(with("key = \"vehicle\"", std::string("key = \"") + name + "\"",
                                with("{vehicle}", level))));
  }
  EXPECT_TRUE(
      parse_good(with("key = \"vehicle\"", "key = \"id\"",
                      with("door = {", "id = { path = \"id\", type = \"text\" }\ndoor = {"))));
}

TEST(ConfigCheck, a_key_that_does_not_exist_is_told_where_it_stands) {
  std::string text = with("key = \"vehicle\"", "key = @@\"truck\"");
  const auto marks = take_marks(text);
  const auto errors = errors_of(text);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_TRUE(errors[0].starts_with(marks[0] + ": 'key': ")) << errors[0];
  EXPECT_NE(errors[0].find("neither a {level} of the topic nor a field"), std::string::npos);
}

TEST(ConfigCheck, an_unknown_field_in_an_expression_is_told_to_the_letter) {
  expect_errors({
      {"speed > 5", "@@sped > 5", "'when': unknown field 'sped'; did you mean 'speed'?"},
      {"\"door = 'closed'\"", "\"@@dor = 'closed'\"",
       "'where': unknown field 'dor'; did you mean 'door'?"},
      {"\"avg(temp_c)\"", "\"avg(@@tempc)\"",
       "'select.avg_c': unknown field 'tempc'; did you mean 'temp_c'?"},
      {"\"n >= 3\"", "\"@@m >= 3\"", "'having': unknown field 'm'; did you mean 'n'?"},
      {"speed > 5", "@@abss(speed) > 5", "'when': unknown function 'abss'; did you mean 'abs'?"},
  });
}

TEST(ConfigCheck, a_join_that_cannot_work_is_an_error) {
  const std::string good = with("[[uplink]]", R"([[join]]
name = "j"
from = "climate"
with = "cold_5m"
select = { n = "n" }
before = "1s"

[[uplink]])");
  EXPECT_TRUE(parse_good(good));
  const std::vector<Spoilt> rows = {
      {"with = \"cold_5m\"", "with = @@\"cold_6m\"",
       "'with': there is no source or block 'cold_6m'; did you mean 'cold_5m'?"},
      {"{ n = \"n\" }", "{ door = \"@@n\" }",
       "'select.door': 'door' is a field of 'climate' already; choose another name: "
       "select = { cold_5m_door = \"n\" }"},
      {"{ n = \"n\" }", "{ n = \"@@m\" }", "'select.n': unknown field 'm'; did you mean 'n'?"},
      {"{ n = \"n\" }", "{ id = @@\"n\" }",
       "'select.id': each event has a 'id' of its own; choose another name"},
      {"before = \"1s\"", "before = \"1s\"\nwithin = @@\"1s\"",
       "'within': goes with the last reading up to the left one, not with before and after"},
      {"before = \"1s\"", "before = \"1s\"\nmax_wait = @@\"2m\"",
       "'max_wait': goes with the last reading up to the left one, not with before and after"},
  };
  for (const Spoilt& row : rows) {
    SCOPED_TRACE(row.instead);
    std::string text = with(row.part, row.instead, good);
    const auto marks = take_marks(text);
    EXPECT_EQ(errors_of(text), std::vector<std::string>{marks[0] + ": " + row.message});
  }
}

TEST(ConfigCheck, a_pattern_that_cannot_work_is_an_error) {
  const std::string good = with("[[uplink]]", R"([[pattern]]
name = "p"
from = "climate"
within = "10m"
steps = [
  { name = "opened", when = "door = 'open'" },
  { name = "moved", when = "speed > 5", times = "2+" },
  { name = "closed", when = "door = 'closed'", absent = true, for = "5m" },
]

[[uplink]]
type = "file")");
  EXPECT_TRUE(parse_good(good));
  const std::vector<Spoilt> rows = {
      {"\"speed > 5\", times", "\"@@sped > 5\", times",
       "'steps.moved.when': unknown field 'sped'; did you mean 'speed'?"},
      {"times = \"2+\"", "times = \"@@+2\"",
       "'steps.moved.times': expected \"2\", \"2+\" or \"2-5\", and more than 0"},
      {"times = \"2+\"", "@@time = \"2+\"", "unknown key 'time'; did you mean 'times'?"},
      {"for = \"5m\"", "for = @@5",
       "'for': expected a duration such as \"250ms\", \"5s\", \"10m\", \"2h\" or \"1d\""},
      {"name = \"moved\"", "name = @@\"opened\"",
       "'steps.opened.name': a match has a 'opened' already"},
      {"name = \"moved\"", "name = @@\"limit\"",
       "'steps.limit.name': 'limit' is a word of SQL; choose another name"},
      {"name = \"moved\"", "name = \"@@vehicle\"",
       "'steps.vehicle.name': a match has a 'vehicle' already, its key"},
      {"within = \"10m\"", "within = @@\"0s\"", "'within': must be at least 1ms"},
  };
  for (const Spoilt& row : rows) {
    SCOPED_TRACE(row.instead);
    std::string text = with(row.part, row.instead, good);
    const auto marks = take_marks(text);
    EXPECT_EQ(errors_of(text), std::vector<std::string>{marks[0] + ": " + row.message});
  }
}

TEST(ConfigCheck, wrong_expressions_of_several_blocks_are_told_at_once) {
  std::string text =
      with("speed > 5", "@@sped > 5", with("\"door = 'closed'\"", "\"@@dor = 'closed'\""));
  const auto marks = take_marks(text);
  const auto errors = errors_of(text);
  ASSERT_EQ(errors.size(), 2u);
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(errors[i].starts_with(marks[i] + ": ")) << errors[i];
}

TEST(ConfigCheck, an_expression_may_not_reach_beyond_its_reading) {
  for (const char* when : {"(SELECT 1)", "random() > 0", "datetime('now') > ''",
                           "load_extension('x')", "speed > 5; DROP TABLE t", "speed >", ""}) {
    const auto errors = errors_of(with("door = 'open' AND speed > 5", when));
    EXPECT_EQ(errors.size(), 1u) << when;
  }
}

}  // namespace
}  // namespace wayside
