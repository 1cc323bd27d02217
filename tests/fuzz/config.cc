// A configuration is refused with positions, or loads; it does not bring the daemon down.
#include <cstdlib>

#include "config/config.h"
#include "tests/fuzz/patch.h"

namespace {

constexpr const char* kSample = R"toml([gateway]
id = "truck-17"
[[mqtt]]
name = "local"
url = "mqtt://localhost:1883"
[[source]]
name = "climate"
mqtt = "local"
topic = "fleet/{vehicle}/climate"
key = "vehicle"
time = { field = "ts", unit = "ms" }
max_disorder = "5s"
[source.fields]
temp_c = { path = "t", min = -60, max = 90 }
door = { path = "door", type = "text" }
[[source]]
name = "phones"
format = "preset:owntracks"
[source.fields]
lat = { path = "p.lat", min = 0 }
[[window]]
name = "cold_5m"
from = "climate"
size = "5m"
where = "door = 'closed'"
select = { n = "count()", max_c = "max(temp_c)" }
having = "n >= 3"
to = ["centre"]
[[rule]]
name = "door_open"
from = "climate"
when = "door = 'open' AND temp_c > 5"
for = "10s"
to = ["centre"]
[[uplink]]
name = "centre"
raw = ["climate"]
)toml";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  std::vector<ConfigError> errors;
  const auto config = parse_config(fuzz_input(kSample, data, size), "fuzz.toml", errors);
  if (config.has_value() != errors.empty()) std::abort();
  for (const ConfigError& e : errors) {
    if (e.to_text().empty() || e.message.empty()) std::abort();
  }
  return 0;
}
