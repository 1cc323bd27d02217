#include "firmware-gw/decode.h"

#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

constexpr int64_t kNow = 1'772'366'645'000;

const std::string kConfig = R"toml([gateway]
id = "g"
[[mqtt]]
name = "local"
url = "mqtt://broker"
max_payload = "1KiB"
[[source]]
name = "climate"
topic = "fleet/{vehicle}/climate"
key = "vehicle"
time = { field = "ts", unit = "ms" }
keep = ["door"]
each = "rows"
[source.fields]
temp_c = { path = "t", unit = "F", min = -60, max = 90 }
door = { path = "door", type = "text" }
open = { path = "open", type = "bool" }
[[source]]
name = "doors"
topic = "doors/+/#"
key = "door"
[source.fields]
door = { path = "door", type = "text" }
[[source]]
name = "rest"
topic = "fleet/{vehicle}/{what}"
key = "vehicle"
fields = { x = "x" }
)toml";

const Config& config() {
  static const Config kParsed = *parse_good(kConfig);
  return kParsed;
}

Result<Decoded> ask(const DecodeQuestion& question) {
  Now now;
  now.wall_ms = kNow;
  return decode(config(), question, now);
}

std::string shown(const DecodeQuestion& question) {
  const auto decoded = ask(question);
  return decoded.ok() ? to_text(*decoded) : "error: " + decoded.error().message;
}

TEST(Decode, shows_key_time_and_fields_and_what_cleaning_has_changed) {
  const std::string payload =
      R"({"rows":[{"ts":1772366640000,"t":212,"door":"a\nb","open":true},{"ts":1772366641000,"t":50}]})";
  EXPECT_EQ(shown({"climate", "fleet/v1/climate", payload}),
            "source climate, topic fleet/v1/climate, 93 bytes\n"
            "reading 1: key v1, time 2026-03-01T12:04:00.000Z\n"
            "  vehicle = \"v1\"\n"
            "  temp_c = null   was 100; out_of_range: above max 90\n"
            "  door = \"a\\u000ab\"\n"
            "  open = true\n"
            "reading 2: key v1, time 2026-03-01T12:04:01.000Z\n"
            "  vehicle = \"v1\"\n"
            "  temp_c = 10\n"
            "  door = \"a\\u000ab\"   was null; kept: the last value of the key\n"
            "  open = null\n");
}

TEST(Decode, shows_what_a_reading_before_it_in_the_payload_says_of_one) {
  static const Config kJudged = *parse_good(R"toml([gateway]
id = "g"
[[mqtt]]
name = "local"
url = "mqtt://broker"
[[source]]
name = "trucks"
topic = "trucks/{vehicle}"
key = "vehicle"
time = { field = "ts", unit = "s" }
each = "."
position = { lat = "lat", lon = "lon", max_speed = 40 }
[source.fields]
lat = "lat"
lon = "lon"
temp_c = { path = "t", max_rate = 0.5, stuck_after = "10s", fill = "1m" }
)toml");
  const std::string payload =
      R"([{"ts":1772366600,"lat":52,"lon":9,"t":5},{"ts":1772366605,"t":5},)"
      R"({"ts":1772366610,"lat":0,"lon":0,"t":5},)"
      R"({"ts":1772366611,"lat":53,"lon":9,"t":30}])";
  const auto decoded = decode(kJudged, {"trucks", "trucks/v1", payload}, {kNow, kNow});
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(to_text(*decoded),
            "source trucks, topic trucks/v1, 148 bytes\n"
            "reading 1: key v1, time 2026-03-01T12:03:20.000Z\n"
            "  vehicle = \"v1\"\n  lat = 52\n  lon = 9\n  temp_c = 5\n"
            "reading 2: key v1, time 2026-03-01T12:03:25.000Z\n"
            "  vehicle = \"v1\"\n  lat = null\n  lon = null\n  temp_c = 5\n"
            "reading 3: key v1, time 2026-03-01T12:03:30.000Z\n"
            "  vehicle = \"v1\"\n"
            "  lat = null   was 0; null_island: as of a receiver without a fix\n"
            "  lon = null   was 0; null_island: as of a receiver without a fix\n"
            "  temp_c = 5   stuck: the same for 10s\n"
            "reading 4: key v1, time 2026-03-01T12:03:31.000Z\n"
            "  vehicle = \"v1\"\n"
            "  lat = null   was 53; too_fast: above max_speed 40\n"
            "  lon = null   was 9; too_fast: above max_speed 40\n"
            "  temp_c = 5   was 30; too_fast: above max_rate 0.5; filled: the last value of the "
            "key, at most 1m old\n");
}

TEST(Decode, shows_why_a_payload_or_a_reading_of_it_is_none_and_how_to_mend_it) {
  EXPECT_EQ(shown({"climate", "fleet/v1/climate",
                   R"({"rows":[{"ts":1772366640000,"t":"warm"},{"ts":1772366640000}]})"}),
            "source climate, topic fleet/v1/climate, 63 bytes\n"
            "reading 1: key v1, time 2026-03-01T12:04:00.000Z\n"
            "  vehicle = \"v1\"\n  temp_c = null\n  door = null\n  open = null\n"
            "refused: wrong_type: reading 1: field 'temp_c' is not a number\n"
            "  to mend it: give the field the type that devices send, or mend what they send\n");
  const auto reason = [](const std::string& payload) {
    const auto decoded = ask({"climate", "fleet/v1/climate", payload});
    return decoded.ok() && decoded->refusal ? decoded->refusal->reason : "none";
  };
  EXPECT_EQ(reason(R"({"rows":[{"t":1}]})"), "no_time");
  EXPECT_EQ(reason(R"({"rows":[{"ts":2772366640000}]})"), "too_far_in_future");
  EXPECT_EQ(reason("{\"rows\""), "bad_json");
  EXPECT_EQ(reason(std::string(2000, ' ')), "too_large");
}

const std::string kRegistered = R"toml([gateway]
id = "g"
[[mqtt]]
name = "local"
url = "mqtt://broker"
[[source]]
name = "trucks"
topic = "trucks/{vehicle}"
key = "vehicle"
KNOWN_ONLY
attributes = ["trailer", "customer"]
fields = { temp_c = { path = "t", max = 90 }, level = "l" }
[[device]]
id = "v1"
calibrate = { temp_c = { scale = 1.5, offset = -2 } }
attributes = { trailer = "T-17" }
[[device]]
id = "v2"
attributes = { customer = "c1" }
[[device]]
id = "v3"
blocked = true
)toml";

std::string shown_of(const std::string& vehicle, const std::string& payload,
                     const std::string& known_only = "") {
  std::string text = kRegistered;
  const std::string mark = "KNOWN_ONLY";
  text.replace(text.find(mark), mark.size(), known_only);
  const auto decoded =
      decode(*parse_good(text), {"trucks", "trucks/" + vehicle, payload}, {kNow, kNow});
  EXPECT_TRUE(decoded.ok());
  const std::string shown = to_text(*decoded);
  return shown.substr(shown.find('\n') + 1);
}

TEST(Decode, shows_what_the_registry_makes_of_a_reading) {
  const std::string head = " (its arrival)\n  vehicle = ";
  const std::string time = ", time 2026-03-01T12:04:05.000Z";
  EXPECT_EQ(shown_of("v1", R"({"t":10,"l":3})"),
            "reading 1: key v1" + time + head +
                "\"v1\"\n  temp_c = 13   was 10; calibrated: 10 * 1.5 - 2 = 13\n  level = 3\n"
                "  trailer = \"T-17\"\n  customer = null\n");
  EXPECT_EQ(shown_of("v1", R"({"t":80})"),
            "reading 1: key v1" + time + head +
                "\"v1\"\n  temp_c = null   was 80; calibrated: 80 * 1.5 - 2 = 118; out_of_range: "
                "above max 90\n  level = null\n  trailer = \"T-17\"\n  customer = null\n");
  EXPECT_EQ(shown_of("v2", R"({"t":80})"),
            "reading 1: key v2" + time + head +
                "\"v2\"\n  temp_c = 80\n  level = null\n  trailer = null\n"
                "  customer = \"c1\"\n");
}

TEST(Decode, tells_of_a_device_that_is_not_known_or_is_blocked) {
  EXPECT_EQ(shown_of("v9", "{}"),
            "reading 1: key v9, time 2026-03-01T12:04:05.000Z (its arrival)\n"
            "  vehicle = \"v9\"\n  temp_c = null\n  level = null\n  trailer = null\n"
            "  customer = null\ndevice 'v9' is not in the registry\n");
  EXPECT_EQ(
      shown_of("v9", "{}", "known_only = true"),
      "refused: unknown_device: device 'v9' is not in the registry\n"
      "  to mend it: give a [[device]] this id, or a line to the file of [registry]; or leave "
      "'known_only' out\n");
  EXPECT_EQ(shown_of("v3", "{}"),
            "refused: blocked_device: device 'v3' is blocked\n"
            "  to mend it: take 'blocked' off the device in the registry\n");
}

TEST(Decode, without_a_topic_it_is_that_of_the_source_unless_the_key_is_in_it) {
  EXPECT_EQ(shown({"doors", "", R"({"door":"d1"})"}),
            "source doors, topic doors/+/#, 13 bytes\n"
            "reading 1: key d1, time 2026-03-01T12:04:05.000Z (its arrival)\n"
            "  door = \"d1\"\n");
  EXPECT_EQ(shown({"climate", "", "{}"}),
            "error: source 'climate' takes its key from the topic: give --topic, as "
            "fleet/{vehicle}/climate with a device's name for {vehicle}");
}

TEST(Decode, a_question_that_no_message_can_ask_is_an_error) {
  EXPECT_EQ(shown({"climat", "", "{}"}),
            "error: there is no [[source]] 'climat'; did you mean 'climate'?");
  EXPECT_EQ(shown({"climate", "fleet/v1/doors", "{}"}),
            "error: topic 'fleet/v1/doors' is none of source 'climate', which takes "
            "fleet/{vehicle}/climate");
  EXPECT_EQ(shown({"rest", "fleet/v1/climate", "{\"rows\":[]}"}).find("error"), std::string::npos)
      << "no reading tells whose it was";
  EXPECT_EQ(shown({"rest", "fleet/v1/climate", "{"}),
            "error: topic 'fleet/v1/climate' goes to source 'climate', which stands before 'rest'");
}

TEST(Decode, writes_the_same_as_json) {
  const auto decoded =
      ask({"climate", "fleet/v1/climate", R"({"rows":[{"ts":1772366640000,"t":212},{"ts":"x"}]})"});
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(
      to_json(*decoded),
      R"({"source":"climate","topic":"fleet/v1/climate","bytes":50,"readings":[{"key":"v1",)"
      R"("time":"2026-03-01T12:04:00.000Z","fields":{"vehicle":"v1","temp_c":null,"door":null,)"
      R"("open":null},"cleaned":[{"field":"temp_c","sent":100,"why":"out_of_range: above max 90"}]}],)"
      R"("notes":[],"refusal":{"reason":"bad_time","detail":"reading 2: the time 'ts' does not read )"
      R"(as the declared unit","mend":"give 'time' the unit, or the pattern, that devices send"}})");
}

}  // namespace
}  // namespace wayside
