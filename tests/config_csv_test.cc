// Sources of format = "csv".
#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

const std::string kCsv = "format = \"csv\"\n" + kTime;
const std::string kColumns = "\ncolumns = [\"ts\", \"t\", \"\", \"door\", \"spd\", \"\"]";

TEST(ConfigCsv, columns_the_delimiter_and_the_decimal_sign_may_be_given) {
  auto config = parse_good(with(kTime, kCsv));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].format, PayloadFormat::kCsv);
  EXPECT_EQ(config->sources[0].delimiter, ",");
  config = parse_good(with(kTime, kCsv + "\ndelimiter = \"\\t\"" + kColumns));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].delimiter, "\t");
  EXPECT_EQ(config->sources[0].columns,
            (std::vector<std::string>{"ts", "t", "", "door", "spd", ""}));
  config = parse_good(with(kTime, kCsv + "\ndelimiter = \";\"\ndecimal = \",\""));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sources[0].decimal, ",");
}

void expect_wrong_field(const std::string& csv, const std::string& column,
                        const std::string& error) {
  std::string text = with(kTime, csv);
  text = with(R"(temp_c = "t")", "temp_c = @@\"" + column + "\"", text);
  const auto marks = take_marks(text);
  EXPECT_EQ(errors_of(text), std::vector<std::string>{marks[0] + ": 'fields.temp_c': " + error});
}

TEST(ConfigCsv, what_does_not_fit_is_told_before_anything_starts) {
  const std::string wrong_delimiter =
      "'delimiter': is one character, neither a quote nor an end of line";
  expect_errors({
      {kTime, kCsv + "\ndelimiter = @@\"\"", wrong_delimiter},
      {kTime, kCsv + "\ndelimiter = @@\";;\"", wrong_delimiter},
      {kTime, kCsv + "\ndelimiter = @@'\"'", wrong_delimiter},
      {kTime, kCsv + "\ndelimiter = @@\"\\n\"", wrong_delimiter},
      {kTime, kTime + "\ndelimiter = @@\";\"", "'delimiter': is for format = \"csv\""},
      {kTime, kCsv + "\ndecimal = @@\"'\"", "'decimal': is \".\" or \",\""},
      {kTime, kCsv + "\ndecimal = @@\",\"", "'decimal': is the delimiter, too"},
      {kTime, kTime + "\ndecimal = @@\",\"", "'decimal': is for format = \"csv\""},
      {kTime, "time = { field = \"ts\", of_day = @@\"clock\" }",
       "'time': 'of_day' is for format = \"csv\""},
      {kTime, "format = \"csv\"\ntime = { field = \"ts\", of_day = @@\"clock\" }" + kColumns,
       "'time': there is no column 'clock'"},
      {kTime, "format = \"csv\"\ntime = { field = \"ts\", of_day = @@\"ts\" }",
       "'time': 'of_day' is the column 'field', too"},
      {kTime, "format = \"csv\"\ntime = @@{ field = \"ts\", of_day = \"clock\", unit = \"s\" }",
       "'time': a time that is counted from 1970 has no column 'of_day'"},
      {kTime, kTime + "\ncolumns = @@[\"t\"]", "'columns': is for format = \"csv\""},
      {kTime, kCsv + "\ncolumns = @@[\"ts\", \"t\", \"door\", \"spd\", \"t\"]",
       "'columns': has 't' twice"},
  });
  expect_wrong_field(kCsv + kColumns, "temp", "there is no column 'temp'");
  expect_wrong_field("format = \"csv\"\ntime = { field = \"ts\", of_day = \"clock\" }", "clock",
                     "path \"clock\" is read twice");
}

}  // namespace
}  // namespace wayside
