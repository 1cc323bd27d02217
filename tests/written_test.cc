#include "config/written.h"

#include <gtest/gtest.h>

#include "config/describe.h"
#include "tests/messages.h"

namespace wayside {
namespace {

TEST(ConfigVersion, changes_with_what_is_said_and_with_nothing_else) {
  const Config config = small_config();
  const uint32_t version = config_version(config);
  const auto with = [&](auto change) {
    Config other = config;
    change(other);
    return config_version(other);
  };
  EXPECT_EQ(with([](Config& c) { c.gateway.state_dir = "/elsewhere"; }), version);
  EXPECT_EQ(with([](Config& c) { c.gateway.id = "truck-18"; }), version);
  EXPECT_EQ(with([](Config& c) { c.mqtt[0].password = "secret"; }), version);
  EXPECT_EQ(with([](Config& c) { c.mqtt[0].host = "broker"; }), version);
  EXPECT_EQ(with([](Config& c) { c.storage.max_bytes *= 2; }), version);
  EXPECT_EQ(with([](Config& c) { c.uplinks[0].raw.clear(); }), version);
  EXPECT_EQ(with([](Config& c) { c.windows[0].bounds.on_disk = true; }), version);
  EXPECT_NE(with([](Config& c) { c.windows[0].size_ms = 5'000; }), version);
  EXPECT_NE(with([](Config& c) { c.rules[0].when = "temp_c > 3"; }), version);
  EXPECT_NE(with([](Config& c) { c.sources[0].max_disorder_ms = 1; }), version);
  EXPECT_NE(with([](Config& c) { c.sources[0].fields[0].max = 91; }), version);
  EXPECT_NE(with([](Config& c) { c.engine.tick_ms = 10; }), version);
  EXPECT_NE(with([](Config& c) { c.rules.clear(); }), version);
  EXPECT_EQ(version_digits(version), "db970440") << "it is the same on every machine";
}

constexpr const char* kSomeOfEach = R"toml(
[gateway]
id = "truck-17"
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1"
[[source]]
name = "climate"
topic = "fleet/{vehicle}/climate"
key = "vehicle"
time = { field = "at.utc", unit = "us" }
max_future = "off"
keep = ["door", "raw"]
[source.fields]
temp_c = { path = "t", unit = "F", min = -40, max = 90.5 }
door = { path = "a.door", type = "text" }
shut = { path = "shut", type = "bool" }
raw = { path = "raw", type = "json" }
[[source]]
name = "cargo"
topic = "cargo/+/{unit}"
key = "unit"
fields = { kg = "kg", temp_c = "t" }
[[lookup]]
name = "equipped"
from = "climate"
file = "/nowhere/vehicles.csv"
match = "vehicle"
column = "vehicle"
columns = { customer = "text", limit_c = "number" }
[[map]]
name = "warm"
from = "equipped"
where = "temp_c > limit_c"
select = { over = "temp_c - limit_c", who = "customer || ' \"x\" '" }
[[route]]
name = "by_door"
from = "climate"
routes = { open = "door = 'open'" }
[[join]]
name = "loaded"
from = "climate"
with = "cargo"
before = "5s"
after = "1s"
select = { kg = "kg" }
[[order]]
name = "in_order"
from = "climate"
[[pattern]]
name = "left_open"
from = "climate"
within = "10m"
steps = [
  { name = "opened", when = "door = 'open'" },
  { name = "moved", when = "temp_c > 5", times = "2+" },
  { name = "closed", when = "door = 'closed'", absent = true, for = "5m" },
]
[[state]]
name = "trips"
from = "climate"
init = { n = "0" }
next = { n = "n + 1" }
ttl = "1h"
max_keys = 50000
max_bytes = "32MiB"
state = "sqlite"
resident_keys = 2000
[[window]]
name = "w"
from = ["climate", "cargo"]
size = "1m"
every = "10s"
offset = "3s"
last = "30s"
retract = true
allowed_lateness = "1h"
select = { n = "count()", q = "quantile(temp_c, 0.9)" }
having = "n > 1"
[[window]]
name = "days"
from = "climate"
calendar = "day"
zone = "Europe/Berlin"
select = { n = "count()" }
[[rule]]
name = "hot"
from = "climate"
when = "temp_c > 8"
for = "10m"
severity = "critical"
[[detector]]
name = "odd"
from = "climate"
field = "temp_c"
[[view]]
name = "now"
from = "climate"
select = { t = "temp_c" }
max_rows = 7
)toml";

Config parsed(const std::string& text) {
  std::vector<ConfigError> errors;
  auto config = parse_config(text, "test.toml", errors);
  for (const ConfigError& error : errors) ADD_FAILURE() << error.to_text() << "\n" << text;
  return config.value_or(Config());
}

TEST(WrittenBlock, each_is_read_again_as_what_it_was) {
  Config config = parsed(kSomeOfEach);
  const std::string all(kSomeOfEach);
  std::string text = all.substr(0, all.find("[[source]]"));
  for_each_section(config, [&](const char* section, auto& list) {
    if constexpr (requires { list.front().name; }) {
      if (section == std::string_view("mqtt")) return;
      for (const auto& options : list) {
        text += written_block(config, options.name);
      }
    }
  });
  Config again = parsed(text);
  EXPECT_EQ(config_version(again), config_version(config)) << text;
  EXPECT_EQ(written_block(again, "left_open"), written_block(config, "left_open"));
}

TEST(WrittenBlock, says_what_is_not_by_default) {
  const Config config = small_config();
  EXPECT_EQ(written_block(config, "w"),
            "[[window]]\nname = \"w\"\nfrom = [\"climate\"]\nsize = \"10s\"\nselect = { n = "
            "\"count()\", avg = \"avg(temp_c)\", open = \"count() FILTER (WHERE door = 'open')\" "
            "}\n");
  EXPECT_EQ(written_block(config, "nobody"), "");
}

}  // namespace
}  // namespace wayside
