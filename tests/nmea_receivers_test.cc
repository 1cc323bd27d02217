// What real receivers sent: logs in WAYSIDE_DATA/data/nmea, skipped where they are not there. Each
// sentence is read a second time here, in another way, and compared.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/time.h"
#include "sensors/nmea_decoder.h"
#include "tests/decode.h"
#include "tests/fields.h"

namespace wayside {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> logs() {
  const char* set = std::getenv("WAYSIDE_DATA");
  const fs::path folder = fs::path(set ? set : WAYSIDE_DATA) / "data" / "nmea";
  std::vector<fs::path> found;
  if (!fs::exists(folder)) return found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".log") found.push_back(entry.path());
  }
  return found;
}

std::vector<std::string> sentences_of(const fs::path& log) {
  std::ifstream in(log);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with('#') && line.size() > 1) lines.push_back(line + "\n");
  }
  return lines;
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line.substr(0, line.find('*')));
  for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
  cells.resize(24);
  return cells;
}

double degrees(const std::string& text, const std::string& side) {
  const double whole = std::atof(text.c_str());
  const double value = std::floor(whole / 100) + std::fmod(whole, 100) / 60;
  return side == "S" || side == "W" ? -value : value;
}

SourceOptions receiver() {
  SourceOptions o;
  o.name = "s";
  o.format = PayloadFormat::kNmea;
  o.fields = {field("lat", "lat"), field("lon", "lon"), field("speed", "speed"),
              field("fix", "fix"), field("valid", "valid", FieldType::kBool)};
  return o;
}

struct SplitRow {
  std::string time;
  std::vector<std::string> values;  // lat, lon, speed, fix, valid
};
SplitRow split(const std::string& row) {
  std::istringstream in(row);
  SplitRow d;
  in >> d.time;
  for (std::string value; in >> value;) d.values.push_back(value);
  d.values.resize(5);
  return d;
}

void expect_position(const SplitRow& d, const std::vector<std::string>& cells, size_t first) {
  EXPECT_NEAR(std::atof(d.values[0].c_str()), degrees(cells[first], cells[first + 1]), 1e-9);
  EXPECT_NEAR(std::atof(d.values[1].c_str()), degrees(cells[first + 2], cells[first + 3]), 1e-9);
}

// "@" and the milliseconds since 1970 of "hhmmss.ss" and "ddmmyy".
std::string time_text(const std::string& time, const std::string& date) {
  std::tm tm{};
  tm.tm_mday = std::stoi(date.substr(0, 2));
  tm.tm_mon = std::stoi(date.substr(2, 2)) - 1;
  tm.tm_year = 100 + std::stoi(date.substr(4, 2));
  const int64_t seconds =
      timegm(&tm) + std::stoi(time.substr(0, 2)) * 3600 + std::stoi(time.substr(2, 2)) * 60;
  return "@" + std::to_string(seconds * 1000 + std::lround(std::stod(time.substr(4)) * 1000));
}

int64_t ms_of(const std::string& time) { return std::stoll(time.substr(1)); }

bool has_fix(const std::string& type, const std::vector<std::string>& cells) {
  if (type == "RMC") return cells[2] == "A";
  if (type == "GLL") return cells[6] == "A";
  if (type == "GGA") return cells[6] != "0";
  return cells[6].find_first_not_of('N') != std::string::npos;
}

void check_sentence(Decoding& decode, const std::string& line) {
  SCOPED_TRACE(line);
  const std::vector<std::string> cells = cells_of(line);
  const std::string row = decode(line);
  EXPECT_EQ(row.find("bad_"), std::string::npos) << row;
  const std::string type = cells[0][1] == 'P' ? "" : cells[0].substr(3);
  const size_t position = type == "RMC" ? 3 : type == "GLL" ? 1 : 2;
  if (type != "RMC" && type != "GLL" && type != "GGA" && type != "GNS") return;
  const SplitRow d = split(row);
  if (!has_fix(type, cells)) {
    EXPECT_EQ(d.values, (std::vector<std::string>{"-", "-", "-", "0", "0"}));
    return;
  }
  expect_position(d, cells, position);
  EXPECT_EQ(d.values[4], "1");
  if (type == "GGA") {
    EXPECT_EQ(d.values[3], cells[6]);
  }
  if (type != "RMC") return;
  EXPECT_EQ(d.time, time_text(cells[1], cells[9]));
  EXPECT_NEAR(std::atof(d.values[2].c_str()), std::atof(cells[7].c_str()) * 1852 / 3600, 1e-9);
}

TEST(NmeaReceivers, each_sentence_alone_gives_what_it_says) {
  const auto found = logs();
  if (found.empty()) GTEST_SKIP() << "no logs";
  size_t sentences = 0;
  for (const fs::path& log : found) {
    SCOPED_TRACE(log.filename());
    Decoding decode(receiver());
    for (const std::string& line : sentences_of(log)) {
      check_sentence(decode, line);
      ++sentences;
    }
  }
  EXPECT_GT(sentences, 4'000u);
}

// All of a log as one payload: a reading for each moment, on the day of the log, with the values of
// the RMC of that moment, and none refused.
TEST(NmeaReceivers, a_log_gives_a_reading_for_each_moment) {
  const auto found = logs();
  if (found.empty()) GTEST_SKIP() << "no logs";
  for (const fs::path& log : found) {
    SCOPED_TRACE(log.filename());
    std::string payload;
    std::map<std::string, std::vector<std::string>> fixes;  // RMC, by time
    for (const std::string& line : sentences_of(log)) {
      payload += line;
      const auto cells = cells_of(line);
      if (cells[0].ends_with("RMC") && cells[2] == "A")
        fixes[time_text(cells[1], cells[9])] = cells;
    }
    Decoding decode(receiver());
    std::istringstream rows(decode(payload));
    std::set<std::string> moments;
    size_t met = 0;
    for (std::string row; std::getline(rows, row);) {
      ASSERT_TRUE(row.starts_with('@')) << row;
      const SplitRow d = split(row);
      if (d.time == "@0") continue;  // without a time: the arrival
      EXPECT_TRUE(moments.insert(d.time).second) << row;
      if (!fixes.empty()) {
        const int64_t apart_ms = ms_of(d.time) - ms_of(fixes.begin()->first);
        EXPECT_LT(std::abs(apart_ms), kDayMs) << row;
      }
      const auto fix = fixes.find(d.time);
      if (fix == fixes.end()) continue;
      ++met;
      expect_position(d, fix->second, 3);
    }
    EXPECT_EQ(met, fixes.size());
  }
}

}  // namespace
}  // namespace wayside
