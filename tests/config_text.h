// A small configuration that is right, ways to spoil it, and what the loader says then.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "tests/temp_folder.h"

namespace wayside {

// Parts of kGoodConfig that tests put others for.
inline const std::string kTime = R"(time = { field = "ts", unit = "ms" })";
inline const std::string kTemp = R"(temp_c = "t")";
inline const std::string kRule = "[[rule]]";

inline const std::string kGoodConfig = R"toml([gateway]
id = "truck-17"

[[mqtt]]
name = "local"
url = "mqtt://broker:1884"

[[source]]
name = "climate"
topic = "fleet/{vehicle}/climate"
key = "vehicle"
time = { field = "ts", unit = "ms" }
[source.fields]
temp_c = "t"
door = { path = "door", type = "text" }
speed = { path = "spd", unit = "km/h", min = 0, max = 60 }

[[window]]
name = "cold_5m"
from = "climate"
size = "5m"
where = "door = 'closed'"
select = { n = "count()", avg_c = "avg(temp_c)" }
having = "n >= 3"

[[rule]]
name = "door_open_moving"
from = "climate"
when = "door = 'open' AND speed > 5"

[[detector]]
name = "drift"
from = "climate"
field = "temp_c"

[[uplink]]
name = "centre"
)toml";

// Puts `instead` in the place of the only `part` of the good configuration.
inline std::string with(const std::string& part, const std::string& instead,
                        std::string text = kGoodConfig) {
  const size_t at = text.find(part);
  EXPECT_TRUE(at != std::string::npos && text.find(part, at + 1) == std::string::npos) << part;
  return at == std::string::npos ? text : text.replace(at, part.size(), instead);
}

// Takes the marks "@@" out of `text`; the result says "line:column" of each.
inline std::vector<std::string> take_marks(std::string& text) {
  std::vector<std::string> marks;
  for (size_t at; (at = text.find("@@")) != std::string::npos; text.erase(at, 2)) {
    const size_t line =
        1 + static_cast<size_t>(std::count(text.begin(), text.begin() + long(at), '\n'));
    const size_t start = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    marks.push_back(std::to_string(line) + ":" + std::to_string(at - start));
  }
  return marks;
}

// A machine id that is the same on every machine.
inline std::string machine_id_file() {
  static const TempFolder folder;
  const std::string path = folder / "machine-id";
  std::ofstream(path) << "3d1219c7c4c5404aaa1f6d2a48adfda4\n";
  return path;
}

// "line:column: message" of each error.
inline std::vector<std::string> errors_of(const std::string& text) {
  std::vector<ConfigError> errors;
  const auto config = parse_config(text, "F", errors, machine_id_file());
  EXPECT_EQ(config.has_value(), errors.empty());
  std::vector<std::string> out;
  for (const ConfigError& e : errors) {
    EXPECT_TRUE(e.to_text().starts_with("F:")) << e.to_text();
    out.push_back(e.to_text().substr(2));
  }
  return out;
}

inline std::optional<Config> parse_good(const std::string& text) {
  std::vector<ConfigError> errors;
  auto config = parse_config(text, "F", errors, machine_id_file());
  for (const ConfigError& e : errors) ADD_FAILURE() << e.to_text();
  return config;
}

// A part, what comes instead of it with the place of the error marked, and the error.
struct Spoilt {
  std::string part, instead, message;
};
inline void expect_errors(const std::vector<Spoilt>& rows) {
  for (const Spoilt& row : rows) {
    SCOPED_TRACE(row.instead);
    std::string text = with(row.part, row.instead);
    const auto marks = take_marks(text);
    ASSERT_EQ(marks.size(), 1u);
    EXPECT_EQ(errors_of(text), std::vector<std::string>{marks[0] + ": " + row.message});
  }
}

}  // namespace wayside
