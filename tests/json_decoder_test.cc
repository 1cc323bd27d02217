#include "sensors/json_decoder.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/decode.h"
#include "tests/fields.h"

namespace wayside {
namespace {

SourceOptions source(std::vector<FieldOptions> fields, TimeUnit unit = TimeUnit::kMillis) {
  SourceOptions o;
  o.name = "s";
  o.time_path = "ts";
  o.time.unit = unit;
  o.fields = std::move(fields);
  return o;
}

SourceOptions truck() {
  return source({field("temp_c", "t"), field("door", "door", kText), field("moving", "mv", kBool),
                 field("lat", "pos.lat"), field("lon", "pos.lon")});
}

TEST(JsonDecoder, values_go_to_the_fields_whose_paths_they_have) {
  Decoding d(truck());
  EXPECT_EQ(
      d(R"({"ts":1700000000123,"t":-18.5,"door":"open","mv":true,"pos":{"lat":48.1,"lon":11.5}})"),
      "@1700000000123 -18.5 open 1 48.1 11.5");
}

TEST(JsonDecoder, order_spaces_and_unknown_members_do_not_matter) {
  Decoding d(truck());
  EXPECT_EQ(d("\t{ \"pos\" : { \"x\":[{\"lat\":9}], \"lon\" : 2 , \"lat\" :1 } ,\r\n"
              " \"extra\":{\"t\":99,\"ts\":5}, \"ts\": 7, \"a\":[[]], \"mv\":false }\n "),
            "@7 - - 0 1 2");
  // The same payload again, and one with the members elsewhere: what was learnt must not mislead.
  EXPECT_EQ(d(R"({"ts":1,"t":2})"), "@1 2 - - - -");
  EXPECT_EQ(d(R"({"t":3,"ts":4})"), "@4 3 - - - -");
  EXPECT_EQ(d(R"({"tt":3,"t":5,"ts":4})"), "@4 5 - - - -");
}

TEST(JsonDecoder, what_is_null_or_absent_stays_nothing) {
  Decoding d(truck());
  EXPECT_EQ(d("{}"), "@none - - - - -");
  EXPECT_EQ(d(R"({"ts":null,"t":null,"door":null,"mv":null,"pos":null})"), "@none - - - - -");
  EXPECT_EQ(d(R"({"ts":1,"pos":{}})"), "@1 - - - - -");
}

TEST(JsonDecoder, a_value_of_another_type_refuses_the_payload_and_names_the_field) {
  struct Row {
    const char* payload;
    const char* refusal;
  };
  const Row rows[] = {
      {R"({"t":"5 C"})", "wrong_type: field 'temp_c' is not a number"},
      {R"({"t":""})", "wrong_type: field 'temp_c' is not a number"},
      {R"({"t":"inf"})", "wrong_type: field 'temp_c' is not a number"},
      {R"({"t":true})", "wrong_type: field 'temp_c' is not a number"},
      {R"({"t":[1]})", "wrong_type: field 'temp_c' is not a number"},
      {R"({"door":{}})", "wrong_type: field 'door' is not a text"},
      {R"({"door":["open"]})", "wrong_type: field 'door' is not a text"},
      {R"({"mv":2})", "wrong_type: field 'moving' is not true or false"},
      {R"({"mv":"open"})", "wrong_type: field 'moving' is not true or false"},
      {R"({"mv":[]})", "wrong_type: field 'moving' is not true or false"},
      {R"({"pos":5})", "wrong_type: 'pos' is not an object"},
      {R"({"pos":{"lat":"n"}})", "wrong_type: field 'lat' is not a number"},
  };
  Decoding d(truck());
  for (const Row& row : rows) EXPECT_EQ(d(row.payload), row.refusal) << row.payload;
  EXPECT_EQ(d(R"({"ts":1,"t":5})"), "@1 5 - - - -");  // the next one is as good as ever
}

TEST(JsonDecoder, numbers_and_flags_may_come_as_texts_and_flags_as_numbers) {
  Decoding d(truck());
  EXPECT_EQ(d(R"({"ts":1,"t":"-18.5","mv":"ON","pos":{"lat":"4.81e1"}})"), "@1 -18.5 - 1 48.1 -");
  EXPECT_EQ(d(R"({"ts":1,"mv":0})"), "@1 - - 0 - -");
  EXPECT_EQ(d(R"({"ts":1,"mv":"False"})"), "@1 - - 0 - -");
  EXPECT_EQ(Decoding(source({scaled(field("x", "x"), 2, 1)}))(R"({"x":"3"})"), "@none 7");
}

TEST(JsonDecoder, elements_of_arrays_are_named_by_their_numbers) {
  Decoding d(source({field("a", "axes.0"), field("c", "axes.2"), field("inner", "rows.1.x")}));
  EXPECT_EQ(d(R"({"axes":[1,2,3],"rows":[{"x":4},{"x":5}]})"), "@none 1 3 5");
  EXPECT_EQ(d(R"({"axes":[1],"rows":[]})"), "@none 1 - -");
  EXPECT_EQ(d(R"({"axes":["x"]})"), "wrong_type: field 'a' is not a number");
}

SourceOptions pack(const std::string& each) {
  SourceOptions o = source({field("t", "t"), field("unit", "/unit", kText), field("n", "in.n")});
  o.each = each;
  return o;
}

TEST(JsonDecoder, a_dot_may_be_one_of_a_name) {
  Decoding d(source({field("a", "pos\\.lat"), field("b", "gps\\.fix.lat"), field("c", "pos.lat"),
                     field("d", "end\\")}));
  EXPECT_EQ(d(R"({"ts":1,"pos.lat":1,"gps.fix":{"lat":2},"pos":{"lat":3},"end\\":4})"),
            "@1 1 2 3 4");
}

TEST(JsonDecoder, each_element_of_an_array_is_a_reading) {
  Decoding d(pack("data.readings"));
  EXPECT_EQ(d(R"({"data":{"readings":[{"ts":1,"t":5},{"in":{"n":7},"ts":2}]},"unit":"C"})"),
            "@1 5 C -\n@2 - C 7");
  EXPECT_EQ(d(R"({"unit":"F","data":{"id":1,"readings":[{"ts":3,"t":6,"unit":"K"}],"x":{}}})"),
            "@3 6 F -");
  EXPECT_EQ(d(R"({"data":{"readings":[]},"unit":"C"})"), "");
  for (const char* without : {"{}", R"({"data":null})", R"({"data":{"readings":null}})"}) {
    EXPECT_EQ(d(without), "wrong_type: the array of readings is missing") << without;
  }
  EXPECT_EQ(d(R"({"data":{"readings":{}}})"), "wrong_type: 'readings' is not an array");
}

TEST(JsonDecoder, the_payload_may_be_the_array) {
  Decoding d(pack("."));
  EXPECT_EQ(d(R"([{"ts":1,"t":5},{"ts":2,"t":6}])"), "@1 5 - -\n@2 6 - -");
  EXPECT_TRUE(d(R"({"ts":1})").starts_with("bad_json"));
}

TEST(JsonDecoder, a_reading_may_be_an_array_whose_members_have_numbers) {
  SourceOptions o = pack("rows");
  o.time_path = "0";
  o.fields = {field("t", "1"), field("unit", "/unit", kText)};
  Decoding d(o);
  EXPECT_EQ(d(R"({"rows":[[1,22.5],[2,null],[3]],"unit":"C"})"), "@1 22.5 C\n@2 - C\n@3 - C");
}

TEST(JsonDecoder, a_time_beside_the_readings_is_that_of_all) {
  SourceOptions o = pack("r");
  o.time_path = "/sent";
  EXPECT_EQ(Decoding(o)(R"({"r":[{"t":5},{"t":6}],"sent":9})"), "@9 5 - -\n@9 6 - -");
}

TEST(JsonDecoder, a_reading_with_a_wrong_value_is_refused_alone) {
  Decoding d(pack("."));
  EXPECT_EQ(d(R"([{"ts":1,"t":[{"a":1}],"in":{"n":1}},5,{"ts":2,"t":6}])"),
            "wrong_type: field 't' is not a number\nwrong_type: is neither an object nor an "
            "array\n@2 6 - -");
  EXPECT_TRUE(d(R"([{"ts":1,"t":5},{"ts":2,]")").starts_with("bad_json"));
}

TEST(JsonDecoder, a_payload_of_too_many_readings_is_refused) {
  Decoding d(pack("."));
  const auto of = [](size_t readings) {
    std::string all;
    for (size_t i = 0; i < readings; ++i) all += ",{}";
    return "[" + all.substr(1) + "]";
  };
  EXPECT_TRUE(d(of(kReadingsMax)).starts_with("@none"));
  EXPECT_EQ(d(of(kReadingsMax + 1)), "too_large: more than 10000 readings in one payload");
}

TEST(JsonDecoder, the_more_fields_the_fewer_readings_a_payload_may_have) {
  SourceOptions o = pack(".");
  o.fields.clear();
  for (int i = 0; i < 48; ++i) o.fields.push_back(field("x" + std::to_string(i), "x"));
  Decoding d(o);  // 50 with the topic's levels
  std::string all = "[{}";
  for (int i = 1; i < 2'000; ++i) all += ",{}";
  EXPECT_TRUE(d(all + "]").starts_with("@none"));
  EXPECT_EQ(d(all + ",{}]"), "too_large: more than 2000 readings in one payload");
}

TEST(JsonDecoder, a_json_field_is_an_object_or_array_as_it_is_written) {
  FieldOptions items = field("items", "items", kText);
  items.json = true;
  Decoding d(source({items, field("n", "n")}));
  EXPECT_EQ(d(R"({"items": [ {"sku":"a"}, 2 ] ,"n":1})"), R"(@none [ {"sku":"a"}, 2 ] 1)");
  EXPECT_EQ(d(R"({"items":{"a":[]},"n":2})"), R"(@none {"a":[]} 2)");
  EXPECT_EQ(d(R"({"items":null,"n":3})"), "@none - 3");
  for (const char* other : {"1", "\"[]\"", "true"}) {
    EXPECT_EQ(d("{\"items\":" + std::string(other) + "}"),
              "wrong_type: field 'items' is not an object or array");
  }
}

TEST(JsonDecoder, a_number_in_a_text_may_have_blanks_around_it_and_a_plus) {
  Decoding d(source({field("x", "x")}));
  for (const char* text : {"4.5", "+4.5", "  4.50", "4.5 ", " +4.5 "}) {
    EXPECT_EQ(d(R"({"x":")" + std::string(text) + "\"}"), "@none 4.5") << text;
  }
  for (const char* text : {"", " ", "+", "+-4.5", "++4.5", "+ 4.5", "4 5", "4.5x"}) {
    EXPECT_EQ(d(R"({"x":")" + std::string(text) + "\"}"), "wrong_type: field 'x' is not a number")
        << text;
  }
}

TEST(JsonDecoder, a_number_that_its_unit_makes_infinite_refuses_the_payload) {
  Decoding d(source({scaled(field("mass", "m"), 1000)}));
  EXPECT_EQ(d(R"({"m":1e305})"), "@none 1e+308");
  EXPECT_EQ(d(R"({"m":1e306})"), "wrong_type: field 'mass' is infinite");
  EXPECT_EQ(d(R"({"m":-1e306})"), "wrong_type: field 'mass' is infinite");
}

TEST(JsonDecoder, what_is_not_one_json_object_is_refused) {
  Decoding d(truck());
  for (const char* payload : {"",
                              " ",
                              "nonsense",
                              "[1,2]",
                              "5",
                              "\"text\"",
                              "null",
                              "{",
                              R"({"ts":1)",
                              R"({"ts":1,)",
                              R"({"ts":1}})",
                              R"({"ts":1}{"ts":2})",
                              R"({"ts":1} x)",
                              R"({"t":01})",
                              R"({"t":1.})",
                              R"({"t":+1})",
                              R"({"t":-})",
                              R"({"t":NaN})",
                              R"({"door":"open})",
                              R"({"ts" 1})",
                              R"({ts:1})",
                              "{\"door\":\"\xff\"}",
                              R"({"door":"\ud800"})",
                              R"({"door":12abc})",
                              R"({"door":tru})",
                              R"({"door":-})",
                              R"({"mv":tru})",
                              R"({"mv":truex})"}) {
    const std::string result = d(payload);
    EXPECT_TRUE(result.starts_with("bad_json") || result.starts_with("wrong_type"))
        << payload << result;
  }
}

TEST(JsonDecoder, a_key_may_be_written_with_escapes) {
  Decoding d(source({field("a", "caf\u00e9"), field("b", "q\"\\"), field("c", "in.x")}));
  for (int round = 0; round < 2; ++round) {  // the second time it knows the layout
    EXPECT_EQ(d(R"({"caf\u00e9":1,"q\"\\":2,"\u0069n":{"\u0078":3},"t\u0073":4})"), "@4 1 2 3");
    EXPECT_EQ(d("{\"caf\u00e9\":5}"), "@none 5 - -");
  }
  EXPECT_EQ(d(R"({"\q":1,"caf\u00e9":2})"), "@none 2 - -");  // no escape of JSON's: a stranger
}

TEST(JsonDecoder, a_key_longer_than_what_follows_it_is_compared_no_further) {
  const std::string name(1000, 'k');
  Decoding d(source({field("a", name)}));
  EXPECT_EQ(d("{\"" + name + "\":1}"), "@none 1");
  EXPECT_EQ(d("{\"k\":1}"), "@none -");
  EXPECT_EQ(d("{\"" + name + "\":2}"), "@none 2");
}

TEST(JsonDecoder, texts_are_unescaped_and_bare_numbers_are_taken_as_written) {
  Decoding d(source({field("id", "id", kText)}));
  const std::pair<const char*, const char*> rows[] = {
      {R"({"id":"caf\u00e9 \"x\"\n"})", "@none caf\u00e9 \"x\"\n"},
      {R"({"id":"\ud83d\ude9a"})", "@none \U0001f69a"},
      {R"({"id":12345678901234567890123 })", "@none 12345678901234567890123"},
      {R"({"id":1.50})", "@none 1.50"},
      {R"({"id" : true , "x":1})", "@none true"},
      {R"({"id":""})", "@none "},
  };
  for (const auto& [payload, row] : rows) EXPECT_EQ(d(payload), row);
}

TEST(JsonDecoder, numbers_come_in_any_form_that_json_knows) {
  Decoding d(source({field("x", "x")}));
  const std::pair<const char*, const char*> rows[] = {
      {R"({"x":-0.5e1})", "@none -5"},
      {R"({"x":1E3})", "@none 1000"},
      {R"({"x":9007199254740993})", "@none 9007199254740992"},
      {R"({"x":123456789012345678901})", "@none 123456789012345680000"},
      {R"({"x":0})", "@none 0"}};
  for (const auto& [payload, row] : rows) {
    EXPECT_EQ(std::strtod(d(payload).c_str() + 6, nullptr), std::strtod(row + 6, nullptr))
        << payload;
  }
}

TEST(JsonDecoder, units_are_applied) {
  Decoding d(source({scaled(field("speed", "spd"), 0.5), scaled(field("temp", "t"), 2, -10)}));
  EXPECT_EQ(d(R"({"spd":90,"t":100})"), "@none 45 190");
}

TEST(JsonDecoder, times_are_read_in_their_declared_unit_and_cut_towards_the_past) {
  struct Row {
    TimeUnit unit;
    const char* time;
    const char* result;
  };
  const Row rows[] = {{TimeUnit::kSeconds, "1700000000", "@1700000000000"},
                      {TimeUnit::kSeconds, "1700000000.001", "@1700000000001"},
                      {TimeUnit::kSeconds, "1700000000.9999", "@1700000000999"},
                      {TimeUnit::kSeconds, "-1", "@-1000"},
                      {TimeUnit::kSeconds, "-0.0005", "@-1"},
                      {TimeUnit::kMillis, "1700000000123", "@1700000000123"},
                      {TimeUnit::kMillis, "1700000000123.9", "@1700000000123"},
                      {TimeUnit::kMillis, "1.7e12", "@1700000000000"},
                      {TimeUnit::kMicros, "1700000000123999", "@1700000000123"},
                      {TimeUnit::kMicros, "-1", "@-1"},
                      {TimeUnit::kNanos, "1700000000123999999", "@1700000000123"},
                      {TimeUnit::kNanos, "-1000000", "@-1"},
                      {TimeUnit::kNanos, "-1000001", "@-2"},
                      {TimeUnit::kRfc3339, "\"2026-03-01T12:00:00.5+01:00\"", "@1772362800500"},
                      {TimeUnit::kSeconds, "1e30", "bad_time"},
                      {TimeUnit::kSeconds, "9223372036854775807", "bad_time"},
                      {TimeUnit::kMillis, "\"1700000000123\"", "@1700000000123"},
                      {TimeUnit::kSeconds, "\"1700000000.5\"", "@1700000000500"},
                      {TimeUnit::kMillis, "\"2026-03-01T12:00:00Z\"", "bad_time"},
                      {TimeUnit::kMillis, "true", "bad_time"},
                      {TimeUnit::kMillis, "{}", "bad_time"},
                      {TimeUnit::kRfc3339, "1700000000", "bad_time"},
                      {TimeUnit::kRfc3339, "\"yesterday\"", "bad_time"}};
  for (const Row& row : rows) {
    Decoding d(source({}, row.unit));
    const std::string result = d("{\"ts\":" + std::string(row.time) + "}");
    EXPECT_EQ(result.substr(0, result.find(':')), row.result) << row.time;
  }
}

TEST(JsonDecoder, a_time_may_lie_in_a_nested_object_beside_fields) {
  SourceOptions o = source({field("x", "m.x"), field("y", "m.in.y")});
  o.time_path = "m.in.at";
  Decoding d(o);
  EXPECT_EQ(d(R"({"m":{"in":{"y":2,"at":9},"x":1}})"), "@9 1 2");
}

TEST(JsonDecoder, a_payload_that_is_cut_or_damaged_anywhere_does_no_harm) {
  const std::string whole = R"({"ts":1700000000123,"t":-18.5,"door":"op\u00e9n","mv":true,)"
                            R"("pos":{"lat":48.1,"lon":[1]},"z":"\\"})";
  Decoding d(truck());
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string result = d(whole.substr(0, size));
    EXPECT_NE(result.front(), '@') << size;
  }
  const unsigned seed = 17;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 50'000; ++i) {
    std::string damaged = whole;
    for (int edits = 1 + random() % 3; edits > 0; --edits) {
      damaged[random() % damaged.size()] = "{}[]\":,\\0e-x\x80 "[random() % 15];
    }
    const std::string result = d(damaged);
    ASSERT_TRUE(result.front() == '@' || result.starts_with("bad_") ||
                result.starts_with("wrong_type"))
        << damaged << " " << result;
  }
}

}  // namespace
}  // namespace wayside
