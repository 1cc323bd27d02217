#include "sensors/protobuf_numbers_decoder.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "tests/decode.h"
#include "tests/fields.h"
#include "tests/protobuf_bytes.h"

namespace wayside {
namespace {

using namespace std::literals;
using wire::bytes, wire::fixed, wire::tag, wire::varint;

SourceOptions source(std::vector<FieldOptions> fields, const std::string& time = "9") {
  SourceOptions o;
  o.name = "s";
  o.format = PayloadFormat::kProtobufNumbers;
  o.time_path = time;
  o.time.unit = TimeUnit::kMillis;
  o.fields = std::move(fields);
  return o;
}
std::string one(const std::string& path, FieldType type, const std::string& payload) {
  return Decoding(source({field("x", path, type)}))(payload);
}
std::string one(const std::string& path, const std::string& payload) {
  return one(path, FieldType::kNumber, payload);
}
std::string time_of(const std::string& path, const std::string& payload,
                    TimeUnit unit = TimeUnit::kMillis) {
  SourceOptions o = source({}, path);
  o.time.unit = unit;
  const std::string result = Decoding(o)(payload);
  return result.substr(0, result.find(':'));
}
uint64_t bits(int64_t value) { return static_cast<uint64_t>(value); }

SourceOptions truck_by_numbers() {
  return source({field("temp_c", "1"), field("door", "2", kText), field("moving", "3:bool", kBool),
                 field("lat", "4.1"), field("sats", "4.2.1:uint")});
}

TEST(ProtobufNumbers, values_go_to_the_fields_whose_numbers_they_have) {
  Decoding d(truck_by_numbers());
  EXPECT_EQ(d(varint(9, 1'700'000'000'123) + fixed(1, -18.5) + bytes(2, "open") + varint(3, 1) +
              bytes(4, fixed(1, 48.125f) + bytes(2, varint(1, 7)))),
            "@1700000000123 -18.5 open 1 48.125 7");
  EXPECT_EQ(d(bytes(4, bytes(2, varint(1, 8))) + varint(9, 5)), "@5 - - - - 8");
  EXPECT_EQ(d(""), "@none - - - - -");
}

TEST(ProtobufNumbers, what_nobody_asks_for_is_passed_over) {
  Decoding d(truck_by_numbers());
  EXPECT_EQ(d(varint(5, 1) + fixed(6, 2.0) + fixed(7, 2.0f) + bytes(8, "\xff\xff") +
              varint(536'870'911, 3) + bytes(4, bytes(9, "x") + fixed(1, 2.0)) + fixed(1, 4.0)),
            "@none 4 - - 2 -");
}

TEST(ProtobufNumbers, the_wire_or_the_kind_says_how_a_value_reads) {
  EXPECT_EQ(one("1", varint(1, bits(-5))), "@none -5");
  EXPECT_EQ(one("1:int", varint(1, bits(-5))), "@none -5");
  EXPECT_EQ(one("1:uint", kText, varint(1, bits(-5))), "@none 18446744073709551611");
  EXPECT_EQ(one("1:sint", varint(1, 9)), "@none -5");
  EXPECT_EQ(one("1:bool", kBool, varint(1, 7)), "@none 1");
  EXPECT_EQ(one("1", fixed(1, 0.1)), "@none 0.1");
  EXPECT_EQ(one("1:double", fixed(1, 0.1)), "@none 0.1");
  EXPECT_EQ(one("1", fixed(1, 0.5f)), "@none 0.5");
  EXPECT_EQ(one("1:float", fixed(1, 0.5f)), "@none 0.5");
  EXPECT_EQ(one("1:fixed", fixed(1, uint32_t{0xffffffff})), "@none 4294967295");
  EXPECT_EQ(one("1:fixed", kText, fixed(1, UINT64_MAX)), "@none 18446744073709551615");
  EXPECT_EQ(one("1:sfixed", fixed(1, int32_t{-481'234'567})), "@none -481234567");
  EXPECT_EQ(one("1:sfixed", fixed(1, int64_t{-5})), "@none -5");
  EXPECT_EQ(one("1", kText, bytes(1, "caf\u00e9")), "@none caf\u00e9");
  EXPECT_EQ(one("1:string", bytes(1, "90")), "@none 90");
  EXPECT_EQ(one("1:string", kBool, bytes(1, "ON")), "@none 1");
  EXPECT_EQ(one("1:bytes", kText, bytes(1, "\x00\xab"sv)), "@none 00ab");
}

TEST(ProtobufNumbers, whole_numbers_keep_their_digits_in_texts) {
  EXPECT_EQ(one("1", kText, varint(1, 9'007'199'254'740'993)), "@none 9007199254740993");
  EXPECT_EQ(one("1", kText, fixed(1, 1.5)), "@none 1.5");
}

TEST(ProtobufNumbers, what_its_kind_cannot_be_refuses_the_payload_and_names_the_field) {
  EXPECT_EQ(one("1:double", fixed(1, 1.0f)),
            "wrong_type: field 'x' comes as 4 bytes, not as double");
  EXPECT_EQ(one("1:sint", fixed(1, 1.0)), "wrong_type: field 'x' comes as 8 bytes, not as sint");
  EXPECT_EQ(one("1:string", varint(1, 1)),
            "wrong_type: field 'x' comes as a varint, not as string");
  EXPECT_EQ(one("1:fixed", bytes(1, "abcdefgh")),
            "wrong_type: field 'x' comes as bytes with a length, not as fixed");
  EXPECT_EQ(one("1", bytes(1, "90")),
            "wrong_type: field 'x' comes as bytes with a length: give its path a kind, as in "
            "\"3:string\", or \"3:int\" for packed numbers");
  EXPECT_EQ(one("1", kBool, varint(1, 2)), "wrong_type: field 'x' is not true or false");
  EXPECT_EQ(one("1:string", bytes(1, "fast")), "wrong_type: field 'x' is not a number");
  EXPECT_EQ(one("1.2", varint(1, 1)), "wrong_type: '1' is not a message");
}

TEST(ProtobufNumbers, the_last_value_of_a_field_counts_packed_or_not) {
  EXPECT_EQ(one("1", varint(1, 4) + varint(1, 5)), "@none 5");
  EXPECT_EQ(one("1:int", bytes(1, "\x04\x05\xac\x02")), "@none 300");
  EXPECT_EQ(one("1:sint", bytes(1, "\x04\x05")), "@none -3");
  EXPECT_EQ(one("1:bool", kBool, bytes(1, "\x01\x00"sv)), "@none 0");
  EXPECT_EQ(one("1:float", bytes(1, "\x00\x00\x00\x00\x00\x00\x00\x3f"sv)), "@none 0.5");
  EXPECT_EQ(one("1:double", bytes(1, "\x00\x00\x00\x00\x00\x00\xe0\x3f"sv)), "@none 0.5");
  EXPECT_EQ(one("1:int", bytes(1, "")), "@none -");
  EXPECT_EQ(one("1:int", bytes(1, "\x04\x85")), "bad_protobuf: '1': end-of-stream");
  EXPECT_EQ(one("1:float", bytes(1, "abc")), "bad_protobuf: '1': end-of-stream");
  EXPECT_EQ(one("4.1", bytes(4, varint(1, 1)) + bytes(4, varint(2, 2))), "@none 1");  // merged
}

TEST(ProtobufNumbers, numbers_that_are_none_are_nothing_and_infinite_ones_refused) {
  EXPECT_EQ(one("1", fixed(1, std::numeric_limits<double>::quiet_NaN())), "@none -");
  EXPECT_EQ(one("1", fixed(1, std::numeric_limits<float>::infinity())),
            "wrong_type: field 'x' is infinite");
}

TEST(ProtobufNumbers, a_time_comes_as_a_number_a_text_or_a_timestamp) {
  EXPECT_EQ(time_of("1", varint(1, 1'700'000'000'123)), "@1700000000123");
  EXPECT_EQ(time_of("1:sint", varint(1, 9)), "@-5");
  EXPECT_EQ(time_of("1:fixed", fixed(1, uint32_t{1'700'000'000}), TimeUnit::kSeconds),
            "@1700000000000");
  EXPECT_EQ(time_of("1:uint", varint(1, UINT64_MAX), TimeUnit::kSeconds), "bad_time");
  EXPECT_EQ(time_of("1", fixed(1, 1.5e9), TimeUnit::kSeconds), "@1500000000000");
  EXPECT_EQ(time_of("2.1", bytes(2, bytes(1, "2026-03-01T12:00:00Z")), TimeUnit::kRfc3339),
            "@1772366400000");
  EXPECT_EQ(time_of("1", bytes(1, "yesterday"), TimeUnit::kRfc3339), "bad_time");
  EXPECT_EQ(time_of("1:double", varint(1, 1)), "bad_time");
  const auto stamp = [](int64_t seconds, int64_t nanos) {
    return time_of("1:timestamp", bytes(1, varint(1, bits(seconds)) + varint(2, bits(nanos))),
                   TimeUnit::kRfc3339);
  };
  EXPECT_EQ(stamp(1'700'000'000, 123'999'999), "@1700000000123");
  EXPECT_EQ(stamp(-1, 999'000'000), "@-1");
  EXPECT_EQ(stamp(0, 1'000'000'000), "bad_time");
  EXPECT_EQ(stamp(0, -1), "bad_time");
  EXPECT_EQ(stamp(INT64_MAX, 0), "bad_time");
  EXPECT_EQ(time_of("1:timestamp", bytes(1, ""), TimeUnit::kRfc3339), "@0");
  EXPECT_EQ(time_of("1:timestamp", varint(1, 5), TimeUnit::kRfc3339), "wrong_type");
  EXPECT_EQ(time_of("1:timestamp", bytes(1, "\x08"), TimeUnit::kRfc3339), "bad_protobuf");
}

TEST(ProtobufNumbers, the_tracker_of_the_documentation_is_read) {
  SourceOptions o = source(
      {scaled(field("lat", "2.1:sfixed"), 1e-7), scaled(field("lon", "2.2:sfixed"), 1e-7),
       scaled(field("temp_c", "4:sint"), 0.1), field("door", "5", kText), field("battery", "/2")},
      "1:timestamp");
  o.each = "3";
  EXPECT_EQ(Decoding(o)(*from_hex("10571a1d0a0608c0d490cd06120a0d80c3ae1c15c0a5e70620b7022a046f7065"
                                  "6e")),
            "@1772366400000 48.121536 11.5844544 -15.600000000000001 open 87");
}

SourceOptions pack() {
  SourceOptions o = source({field("t", "1:sint"), field("unit", "/7", kText), field("n", "2.1")});
  o.each = "3.1";
  return o;
}
std::string element(int64_t time, uint64_t t) {
  return bytes(3, bytes(1, varint(9, bits(time)) + varint(1, t)));
}

TEST(ProtobufNumbers, each_message_of_a_repeated_field_is_a_reading) {
  Decoding d(pack());
  EXPECT_EQ(d(element(1, 10) + bytes(7, "C") + bytes(3, bytes(1, bytes(2, varint(1, 7)))) +
              element(2, 12)),
            "@1 5 C -\n@none - C 7\n@2 6 C -");
  EXPECT_EQ(d(bytes(7, "C")), "");
  EXPECT_EQ(d(bytes(3, varint(1, 1))), "wrong_type: '3.1' is not a message");
}

TEST(ProtobufNumbers, a_time_beside_the_readings_is_that_of_all) {
  SourceOptions o = pack();
  o.time_path = "/8";
  EXPECT_EQ(Decoding(o)(element(1, 10) + varint(8, 4) + element(2, 12)), "@4 5 - -\n@4 6 - -");
}

TEST(ProtobufNumbers, a_reading_with_a_wrong_value_is_refused_alone) {
  Decoding d(pack());
  EXPECT_EQ(d(bytes(3, bytes(1, fixed(1, 1.0) + varint(9, 3))) + element(2, 12)),
            "wrong_type: field 't' comes as 8 bytes, not as sint\n@2 6 - -");
  EXPECT_EQ(d(element(1, 10) + bytes(3, bytes(1, "\x08"))), "bad_protobuf: '1': end-of-stream");
}

TEST(ProtobufNumbers, a_wrong_value_two_levels_down_changes_no_other_reading) {
  SourceOptions o = source({field("battery", "/2"), field("speed", "4"), field("lat", "2.1:sint")});
  o.time_path.clear();
  o.each = "3";
  EXPECT_EQ(
      Decoding(o)(varint(2, 87) + bytes(3, varint(4, 4)) +
                  bytes(3, bytes(2, fixed(1, 1.0f) + varint(2, 99))) + bytes(3, varint(4, 8))),
      "@none 87 4 -\n"
      "wrong_type: field 'lat' comes as 4 bytes, not as sint\n"
      "@none 87 8 -");
}

TEST(ProtobufNumbers, an_impossible_timestamp_refuses_its_reading_alone) {
  SourceOptions o = source({field("battery", "/2")}, "1:timestamp");
  o.each = "3";
  const std::string good = bytes(3, bytes(1, varint(1, 1'700'000'000)));
  EXPECT_EQ(
      Decoding(o)(varint(2, 87) + good +
                  bytes(3, bytes(1, varint(1, 1'700'000'000) + varint(2, 0xffff'ffff))) + good),
      "@1700000000000 87\n"
      "bad_time: the time is not a possible timestamp\n"
      "@1700000000000 87");
}

TEST(ProtobufNumbers, a_payload_of_too_many_readings_is_refused) {
  std::string all;
  for (size_t i = 0; i < kReadingsMax; ++i) all += bytes(3, bytes(1, ""));
  Decoding d(pack());
  EXPECT_TRUE(d(all).starts_with("@none"));
  EXPECT_EQ(d(all + bytes(3, bytes(1, ""))), "too_large: more than 10000 readings in one payload");
}

TEST(ProtobufNumbers, the_more_fields_the_fewer_readings_a_payload_may_have) {
  SourceOptions o = pack();
  o.fields.clear();
  for (int i = 0; i < 48; ++i) o.fields.push_back(field("x" + std::to_string(i), "4"));
  std::string all;
  for (int i = 0; i < 2'000; ++i) all += bytes(3, bytes(1, ""));
  Decoding d(o);  // 50 with the topic's levels
  EXPECT_TRUE(d(all).starts_with("@none"));
  EXPECT_EQ(d(all + bytes(3, bytes(1, ""))), "too_large: more than 2000 readings in one payload");
}

TEST(ProtobufNumbers, a_payload_that_is_cut_within_a_field_is_refused) {
  const std::string elements[] = {varint(9, 1'700'000'000'123), fixed(1, 90.0), bytes(2, "open"),
                                  bytes(4, fixed(1, 48.1) + bytes(2, varint(1, 300)))};
  std::string whole;
  std::vector<size_t> borders{0};
  for (const std::string& e : elements) borders.push_back((whole += e).size());
  Decoding d(truck_by_numbers());
  for (size_t size = 0; size <= whole.size(); ++size) {
    const bool between = std::count(borders.begin(), borders.end(), size) > 0;
    const std::string result = d(whole.substr(0, size));
    EXPECT_EQ(result.starts_with(between ? "@" : "bad_protobuf"), true) << size << " " << result;
  }
}

TEST(ProtobufNumbers, lengths_that_lie_groups_and_nonsense_are_refused) {
  Decoding d(truck_by_numbers());
  for (std::string_view payload :
       {"{\"ts\":1}"sv, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv,
        "\x22\xff\xff\xff\xff\x0f"sv, "\x22\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv, "\x12\x7f"sv,
        "\x48"sv, "\x00\x00"sv, "\x0b\x0c"sv, "\x4b\x4c"sv, "\x2b\x2c"sv, "\x0f"sv,
        "\x22\x02\x0a\x05"sv, "\x12\x01\xff"sv}) {
    EXPECT_TRUE(d(payload).starts_with("bad_protobuf: ")) << hex_of(payload) << d(payload);
  }
}

TEST(ProtobufNumbers, depth_costs_nothing) {
  std::string deep;
  for (int i = 0; i < 2'000; ++i) deep = bytes(4, deep);
  EXPECT_EQ(Decoding(truck_by_numbers())(deep), "@none - - - - -");
}

TEST(ProtobufNumbers, a_damaged_payload_does_no_harm) {
  const std::string whole = bytes(7, "C") + element(1'700'000'000'123, 10) +
                            bytes(3, bytes(1, bytes(2, varint(1, 7)) + fixed(5, 1.0f)));
  const unsigned seed = 29;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Decoding d(pack());
  for (int i = 0; i < 50'000; ++i) {
    std::string damaged = whole;
    for (int edits = 1 + random() % 3; edits > 0; --edits) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    const std::string result = d(damaged);
    ASSERT_TRUE(result.empty() || result.front() == '@' || result.starts_with("bad_") ||
                result.starts_with("wrong_type: "))
        << result;
  }
}

}  // namespace
}  // namespace wayside
