#include "sensors/admission.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/door.h"
#include "tests/fields.h"

namespace wayside {
namespace {

constexpr int64_t kArrival = 1'700'000'000'000;

SourceOptions climate() {
  return climate_source({field("temp_c", "t"), field("door", "door", FieldType::kText)});
}

std::string json(int64_t ts, double t) {
  return "{\"ts\":" + std::to_string(ts) + ",\"t\":" + std::to_string(int(t)) + "}";
}

TEST(Admission, a_reading_has_the_levels_of_its_topic_and_then_its_fields) {
  Door door({climate()});
  door.admit("fleet/truck-1/climate", R"({"ts":1699999999000,"t":-18.5,"door":"open"})");
  door.admit("fleet/truck-2/climate", R"({"ts":1699999999001})");
  EXPECT_EQ(door.rows("climate"),
            (TextRows{"@1699999999000 truck-1 -18.5 open", "@1699999999001 truck-2 - -"}));
  EXPECT_TRUE(door.rejected().empty());
}

TEST(Admission, what_becomes_no_reading_is_kept_with_its_reason) {
  struct Row {
    const char* topic;
    const char* payload;
    const char* reason;
  };
  const Row rows[] = {
      {"fleet/truck-1/position", "{}", "no_source"},
      {"fleet/truck-1/climate", "{\"ts\":1", "bad_json"},
      {"fleet/truck-1/climate", R"({"ts":1699999999000,"t":"warm"})", "wrong_type"},
      {"fleet/truck-1/climate", R"({"t":5})", "no_time"},
      {"fleet/truck-1/climate", R"({"ts":null,"t":5})", "no_time"},
      {"fleet/truck-1/climate", R"({"ts":"today","t":5})", "bad_time"},
      {"fleet/truck-1/climate", R"({"ts":-62135596800001})", "bad_time"},
      {"fleet/truck-1/climate", R"({"ts":253402300800000})", "bad_time"},
      {"fleet/truck-1/climate", R"({"ts":1700000120001})", "too_far_in_future"},
      {"fleet//climate", R"({"ts":1699999999000})", "no_key"},
  };
  Door door({climate()});
  for (const Row& row : rows) {
    door.admit(row.topic, row.payload);
    ASSERT_EQ(door.rejected().size(), 1u) << row.payload;
    const Rejected& r = door.rejected().front();
    EXPECT_EQ(r.reason, row.reason) << row.payload;
    EXPECT_EQ(r.topic, row.topic);
    EXPECT_EQ(r.payload, row.payload);
    EXPECT_EQ(r.source, std::string("no_source") == row.reason ? Rejected::kNoSource : 0);
    EXPECT_EQ(door.group().rows(), 0u);
    // Nothing stops the rest.
    door.admit("fleet/truck-1/climate", json(kArrival, 5));
    EXPECT_EQ(door.group().rows(), 1u);
    door.next_group();
  }
}

TEST(Admission, faults_that_the_relay_saw_are_reasons_too) {
  Door door({climate()});
  Frame frame;
  frame.topic = "fleet/truck-1/climate";
  frame.fault = Frame::Fault::kOversized;
  door.admit(frame);
  frame.topic = {};
  frame.fault = Frame::Fault::kMalformed;
  door.admit(frame);
  ASSERT_EQ(door.rejected().size(), 2u);
  EXPECT_EQ(door.rejected()[0].reason, "too_large");
  EXPECT_EQ(door.rejected()[0].source, 0u);
  EXPECT_EQ(door.rejected()[1].reason, "malformed_publish");
  EXPECT_EQ(door.rejected()[1].source, Rejected::kNoSource);
}

TEST(Admission, a_rejected_payload_is_cut_at_the_limit_of_the_quarantine) {
  AdmissionOptions options;
  options.sources = {climate()};
  options.quarantine_payload = 8;
  Door door(std::move(options));
  door.admit("fleet/truck-1/climate", "not JSON at all");
  EXPECT_EQ(door.rejected().front().payload, "not JSON");
}

TEST(Admission, the_future_is_guarded_up_to_the_limit_and_may_be_open) {
  struct Row {
    std::optional<int64_t> max_future;
    int64_t ahead;
    bool taken;
  };
  const Row rows[] = {
      {120'000, 120'000, true},        {120'000, 120'001, false},    {0, 0, true}, {0, 1, false},
      {std::nullopt, 1LL << 42, true}, {120'000, -(1LL << 42), true}};
  for (const Row& row : rows) {
    SourceOptions source = climate();
    source.max_future_ms = row.max_future;
    Door door({source});
    door.admit("fleet/truck-1/climate", json(kArrival + row.ahead, 1));
    EXPECT_EQ(door.group().rows(), row.taken ? 1u : 0u) << row.ahead;
  }
}

TEST(Admission, without_a_time_of_its_own_a_reading_has_the_time_of_its_arrival) {
  SourceOptions source = climate();
  source.time_path = "";
  Door door({source});
  door.admit("fleet/truck-1/climate", R"({"ts":5,"t":1})");
  EXPECT_EQ(door.rows("climate"), TextRows{"@1700000000000 truck-1 1 -"});
}

TEST(Admission, the_key_may_be_a_text_field_of_the_payload) {
  SourceOptions source = climate();
  source.topic = "climate/#";
  source.key = "id";
  source.fields.push_back(field("id", "id", FieldType::kText));
  Door door({source});
  door.admit("climate/a/b", R"({"ts":1,"id":"truck-1"})");
  door.admit("climate", R"({"ts":2,"id":17})");
  for (const char* payload : {R"({"ts":3})", R"({"ts":3,"id":""})", R"({"ts":3,"id":null})"}) {
    door.admit("climate", payload);
    EXPECT_EQ(door.rejected().back().reason, "no_key") << payload;
    EXPECT_EQ(door.rejected().back().detail, "'id' is missing or empty");
  }
  EXPECT_EQ(door.rows("climate"), (TextRows{"@1 - - truck-1", "@2 - - 17"}));
}

TEST(Admission, the_first_source_of_the_connection_whose_topic_matches_takes_the_message) {
  SourceOptions all = climate();
  all.name = "all";
  all.topic = "fleet/{vehicle}/+";
  Door door({climate(), all});
  door.admit("fleet/truck-1/climate", json(1, 1));
  door.admit("fleet/truck-1/position", json(2, 2));
  EXPECT_EQ(door.rows("climate"), TextRows{"@1 truck-1 1 -"});
  EXPECT_EQ(door.rows("all"), TextRows{"@2 truck-1 2 -"});
}

TEST(Admission, the_same_topic_of_two_connections_belongs_to_two_sources) {
  SourceOptions other = climate();
  other.name = "other";
  other.mqtt = "second";
  Door door({climate(), other});
  for (int64_t round = 0; round < 2; ++round) {
    door.admit("fleet/truck-1/climate", json(round, 1), 0);
    door.admit("fleet/truck-1/climate", json(round, 2), 1);
  }
  EXPECT_EQ(door.rows("climate"), (TextRows{"@0 truck-1 1 -", "@1 truck-1 1 -"}));
  EXPECT_EQ(door.rows("other"), (TextRows{"@0 truck-1 2 -", "@1 truck-1 2 -"}));
}

TEST(Admission, in_a_dump_the_topic_alone_decides) {
  SourceOptions other = climate();
  other.name = "other";
  other.mqtt = "second";
  other.topic = "other/{vehicle}";
  Door door({climate(), other});
  door.admit("other/truck-1", json(1, 1), Admission::kAnyConnection);
  door.admit("fleet/truck-1/climate", json(2, 1), Admission::kAnyConnection);
  EXPECT_EQ(door.rows("other").size() + door.rows("climate").size(), 2u);
}

TEST(Admission, more_topics_than_the_cache_holds_are_still_told_apart) {
  AdmissionOptions options;
  options.sources = {climate()};
  options.topic_cache = 700;  // two of them
  Door door(std::move(options));
  TextRows expected;
  for (int i = 0; i < 20; ++i) {
    const std::string truck = "truck-" + std::to_string(i % 5);
    door.admit("fleet/" + truck + "/climate", json(i, i));
    expected.push_back("@" + std::to_string(i) + " " + truck + " " + std::to_string(i) + " -");
  }
  EXPECT_EQ(door.rows("climate"), expected);
}

TEST(Admission, texts_may_be_forgotten_between_groups) {
  Door door({climate()});
  door.admit("fleet/truck-1/climate", json(1, 1));
  door.next_group();
  door.group().batches[0].clear_texts();
  door.admit("fleet/truck-2/climate", json(2, 2));
  door.admit("fleet/truck-1/climate", json(3, 3));
  EXPECT_EQ(door.rows("climate"), (TextRows{"@2 truck-2 2 -", "@3 truck-1 3 -"}));
}

TEST(Admission, slices_keep_the_order_only_where_blocks_read_sources_together) {
  for (const bool together : {false, true}) {
    SourceOptions other = climate();
    other.name = "other";
    other.topic = "other/{vehicle}";
    AdmissionOptions options;
    options.sources = {climate(), other};
    if (together) options.order_groups = {7, 7};
    Door door(std::move(options));
    for (int i = 0; i < 2; ++i) {
      door.admit("fleet/truck-1/climate", json(i, 1));
      door.admit("other/truck-1", json(i, 1));
    }
    EXPECT_EQ(door.slices(), together ? "0:0-1 1:0-1 0:1-2 1:1-2" : "0:0-2 1:0-2");
  }
}

TEST(Admission, each_turn_has_slices_of_its_own) {
  Door door({climate()});
  door.admit("fleet/truck-1/climate", json(1, 1));
  door.next_turn();
  door.next_turn();
  door.admit("fleet/truck-1/climate", json(2, 1));
  EXPECT_EQ(door.slices(), "0:0-1 | | 0:1-2");
}

TEST(Admission, a_source_that_cannot_work_is_refused) {
  struct Row {
    std::function<void(SourceOptions&)> spoil;
    const char* why;
  };
  const Row rows[] = {
      {[](SourceOptions& o) { o.topic = "a/#/b"; }, "'#' may only be the last level"},
      {[](SourceOptions& o) { o.key = "truck"; }, "neither a {level} of the topic nor a field"},
      {[](SourceOptions& o) { o.key = "temp_c"; }, "must be a text"},
      {[](SourceOptions& o) { o.fields.push_back(field("temp_c", "u")); }, "declared twice"},
      {[](SourceOptions& o) { o.fields.push_back(field("vehicle", "v")); }, "declared twice"}};
  for (const Row& row : rows) {
    AdmissionOptions options;
    options.sources = {climate()};
    row.spoil(options.sources[0]);
    const auto made = Admission::make(std::move(options));
    ASSERT_FALSE(made.ok()) << row.why;
    EXPECT_NE(made.error().message.find(row.why), std::string::npos) << made.error().message;
  }
}

}  // namespace
}  // namespace wayside
