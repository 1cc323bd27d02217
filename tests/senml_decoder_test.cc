// Both encodings of SenML: what one pack says is the same in either.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/decode.h"
#include "tests/fields.h"

namespace wayside {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kArrival = 1'800'000'000'000;

SourceOptions source_of(std::vector<FieldOptions> fields) {
  SourceOptions o;
  o.name = "s";
  o.format = PayloadFormat::kSenmlJson;
  o.fields = std::move(fields);
  return o;
}
std::string of(SourceOptions o, const std::string& json) {
  return Decoding(o).at("t", kArrival)(json);
}
// Bytes in hex digits, with spaces wherever they help.
std::string of_cbor(SourceOptions o, std::string digits) {
  std::erase(digits, ' ');
  o.format = PayloadFormat::kSenmlCbor;
  const auto bytes = from_hex(digits);
  EXPECT_TRUE(bytes) << digits;
  return Decoding(o).at("t", kArrival)(bytes.value_or(""));
}

SourceOptions senml_truck() {
  return source_of({field("device", "bn", kText), field("temp_c", "temp"),
                    field("door", "door", kText), field("open", "open", kBool),
                    field("blob", "raw", kText)});
}

TEST(Senml, records_of_one_name_and_time_are_one_reading) {
  EXPECT_EQ(of(senml_truck(), R"([{"bn":"truck-1:","bt":1700000000,"n":"temp","u":"Cel","v":-18.5},
                            {"n":"door","vs":"shut"},{"vb":false,"n":"open"},
                            {"n":"raw","vd":"aGkgCg"},{"n":"temp","v":-18,"t":10}])"),
            "@1700000000000 truck-1: -18.5 shut 0 aGkgCg\n@1700000010000 truck-1: -18 - - -");
  EXPECT_EQ(
      of_cbor(senml_truck(),
              "85 a5 21 68 747275636b2d313a 22 1a6553f100 00 64 74656d70 01 63 43656c 02 f9cca0"
              "a2 00 64 646f6f72 03 64 73687574  a2 04 f4 00 64 6f70656e"
              "a2 00 63 726177 08 45 6869200a0a  a3 00 64 74656d70 02 31 06 0a"),
      "@1700000000000 truck-1: -18.5 shut 0 aGkgCgo\n@1700000010000 truck-1: -18 - - -");
}

TEST(Senml, the_cabin_of_the_documentation_is_read) {
  const auto cabin = source_of({field("device", "bn", kText), field("temp_c", "temp@Cel"),
                                field("open", "open", kBool), field("energy_j", "power#s")});
  EXPECT_EQ(of(cabin, R"([
  { "bn": "urn:dev:mac:0024befffe804ff1:", "bt": 1772366400, "n": "temp", "u": "Cel", "v": 4.5 },
  { "n": "open", "vb": true },
  { "n": "power", "u": "W", "v": 12, "s": 3600 },
  { "n": "temp", "u": "Cel", "v": 4.7, "t": 60 }
])"),
            "@1772366400000 urn:dev:mac:0024befffe804ff1: 4.5 1 3600\n"
            "@1772366460000 urn:dev:mac:0024befffe804ff1: 4.7 - -");
}

TEST(Senml, records_of_a_reading_may_stand_apart) {
  EXPECT_EQ(
      of(senml_truck(), R"([{"bn":"a:","n":"temp","v":1,"t":1e9},{"n":"temp","v":2,"t":1000000060},
                            {"bn":"b:","n":"temp","v":3,"t":1e9},{"bn":"a:","n":"door","vs":"x","t":1e9},
                            {"n":"door","vs":"y","t":1000000060}])"),
      "@1000000000000 a: 1 x - -\n@1000000060000 a: 2 y - -\n@1000000000000 b: 3 - - -");
}

TEST(Senml, times_below_2_to_the_28_are_relative_to_the_arrival) {
  const auto time = [](const std::string& members) {
    const std::string result = of(source_of({}), R"([{"n":"x","v":1)" + members + "}]");
    return result.substr(0, result.find(':'));
  };
  EXPECT_EQ(time(""), "@1800000000000");
  EXPECT_EQ(time(R"(,"t":0)"), "@1800000000000");
  EXPECT_EQ(time(R"(,"t":-5.25)"), "@1799999994750");
  EXPECT_EQ(time(R"(,"t":0.02)"), "@1800000000020");
  EXPECT_EQ(time(R"(,"t":268435455)"), "@2068435455000");
  EXPECT_EQ(time(R"(,"t":268435456)"), "@268435456000");
  EXPECT_EQ(time(R"(,"bt":1276020076.001,"t":-5)"), "@1276020071001");
  EXPECT_EQ(time(R"(,"bt":1e300)"), "bad_time");
  EXPECT_EQ(time(R"(,"bt":-1e300)"), "bad_time");
}

TEST(Senml, each_reading_has_a_time_though_none_is_configured) {
  SourceOptions o = source_of({});
  EXPECT_TRUE(o.has_own_time());
  o.format = PayloadFormat::kSenmlCbor;
  EXPECT_TRUE(o.has_own_time());
  o.format = PayloadFormat::kCbor;
  EXPECT_FALSE(o.has_own_time());
}

TEST(Senml, a_path_is_a_records_own_name_its_unit_or_its_sum) {
  const SourceOptions o = source_of({field("own", "."), field("lat", ".@lat"), field("c", "t@Cel"),
                                     field("wh", "power#s@W"), field("w", "power")});
  EXPECT_EQ(of(o, R"([{"bn":"x","bu":"lat","v":48.5},{"n":"t","v":1},{"n":"t","u":"Cel","v":2},
                      {"n":"power","u":"W","v":5,"s":3600},{"n":"y","v":9}])"),
            "@1800000000000 48.5 48.5 2 3600 5");
  EXPECT_EQ(of(o, R"([{"n":"power","u":"W","s":7}])"), "@1800000000000 - - - 7 -");
  EXPECT_EQ(of(o, R"([{"n":"power","v":7}])"), "@1800000000000 - - - - 7");
}

TEST(Senml, base_values_and_base_sums_are_added) {
  const SourceOptions o = source_of({field("a", "a"), field("b", "b"), field("sum", "b#s")});
  EXPECT_EQ(of(o, R"([{"bn":"x:","bv":20,"bs":100},{"n":"a","v":1.5},{"n":"b"},
                      {"n":"a","v":null,"t":-1},{"n":"b","s":1,"t":-2}])"),
            "@1800000000000 21.5 20 100\n@1799999999000 - - -\n@1799999998000 - 20 101");
  EXPECT_EQ(of(o, R"([{"bn":"x:"},{"n":"a"},{"n":"b","v":null}])"), "");
}

TEST(Senml, whole_numbers_keep_their_digits_in_texts) {
  const SourceOptions o = source_of({field("id", "id", kText)});
  EXPECT_EQ(of(o, R"([{"n":"id","v":9007199254740993}])"), "@1800000000000 9007199254740993");
  EXPECT_EQ(of_cbor(o, "81 a2 00 62 6964 02 1b0020000000000001"),
            "@1800000000000 9007199254740993");
}

TEST(Senml, labels_that_are_not_known_are_passed_over_but_those_with_an_underscore) {
  const std::string good = "@1800000000000 - 1 - - -";
  EXPECT_EQ(of(senml_truck(), R"([{"n":"temp","v":1,"l":[{"x":1}],"ut":5,"b\u00e9":{}}])"), good);
  EXPECT_EQ(of(senml_truck(), R"([{"n":"temp","v":1,"geo_":5}])"),
            "bad_senml: record 1: 'geo_' must be understood, and is not");
  EXPECT_EQ(of_cbor(senml_truck(), "81 a6 00 64 74656d70 02 01 09 8101 616c a0 28 f6 4101 01"),
            good);
  EXPECT_EQ(of_cbor(senml_truck(), "81 a3 00 64 74656d70 02 01 64 67656f5f 05"),
            "bad_senml: record 1: 'geo_' must be understood, and is not");
  EXPECT_EQ(of_cbor(senml_truck(), "81 a2 616e 64 74656d70 6176 01"), good);  // labels of JSON
}

TEST(Senml, versions_that_are_known_are_read) {
  for (const char* version : {"1", "5", "10", "26"}) {
    EXPECT_EQ(of(senml_truck(), "[{\"bver\":" + std::string(version) + R"(,"n":"temp","v":1}])"),
              "@1800000000000 - 1 - - -");
  }
  for (const char* version : {"0", "11", "42", "-1"}) {
    EXPECT_EQ(of(senml_truck(), "[{\"bver\":" + std::string(version) + R"(,"n":"temp","v":1}])"),
              "bad_senml: record 1: 'bver' is of a version that is not known: at most 10, or 26");
  }
}

TEST(Senml, a_reading_with_a_wrong_value_is_refused_alone) {
  EXPECT_EQ(of(senml_truck(),
               R"([{"n":"temp","vs":"warm"},{"n":"door","vs":"x"},{"n":"temp","v":1,"t":-1}])"),
            "wrong_type: field 'temp_c' is not a number\n@1799999999000 - 1 - - -");
}

TEST(Senml, a_pack_that_breaks_the_rules_is_refused) {
  const std::pair<const char*, const char*> rows[] = {
      {"[]", "the pack has no record"},
      {"[5]", "record 1: is not an object"},
      {R"([{"n":"a","v":1},{"n":"a","v":"1"}])", "record 2: 'v' is not a number"},
      {R"([{"n":"a","v":true}])", "record 1: 'v' is not a number"},
      {R"([{"n":"a","v":[1]}])", "record 1: 'v' is not a number"},
      {R"([{"n":1,"v":1}])", "record 1: 'n' is not a text"},
      {R"([{"n":"a","vs":1}])", "record 1: 'vs' is not a text"},
      {R"([{"n":"a","vb":1}])", "record 1: 'vb' is not true or false"},
      {R"([{"n":"a","v":1,"t":"now"}])", "record 1: 't' is not a number"},
      {R"([{"n":"a","v":1,"vb":true}])", "record 1: has several values"},
      {R"([{"u":"V","v":1}])", "record 1: has no name"},
      {R"([{"n":"a","v":1}] [])", "bytes follow the array"},
  };
  for (const auto& [pack, fault] : rows) {
    EXPECT_EQ(of(senml_truck(), pack), std::string("bad_senml: ") + fault) << pack;
  }
  for (const char* pack :
       {"", "5", "{}", "[", "[{]", R"([{"n":"a","v":1})", R"([{"v":01,"n":"a"}])",
        R"([{"n":"a","v":1},])", "[{\"n\":\"\xff\"}]"}) {
    EXPECT_TRUE(of(senml_truck(), pack).starts_with("bad_senml: "))
        << pack << of(senml_truck(), pack);
  }
}

TEST(Senml, a_pack_of_cbor_that_breaks_the_rules_is_refused) {
  const std::pair<const char*, const char*> rows[] = {
      {"80", "the pack has no record"},
      {"a0", "is not an array"},
      {"81 05", "record 1: is not a map"},
      {"81 a2 00 6161 02 6131", "record 1: 'v' is not a number"},
      {"81 a2 00 6161 02 4101", "record 1: 'v' is not a number"},
      {"81 a2 00 4161 02 01", "record 1: 'n' is not a text"},
      {"81 a2 00 6161 02 01 00", "bytes follow the array"},
      {"82 a2 00 6161 02 01", "it ends within a value"},
      {"9f a2 00 6161 02 01", "it ends within a value"},
      {"81 a2 00 6161 02", "it ends within a value"},
      {"81 bb7fffffffffffffff 00 00", "a length goes beyond the end"},
      {"81 a1 01 61ff", "a text is not UTF-8"},
      {"81 a1 f5 1f", "a byte begins no value"},
  };
  for (const auto& [pack, fault] : rows) {
    EXPECT_EQ(of_cbor(senml_truck(), pack), std::string("bad_senml: ") + fault) << pack;
  }
  std::string deep = "81a109";
  for (int i = 0; i < 70; ++i) deep += "81";
  EXPECT_EQ(of_cbor(senml_truck(), deep + "01"), "bad_senml: it nests deeper than 64 levels");
}

TEST(Senml, cbor_may_have_numbers_and_texts_in_any_form) {
  EXPECT_EQ(
      of_cbor(senml_truck(), "9f bf 21 7f 61 61 61 3a ff 00 64 74656d70 02 c4 82 21 196ab3 ff ff"),
      "@1800000000000 a: 273.15 - - -");
  EXPECT_EQ(of_cbor(senml_truck(), "81 a2 00 64 74656d70 02 f97e00"), "@1800000000000 - - - - -");
  EXPECT_EQ(of_cbor(senml_truck(), "81 a2 00 64 74656d70 02 f97c00"),
            "wrong_type: field 'temp_c' is infinite");
  EXPECT_EQ(of_cbor(senml_truck(), "81 a3 00 64 74656d70 02 01 06 f97c00"),
            "bad_time: record 1: the time is none");
}

TEST(Senml, whole_numbers_of_64_bits_keep_their_digits_in_texts) {
  const SourceOptions o = source_of({field("id", "a", kText)});
  for (const char* id : {"9007199254740993", "-9223372036854775808", "9223372036854775808",
                         "18446744073709551615"}) {
    EXPECT_EQ(of(o, R"([{"bn":"x","n":"a","t":1700000000,"v":)" + std::string(id) + "}]"),
              "@1700000000000 " + std::string(id));
  }
  EXPECT_EQ(of_cbor(o, "81 a4 21 6178 00 6161 06 1a6553f100 02 1bffffffffffffffff"),
            "@1700000000000 18446744073709551615");
}

// All of them apart, so that none is near the last one.
TEST(Senml, many_readings_are_told_apart_and_too_many_refused) {
  const auto pack = [](size_t readings) {
    std::string out;
    for (const char* n : {"temp", "door"}) {
      for (size_t i = 0; i < readings; ++i) {
        out += R"(,{"t":-)" + std::to_string(i) + R"(,"n":")" + n + "\"," +
               (*n == 't' ? "\"v\":" : "\"vs\":\"") + std::to_string(i) + (*n == 't' ? "}" : "\"}");
      }
    }
    return "[" + out.substr(1) + "]";
  };
  std::string expected;
  for (size_t i = 0; i < 3'000; ++i) {
    const std::string n = std::to_string(i);
    expected += "\n@" + std::to_string(kArrival - int64_t(i) * 1000) + " - " + n + " " + n + " - -";
  }
  EXPECT_EQ("\n" + of(senml_truck(), pack(3'000)), expected);
  EXPECT_EQ(of(senml_truck(), pack(kReadingsMax + 1)),
            "too_large: more than 10000 readings in one payload");
}

TEST(Senml, the_more_fields_the_fewer_readings_a_payload_may_have) {
  const SourceOptions o = source_of(std::vector<FieldOptions>(48, field("x", "x")));
  std::string records = R"([{"n":"a","v":1})";
  for (int i = 1; i < 2'000; ++i) records += R"(,{"n":"a","v":1,"t":-)" + std::to_string(i) + "}";
  EXPECT_TRUE(of(o, records + "]").starts_with("@"));  // 50 with the topic's levels
  EXPECT_EQ(of(o, records + R"(,{"n":"a","v":1,"t":-2000}])"),
            "too_large: more than 2000 readings in one payload");
}

TEST(Senml, a_pack_that_is_cut_or_damaged_anywhere_does_no_harm) {
  const std::string whole =
      R"([{"bn":"a:","bt":1.7e9,"bver":5,"n":"temp","v":1,"s":2},)"
      R"({"n":"door","vs":"x\u00e9","t":-1},{"bu":"V","vb":true,"n":"open"}])";
  Decoding d(senml_truck());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(d(whole.substr(0, size)).starts_with("bad_senml: ")) << size;
  }
  const unsigned seed = 37;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 50'000; ++i) {
    std::string damaged = whole;
    for (int edits = 1 + random() % 3; edits > 0; --edits) {
      damaged[random() % damaged.size()] = "{}[]\":,\\0e-bnvst_\x80 "[random() % 20];
    }
    const std::string result = d(damaged);
    ASSERT_TRUE(result.empty() || result.front() == '@' || result.starts_with("bad_") ||
                result.starts_with("wrong_type: "))
        << damaged << " " << result;
  }
}

// The examples of RFC 8428.
class SenmlSamples : public ::testing::Test {
 protected:
  static std::string sample(const char* name) {
    const char* set = std::getenv("WAYSIDE_DATA");
    std::ifstream file(fs::path(set ? set : WAYSIDE_DATA) / "data/payloads/senml" / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void SetUp() override {
    if (sample("ex1.json").empty()) GTEST_SKIP() << "no samples in WAYSIDE_DATA";
  }
};

TEST_F(SenmlSamples, are_read_as_the_specification_means_them) {
  const std::string now = "@1800000000000 ";
  const std::string device = "urn:dev:ow:10e2073a01080063";
  EXPECT_EQ(of(source_of({field("t", device + "@Cel")}), sample("ex1.json")), now + "23.1");
  const auto electric =
      source_of({field("dev", "bn", kText), field("v", "voltage@V"), field("a", "current@A")});
  EXPECT_EQ(of(electric, sample("ex2.json")), now + device + ": 120.1 1.2");
  const std::string meter = " urn:dev:ow:10e2073a0108006: ";
  EXPECT_EQ(of(electric, sample("ex3.json")),
            "@1276020076001" + meter + "120.1 1.7\n@1276020071001" + meter + "- 1.2\n" +
                "@1276020072001" + meter + "- 1.3\n@1276020073001" + meter + "- 1.4\n" +
                "@1276020074001" + meter + "- 1.5\n@1276020075001" + meter + "- 1.6");
  EXPECT_EQ(of(source_of({field("t", device)}), sample("ex10.json")),
            "@1276020076000 23.5\n@1276020091000 23.6");
}

TEST_F(SenmlSamples, of_records_without_names_differ_by_unit) {
  const auto place = source_of({field("rh", ".@%RH"), field("lat", ".@lat"), field("lon", ".@lon"),
                                field("battery", ".@%EL")});
  std::string humidity;
  const char* values[] = {"21.2", "21.3", "21.4", "21.4", "21.5", "21.5",
                          "21.5", "21.6", "21.7", "21.5", "21.5", "21.5"};
  const int offsets[] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 91, 92};
  for (size_t i = 0; i < 12; ++i) {
    humidity += "\n@" + std::to_string(1'320'067'464 + offsets[i]) + "000 " + values[i] + " - - -";
  }
  EXPECT_EQ("\n" + of(place, sample("ex4.json")), humidity);
  EXPECT_EQ(of(place, sample("ex5.json")),
            "@1320067464000 20 60.07965 24.30621 -\n@1320067524000 20.3 60.07965 24.30622 -\n"
            "@1320067584000 20.7 60.07966 24.30623 -\n@1320067614000 - - - 98\n"
            "@1320067644000 21.2 60.07967 24.30628 -");
}

TEST_F(SenmlSamples, have_several_devices_and_all_types) {
  const std::string device = "urn:dev:ow:10e2073a01080063: ";
  const auto climate =
      source_of({field("dev", "bn", kText), field("t", "temperature"), field("rh", "humidity")});
  EXPECT_EQ(of(climate, sample("ex6.json")),
            "@1320078429000 2001:db8::2/ 25.2 30\n@1320078429000 2001:db8::1/ 12.3 67");
  EXPECT_EQ(of(climate, sample("ex8.json")), "@1320078429000 " + device + "27.2 80");
  EXPECT_EQ(of(source_of({field("dev", "bn", kText), field("t", "temp"), field("l", "label", kText),
                          field("o", "open", kBool), field("d", "nfv-reader", kText)}),
               sample("ex7.json")),
            "@1800000000000 " + device + "23.1 Machine Room 0 aGkgCg");
  EXPECT_EQ(of(source_of({field("dev", "bn", kText), field("t", "temp"), field("h", "heat", kBool),
                          field("f", "fan")}),
               sample("ex9.json")),
            "@1800000000000 " + device + "23.1 1 0");
}

}  // namespace
}  // namespace wayside
