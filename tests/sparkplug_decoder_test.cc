#include "sensors/sparkplug_decoder.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "base/bytes.h"
#include "base/text.h"
#include "sensors/sparkplug_payload.h"
#include "sensors/sparkplug_state.h"
#include "tests/config_text.h"
#include "tests/fields.h"

namespace wayside {
namespace {

using namespace std::literals;
namespace fs = std::filesystem;

// The wire format by hand, so that the decoder is not tested against its own library.
std::string tag(int number, int wire) {
  std::string out;
  ByteWriter(out).varint(static_cast<uint64_t>(number << 3 | wire));
  return out;
}
std::string varint(int number, uint64_t value) {
  std::string out = tag(number, 0);
  ByteWriter(out).varint(value);
  return out;
}
template <class Number>
std::string fixed(int number, Number value) {
  std::string out = tag(number, sizeof(Number) == 4 ? 5 : 1);
  ByteWriter(out).fixed(value);
  return out;
}
std::string bytes(int number, std::string_view value) {
  std::string out = tag(number, 2);
  ByteWriter(out).text(value);
  return out;
}

std::string named(std::string_view name) { return bytes(1, name); }
std::string alias(uint64_t value) { return varint(2, value); }
std::string at(int64_t ms) { return varint(3, uint64_t(ms)); }
std::string type(uint32_t value) { return varint(4, value); }
std::string number(double value) { return fixed(13, value); }
std::string metric(const std::string& parts) { return bytes(2, parts); }
std::string payload(uint64_t sequence, const std::string& metrics, int64_t time_ms = 1'000) {
  return varint(1, uint64_t(time_ms)) + metrics + varint(3, sequence);
}

constexpr uint32_t kTypeInt8 = 1, kTypeInt16 = 2, kTypeInt64 = 4, kTypeUInt8 = 5, kTypeUInt64 = 8,
                   kTypeFloat = 9, kTypeDouble = 10, kTypeBool = 11, kTypeString = 12;

SourceOptions plant() {
  SourceOptions o;
  o.name = "s";
  o.format = PayloadFormat::kSparkplug;
  o.fields = {field("id", "$id", FieldType::kText), field("temp", "input/Temperature"),
              field("door", "input/Door", FieldType::kBool),
              field("note", "note", FieldType::kText)};
  return o;
}

// A decoder with what it has asked for.
class Plant {
 public:
  explicit Plant(const SourceOptions& source = plant())
      : source_(source), decoder_(make_sparkplug_decoder(source, 0)) {}

  // "@time field field …" for each reading, '-' for nothing; or "reason: detail".
  TextRows operator()(const std::string& topic, std::string_view payload) {
    const Chunk chunk = chunk_of("spBv1.0/" + topic, payload);
    Row empty;
    empty.numbers.assign(source_.fields.size(), kNull);
    empty.texts.assign(source_.fields.size(), {});
    Readings readings(empty);
    Refusal refusal;
    Now now;
    now.timer_ms = timer_ms;
    now.wall_ms = 5'000;
    const bool good = decoder_->decode(chunk.frames[0], now, readings, refusal);
    for (Outgoing& o : readings.outgoing) asked.push_back(std::move(o));
    if (!good) return {text_of(refusal)};
    TextRows rows;
    for (size_t i = 0; i < readings.size(); ++i) {
      const Refusal& why = readings.refusal(i);
      rows.push_back(why.reason ? text_of(why) : text_of(readings.row(i)));
    }
    return rows;
  }

  // Edge node n of group g, and its device d.
  void bear() {
    EXPECT_EQ((*this)("g/NBIRTH/n",
                      payload(0, metric(named("bdSeq") + type(kTypeUInt64) + varint(11, 7)))),
              TextRows{});
    (*this)(
        "g/DBIRTH/n/d",
        payload(1, metric(named("input/Temperature") + alias(10) + type(kTypeDouble) + number(1)) +
                       metric(named("input/Door") + alias(12) + type(kTypeBool) + varint(14, 0)) +
                       metric(named("other") + alias(13) + type(kTypeDouble) + number(5))));
  }

  int64_t timer_ms = 0;
  std::vector<Outgoing> asked;

 private:
  static std::string text_of(const Refusal& refusal) {
    return std::string(refusal.reason) + ": " + refusal.detail;
  }
  std::string text_of(const Row& row) const {
    std::string out = "@" + (row.has_time ? std::to_string(row.time_ms) : "none");
    for (size_t i = 0; i < source_.fields.size(); ++i) {
      out += ' ';
      if (source_.fields[i].type == FieldType::kText) {
        out += row.texts[i].data() ? row.texts[i] : "-";
      } else if (is_null(row.numbers[i])) {
        out += '-';
      } else {
        append_json_number(out, row.numbers[i]);
      }
    }
    return out;
  }

  SourceOptions source_;
  std::unique_ptr<Decoder> decoder_;
};

TEST(SparkplugDecoder, births_name_metrics_and_data_have_their_aliases) {
  Plant p;
  EXPECT_EQ(p("g/NBIRTH/n", payload(0, metric(named("note") + alias(1) + type(kTypeString) +
                                              bytes(15, "hello")))),
            TextRows{"@1000 g/n - - hello"});
  EXPECT_EQ(p("g/DBIRTH/n/d", payload(1, metric(named("input/Temperature") + alias(10) +
                                                type(kTypeFloat) + at(900) + fixed(12, -18.5f)) +
                                             metric(named("input/Door") + alias(12) +
                                                    type(kTypeBool) + at(900) + varint(14, 1)))),
            TextRows{"@900 g/n/d -18.5 1 -"});
  EXPECT_EQ(p("g/DDATA/n/d", payload(2, metric(alias(10) + fixed(12, -18.25f)), 2'000)),
            TextRows{"@2000 g/n/d -18.25 - -"});
  EXPECT_EQ(p("g/NDATA/n", payload(3, metric(alias(1) + bytes(15, "bye")), 2'500)),
            TextRows{"@2500 g/n - - bye"});
  EXPECT_EQ(p("g/DDATA/n/d", payload(4, metric(named("input/Door") + varint(14, 0)), 3'000)),
            TextRows{"@3000 g/n/d - 0 -"});
  EXPECT_TRUE(p.asked.empty());
}

TEST(SparkplugDecoder, nodes_of_one_name_in_two_groups_have_two_ids) {
  Plant p;
  const std::string birth = payload(0, metric(named("input/Temperature") + number(3)));
  EXPECT_EQ(p("g/NBIRTH/n", birth), TextRows{"@1000 g/n 3 - -"});
  EXPECT_EQ(p("h/NBIRTH/n", birth), TextRows{"@1000 h/n 3 - -"});
  EXPECT_EQ(p("h/DBIRTH/n/d", payload(1, metric(named("input/Temperature") + at(1) + number(4)) +
                                             metric(named("input/Temperature") + number(5)))),
            (TextRows{"@1 h/n/d 4 - -", "@1000 h/n/d 5 - -"}));
}

TEST(SparkplugDecoder, metrics_of_one_time_are_one_reading_and_those_of_others_others) {
  SourceOptions source = plant();
  source.fields.push_back(field("old", "$historical", FieldType::kBool));
  Plant p(source);
  p.bear();
  EXPECT_EQ(p("g/DDATA/n/d",
              payload(2,
                      metric(alias(10) + at(500) + varint(5, 1) + number(3)) +
                          metric(alias(12) + varint(14, 1)) + metric(alias(10) + number(4)) +
                          metric(alias(12) + at(500) + varint(5, 1) + varint(14, 0)) +
                          metric(alias(13) + at(700) + number(9)),
                      2'000)),
            (TextRows{"@500 g/n/d 3 0 - 1", "@2000 g/n/d 4 1 - 0"}));
}

TEST(SparkplugDecoder, what_is_null_or_has_no_value_is_nothing) {
  Plant p;
  p.bear();
  EXPECT_EQ(p("g/DDATA/n/d", payload(2, metric(alias(10) + varint(7, 1)) + metric(alias(12)))),
            TextRows{"@1000 g/n/d - - -"});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(p("g/DDATA/n/d", payload(3, metric(alias(10) + number(nan)))),
            TextRows{"@1000 g/n/d - - -"});
  EXPECT_EQ(p("g/DDATA/n/d", payload(4, "")), TextRows{});
  EXPECT_EQ(p("g/DDATA/n/d", metric(alias(10) + number(1)) + varint(3, 5)),
            TextRows{"@none g/n/d 1 - -"});
}

TEST(SparkplugDecoder, whole_numbers_have_the_sign_and_the_width_of_their_datatype) {
  const auto value = [](uint32_t of, int field_number, uint64_t sent) {
    Plant p;
    p.bear();
    return p("g/DDATA/n/d", payload(2, metric(named("input/Temperature") + type(of) +
                                              varint(field_number, sent))))[0];
  };
  EXPECT_EQ(value(kTypeInt16, 10, 0xFFFFFFF9), "@1000 g/n/d -7 - -");
  EXPECT_EQ(value(kTypeInt16, 10, 0xFFF9), "@1000 g/n/d -7 - -");
  EXPECT_EQ(value(kTypeInt8, 10, 0x80), "@1000 g/n/d -128 - -");
  EXPECT_EQ(value(kTypeInt8, 10, 0x7F), "@1000 g/n/d 127 - -");
  EXPECT_EQ(value(kTypeInt64, 11, uint64_t(-5)), "@1000 g/n/d -5 - -");
  EXPECT_EQ(value(kTypeUInt8, 10, 255), "@1000 g/n/d 255 - -");
  EXPECT_EQ(value(kTypeInt8, 10, 300),
            "wrong_type: field 'temp' is no whole number of its datatype 1");
  EXPECT_EQ(value(kTypeUInt8, 10, 256),
            "wrong_type: field 'temp' is no whole number of its datatype 5");
  EXPECT_EQ(value(kTypeString, 10, 1),
            "wrong_type: field 'temp' is no whole number of its datatype 12");
  // As a text with all of its digits.
  Plant p;
  p.bear();
  const auto text = [&](uint64_t sequence, uint32_t of, uint64_t sent) {
    return p("g/DDATA/n/d", payload(sequence, metric(named("note") + type(of) + varint(11, sent))));
  };
  EXPECT_EQ(text(2, kTypeUInt64, UINT64_MAX), TextRows{"@1000 g/n/d - - 18446744073709551615"});
  EXPECT_EQ(text(3, kTypeInt64, uint64_t(INT64_MIN)),
            TextRows{"@1000 g/n/d - - -9223372036854775808"});
}

TEST(SparkplugDecoder, a_wrong_value_takes_its_reading_with_it_and_no_other) {
  Plant p;
  p.bear();
  EXPECT_EQ(p("g/DDATA/n/d", payload(2, metric(alias(10) + at(1) + bytes(15, "warm")) +
                                            metric(alias(12) + at(1) + varint(14, 1)) +
                                            metric(alias(10) + at(2) + number(5)) +
                                            metric(named("note") + at(3) + bytes(15, "\xff")) +
                                            metric(alias(12) + at(4) + bytes(17, "a data set")))),
            (TextRows{"wrong_type: field 'temp' is not a number", "@2 g/n/d 5 - -",
                      "bad_sparkplug: field 'note' is not UTF-8",
                      "wrong_type: field 'door' is not true or false"}));
  EXPECT_EQ(p("g/DDATA/n/d", payload(3, metric(alias(10) + number(6)))),
            TextRows{"@1000 g/n/d 6 - -"});
}

const char* kAsked = "; its rebirth is asked for";
const char* kWasAsked = "; its rebirth was asked for";

TEST(SparkplugDecoder,
     data_of_an_edge_node_that_is_not_born_are_refused_and_its_rebirth_is_asked_for) {
  Plant p;
  const std::string data = payload(4, metric(alias(10) + number(6)));
  const std::string why = "not_born: edge node 'n' is not born";
  EXPECT_EQ(p("g/DDATA/n/d", data), TextRows{why + kAsked});
  ASSERT_EQ(p.asked.size(), 1u);
  EXPECT_EQ(p.asked[0].topic, "spBv1.0/g/NCMD/n");
  const std::string rebirth =
      named("Node Control/Rebirth") + at(5'000) + type(kTypeBool) + varint(14, 1);
  EXPECT_EQ(p.asked[0].payload, varint(1, 5'000) + metric(rebirth));
  p.timer_ms = 9'999;
  EXPECT_EQ(p("g/NDATA/n", data), TextRows{why + kWasAsked});
  EXPECT_EQ(p("g/DBIRTH/n/d", data), TextRows{why + kWasAsked});
  EXPECT_EQ(p.asked.size(), 1u) << "within ten seconds once";
  EXPECT_EQ(p("g/NDATA/m", data), TextRows{"not_born: edge node 'm' is not born"s + kAsked});
  p.timer_ms = 10'000;
  EXPECT_EQ(p("g/NDATA/n", data), TextRows{why + kAsked});
  p.bear();
  EXPECT_EQ(p("g/DDATA/n/d", payload(2, metric(alias(10) + number(6)))),
            TextRows{"@1000 g/n/d 6 - -"});
}

TEST(SparkplugDecoder, the_pause_doubles_with_each_request_that_brings_no_birth) {
  Plant p;
  const std::string data = payload(4, "");
  const std::string why = "not_born: edge node 'n' is not born";
  p("g/NDATA/n", data);
  for (const int64_t pause_s :
       {10, 20, 40, 80, 160, 320, 640, 1'280, 2'560, 3'600, 3'600}) {  // an hour at most
    p.timer_ms += pause_s * 1'000 - 1;
    EXPECT_EQ(p("g/NDATA/n", data), TextRows{why + kWasAsked}) << pause_s;
    ++p.timer_ms;
    EXPECT_EQ(p("g/NBIRTH/n", payload(0, metric(alias(1)))),
              TextRows{"bad_sparkplug: a metric of a birth has no name"})
        << "which is no birth";
    EXPECT_EQ(p("g/NDATA/n", data), TextRows{why + kAsked}) << pause_s;
  }
  p.bear();
  p.timer_ms += 10'000;
  p("g/NDEATH/n", "");
  EXPECT_EQ(p("g/NDATA/n", data), TextRows{why + kAsked}) << "a birth ends the long pause";
  p.timer_ms += 9'999;
  EXPECT_EQ(p("g/NDATA/n", data), TextRows{why + kWasAsked});
  p.timer_ms += 1;
  EXPECT_EQ(p("g/NDATA/n", data), TextRows{why + kAsked});
}

TEST(SparkplugDecoder, a_gap_in_the_sequence_ends_what_births_have_said) {
  Plant p;
  p.bear();
  EXPECT_EQ(
      p("g/DDATA/n/d", payload(3, metric(alias(10) + number(6)))),
      TextRows{
          "not_born: sequence number 3 where 2 of edge node 'n' is next: messages are missing"s +
          kAsked});
  EXPECT_EQ(p("g/DDATA/n/d", payload(4, metric(alias(10) + number(6)))),
            TextRows{"not_born: edge node 'n' is not born"s + kWasAsked});
  p.bear();
  for (uint64_t sequence = 2; sequence < 600; ++sequence) {
    EXPECT_EQ(p("g/DDATA/n/d", payload(sequence % 256, metric(alias(10) + number(6)))).size(), 1u);
  }
  EXPECT_EQ(p.asked.size(), 1u) << "0 follows 255";
}

TEST(SparkplugDecoder, an_alias_or_a_device_that_was_never_born_is_refused) {
  Plant p;
  p.bear();
  EXPECT_EQ(p("g/DDATA/n/d", payload(2, metric(alias(10) + number(6)) + metric(alias(99)))),
            TextRows{"not_born: alias 99 of 'n/d' is of no metric that was born"s + kAsked});
  p.bear();
  p.timer_ms = 10'000;
  EXPECT_EQ(p("g/DDATA/n/e", payload(2, metric(alias(10) + number(6)))),
            TextRows{"not_born: device 'e' is not born"s + kAsked});
}

TEST(SparkplugDecoder, the_dead_are_forgotten) {
  Plant p;
  p.bear();
  EXPECT_EQ(p("g/DDEATH/n/d", payload(2, "")), TextRows{});
  EXPECT_EQ(p("g/DDATA/n/d", payload(3, metric(alias(10)))),
            TextRows{"not_born: device 'd' is not born"s + kAsked});
  p.bear();
  const auto death = [](uint64_t birth) { return metric(named("bdSeq") + varint(11, birth)); };
  EXPECT_EQ(p("g/NDEATH/n", death(6)), TextRows{});
  EXPECT_EQ(p("g/DDATA/n/d", payload(2, metric(alias(10) + number(6)))),
            TextRows{"@1000 g/n/d 6 - -"})
      << "that was the death of an earlier session";
  EXPECT_EQ(p("g/NDEATH/n", death(7)), TextRows{});
  EXPECT_EQ(p("g/DDATA/n/d", payload(3, metric(alias(10)))),
            TextRows{"not_born: edge node 'n' is not born"s + kWasAsked});
}

TEST(SparkplugDecoder, commands_and_the_state_of_hosts_are_no_readings) {
  Plant p;
  EXPECT_EQ(p("g/NCMD/n", "anything"), TextRows{});
  EXPECT_EQ(p("g/DCMD/n/d", ""), TextRows{});
  EXPECT_EQ(p("STATE/host", R"({"online":true})"), TextRows{});
}

TEST(SparkplugDecoder, what_breaks_the_format_is_refused) {
  const std::string of_topic =
      "bad_sparkplug: the topic is none of a birth, data or a death in spBv1.0/…";
  Plant p;
  for (const char* topic : {"g", "g/NDATA", "g/NDATA/", "g/NDATA/n/d", "g/DDATA/n", "g/DDATA/n/",
                            "g/DDATA/n/d/e", "g/MDATA/n"}) {
    EXPECT_EQ(p(topic, payload(0, "")), TextRows{of_topic}) << topic;
  }
  EXPECT_EQ(p("g/NBIRTH/" + std::string(257, 'n'), ""),
            TextRows{"bad_sparkplug: a group, node or device has more than 256 bytes"});
  EXPECT_EQ(p("g/NBIRTH/n", varint(1, 5)),
            TextRows{"bad_sparkplug: there is no sequence number from 0 to 255"});
  EXPECT_EQ(p("g/NBIRTH/n", varint(3, 256)),
            TextRows{"bad_sparkplug: there is no sequence number from 0 to 255"});
  EXPECT_EQ(p("g/NBIRTH/n", payload(0, metric(alias(1)))),
            TextRows{"bad_sparkplug: a metric of a birth has no name"});
  EXPECT_EQ(
      p("g/NBIRTH/n", payload(0, metric(named("a") + alias(1)) + metric(named("b") + alias(1)))),
      TextRows{"bad_sparkplug: alias 1 is of two metrics"});
  EXPECT_EQ(p("g/NBIRTH/n", bytes(4, "SPBV1.0_COMPRESSED")),
            TextRows{"bad_sparkplug: compressed payloads are not read"});
  p.bear();
  EXPECT_EQ(p("g/NDATA/n", payload(2, metric(number(1)))),
            TextRows{"bad_sparkplug: a metric has neither a name nor an alias"});
  for (const std::string& broken :
       {metric(named("note") + tag(15, 2) + "\x7f"), tag(2, 2) + "\xff\xff\xff\xff\x0f",
        metric(named("note") + "\xff"), tag(2, 2) + "\x05", tag(2, 7), "\xff"s}) {
    p.bear();
    const TextRows rows = p("g/NDATA/n", varint(3, 2) + broken);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_TRUE(rows[0].starts_with("bad_sparkplug: ")) << rows[0];
  }
}

TEST(SparkplugDecoder, memory_has_limits) {
  const auto births = [](size_t begin, size_t count) {
    std::string metrics;
    for (size_t i = 0; i < count; ++i) {
      metrics += metric(named("m" + std::to_string(begin + i)) + alias(begin + i));
    }
    return metrics;
  };
  Plant p;
  EXPECT_EQ(p("g/NBIRTH/n", payload(0, births(0, 10'001))),
            TextRows{"too_large: more than 10000 metrics in a birth"});
  EXPECT_EQ(p("g/NBIRTH/n", payload(0, births(0, 9'000))), TextRows{});
  EXPECT_EQ(p("g/DBIRTH/n/d", payload(1, births(9'000, 1'000))),
            TextRows{"too_large: more than 10000 metrics of an edge node"});
  for (int i = 0; i < 21; ++i) p("g/NBIRTH/x" + std::to_string(i), payload(0, births(0, 9'000)));
  EXPECT_EQ(p("g/NBIRTH/y", payload(0, births(0, 9'000))),
            TextRows{"too_large: more than 200000 metrics of all edge nodes"});
  p("g/NDEATH/n", "");
  EXPECT_EQ(p("g/NBIRTH/y", payload(0, births(0, 9'000))), TextRows{}) << "the dead make room";
}

TEST(SparkplugDecoder, of_too_many_edge_nodes_the_one_that_was_silent_for_longest_is_forgotten) {
  Plant p;
  p.bear();
  for (size_t i = 1; i < sparkplug::kNodesMax; ++i) {
    p.timer_ms = int64_t(i);
    p("g/NBIRTH/x" + std::to_string(i), payload(0, ""));
  }
  EXPECT_EQ(p("g/DDATA/n/d", payload(2, metric(alias(10) + number(6)))),
            TextRows{"@1000 g/n/d 6 - -"});
  p("g/NDATA/never-born", payload(0, ""));  // pushes x1 out
  p("g/NBIRTH/one-more", payload(0, ""));   // and this one what was never born
  EXPECT_EQ(p("g/NDATA/x2", payload(1, "")), TextRows{});
  EXPECT_EQ(p("g/NDATA/x1", payload(1, "")),
            TextRows{"not_born: edge node 'x1' is not born"s + kAsked});
}

TEST(SparkplugDecoder, a_payload_of_too_many_readings_is_refused) {
  Plant p;
  p.bear();
  std::string metrics;
  for (int i = 0; i < 10'000; ++i) metrics += metric(alias(10) + at(i) + number(i));
  EXPECT_EQ(p("g/DDATA/n/d", payload(2, metrics)).size(), 10'000u);
  EXPECT_EQ(p("g/DDATA/n/d", payload(3, metrics + metric(alias(10) + at(-1) + number(0)))),
            TextRows{"too_large: more than 10000 readings in one payload"});
}

TEST(SparkplugDecoder, its_configuration_is_checked) {
  const std::string good = R"toml([gateway]
id = "g"
[[mqtt]]
name = "local"
url = "mqtt://broker"
[[source]]
name = "plant"
format = "sparkplug"
topic = "spBv1.0/{plant}/+/{node}/#"
key = "id_of_it"
[source.fields]
id_of_it = { path = "$id", type = "text" }
temp = "input/Temperature"
)toml";
  EXPECT_TRUE(parse_good(good));
  EXPECT_TRUE(parse_good(with("{plant}/+/{node}/#", "plant1/#", good)));
  const auto wrong = [&](const std::string& part, const std::string& instead) {
    const auto errors = errors_of(with(part, instead, good));
    return errors.size() == 1 ? errors[0] : std::to_string(errors.size()) + " errors";
  };
  const std::string topic =
      "9:9: 'topic': births, data and deaths of edge nodes and their devices belong together: "
      "\"spBv1.0/{plant}/+/{node}/#\", where names may stand for {plant} and {node}";
  for (const char* bad : {"{plant}/+/{node}/{device}", "{plant}/DDATA/{node}/#", "a/+/b/c/#"}) {
    EXPECT_EQ(wrong("{plant}/+/{node}/#", bad), topic) << bad;
  }
  EXPECT_EQ(wrong("\"input/Temperature\"", "\"$devise\""),
            "13:8: 'fields.temp': path \"$devise\": beside metrics' names, such as "
            "\"input/Temperature\", there are $id, $device and $historical");
  EXPECT_EQ(wrong("\"input/Temperature\"", "\"$historical\""),
            "13:8: 'fields.temp': path \"$historical\" is of type = \"bool\"");
  EXPECT_EQ(wrong("\"input/Temperature\"", "{ path = \"x\", type = \"json\" }"),
            "13:8: 'fields.temp': type = \"json\" is for JSON and CBOR payloads");
  EXPECT_EQ(wrong("key = ", "time = { field = \"t\", unit = \"ms\" }\nkey = "),
            "10:18: 'time': metrics have times of their own");
}

// ---- messages as the schema's own library writes them

struct WrittenMetric {
  std::string name;
  uint64_t alias = 0;
  uint64_t time_ms = 0;
  uint64_t type = 0;
  bool is_historical = false;
  double value = kNull;
};

// Another reader of the wire format.
std::vector<WrittenMetric> metrics_of(std::string_view payload) {
  std::vector<WrittenMetric> metrics;
  ByteReader in(payload);
  while (in.left() > 0) {
    const uint64_t key = in.varint();
    if (key != 0x12) {
      in.varint();  // the time, the sequence number
      continue;
    }
    WrittenMetric& m = metrics.emplace_back();
    ByteReader of(in.text());
    while (of.left() > 0) {
      const uint64_t number = of.varint() >> 3;
      if (number == 1) {
        m.name = of.text();
      } else if (number == 12) {
        m.value = double(of.fixed<float>());
      } else if (number == 13) {
        m.value = of.fixed<double>();
      } else if (number == 15) {
        of.text();
      } else {
        const uint64_t value = of.varint();
        if (number == 2) m.alias = value;
        if (number == 3) m.time_ms = value;
        if (number == 4) m.type = value;
        if (number == 5) m.is_historical = value;
        if (number == 10 && m.type <= 4) m.value = double(int32_t(value));
        if ((number == 10 && m.type > 4) || number == 11 || number == 14) m.value = double(value);
      }
    }
  }
  return metrics;
}

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// Its rows as Plant writes them, with all metrics of `born` as fields in their order.
TextRows expected_rows(const std::vector<WrittenMetric>& born, const std::string& payload) {
  std::map<std::pair<bool, uint64_t>, std::vector<double>> rows;  // historical ones are the older
  for (const WrittenMetric& m : metrics_of(payload)) {
    for (size_t i = 0; i < born.size(); ++i) {
      if (m.name.empty() ? m.alias != born[i].alias : m.name != born[i].name) continue;
      auto& row = rows[{!m.is_historical, m.time_ms}];
      row.resize(born.size(), kNull);
      row[i] = m.value;
    }
  }
  TextRows texts;
  for (const auto& [stamp, row] : rows) {
    std::string& text = texts.emplace_back("@" + std::to_string(stamp.second));
    for (const double value : row) {
      text += ' ';
      if (is_null(value)) {
        text += '-';
      } else {
        append_json_number(text, value);
      }
    }
    text += stamp.first ? " 0" : " 1";
  }
  return texts;
}

TEST(SparkplugDecoder, a_session_of_an_edge_node_gives_its_metrics) {
  const char* set = std::getenv("WAYSIDE_DATA");
  const fs::path folder = fs::path(set ? set : WAYSIDE_DATA) / "data" / "payloads" / "sparkplug_b";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not there";
  std::map<std::string, std::string> topics;
  std::istringstream lines(read(folder / "messages.jsonl"));
  simdjson::dom::parser parser;
  for (std::string line; std::getline(lines, line) && !line.empty();) {
    const simdjson::dom::element message = parser.parse(line);
    topics[std::string(std::string_view(message["file"]))] =
        std::string_view(message["topic"]).substr(std::strlen("spBv1.0/"));
  }
  const auto born = metrics_of(read(folder / "dbirth.bin"));
  ASSERT_EQ(born.size(), 5u);
  SourceOptions source;
  source.format = PayloadFormat::kSparkplug;
  for (const WrittenMetric& m : born) {
    source.fields.push_back(
        field("f", m.name, m.type == kTypeBool ? FieldType::kBool : FieldType::kNumber));
  }
  source.fields.push_back(field("old", "$historical", FieldType::kBool));

  Plant p(source);
  const auto send = [&](const std::string& file) { return p(topics[file], read(folder / file)); };
  const TextRows early = send("ddata_alias.bin");
  ASSERT_EQ(early.size(), 1u);
  EXPECT_TRUE(early[0].starts_with("not_born: ")) << early[0];
  EXPECT_EQ(send("nbirth.bin"), TextRows{}) << "none of the node's own metrics is wanted";
  size_t rows = 0;
  for (const char* file : {"dbirth.bin", "ddata_alias.bin", "ddata_historical_null.bin"}) {
    const TextRows expected = expected_rows(born, read(folder / file));
    EXPECT_EQ(send(file), expected) << file;
    rows += expected.size();
  }
  EXPECT_EQ(rows, 4u);
  EXPECT_EQ(send("ndeath.bin"), TextRows{});
  EXPECT_EQ(p.asked.size(), 1u);
}

}  // namespace
}  // namespace wayside
