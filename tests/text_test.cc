#include "base/text.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

namespace wayside {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string json_number(double value) {
  std::string out;
  append_json_number(out, value);
  return out;
}

TEST(Text, a_slip_of_the_pen_finds_the_word_that_was_meant) {
  const std::vector<std::string> keys{"name", "topic", "format", "max_disorder", "idle_after"};
  struct Row {
    const char* word;
    const char* meant;  // null: none is near
  };
  const Row rows[] = {{"nmae", nullptr},  // two edits in four letters are too many
                      {"nam", "name"},
                      {"topics", "topic"},
                      {"Format", "format"},
                      {"max_disordr", "max_disorder"},
                      {"max-disorder", "max_disorder"},
                      {"idel_after", "idle_after"},
                      {"frobnicate", nullptr},
                      {"x", nullptr},
                      {"topic", "topic"}};
  for (const Row& row : rows) {
    EXPECT_EQ(nearest(row.word, keys),
              row.meant ? std::optional<std::string>(row.meant) : std::nullopt)
        << row.word;
  }
  EXPECT_EQ(nearest("name", {}), std::nullopt);
}

TEST(Text, sizes_are_whole_numbers_with_a_binary_unit) {
  struct Row {
    const char* text;
    std::optional<uint64_t> bytes;
  };
  const Row rows[] = {{"512B", 512},
                      {"4KiB", 4096},
                      {"64MiB", 64ull << 20},
                      {"1GiB", 1ull << 30},
                      {"0B", 0},
                      {"64", std::nullopt},
                      {"64MB", std::nullopt},
                      {"64 MiB", std::nullopt},
                      {"1.5GiB", std::nullopt},
                      {"-1B", std::nullopt},
                      {"+1B", std::nullopt},
                      {"MiB", std::nullopt},
                      {"", std::nullopt},
                      {"4KiBx", std::nullopt},
                      {"18446744073709551615GiB", std::nullopt},
                      {"99999999999999999999B", std::nullopt}};
  for (const Row& row : rows) EXPECT_EQ(parse_bytes(row.text), row.bytes) << row.text;
}

TEST(Text, a_size_is_written_in_its_largest_whole_unit_and_reads_back) {
  EXPECT_EQ(format_bytes(8 << 20), "8MiB");
  EXPECT_EQ(format_bytes(1536), "1536B");
  EXPECT_EQ(format_bytes(1536 << 10), "1536KiB");
  for (uint64_t bytes : {0ull, 1ull, 1023ull, 1024ull, 4097ull, 1ull << 30, 3ull << 31}) {
    EXPECT_EQ(parse_bytes(format_bytes(bytes)), bytes);
  }
}

TEST(Text, utf8_is_what_rfc_3629_says) {
  const std::string_view good[] = {
      "", "plain", "\u00e9", "\u20ac", "\U0001f69a", "\U0010ffff", std::string_view("a\0b", 3)};
  for (std::string_view text : good) EXPECT_TRUE(is_valid_utf8(text)) << text;
  const std::string_view bad[] = {
      "\x80",              // a continuation without a beginning
      "\xc3",              // cut off
      "\xe2\x82",          // cut off
      "\xf0\x9f\x9a",      // cut off
      "\xc0\xaf",          // '/' in two bytes
      "\xe0\x80\xaf",      // and in three
      "\xf0\x80\x80\xaf",  // and in four
      "\xed\xa0\x80",      // a surrogate
      "\xf4\x90\x80\x80",  // beyond U+10FFFF
      "\xff",
      "ok\xe2(\xa1",
  };
  for (std::string_view text : bad) EXPECT_FALSE(is_valid_utf8(text)) << json_string(text);
}

TEST(Text, json_strings_escape_what_json_must_not_hold) {
  struct Row {
    std::string_view text, json;
  };
  const Row rows[] = {{"", "\"\""},
                      {"a\"b\\c", R"("a\"b\\c")"},
                      {"line\nend\t", R"("line\u000aend\u0009")"},
                      {std::string_view("\0", 1), R"("\u0000")"},
                      {"\u20ac/", "\"\u20ac/\""},
                      {"x\xff\xc3z", "\"x\ufffd\ufffdz\""}};
  for (const Row& row : rows) EXPECT_EQ(json_string(row.text), row.json);
}

TEST(Text, json_numbers_are_short_and_never_invalid) {
  struct Row {
    double value;
    const char* json;
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Row rows[] = {{0, "0"},
                      {-3, "-3"},
                      {0.1, "0.1"},
                      {1e6, "1000000"},
                      {-18.25, "-18.25"},
                      {9007199254740991.0, "9007199254740991"},
                      {1e300, "1e+300"},
                      {kInfinity, "null"},
                      {-kInfinity, "null"},
                      {std::nan(""), "null"}};
  for (const Row& row : rows) EXPECT_EQ(json_number(row.value), row.json);
}

TEST(Text, json_numbers_read_back_as_the_same_double) {
  const unsigned seed = 20'240'501;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = json_number(value);
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
  }
}

TEST(Text, decimals_and_what_lies_beside_them_are_written_as_the_library_does) {
  const unsigned seed = 20'261'123;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200'000; ++i) {
    const int digits = 1 + static_cast<int>(random() % 17);
    const int places = static_cast<int>(random() % 12);
    const auto whole = static_cast<double>(random() % static_cast<uint64_t>(std::pow(10, digits)));
    const double decimal = (i % 2 ? -whole : whole) / std::pow(10, places);
    for (const double value :
         {decimal, std::nextafter(decimal, 0), std::nextafter(decimal, 1e300)}) {
      if (value == std::trunc(value)) continue;  // those have their own way
      char text[kJsonNumberMax];
      const char* end = std::to_chars(text, text + sizeof text, value).ptr;
      ASSERT_EQ(json_number(value), std::string_view(text, static_cast<size_t>(end - text)));
    }
  }
}

TEST(Text, a_name_holds_letters_digits_dashes_and_underscores_only) {
  for (const char* name : {"a", "truck-17", "cold_5m", "5m", "A-Z_09"})
    EXPECT_TRUE(is_name(name)) << name;
  for (const char* name : {"", "a b", "a/b", "a.b", "caf\u00e9", "a\n", "{x}"}) {
    EXPECT_FALSE(is_name(name)) << name;
  }
  EXPECT_TRUE(is_name(std::string(64, 'a')));
  EXPECT_FALSE(is_name(std::string(65, 'a')));
}

TEST(Text, what_is_printable_holds_no_commands_to_a_terminal) {
  EXPECT_EQ(printable("caf\u00e9 a\x1b[31mRED\x07\x7f\n"), "caf\u00e9 a [31mRED   ");
  EXPECT_EQ(printable("\u009b31m\u00a0"), " 31m\u00a0") << "controls beyond ASCII, too";
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "\ufffd31m");
}

TEST(Text, what_is_shortened_shows_the_first_whole_characters) {
  EXPECT_EQ(shortened("4\nv2"), "4 v2");
  EXPECT_EQ(shortened(std::string(80, 'x')), std::string(80, 'x'));
  EXPECT_EQ(shortened(std::string(79, 'x') + "\u00e9"), std::string(79, 'x') + "\u2026");
}

TEST(Text, sql_does_not_tell_names_by_their_case) {
  EXPECT_TRUE(same_name("Temp_C", "temp_c"));
  EXPECT_FALSE(same_name("temp", "temp_c"));
  EXPECT_FALSE(same_name("\u00c9", "\u00e9"));
}

}  // namespace
}  // namespace wayside
