#include "uplink/message.h"

#include <gtest/gtest.h>

#include "pipeline/emission_codec.h"

namespace wayside {
namespace {

Emission sample() {
  Emission e;
  e.type = "window";
  e.block = "cold_5m";
  e.key = "truck-17";
  e.time_ms = 1'700'000'000'250;
  e.fields = {
      {"n", 3.0},  {"avg_c", 4.25}, {"open", true}, {"shut", false}, {"note", std::string("ok")},
      {"none", {}}};
  return e;
}

std::string json_of(const Emission& e, Envelope envelope = Envelope::kInside) {
  std::string json;
  append_json(e, "gw/e1/12", envelope, json);
  return json;
}

TEST(Message, an_emission_is_one_json_object_that_begins_with_its_id) {
  EXPECT_EQ(
      json_of(sample()),
      R"({"id":"gw/e1/12","type":"window","block":"cold_5m","key":"truck-17","time":1700000000250,)"
      R"("n":3,"avg_c":4.25,"open":true,"shut":false,"note":"ok","none":null})");
}

TEST(Message, id_and_type_are_not_repeated_when_they_stand_outside) {
  EXPECT_EQ(json_of(sample(), Envelope::kOutside),
            R"({"block":"cold_5m","key":"truck-17","time":1700000000250,)"
            R"("n":3,"avg_c":4.25,"open":true,"shut":false,"note":"ok","none":null})");
}

TEST(Message, what_was_said_while_the_clock_was_not_set_says_so) {
  Emission e = sample();
  e.clock_unset = true;
  e.fields.clear();
  EXPECT_EQ(json_of(e), R"({"id":"gw/e1/12","type":"window","block":"cold_5m","key":"truck-17",)"
                        R"("time":1700000000250,"clock":"unset"})");
  std::string encoded;
  encode_emission(e, encoded);
  EXPECT_TRUE(decode_emission(encoded)->clock_unset);
}

TEST(Message, tells_what_made_it_be_said_and_under_which_configuration) {
  Emission e = sample();
  e.fields.clear();
  e.cause = {18, 3};
  e.config = 0x1a2b3c4d;
  const std::string_view head = R"({"id":"gw/e1/12","type":"window",)";
  const std::string_view rest = R"("block":"cold_5m","key":"truck-17","time":1700000000250)";
  EXPECT_EQ(json_of(e),
            std::string(head) + std::string(rest) + R"(,"cause":"18.3","config":"1a2b3c4d"})");
  EXPECT_EQ(json_of(e, Envelope::kOutside), "{" + std::string(rest) + "}");
  e.cause.place = Cause::kNoReading;
  e.config = 0;
  EXPECT_EQ(json_of(e), std::string(head) + std::string(rest) + R"(,"cause":"18"})");
}

TEST(Message, whatever_a_device_sent_stays_one_line_of_json) {
  const struct {
    std::string text;
    std::string json;
  } rows[] = {
      {"a\"b\\c", R"("a\"b\\c")"},
      {"line\nbreak\r", R"("line\u000abreak\u000d")"},
      {std::string("\0", 1), R"("\u0000")"},
      {"\x1f", R"("\u001f")"},
      {"ä€😀", "\"ä€😀\""},
      {"\xff", "\"\xef\xbf\xbd\""},
  };
  for (const auto& row : rows) {
    Emission e = sample();
    e.key = row.text;
    e.fields = {{"note", row.text}};
    const std::string json = json_of(e);
    EXPECT_NE(json.find("\"key\":" + row.json + ','), std::string::npos) << json;
    EXPECT_NE(json.find("\"note\":" + row.json + '}'), std::string::npos) << json;
    EXPECT_EQ(json.find('\n'), std::string::npos);
  }
}

TEST(Message, numbers_are_written_as_json_can_hold_them) {
  const struct {
    double number;
    const char* json;
  } rows[] = {{0, "0"},        {-0.5, "-0.5"},      {1e21, "1e+21"},      {0.1, "0.1"},
              {kNull, "null"}, {1.0 / 0.0, "null"}, {-1.0 / 0.0, "null"}, {123456789, "123456789"}};
  for (const auto& row : rows) {
    Emission e = sample();
    e.fields = {{"n", row.number}};
    const std::string json = json_of(e);
    EXPECT_TRUE(json.ends_with(std::string("\"n\":") + row.json + '}')) << json;
  }
}

struct TwoReadings {
  Schema schema{{{"vehicle", FieldType::kText},
                 {"temp_c", FieldType::kNumber},
                 {"open", FieldType::kBool},
                 {"note", FieldType::kText}},
                0};
  ReadingBatch batch{schema};
  TwoReadings() {
    batch.times = {1'000, -5};
    batch.columns[0].texts = {batch.texts.intern("truck-1"), Interner::kNone};
    batch.columns[1].numbers = {4.5, kNull};
    batch.columns[2].numbers = {1, kNull};
    batch.columns[3].texts = {batch.texts.intern("a\"b"), Interner::kNone};
  }
};

TEST(Message, a_forwarded_reading_names_its_source_and_leaves_out_what_it_has_not) {
  const TwoReadings r;
  std::string full, empty;
  append_json(r.batch, r.schema, "climate", 0, false, "gw/e1/3.0", Envelope::kInside, full);
  append_json(r.batch, r.schema, "climate", 1, true, "gw/e1/3.1", Envelope::kOutside, empty);
  EXPECT_EQ(full,
            R"({"id":"gw/e1/3.0","type":"reading","source":"climate","key":"truck-1","time":1000,)"
            R"("temp_c":4.5,"open":true,"note":"a\"b"})");
  EXPECT_EQ(empty, R"({"source":"climate","key":"","time":-5,"clock":"unset"})");
}

TEST(Message, a_forwarded_reading_says_the_same_in_protobuf) {
  const TwoReadings r;
  const Emission full = as_emission(r.batch, r.schema, "climate", 0, false);
  EXPECT_EQ(full.type, "reading");
  EXPECT_EQ(full.block, "climate");
  EXPECT_EQ(full.key, "truck-1");
  EXPECT_EQ(full.time_ms, 1'000);
  EXPECT_EQ(full.fields, (std::vector<NamedValue>{
                             {"temp_c", 4.5}, {"open", true}, {"note", std::string("a\"b")}}));
  const Emission empty = as_emission(r.batch, r.schema, "climate", 1, true);
  EXPECT_EQ(empty.key, "");
  EXPECT_TRUE(empty.fields.empty());
  EXPECT_FALSE(full.clock_unset);
  EXPECT_TRUE(empty.clock_unset);
}

TEST(Message, protobuf_carries_the_id_first_and_reads_back) {
  std::string encoded;
  encode_emission(sample(), encoded);
  const std::string whole = with_id("gw/e1/12", encoded);
  EXPECT_EQ(whole.substr(0, 10), std::string("\x0a\x08") + "gw/e1/12");  // field 1, 8 bytes
  const auto read = decode_emission(whole);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->type, "window");
  EXPECT_EQ(read->block, "cold_5m");
  EXPECT_EQ(read->key, "truck-17");
  EXPECT_EQ(read->time_ms, 1'700'000'000'250);
  EXPECT_EQ(read->fields, sample().fields);
}

TEST(Message, protobuf_that_is_cut_off_is_refused_or_holds_fewer_fields) {
  std::string encoded;
  encode_emission(sample(), encoded);
  for (size_t size = 0; size < encoded.size(); ++size) {
    const auto read = decode_emission(std::string_view(encoded).substr(0, size));
    if (read.ok()) {
      EXPECT_LT(read->fields.size(), sample().fields.size()) << size;
    }
  }
}

TEST(MessageBatch, gives_messages_in_which_nothing_of_former_ones_is_left) {
  MessageBatch batch;
  for (const size_t length : {1, 100, 100'000}) {
    batch.add() = {
        "id", "alarm", "block", "key", 1, true, {.entry = 7}, 0x1ab, std::string(length, 'x'),
        true};
    batch.clear();
    EXPECT_TRUE(batch.empty());
    const Message& m = batch.add();
    EXPECT_EQ(m.id + m.type + m.block + m.key + m.value, "");
    EXPECT_EQ(m.time_ms, 0);
    EXPECT_FALSE(m.clock_unset || m.waited);
    EXPECT_EQ(m.cause.entry, 0u);
    EXPECT_EQ(m.config, 0u);
    EXPECT_LT(m.value.capacity(), 1'000u) << "long values do not hold their room";
    batch.clear();
  }
}

}  // namespace
}  // namespace wayside
