// What a source says of its payloads: paths, conversions and times.
#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

const std::string kDoor = R"(door = { path = "door", type = "text" })";

FieldOptions temp_field(const std::string& written) {
  const auto config = parse_good(with(kTemp, "temp_c = " + written));
  return config ? config->sources[0].fields[0] : FieldOptions();
}

TEST(ConfigFormats, what_is_sent_is_scaled_before_its_unit_counts) {
  const FieldOptions f = temp_field(R"({ path = "t", unit = "F", scale = 0.1, shift = 2 })");
  EXPECT_DOUBLE_EQ(500 * f.scale + f.shift, (500 * 0.1 + 2 - 32) * 5 / 9);
  EXPECT_DOUBLE_EQ(temp_field(R"({ path = "t", shift = -40 })").shift, -40);
}

TEST(ConfigFormats, what_has_to_be_equal_to_a_level_of_the_topic_is_a_text) {
  const auto config =
      parse_good(with(kDoor, R"(door = { path = "door", type = "text", equals = "vehicle" })"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].fields[1].equals, "vehicle");
  expect_errors({
      {kTemp, R"(temp_c = @@{ path = "t", equals = "vehicle" })",
       "'fields.temp_c': equals is for texts: give it type = \"text\""},
      {kDoor, R"(door = @@{ path = "door", type = "text", equals = "vehicel" })",
       "'fields.door': there is no level of the topic 'vehicel'; did you mean 'vehicle'?"},
  });
}

TEST(ConfigFormats, a_default_has_the_type_of_its_field) {
  EXPECT_EQ(temp_field(R"({ path = "t", default = 4 })").absent, Value(4.0));
  const auto config =
      parse_good(with(kDoor, kDoor + "\nopen = { path = \"o\", type = \"bool\", default = true }"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].fields[2].absent, Value(true));
  expect_errors({
      {kTemp, R"(temp_c = @@{ path = "t", default = "x" })",
       "field 'temp_c': default is of another type"},
      {kDoor, R"(door = @@{ path = "door", type = "text", scale = 2 })",
       "field 'door': unit, scale, shift, min and max are for numbers"},
      {kTemp, R"(temp_c = @@{ path = "t", scale = 0 })",
       "field 'temp_c': scale and shift are numbers, and scale is not 0"},
      {kTemp, R"(temp_c = @@{ path = "t", shift = inf })",
       "field 'temp_c': scale and shift are numbers, and scale is not 0"},
      {kTemp, R"(temp_c = { path = "t", default = @@nan })",
       "'default': expected a number, a text, true or false, found a number"},
      {kTemp, R"(temp_c = { path = "t", default = @@[] })",
       "'default': expected a number, a text, true or false, found an array"},
  });
}

TEST(ConfigFormats, a_time_may_have_a_pattern_and_a_zone) {
  const auto config = parse_good(with(
      kTime, R"(time = { field = "ts", unit = "%d.%m.%Y %H:%M:%S", zone = "Europe/Berlin" })"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].time.unit, TimeUnit::kPattern);
  EXPECT_EQ(config->sources[0].time.zone, "Europe/Berlin");
  expect_errors({
      {kTime, R"(time = { field = "ts", unit = @@"%H:%M:%S" })",
       "'unit': is no pattern of a date and a time of day, such as \"%d.%m.%Y %H:%M:%S\""},
      {kTime, R"(time = @@{ field = "ts", unit = "s", zone = "Europe/Berlin" })",
       "'time': a time that is counted from 1970 has no zone"},
      {kTime, R"(time = { field = "ts", zone = @@"Europe/Belrin" })",
       "'time': there is no time zone 'Europe/Belrin' here"},
  });
}

TEST(ConfigFormats, paths_beside_the_readings_are_those_of_json_with_a_slash) {
  const std::string each = kTime + "\neach = \"rows\"";
  EXPECT_TRUE(parse_good(with(kTemp, "temp_c = \"/ts\"", with(kTime, each))));
  EXPECT_TRUE(parse_good(with(kTemp, "temp_c = \"rows\"", with(kTime, each))));
  expect_errors({
      {kTemp, "temp_c = @@\"/ts\"", "'fields.temp_c': path \"/ts\" is read twice"},
      {kTime, kTime + "\nformat = \"protobuf\"\neach = @@\"rows\"",
       "'each': is for payloads with arrays: JSON, protobuf-numbers and CBOR"},
      {kTime, kTime + "\neach = @@\"/rows\"",
       "'each': begins at the payload anyway: leave the '/' out"},
      {kTime, "time = { field = \"/ts\" }\neach = \"rows\"\ndeduplicate = @@\"content\"",
       "'deduplicate': would take readings of one payload for one another: with each it needs an "
       "id, or for \"content\" a time, in the element"},
  });
  const auto errors = errors_of(with(kTemp, "temp_c = \"/rows.0\"", with(kTime, each)));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("path \"/rows.0\" is in \"/rows\", which is read itself"),
            std::string::npos)
      << errors[0];
  EXPECT_EQ(errors_of(with(kTemp, "temp_c = \"/t\"", with(kTime, kTime + "\neach = \".\""))).size(),
            1u);
}

// A good source of that format, and what is wrong when one of its parts is another.
void expect_path_errors(const std::string& good, const std::vector<Spoilt>& rows) {
  const std::string head =
      "[[mqtt]]\nname = \"m\"\nurl = \"mqtt://b\"\n[[source]]\nname = \"s\"\n"
      "topic = \"t/{k}\"\nkey = \"k\"\n";
  EXPECT_TRUE(parse_good(head + good));
  for (const Spoilt& row : rows) {
    SCOPED_TRACE(row.instead);
    std::string text = with(row.part, row.instead, head + good);
    const auto marks = take_marks(text);
    ASSERT_EQ(marks.size(), 1u);
    EXPECT_EQ(errors_of(text), std::vector<std::string>{marks[0] + ": " + row.message});
  }
}

TEST(ConfigFormats, paths_of_protobuf_are_field_numbers_and_kinds) {
  const std::string time = R"(time = { field = "/1:timestamp" })";
  const std::string each = R"(each = "3")";
  const std::string door = R"(door = { path = "/2", type = "text" })";
  expect_path_errors(
      "format = \"protobuf-numbers\"\n" + time + "\n" + each + "\n[source.fields]\n" +
          "lat = \"1.1:sfixed\"\nlon = \"1.2:sfixed\"\n" + door + "\n",
      {
          {"\"1.1:sfixed\"", "@@\"pos.lat\"",
           "'fields.lat': path \"pos.lat\" is not one of field numbers, such as \"2.1\" or "
           "\"2.1:sint\""},
          {"\"1.1:sfixed\"", "@@\"1.0\"",
           "'fields.lat': path \"1.0\" is not one of field numbers, such as \"2.1\" or "
           "\"2.1:sint\""},
          {"\"1.1:sfixed\"", "@@\"1.536870912\"",
           "'fields.lat': path \"1.536870912\" is not one of field numbers, such as \"2.1\" or "
           "\"2.1:sint\""},
          {"\"1.1:sfixed\"", "@@\"1.1:sfixed32\"",
           "'fields.lat': path \"1.1:sfixed32\" has no kind behind its ':', one of int uint sint "
           "bool fixed sfixed float double string bytes timestamp"},
          {"\"1.2:sfixed\"", "@@\"1.1:sint\"", "'fields.lon': path \"1.1:sint\" is read twice"},
          {"\"1.2:sfixed\"", "@@\"1.2:bytes\"",
           "'fields.lon': path \"1.2:bytes\": bytes are for a field of type = \"text\""},
          {"\"1.2:sfixed\"", "@@\"1.2:bool\"",
           "'fields.lon': path \"1.2:bool\": a bool is for a field of type = \"bool\" or "
           "\"text\""},
          {"\"1.2:sfixed\"", "@@\"1.2:timestamp\"",
           "'fields.lon': path \"1.2:timestamp\": a timestamp is for the source's time"},
          {door, R"(door = @@{ path = "/2", type = "json" })",
           "'fields.door': type = \"json\" is for JSON and CBOR payloads"},
          {time, R"(time = { field = @@"/1:bytes" })",
           "'time': path \"/1:bytes\": that is no time"},
          {time, R"(time = { field = @@"/1:timestamp", unit = "s" })",
           "'time': path \"/1:timestamp\": a timestamp has its own unit: leave it out"},
          {each, "each = @@\"rows\"",
           "'each': path \"rows\" is not one of field numbers, such as \"3\", that of a repeated "
           "message"},
      });
}

TEST(ConfigFormats, paths_of_cbor_are_those_of_json) {
  expect_path_errors(
      "format = \"cbor\"\neach = \"0\"\n[source.fields]\na = \"1.x\"\nb = \"/2\"\n"
      "c = { path = \"3\", type = \"json\" }\n",
      {
          {"\"1.x\"", "@@\"3.x\"", "'fields.a': path \"3.x\" is in \"3\", which is read itself"},
          {"\"/2\"", "@@\"1.x\"", "'fields.b': path \"1.x\" is read twice"},
      });
}

TEST(ConfigFormats, paths_of_senml_are_names_of_records) {
  const auto wrong = [](const std::string& path) {
    return "'fields.a': path \"" + path +
           "\" is not the name of a record, such as \"temp\", \"temp@Cel\" for its unit, "
           "\"power#s\" for its sum, \".\" where it has none, or \"bn\"";
  };
  for (const char* format : {"senml-json", "senml-cbor"}) {
    expect_path_errors(
        "format = \"" + std::string(format) + "\"\nkeep = []\n[source.fields]\na = \"temp@Cel\"\n" +
            "b = \"power#s@W\"\nc = \".@%RH\"\nd = { path = \"bn\", type = \"text\" }\n" +
            "e = \"urn:dev:ow:1_2/x-y.z\"\n",
        {
            {"\"temp@Cel\"", "@@\"temp Cel\"", wrong("temp Cel")},
            {"\"temp@Cel\"", "@@\"temp@\"", wrong("temp@")},
            {"\"temp@Cel\"", "@@\"@Cel\"", wrong("@Cel")},
            {"\"temp@Cel\"", "@@\"temp#v\"", wrong("temp#v")},
            {"keep = []", "time = { field = @@\"t\", unit = \"s\" }",
             "'time': SenML brings times of its own: leave it out"},
            {"keep = []", "each = @@\".\"",
             "'each': is for payloads with arrays: JSON, protobuf-numbers and CBOR"},
        });
  }
}

}  // namespace
}  // namespace wayside
