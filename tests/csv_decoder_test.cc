#include "sensors/csv_decoder.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/decode.h"
#include "tests/fields.h"

namespace wayside {
namespace {

SourceOptions table(std::vector<std::string> columns = {"at", "t", "door", "moving"}) {
  SourceOptions o;
  o.name = "s";
  o.format = PayloadFormat::kCsv;
  o.columns = std::move(columns);
  o.time_path = "at";
  o.time.unit = TimeUnit::kSeconds;
  o.fields = {field("temp_c", "t"), field("door", "door", kText), field("moving", "moving", kBool)};
  return o;
}

TEST(CsvDecoder, each_line_is_a_reading) {
  Decoding d(table());
  EXPECT_EQ(d("1,-18.5,open,1\r\n2,4,closed,false\n"), "@1000 -18.5 open 1\n@2000 4 closed 0");
  EXPECT_EQ(d("3,5,open,on"), "@3000 5 open 1") << "the last line needs no end";
}

TEST(CsvDecoder, columns_without_a_field_are_passed_over) {
  EXPECT_EQ(Decoding(table({"", "t", "other", "at", "door", "moving", ""}))("x,1,y,5,open,0,"),
            "@5000 1 open 0");
}

TEST(CsvDecoder, without_names_the_first_line_of_each_payload_names_the_columns) {
  Decoding d(table({}));
  EXPECT_EQ(d("at,t,door,moving\n1,2,open,1\n2,3,open,1"), "@1000 2 open 1\n@2000 3 open 1");
  EXPECT_EQ(d("\xEF\xBB\xBF"
              "moving, \"door\" ,x,t,at\r\n0,shut,9,4,3\r\n"),
            "@3000 4 shut 0");
  EXPECT_EQ(d("moving, door ,x,\"t\",at\r\n0,shut,9,4,3\r\n"), "@3000 4 shut 0");
  EXPECT_EQ(d("at,t,door,moving\n"), "") << "a table without readings";
}

TEST(CsvDecoder, a_first_line_without_a_wanted_column_refuses_the_payload) {
  Decoding d(table({}));
  EXPECT_EQ(d("1,2,open,1\n2,3,open,1"), "bad_csv: the first line names no column 'at'");
  EXPECT_EQ(d("at,door,moving\n"), "bad_csv: the first line names no column 't'");
  EXPECT_EQ(d("at,t,door,moving,t\n"), "bad_csv: the first line names 't' twice");
  EXPECT_EQ(d(""), "bad_csv: the payload is empty: its first line names the columns");
  EXPECT_EQ(d("at,t,\"door\n"), "bad_csv: line 1: a quote is not closed");
  EXPECT_EQ(d(std::string(kCsvColumnsMax, ',')),
            "bad_csv: the first line has more than 1000 columns");
  SourceOptions o = table({});
  o.fields[0].absent = 21.0;
  EXPECT_EQ(Decoding(o)("at,door,moving\n1,open,1"), "@1000 - open 1")
      << "the reading begins with its default";
}

TEST(CsvDecoder, numbers_may_have_a_decimal_comma) {
  SourceOptions o = table({"at", "t", "door", "moving"});
  o.delimiter = ";";
  o.decimal = ",";
  Decoding d(o);
  EXPECT_EQ(d("1;-18,5;a,b;1\n2;4;a.b;0\n3;1,5e3;c;1"),
            "@1000 -18.5 a,b 1\n@2000 4 a.b 0\n@3000 1500 c 1");
  EXPECT_EQ(d("1;-18.5;open;1"), "wrong_type: field 'temp_c' is not a number");
  EXPECT_EQ(d("1;1.000,5;open;1"), "wrong_type: field 'temp_c' is not a number");
}

TEST(CsvDecoder, date_and_time_of_day_may_stand_in_two_columns) {
  SourceOptions o = table({"clock", "t", "at", "door", "moving"});
  o.time.unit = TimeUnit::kPattern;
  o.time.pattern = "%d.%m.%Y %H:%M:%S";
  o.time.zone = "Europe/Berlin";
  o.time.of_day = "clock";
  Decoding d(o);
  EXPECT_EQ(d("01:00:02,4,01.01.1970,open,1"), "@2000 4 open 1");
  EXPECT_EQ(d(",4,01.01.1970,open,1"), "bad_time: the time 'at' does not read as the declared unit")
      << "the date of the line before has gone";
  EXPECT_EQ(d("01:00:02,4,,open,1"), "@none 4 open 1");
  o.columns.clear();
  Decoding with_head(o);
  EXPECT_EQ(with_head("t,clock,door,at,moving\n4,01:00:03,open,01.01.1970,1"), "@3000 4 open 1");
  EXPECT_EQ(with_head("t,door,at,moving\n4,open,01.01.1970,1"),
            "bad_csv: the first line names no column 'clock'");
}

TEST(CsvDecoder, an_empty_cell_is_nothing) {
  Decoding d(table());
  EXPECT_EQ(d(",,,"), "@none - - -");
  EXPECT_EQ(d("1, ,\"\",0"), "@1000 - - 0");
}

TEST(CsvDecoder, quotes_and_blanks_are_those_of_the_file_not_of_the_text) {
  Decoding d(table());
  EXPECT_EQ(d("1, 2 ,\"a,\"\"b\"\"\n c\",1"), "@1000 2 a,\"b\"\n c 1");
  EXPECT_EQ(d("1,2, open\t,1\n2,2,\" shut \",1"), "@1000 2 open 1\n@2000 2  shut  1");
}

TEST(CsvDecoder, blanks_around_quotes_do_not_count) {
  Decoding d(table());
  EXPECT_EQ(d("1,2, \"open\" ,1\n2,2,\t\"a \"\"b\"\"\" \t,1"), "@1000 2 open 1\n@2000 2 a \"b\" 1");
  EXPECT_EQ(d("1,2,\" open \" x ,1"), "@1000 2  open x 1") << "nor before what is behind";
  EXPECT_EQ(d("1,2,open, \"1\" \r\n2,2,open,\"1\" "), "@1000 2 open 1\n@2000 2 open 1");
}

TEST(CsvDecoder, a_line_of_blanks_is_empty) {
  Decoding d(table());
  EXPECT_EQ(d(" \n1,2,open,1\n\t \r\n\n  \n2,3,open,1\n  "), "@1000 2 open 1\n@2000 3 open 1");
  EXPECT_EQ(d("  "), "bad_csv: the payload holds no line");
  SourceOptions o = table();
  o.delimiter = "\t";
  EXPECT_EQ(Decoding(o)("\t\t\t"), "@none - - -") << "these are delimiters";
}

TEST(CsvDecoder, another_delimiter_may_stand_between) {
  SourceOptions o = table();
  o.delimiter = ";";
  EXPECT_EQ(Decoding(o)("1;2.5;a,b;0"), "@1000 2.5 a,b 0");
  o.delimiter = "\t";
  EXPECT_EQ(Decoding(o)("1\t\topen\t0"), "@1000 - open 0");
}

TEST(CsvDecoder, a_line_that_does_not_fit_is_refused_alone) {
  Decoding d(table());
  EXPECT_EQ(d("1,2,open\n2,3,open,1\n3,4,open,1,5\n"),
            "bad_csv: line 1 has 3 cells instead of 4\n@2000 3 open 1\n"
            "bad_csv: line 3 has 5 cells instead of 4");
  EXPECT_EQ(d("1,warm,open,1\n\n2,3,\xff,1\n3,4,open,2\nnow,4,open,1\n5,6,shut,0"),
            "wrong_type: field 'temp_c' is not a number\n"
            "bad_csv: line 3: field 'door' is not UTF-8\n"
            "wrong_type: field 'moving' is not true or false\n"
            "bad_time: the time 'at' does not read as the declared unit\n@5000 6 shut 0");
  EXPECT_EQ(d("1,warm,open"), "bad_csv: line 1 has 3 cells instead of 4")
      << "the shape is told before a value";
}

TEST(CsvDecoder, what_an_open_quote_swallows_is_one_refused_line) {
  EXPECT_EQ(Decoding(table())("1,2,open,1\n2,3,\"open,1\n3,4,open,1\n"),
            "@1000 2 open 1\nbad_csv: line 2: a quote is not closed");
}

TEST(CsvDecoder, a_payload_without_a_line_is_refused) {
  Decoding d(table());
  for (const char* empty : {"", "\n\r\n", "\xEF\xBB\xBF"}) {
    EXPECT_EQ(d(empty), "bad_csv: the payload holds no line");
  }
}

TEST(CsvDecoder, a_payload_of_too_many_lines_is_refused) {
  Decoding d(table({"t"}));
  std::string lines;
  for (size_t i = 0; i <= kReadingsMax; ++i) lines += "1\n";
  EXPECT_EQ(d(lines), "too_large: more than 10000 readings in one payload");
}

TEST(CsvDecoder, the_more_fields_the_fewer_readings_a_payload_may_have) {
  SourceOptions o = table({"t"});
  o.fields.assign(48, field("x", "none"));
  Decoding d(o);  // 50 with the topic's levels
  std::string lines;
  for (int i = 0; i < 2'000; ++i) lines += "1\n";
  EXPECT_TRUE(d(lines).starts_with("@none"));
  EXPECT_EQ(d(lines + "1\n"), "too_large: more than 2000 readings in one payload");
}

TEST(CsvDecoder, a_damaged_payload_does_no_harm) {
  const std::string whole = "at,t,\"door\",moving\r\n1,-2.5,\"a \"\"b\"\"\",on\r\n2,,shut,0\r\n";
  const unsigned seed = 31;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Decoding named(table()), head(table({}));
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = whole;
    for (int edits = 1 + random() % 4; edits > 0; --edits) {
      damaged[random() % damaged.size()] = ",\"\n\r a1\xff"[random() % 8];
    }
    for (Decoding* d : {&named, &head}) {
      const std::string result = (*d)(damaged);
      ASSERT_TRUE(result.empty() || result.front() == '@' || result.starts_with("bad_csv: ") ||
                  result.starts_with("wrong_type: ") || result.starts_with("bad_time: "))
          << result;
    }
  }
}

}  // namespace
}  // namespace wayside
