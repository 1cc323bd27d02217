#include "sensors/struct_decoder.h"

#include <gtest/gtest.h>

#include <random>

#include "base/text.h"
#include "sensors/struct_path.h"
#include "tests/decode.h"
#include "tests/fields.h"

namespace wayside {
namespace {

SourceOptions layout(std::vector<FieldOptions> fields) {
  SourceOptions o;
  o.name = "s";
  o.format = PayloadFormat::kStruct;
  o.fields = std::move(fields);
  return o;
}

// What stands at the path in the bytes of these hex digits.
std::string at(const std::string& path, std::string_view hex, FieldType type = FieldType::kNumber) {
  return Decoding(layout({field("x", path, type)}))(from_hex(hex).value());
}

TEST(StructDecoder, numbers_have_a_width_an_order_and_a_sign) {
  struct Row {
    const char *path, *hex, *value;
  };
  const Row rows[] = {
      {"0:u8", "FE", "254"},
      {"0:i8", "FE", "-2"},
      {"1:u16le", "000102", "513"},
      {"1:u16be", "000102", "258"},
      {"0:i16le", "FEFF", "-2"},
      {"0:i16be", "FEFF", "-257"},
      {"0:u24be", "010203", "66051"},
      {"0:i24le", "FFFFFF", "-1"},
      {"0:u32le", "01020304", "67305985"},
      {"0:i32be", "FFFFFFFE", "-2"},
      {"0:u40be", "0100000000", "4294967296"},
      {"0:i48le", "FEFFFFFFFFFF", "-2"},
      {"0:u56be", "00000000000005", "5"},
      {"0:u64be", "0000000100000000", "4294967296"},
      {"0:i64le", "FFFFFFFFFFFFFFFF", "-1"},
      {"0:f32le", "0000C03F", "1.5"},
      {"0:f32be", "BF800000", "-1"},
      {"0:f64be", "3FF8000000000000", "1.5"},
      {"0:bcd8", "42", "42"},
      {"0:bcd16be", "1234", "1234"},
      {"0:bcd32le", "78563412", "12345678"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(at(row.path, row.hex), std::string("@none ") + row.value) << row.path;
  }
}

// The bytes of 0x0A0B0C0D in the four orders in which registers of 16 bits come.
TEST(StructDecoder, words_may_be_swapped_as_modbus_devices_do) {
  const std::string value = "@none " + std::to_string(0x0A0B0C0D);
  EXPECT_EQ(at("0:u32be", "0A0B0C0D"), value);
  EXPECT_EQ(at("0:u32le", "0D0C0B0A"), value);
  EXPECT_EQ(at("0:u32cdab", "0C0D0A0B"), value);
  EXPECT_EQ(at("0:u32badc", "0B0A0D0C"), value);
  EXPECT_EQ(at("0:f32cdab", "00003FC0"), "@none 1.5");
  EXPECT_EQ(at("0:f64cdab", "0000000000003FF8"), "@none 1.5");
  EXPECT_EQ(at("0:u48cdab", "050603040102"), "@none " + std::to_string(0x010203040506));
}

TEST(StructDecoder, bits_count_from_the_lowest_of_the_word) {
  EXPECT_EQ(at("0:u8[0]", "01"), "@none 1");
  EXPECT_EQ(at("0:u8[7]", "80", kBool), "@none 1");
  EXPECT_EQ(at("0:u8[4..7]", "A5"), "@none 10");
  EXPECT_EQ(at("0:u16le[4..11]", "5CA3"), "@none 53");
  EXPECT_EQ(at("0:u16be[4..11]", "A35C"), "@none 53");
  EXPECT_EQ(at("0:i8[4..7]", "F0"), "@none -1") << "its highest bit is the sign";
  EXPECT_EQ(at("0:u64le[0..63]", "0100000000000000"), "@none 1");
}

// Worked out by hand from the two ways in which DBC files number bits.
TEST(StructDecoder, signals_may_be_written_as_in_a_dbc_file) {
  EXPECT_EQ(at("0:24|16@1+", "00000034120000"), "@none " + std::to_string(0x1234));
  EXPECT_EQ(at("0:12|12@1+", "0050341200"), "@none " + std::to_string(0x345));
  EXPECT_EQ(at("0:7|16@0+", "1234"), "@none " + std::to_string(0x1234));
  EXPECT_EQ(at("0:3|12@0+", "F234"), "@none " + std::to_string(0x234));
  EXPECT_EQ(at("0:5|3@0+", "28"), "@none 5");
  EXPECT_EQ(at("0:0|8@1-", "FE"), "@none -2");
  EXPECT_EQ(at("2:7|8@0-", "0000FF"), "@none -1");
  EXPECT_EQ(at("0:0|64@1+", "0200000000000000"), "@none 2");
}

TEST(StructDecoder, some_bits_say_that_there_is_nothing) {
  EXPECT_EQ(at("0:u16le!0xFFFF", "FFFF"), "@none -");
  EXPECT_EQ(at("0:u16le!65535!65534", "FEFF"), "@none -");
  EXPECT_EQ(at("0:u16le!0xFFFF", "FDFF"), "@none 65533");
  EXPECT_EQ(at("0:i16be!0x8000", "8000"), "@none -");
  EXPECT_EQ(at("0:i16be!-1", "FFFF"), "@none -");
  EXPECT_EQ(at("0:u8[4..7]!15", "F1"), "@none -");
  EXPECT_EQ(at("0:bcd16be!0xFFFF", "FFFF"), "@none -");
  EXPECT_EQ(at("0:bcd16be!9999", "9999"), "@none -");
  EXPECT_EQ(at("0:bcd8!99", "63"), "@none 63");
  EXPECT_EQ(at("0:f32le", "0000C07F"), "@none -") << "not a number";
  SourceOptions o = layout({field("x", "0:u8!255")});
  o.time_path = "1:u32be!0";
  o.time.unit = TimeUnit::kSeconds;
  EXPECT_EQ(Decoding(o)(from_hex("0100000000").value()), "@none 1");
}

TEST(StructDecoder, texts_end_where_padding_begins) {
  EXPECT_EQ(at("1:text4", "0041420000", kText), "@none AB");
  EXPECT_EQ(at("0:text4", "41204220", kText), "@none A B");
  EXPECT_EQ(at("0:text4", "20202020", kText), "@none -");
  EXPECT_EQ(at("0:text2", "3432"), "@none 42") << "a number in digits";
  EXPECT_EQ(at("0:text2", "FFFF", kText), "bad_struct: field 'x' is not UTF-8");
  EXPECT_EQ(at("0:hex6", "0a1B2c3D4e5F", kText), "@none 0a1b2c3d4e5f");
}

TEST(StructDecoder, an_id_keeps_all_its_digits_as_a_text) {
  EXPECT_EQ(at("0:u64be", "FFFFFFFFFFFFFFFF", kText), "@none 18446744073709551615");
  EXPECT_EQ(at("0:i64be", "8000000000000001", kText), "@none -9223372036854775807");
  EXPECT_EQ(at("0:bcd64be", "0353456789012345", kText), "@none 353456789012345");
}

TEST(StructDecoder, values_are_scaled_and_of_their_fields_types) {
  EXPECT_EQ(Decoding(layout({scaled(field("t", "0:u8"), 0.5, -40)}))("\x64"), "@none 10");
  EXPECT_EQ(at("0:bool", "02", kBool), "@none 1");
  EXPECT_EQ(at("0:bool", "00", kText), "@none false");
  EXPECT_EQ(at("0:u8", "02", kBool), "wrong_type: field 'x' is not true or false");
  EXPECT_EQ(at("0:text1", "78"), "wrong_type: field 'x' is not a number");
  EXPECT_EQ(at("0:f32be", "7F800000"), "wrong_type: field 'x' is infinite");
  EXPECT_EQ(at("0:bcd8", "1A"), "bad_struct: field 'x' has a digit beyond 9");
}

TEST(StructDecoder, a_time_has_a_place_too) {
  SourceOptions o = layout({field("x", "0:u8")});
  o.time_path = "1:u32le";
  o.time.unit = TimeUnit::kSeconds;
  EXPECT_EQ(Decoding(o)(from_hex("0510270000").value()), "@10000000 5");
  o.time_path = "1:u64be";
  EXPECT_EQ(Decoding(o)(from_hex("05FFFFFFFFFFFFFFFF").value()),
            "bad_time: the time '1:u64be' does not read as the declared unit");
  o.time_path = "1:hex7";  // a clock in decimal digits
  o.time.unit = TimeUnit::kPattern;
  o.time.pattern = "%E4Y%m%d%H%M%S";
  EXPECT_EQ(Decoding(o)(from_hex("0519700101000105").value()), "@65000 5");
}

TEST(StructDecoder, a_payload_that_is_too_short_is_refused_but_for_fields_with_a_default) {
  EXPECT_EQ(at("2:u16le", "000000"), "bad_struct: field 'x' ends at byte 4 of 3");
  FieldOptions later = field("later", "1:u16le");
  later.absent = 7.0;
  Decoding d(layout({field("x", "0:u8"), later}));
  EXPECT_EQ(d(from_hex("05").value()), "@none 5 -") << "the reading begins with its default";
  EXPECT_EQ(d(from_hex("050100").value()), "@none 5 1");
  SourceOptions o = layout({});
  o.time_path = "0:u32le";
  EXPECT_EQ(Decoding(o)("abc"), "bad_struct: the time ends at byte 4 of 3");
}

TEST(StructDecoder, an_empty_payload_is_refused_whatever_has_a_default) {
  EXPECT_EQ(at("0:u8", ""), "bad_struct: the payload is empty");
  SourceOptions o = layout({field("x", "0:u8")});
  o.fields[0].absent = 7.0;
  EXPECT_EQ(Decoding(o)(""), "bad_struct: the payload is empty");
  o.record_bytes = 1;
  EXPECT_EQ(Decoding(o)(""), "bad_struct: the payload is empty");
}

TEST(StructDecoder, a_payload_may_be_a_row_of_records) {
  SourceOptions o = layout({field("n", "0:u8"), field("s", "1:text2", kText)});
  o.record_bytes = 3;
  Decoding d(o);
  EXPECT_EQ(d("\x01xy\x02z "), "@none 1 xy\n@none 2 z");
  EXPECT_EQ(d("\x01xy\x02z"), "bad_struct: 5 bytes are no whole records of 3");
  EXPECT_EQ(d("\x01\xff\xff\x02zz"), "bad_struct: field 's' is not UTF-8\n@none 2 zz")
      << "a record is refused alone";
  EXPECT_EQ(d(std::string(3 * (kReadingsMax + 1), '1')),
            "too_large: more than 10000 readings in one payload");
}

TEST(StructDecoder, the_more_fields_the_fewer_readings_a_payload_may_have) {
  SourceOptions o = layout(std::vector<FieldOptions>(48, field("n", "0:u8")));
  o.record_bytes = 1;
  Decoding d(o);  // 50 with the topic's levels
  EXPECT_TRUE(d(std::string(2'000, '1')).starts_with("@none"));
  EXPECT_EQ(d(std::string(2'001, '1')), "too_large: more than 2000 readings in one payload");
}

TEST(StructPath, whatever_is_no_path_is_told_with_what_is_expected) {
  const std::string bits =
      "bits are those of a u… or i…, [n] or [low..high] from 0, as in \"12:u8[4..7]\"";
  const std::string nothing =
      "what says that there is nothing is a value of the u…, i… or bcd… before it, as in "
      "\"4:u16le!0xFFFF\"";
  const std::string place = "is no place of a value: expected offset:type, as in \"4:u16le\"";
  const std::string signal =
      "is no signal: expected start|length@order and sign, as in \"0:24|16@1+\"";
  const std::pair<const char*, std::string> rows[] = {
      {"", place},
      {"temp", place},
      {"4", place},
      {"-1:u8", place},
      {"1048577:u8", "begins beyond byte 1048576"},
      {"99999999999999999999:u8", place},
      {"0:u16",
       "a number of 2 bytes is le or be, as in \"u16le\", or of swapped words cdab or badc"},
      {"0:u16xe",
       "a number of 2 bytes is le or be, as in \"u16le\", or of swapped words cdab or badc"},
      {"0:u16cdab", "cdab and badc are for several words of 16 bits, as in \"u32cdab\""},
      {"0:u8[8]", bits},
      {"0:u8[4..3]", bits},
      {"0:u8[4", bits},
      {"0:u8[]", bits},
      {"0:f32le[0]", bits},
      {"0:text4[0]", bits},
      {"0:u8!", nothing},
      {"0:u8!256", nothing},
      {"0:i8!-129", nothing},
      {"0:u8!0x", nothing},
      {"0:f32le!1", nothing},
      {"0:bool!1", nothing},
      {"0:u8 ", "there is no type 'u8 '"},
      {"0:u8[1]x", "goes on with 'x'"},
      {"0:text0", "a text has 1 to 1024 bytes"},
      {"0:hex1025", "a text has 1 to 1024 bytes"},
      {"0:24|16", signal},
      {"0:24|16@2+", signal},
      {"0:24|16@1", signal},
      {"0:24|0@1+", signal},
      {"0:24|65@1+", signal},
      {"0:512|1@1+", signal},
      {"0:1|64@1+", "the signal is spread over more than 8 bytes"},
      {"0:6|64@0+", "the signal is spread over more than 8 bytes"},
  };
  for (const auto& [path, message] : rows) {
    const auto parsed = StructPath::parse(path);
    ASSERT_FALSE(parsed.ok()) << path;
    EXPECT_TRUE(parsed.error().message.starts_with(message))
        << path << ": " << parsed.error().message;
  }
  for (const char* type : {"u", "u7", "u0", "u72", "f16le", "f48le", "bcd4", "int", "text", ""}) {
    const auto parsed = StructPath::parse(std::string("0:") + type);
    ASSERT_FALSE(parsed.ok()) << type;
    EXPECT_TRUE(parsed.error().message.starts_with("there is no type '")) << type;
  }
}

TEST(StructDecoder, any_bytes_are_a_reading_or_refused_with_a_reason) {
  SourceOptions o =
      layout({field("a", "0:u16le[3..9]!5"), field("b", "2:f32be"), field("c", "6:text3", kText),
              field("d", "9:bcd16be"), field("e", "0:12|20@0-")});
  o.time_path = "3:u64be";
  o.time.unit = TimeUnit::kAuto;
  o.record_bytes = 11;
  Decoding d(o);
  const unsigned seed = 29;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 34, ' ');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string result = d(bytes);
    ASSERT_TRUE(result.front() == '@' || result.starts_with("bad_struct: ") ||
                result.starts_with("wrong_type: ") || result.starts_with("bad_time: "))
        << result;
  }
}

}  // namespace
}  // namespace wayside
