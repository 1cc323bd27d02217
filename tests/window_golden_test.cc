// The model against window results of Apache Flink, so that what is compared with the model is
// compared with Flink: each case of WAYSIDE_DATA/golden. tests/golden.py has the same cases for the
// gateway as a whole.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/window_model.h"

namespace wayside {
namespace {

namespace fs = std::filesystem;
using GoldenRow = std::map<std::string, std::string>;

fs::path golden_folder() {
  const char* set = std::getenv("WAYSIDE_DATA");
  return fs::path(set ? set : WAYSIDE_DATA) / "golden";
}

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

GoldenRow read_config(const fs::path& path) {
  const std::string text = read(path);
  const std::regex member("\"(\\w+)\": *\"?([^\",}\\s]+)");
  GoldenRow config;
  for (std::sregex_iterator it(text.begin(), text.end(), member), end; it != end; ++it) {
    config[(*it)[1]] = (*it)[2];
  }
  return config;
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells(1);
  for (char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  return cells;
}

std::vector<GoldenRow> read_csv(const fs::path& path) {
  std::istringstream lines(read(path));
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> names = split(line);
  std::vector<GoldenRow> rows;
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = split(line);
    GoldenRow& row = rows.emplace_back();
    for (size_t i = 0; i < names.size(); ++i) row[names[i]] = cells.at(i);
  }
  return rows;
}

int64_t number(const GoldenRow& row, const std::string& name, int64_t otherwise = 0) {
  const auto found = row.find(name);
  return found == row.end() ? otherwise : std::stoll(found->second);
}

void set_trigger(const std::string& trigger, WindowOptions& w) {
  const std::string kind = trigger.substr(0, trigger.find(':'));
  const int64_t n = kind == trigger ? 0 : std::stoll(trigger.substr(kind.size() + 1));
  w.purge = kind.starts_with("purging");
  if (kind == "continuous") w.early_ms = n;
  if (kind != "count" && kind != "purging_count") return;
  w.early_count = uint32_t(n);
  w.at_end = false;
}

WindowOptions window_of(const GoldenRow& config) {
  WindowOptions w;
  w.global = config.at("window") == "global";
  w.size_ms = number(config, "size_ms");
  w.every_ms = number(config, "slide_ms");
  w.offset_ms = number(config, "offset_ms");
  w.gap_ms = number(config, "gap_ms");
  w.count = uint32_t(number(config, "count"));
  w.allowed_lateness_ms = number(config, "lateness_ms");
  if (config.contains("trigger")) set_trigger(config.at("trigger"), w);
  w.name = "window";
  w.late_to = {"out"};
  w.select = {
      {"count", "count()"}, {"sum", "sum(temp_c)"}, {"min", "min(temp_c)"}, {"max", "max(temp_c)"}};
  return w;
}

// Flink looks for idle sources on its ticks, and a source that fell silent just after one has been
// idle for up to two ticks more when Flink says so.
std::vector<SourceOptions> sources_of(const GoldenRow& config, int64_t tick_ms) {
  std::vector<SourceOptions> sources;
  for (int64_t n = 0; n < number(config, "sources", 1); ++n) {
    SourceOptions& source = sources.emplace_back(climate("s" + std::to_string(n)));
    source.watermark = WatermarkMode::kSource;
    source.max_disorder_ms = number(config, "delta_ms");
    source.idle_after_ms = kDayMs;
    if (config.contains("idle_ms")) source.idle_after_ms = number(config, "idle_ms") + 2 * tick_ms;
    source.forget_after_ms = kDayMs;
  }
  return sources;
}

using Multiset = std::multiset<std::string>;

Multiset multiset(const std::vector<GoldenRow>& rows, const std::vector<std::string>& names) {
  Multiset result;
  for (const GoldenRow& row : rows) {
    std::string line;
    for (const std::string& name : names) line += row.at(name) + ' ';
    result.insert(line);
  }
  return result;
}

GoldenRow row_of(const Emission& e) {
  GoldenRow row{{"key", e.key}, {"event_ts_ms", std::to_string(e.time_ms)}};
  for (const NamedValue& f : e.fields) {
    const bool none = std::holds_alternative<std::monostate>(f.value);
    row[f.name == "temp_c" ? "value" : f.name] = none ? "" : to_text(f.value);
  }
  return row;
}

void expect_equal(const Multiset& ours, const Multiset& flinks, const std::string& what) {
  std::vector<std::string> differ;
  std::set_difference(flinks.begin(), flinks.end(), ours.begin(), ours.end(),
                      std::back_inserter(differ));
  for (size_t i = 0; i < std::min<size_t>(differ.size(), 5); ++i)
    ADD_FAILURE() << what << ": only Flink has " << differ[i];
  differ.clear();
  std::set_difference(ours.begin(), ours.end(), flinks.begin(), flinks.end(),
                      std::back_inserter(differ));
  for (size_t i = 0; i < std::min<size_t>(differ.size(), 5); ++i)
    ADD_FAILURE() << what << ": only the model has " << differ[i];
}

void expect_case(const fs::path& folder) {
  const GoldenRow config = read_config(folder / "config.json");
  const int64_t tick_ms = number(config, "tick_ms", 1'000);
  WindowOptions options = window_of(config);
  const std::vector<SourceOptions> sources = sources_of(config, tick_ms);
  for (const SourceOptions& source : sources) options.from.push_back(source.name);
  WindowModel model(options, sources, tick_ms);
  int64_t timer_ms = 0;  // without arrival times each comes a millisecond after the one before
  for (const GoldenRow& row : read_csv(folder / "input.csv")) {
    Reading reading{number(row, "event_ts_ms"), row.at("key"), double(number(row, "value"))};
    reading.source = uint32_t(number(row, "source"));
    model.turn(number(row, "arrival_ms", timer_ms++), {reading});
  }
  model.finish();
  std::vector<GoldenRow> fired, late;
  for (const Emission& e : model.emissions()) {
    (e.type == "late" ? late : fired).push_back(row_of(e));
  }
  const std::vector<std::string> results = {"key", "window_start", "window_end", "count",
                                            "sum", "min",          "max"};
  expect_equal(multiset(fired, results), multiset(read_csv(folder / "fired.csv"), results),
               "fired");
  const std::vector<std::string> readings = {"key", "event_ts_ms", "value"};
  expect_equal(multiset(late, readings), multiset(read_csv(folder / "late.csv"), readings), "late");
}

TEST(WindowGolden, the_model_says_what_flink_says) {
  if (!fs::exists(golden_folder())) GTEST_SKIP() << golden_folder() << " is not there";
  size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(golden_folder())) {
    if (!entry.is_directory()) continue;
    SCOPED_TRACE(entry.path().filename());
    expect_case(entry.path());
    ++cases;
  }
  EXPECT_GT(cases, 0u);
}

}  // namespace
}  // namespace wayside
