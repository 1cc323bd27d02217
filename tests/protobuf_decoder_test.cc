#include "sensors/protobuf_decoder.h"

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

std::string item(std::string_view name, const std::string& value) {
  return bytes(2, bytes(1, name) + value);
}
std::string number(std::string_view name, double value) { return item(name, fixed(2, value)); }
std::string text(std::string_view name, std::string_view value) {
  return item(name, bytes(3, value));
}
std::string flag(std::string_view name, bool value) { return item(name, varint(4, value)); }
std::string time(int64_t ms) { return varint(1, static_cast<uint64_t>(ms)); }

SourceOptions truck() {
  SourceOptions o;
  o.name = "s";
  o.format = PayloadFormat::kProtobuf;
  o.fields = {scaled(field("speed", "spd"), 0.5), field("door", "door", FieldType::kText),
              field("moving", "mv", FieldType::kBool)};
  return o;
}

TEST(ProtobufDecoder, a_reading_fills_its_fields_in_any_order) {
  Decoding d(truck());
  EXPECT_EQ(
      d(time(1'700'000'000'123) + number("spd", 90) + text("door", "open") + flag("mv", true)),
      "@1700000000123 45 open 1");
  EXPECT_EQ(d(flag("mv", false) + text("door", "") + number("spd", -3) + time(-5)), "@-5 -1.5  0");
}

TEST(ProtobufDecoder, absent_fields_and_time_stay_nothing) {
  Decoding d(truck());
  EXPECT_EQ(d(""), "@none - - -");
  EXPECT_EQ(d(time(1) + item("spd", "")), "@1 - - -");  // a name without a value
}

TEST(ProtobufDecoder, what_it_does_not_know_is_passed_over) {
  Decoding d(truck());
  EXPECT_EQ(d(varint(9, 5) + fixed(10, 1.0) + bytes(11, "x") + tag(12, 5) + "abcd" +
              number("other", 7) + item("spd", varint(15, 1) + fixed(2, 8.0)) + time(2)),
            "@2 4 - -");
  EXPECT_EQ(d(bytes(1, "a time of another wire type") + time(2)), "@2 - - -");
}

TEST(ProtobufDecoder, the_last_value_of_a_field_counts) {
  Decoding d(truck());
  EXPECT_EQ(d(time(1) + number("spd", 2) + time(3) + number("spd", 4)), "@3 2 - -");
  EXPECT_EQ(d(item("door", fixed(2, 1.0) + bytes(3, "open"))), "@none - open -");  // within a oneof
}

TEST(ProtobufDecoder, a_value_of_another_type_refuses_the_payload) {
  Decoding d(truck());
  EXPECT_EQ(d(text("spd", "fast")), "wrong_type: field 'speed' is not a number");
  EXPECT_EQ(d(flag("spd", true)), "wrong_type: field 'speed' is not a number");
  EXPECT_EQ(d(number("mv", 2)), "wrong_type: field 'moving' is not true or false");
}

TEST(ProtobufDecoder, what_can_be_converted_is) {
  Decoding d(truck());
  EXPECT_EQ(d(text("spd", "90") + number("door", 1.5) + number("mv", 1)), "@none 45 1.5 1");
}

TEST(ProtobufDecoder, an_infinite_number_refuses_the_payload) {
  Decoding d(truck());
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  for (double value : {kInfinite, -kInfinite}) {
    EXPECT_EQ(d(number("spd", value)), "wrong_type: field 'speed' is infinite");
    EXPECT_EQ(d(number("door", value)), "wrong_type: field 'door' is not a text");
  }
  EXPECT_EQ(d(number("spd", std::numeric_limits<double>::quiet_NaN())), "@none - - -");
}

TEST(ProtobufDecoder, a_text_that_is_not_utf8_refuses_the_payload) {
  EXPECT_EQ(Decoding(truck())(text("door", "\xff")), "bad_protobuf: field 'door' is not UTF-8");
}

TEST(ProtobufDecoder, a_payload_that_is_cut_within_an_element_is_refused) {
  const std::string elements[] = {time(1'700'000'000'123), number("spd", 90), text("door", "open"),
                                  flag("mv", true)};
  std::string whole;
  std::vector<size_t> borders{0};
  for (const std::string& e : elements) borders.push_back((whole += e).size());
  Decoding d(truck());
  for (size_t size = 0; size <= whole.size(); ++size) {
    const bool between = std::count(borders.begin(), borders.end(), size) > 0;
    const std::string result = d(whole.substr(0, size));
    EXPECT_EQ(result.starts_with(between ? "@" : "bad_protobuf"), true) << size << " " << result;
  }
}

TEST(ProtobufDecoder, nonsense_is_refused) {
  Decoding d(truck());
  for (std::string_view payload : {"{\"ts\":1}"sv, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv,
                                   "\x12\xff\xff\xff\xff\x0f"sv, "\x12\x7f"sv, "\x08"sv}) {
    EXPECT_TRUE(d(payload).starts_with("bad_protobuf")) << payload;
  }
}

TEST(ProtobufDecoder, a_damaged_payload_does_no_harm) {
  const std::string whole =
      time(1'700'000'000'123) + number("spd", 90) + text("door", "open") + flag("mv", true);
  const unsigned seed = 23;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Decoding d(truck());
  for (int i = 0; i < 50'000; ++i) {
    std::string damaged = whole;
    for (int edits = 1 + random() % 3; edits > 0; --edits) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    const std::string result = d(damaged);
    ASSERT_TRUE(result.front() == '@' || result.starts_with("bad_protobuf: ") ||
                result.starts_with("wrong_type: "))
        << result;
  }
}

}  // namespace
}  // namespace wayside
