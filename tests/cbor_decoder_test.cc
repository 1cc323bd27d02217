#include "sensors/cbor_decoder.h"

#include <gtest/gtest.h>

#include <random>

#include "sensors/cbor_reader.h"
#include "tests/decode.h"
#include "tests/fields.h"

namespace wayside {
namespace {

SourceOptions source(std::vector<FieldOptions> fields, const std::string& time = "ts") {
  SourceOptions o;
  o.name = "s";
  o.format = PayloadFormat::kCbor;
  o.time_path = time;
  o.time.unit = TimeUnit::kMillis;
  o.fields = std::move(fields);
  return o;
}

// Bytes in hex digits, with spaces wherever they help.
std::string hex(std::string digits) {
  std::erase(digits, ' ');
  const auto bytes = from_hex(digits);
  EXPECT_TRUE(bytes) << digits;
  return bytes.value_or("");
}
std::string of(const SourceOptions& o, const std::string& digits) {
  return Decoding(o)(hex(digits));
}
// Of {"x": …}
std::string one(FieldType type, const std::string& digits) {
  return of(source({field("x", "x", type)}), "a1 6178" + digits);
}
std::string one(const std::string& digits) { return one(FieldType::kNumber, digits); }

SourceOptions truck() {
  return source({field("temp_c", "t"), field("door", "door", kText), field("moving", "mv", kBool),
                 field("lat", "pos.0"), field("rpm", "12.-1")});
}
// {"ts": 1700000000123, "t": -18.5, "door": "open", "mv": true, "pos": [48.125, 11.5],
//  12: {-1: 900}}
const std::string kTruck =
    "a6 627473 1b0000018bcfe5687b 6174 f9cca0 64646f6f72 646f70656e 626d76 f5"
    "63706f73 82 f95204 f949c0 0c a1 20 190384";

TEST(CborDecoder, values_go_to_the_fields_whose_paths_they_have) {
  EXPECT_EQ(of(truck(), kTruck), "@1700000000123 -18.5 open 1 48.125 900");
  EXPECT_EQ(of(truck(), "bf 6174 05 63706f73 9f 06 ff ff"), "@none 5 - - 6 -");
  EXPECT_EQ(of(truck(), "a0"), "@none - - - - -");
}

TEST(CborDecoder, what_nobody_asks_for_is_passed_over) {
  EXPECT_EQ(of(truck(),
               "a9 6161 820102 f5 f6 820102 03 a10102 04 4161 05 5f 4101 40 ff 06 7f 6161"
               "ff 07 fb3ff199999999999a 08 6174 d9d9f7 c1 18ff"),
            "@none 255 - - - -");
  EXPECT_EQ(of(truck(), "d9d9f7 a1 6174 01"), "@none 1 - - - -");  // that it is CBOR
  EXPECT_EQ(of(truck(), "a2 f820 01 6174 02"), "@none 2 - - - -");
}

TEST(CborDecoder, members_have_names_or_numbers_and_names_may_come_in_pieces) {
  const SourceOptions o = source({field("a", "1"), field("b", "-2"), field("c", "name")});
  EXPECT_EQ(of(o, "a3 01 0a 21 0b 7f 626e61 626d65 ff 0c"), "@none 10 11 12");
  EXPECT_EQ(of(o, "a2 6131 0a 622d32 0b"), "@none 10 11 -");
  EXPECT_EQ(of(o, "82 0a 0b"), "@none 11 - -");  // a payload may be an array
  EXPECT_EQ(of(o, "a2 1bffffffffffffffff 01 3bffffffffffffffff 02"), "@none - - -");
}

TEST(CborDecoder, numbers_come_in_any_form_that_cbor_knows) {
  const std::pair<const char*, const char*> rows[] = {
      {"17", "23"},
      {"1818", "24"},
      {"1903e8", "1000"},
      {"1a000f4240", "1000000"},
      {"1b000000e8d4a51000", "1000000000000"},
      {"1bffffffffffffffff", "18446744073709552000"},
      {"20", "-1"},
      {"3903e7", "-1000"},
      {"3bffffffffffffffff", "-18446744073709552000"},
      {"f90000", "0"},
      {"f98000", "-0"},
      {"f93c00", "1"},
      {"f97bff", "65504"},
      {"f90001", "5.960464477539063e-08"},
      {"f90400", "6.103515625e-05"},
      {"f9c400", "-4"},
      {"fa47c35000", "100000"},
      {"fb3ff199999999999a", "1.1"},
      {"c4 82 21 196ab3", "273.15"},         // 27315 × 10^-2
      {"c4 82 38fe 01", "1e-255"},           //
      {"c4 82 3b7fffffffffffffff 05", "0"},  //
      {"c4 9f 01 20 ff", "-10"},             //
      {"c5 82 20 03", "1.5"},                // 3 × 2^-1
      {"63 2d3575", nullptr},                // "-5u"
      {"63 2d352e", "-5"},                   // "-5."
  };
  for (const auto& [digits, number] : rows) {
    const std::string result = one(digits);
    if (number) {
      EXPECT_EQ(std::strtod(result.c_str() + 6, nullptr), std::strtod(number, nullptr))
          << digits << " " << result;
      EXPECT_TRUE(result.starts_with("@none ")) << result;
    } else {
      EXPECT_EQ(result, "wrong_type: field 'x' is not a number");
    }
  }
}

TEST(CborDecoder, nothing_is_null_undefined_or_no_number) {
  for (const char* digits : {"f6", "f7", "f97e00", "fa7fc00000", "fb7ff8000000000000"}) {
    EXPECT_EQ(one(digits), "@none -") << digits;
  }
  EXPECT_EQ(one(kText, "f6"), "@none -");
  EXPECT_EQ(of(truck(), "a2 63706f73 f6 0c f7"), "@none - - - - -");
}

TEST(CborDecoder, a_time_that_is_no_number_is_nothing) {
  for (const char* digits : {"f6", "f97e00", "fa7fc00000", "fb7ff8000000000000", "c1 f97e00"}) {
    EXPECT_EQ(of(source({field("x", "x")}), std::string("a2 627473") + digits + "6178 05"),
              "@none 5")
        << digits;
  }
}

TEST(CborDecoder, a_value_of_another_type_refuses_the_payload_and_names_the_field) {
  const std::string number = "wrong_type: field 'x' is not a number";
  for (const char* digits : {"f5", "80", "a0", "4101", "e0", "f8ff", "c2 4101", "c4 8101",
                             "c4 83010203", "c4 82 01 f5", "60"}) {
    EXPECT_EQ(one(digits), number) << digits;
  }
  for (const char* digits : {"f97c00", "fa7f800000", "fbfff0000000000000", "c4 82 1903e8 01"}) {
    EXPECT_EQ(one(digits), "wrong_type: field 'x' is infinite") << digits;
  }
  EXPECT_EQ(one(kBool, "02"), "wrong_type: field 'x' is not true or false");
  EXPECT_EQ(one(kText, "8101"), "wrong_type: field 'x' is not a text");
  EXPECT_EQ(of(truck(), "a1 0c 05"), "wrong_type: '12' is not a map or an array");
  EXPECT_EQ(of(truck(), "05"), "wrong_type: is not a map or an array");
}

TEST(CborDecoder, texts_come_whole_or_in_pieces_and_bytes_are_hex_digits) {
  EXPECT_EQ(one(kText, "63 636166"), "@none caf");
  EXPECT_EQ(one(kText, "7f 626361 6166 ff"), "@none caf");
  EXPECT_EQ(one(kText, "60"), "@none ");
  EXPECT_EQ(one(kText, "43 00ab01"), "@none 00ab01");
  EXPECT_EQ(one(kText, "5f 4200ab 4101 ff"), "@none 00ab01");
  EXPECT_EQ(one(kText, "1bffffffffffffffff"), "@none 18446744073709551615");
  EXPECT_EQ(one(kText, "f93e00"), "@none 1.5");
  EXPECT_EQ(one(kText, "f5"), "@none true");
  EXPECT_EQ(one(kBool, "62 4f4e"), "@none 1");
  EXPECT_EQ(one(kBool, "00"), "@none 0");
}

TEST(CborDecoder, the_more_fields_the_fewer_readings_a_payload_may_have) {
  SourceOptions o = source({}, "");
  o.each = ".";
  for (int i = 0; i < 48; ++i) o.fields.push_back(field("x" + std::to_string(i), "x"));
  Decoding d(o);  // 50 with the topic's levels
  EXPECT_TRUE(d("\x9f" + std::string(2'000, '\xa0') + "\xff").starts_with("@none"));
  EXPECT_EQ(d("\x9f" + std::string(2'001, '\xa0') + "\xff"),
            "too_large: more than 2000 readings in one payload");
}

TEST(CborDecoder, a_json_field_is_an_array_or_a_map_as_json) {
  FieldOptions items = field("items", "i", kText);
  items.json = true;
  const SourceOptions o = source({items, field("n", "n")});
  EXPECT_EQ(of(o, "a2 6169 82 a3 63736b75 6161 01 f93e00 20 f6 41ff 616e 05"),
            R"(@none [{"sku":"a","1":1.5,"-1":null},"ff"] 5)");
  EXPECT_EQ(of(o, "a1 6169 9f 1bffffffffffffffff 3bffffffffffffffff f5 f97e00 7f 6122 ff c1 01 ff"),
            R"(@none [18446744073709551615,-18446744073709551616,true,null,"\"",1] -)");
  EXPECT_EQ(of(o, "a1 6169 f6"), "@none - -");
  EXPECT_EQ(of(o, "a1 6169 01"), "wrong_type: field 'items' is not an object or array");
  EXPECT_EQ(
      of(o, "a1 6169 a1 4101 01"),
      "wrong_type: field 'items' has a member whose name is neither a text nor a whole number");
  EXPECT_EQ(of(o, "a1 6169 8201"), "bad_cbor: a length goes beyond the end");
}

TEST(CborDecoder, a_json_field_holds_what_a_field_of_its_own_would) {
  FieldOptions x = field("x", "x", kText);
  x.json = true;
  const auto json = [&](const std::string& digits) { return of(source({x}), "a1 6178" + digits); };
  EXPECT_EQ(json("a2 6174 c4 82 20 18d7 6162 c5 82 20 03"), R"(@none {"t":21.5,"b":1.5})");
  EXPECT_EQ(json("81 c4 82 1903e8 01"), "@none [null]");
  EXPECT_EQ(json("81 c4 8101"),
            "wrong_type: field 'x' has a fraction that is not of two whole numbers");
  EXPECT_EQ(json("c4 82 20 18d7"), "wrong_type: field 'x' is not an object or array");
  EXPECT_EQ(json("81 61ff"), "bad_cbor: a text is not UTF-8");
  EXPECT_EQ(json("81 7f 61ff ff"), "bad_cbor: a text is not UTF-8");
  EXPECT_EQ(json("a1 61ff 01"), "bad_cbor: a text is not UTF-8");
  for (const char* large : {"c2 420100", "c3 420100", "c2 5f 420100 ff"}) {
    EXPECT_EQ(json(std::string("81") + large),
              "wrong_type: field 'x' has a whole number of more than 64 bits");
  }
}

TEST(CborDecoder, json_fields_of_a_payload_have_a_limit_together) {
  FieldOptions x = field("x", "0", kText);
  x.json = true;
  SourceOptions o = source({x}, "");
  o.each = ".";
  const std::string element = hex("81 81 7a 0001f400") + std::string(128'000, 'a');
  std::string all;
  for (int i = 0; i < 4; ++i) all += element;
  const std::string result = Decoding(o)("\x84" + all);
  EXPECT_EQ(std::count(result.begin(), result.end(), '\n'), 3);
  EXPECT_TRUE(result.ends_with(
      "\nwrong_type: field 'x' makes more than 1 MiB of JSON, with what the payload has of it "
      "before"));
}

TEST(CborDecoder, a_json_field_has_a_limit) {
  FieldOptions x = field("x", "x", kText);
  x.json = true;
  Decoding d(source({x}));
  const std::string head = hex("a1 6178 9f");
  std::string numbers;  // of 3 bytes, that take more as text
  for (int i = 0; i < 100'000; ++i) numbers += hex("f90001");
  const std::string refusal =
      "wrong_type: field 'x' makes more than 1 MiB of JSON, with what the payload has of it "
      "before";
  EXPECT_EQ(d(head + numbers + "\xff"), refusal);
  EXPECT_EQ(d(head + hex("7a 0002aaab") + std::string(174'763, 'a') + "\xff"), refusal);
  EXPECT_EQ(d(head + hex("7a 0002aaa0") + std::string(174'752, 'a') + "\xff").size(),
            174'752 + std::string_view("@none [\"\"]").size());
}

TEST(CborDecoder, a_time_has_the_unit_of_its_tag_or_the_declared_one) {
  const auto time = [](const std::string& digits) {
    const std::string result = of(source({}), "a1 627473" + digits);
    return result.substr(0, result.find(':'));
  };
  EXPECT_EQ(time("1b0000018bcfe5687b"), "@1700000000123");
  EXPECT_EQ(time("c1 1a514b67b0"), "@1363896240000");
  EXPECT_EQ(time("c1 fb41d452d9ec200000"), "@1363896240500");
  EXPECT_EQ(time("c0 74 323031332d30332d32315432303a30343a30305a"), "@1363896240000");
  EXPECT_EQ(time("c0 01"), "bad_time");
  EXPECT_EQ(time("c1 61 78"), "bad_time");
  EXPECT_EQ(time("80"), "bad_time");
  EXPECT_EQ(time("f5"), "bad_time");
  EXPECT_EQ(time("f6"), "@none");
}

SourceOptions pack(const std::string& each) {
  SourceOptions o = source({field("t", "t"), field("unit", "/u", kText), field("n", "in.n")});
  o.each = each;
  return o;
}

TEST(CborDecoder, each_element_of_an_array_is_a_reading) {
  const SourceOptions o = pack("d.r");
  const std::string first = "a2 627473 01 6174 05", second = "a2 62696e a1 616e 07 627473 02";
  EXPECT_EQ(of(o, "a2 6164 a1 6172 82" + first + second + "6175 6143"), "@1 5 C -\n@2 - C 7");
  EXPECT_EQ(of(o, "bf 6175 6146 6164 bf 6172 9f" + first + "ff ff ff"), "@1 5 F -");
  EXPECT_EQ(of(o, "a1 6164 a1 6172 80"), "");
  for (const char* without : {"a0", "a1 6164 f6", "a1 6164 a1 6172 f6"}) {
    EXPECT_EQ(of(o, without), "wrong_type: the array of readings is missing") << without;
  }
  EXPECT_EQ(of(o, "a1 6164 a1 6172 a0"), "wrong_type: 'd.r' is not an array");
  EXPECT_EQ(of(pack("."), "82" + first + second), "@1 5 - -\n@2 - - 7");
  EXPECT_EQ(of(pack("."), "f6"), "wrong_type: is not an array");
}

TEST(CborDecoder, the_node_of_the_documentation_is_read) {
  SourceOptions o = source({scaled(field("temp_c", "1"), 0.01), field("door", "2", kText),
                            field("battery", "/-1"), field("serial", "/id", kText)},
                           "0");
  o.time.unit = TimeUnit::kSeconds;
  o.each = "rows";
  EXPECT_EQ(
      of(o,
         "a3 626964 4400a1b2c3 20 1857 64726f7773 82 83 1a69a42a40 1908ca 646f70656e 83 1a69a42a7c "
         "1908c0 f6"),
      "@1772366400000 22.5 open 87 00a1b2c3\n@1772366460000 22.400000000000002 - 87 00a1b2c3");
}

TEST(CborDecoder, a_reading_with_a_wrong_value_is_refused_alone) {
  const SourceOptions o = pack(".");
  EXPECT_EQ(of(o, "83 a2 6174 81 a1 0102 62696e a1 616e 01 05 a2 627473 02 6174 06"),
            "wrong_type: field 't' is not a number\nwrong_type: is not a map or an array\n"
            "@2 6 - -");
  EXPECT_EQ(of(o, "82 a2 627473 01 6174 05 a1 6174"), "bad_cbor: it ends within a value");
}

TEST(CborDecoder, a_payload_of_too_many_readings_is_refused) {
  Decoding d(pack("."));
  const auto many = [](size_t n) { return "\x9f" + std::string(n, '\xa0') + "\xff"; };
  EXPECT_TRUE(d(many(kReadingsMax)).starts_with("@none"));
  EXPECT_EQ(d(many(kReadingsMax + 1)), "too_large: more than 10000 readings in one payload");
}

TEST(CborDecoder, what_is_not_one_value_is_refused) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "it ends within a value"},
      {"a1", "a length goes beyond the end"},
      {"a1 6174 19 01", "it ends within a value"},
      {"a1 6174", "it ends within a value"},
      {"a1 6174 01 00", "bytes follow the value"},
      {"bf 6174 01", "it ends within a value"},
      {"bf 6174 ff", "a break ends nothing"},
      {"a1 6174 ff", "a break ends nothing"},
      {"ff", "a break ends nothing"},
      {"a1 6174 1c", "a byte begins no value"},
      {"a1 6174 1f", "a byte begins no value"},
      {"a1 6174 df 01", "a byte begins no value"},
      {"a1 6174 f810", "a byte begins no value"},
      {"a1 64646f6f72 62ff", "a length goes beyond the end"},
      {"a1 64646f6f72 61ff", "a text is not UTF-8"},
      {"a1 64646f6f72 7f 4161 ff", "a text or bytes in pieces have one of another type"},
      {"a1 64646f6f72 7f 7f 6161 ff ff", "a text or bytes in pieces have one of another type"},
      {"a1 64646f6f72 7f c1 6161 ff", "a text or bytes in pieces have one of another type"},
      {"a1 01 7f 6161", "it ends within a value"},
      {"bbffffffffffffffff 00 00", "a length goes beyond the end"},
      {"a1 01 9bffffffffffffffff", "a length goes beyond the end"},
      {"a1 01 5b7fffffffffffffff", "a length goes beyond the end"},
      {"a1 64646f6f72 7b0000000100000000", "a length goes beyond the end"},
  };
  for (const auto& [digits, fault] : rows) {
    EXPECT_EQ(of(truck(), digits), std::string("bad_cbor: ") + fault) << digits;
  }
}

TEST(CborDecoder, no_depth_beyond_its_limit_is_entered) {
  const auto nested = [](char open, size_t levels) {
    return hex("a1 01") + std::string(levels, open) + (open == '\x9f' ? "" : "\x01");
  };
  const std::string refusal = "bad_cbor: it nests deeper than 64 levels";
  Decoding d(truck());
  EXPECT_EQ(d(nested('\x81', CborReader::kDepthMax - 1)), "@none - - - - -");
  EXPECT_EQ(d(nested('\x81', CborReader::kDepthMax)), refusal);
  EXPECT_EQ(d(nested('\x9f', 200'000)), refusal);
  FieldOptions json = field("x", "1", kText);
  json.json = true;
  EXPECT_EQ(Decoding(source({json}))(nested('\x9f', 200'000)), refusal);
  EXPECT_EQ(d(nested('\xc1', 200'000)), "@none - - - - -");  // tags are no levels
}

TEST(CborDecoder, a_payload_that_is_cut_or_damaged_anywhere_does_no_harm) {
  Decoding d(truck());
  const std::string whole = hex(kTruck);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(d(whole.substr(0, size)).starts_with("bad_cbor: ")) << size;
  }
  const unsigned seed = 31;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 50'000; ++i) {
    std::string damaged = whole;
    for (int edits = 1 + random() % 3; edits > 0; --edits) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    const std::string result = d(damaged);
    ASSERT_TRUE(result.front() == '@' || result.starts_with("bad_") ||
                result.starts_with("wrong_type: "))
        << result;
  }
}

}  // namespace
}  // namespace wayside
