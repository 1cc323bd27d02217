#include "base/log.h"

#include <atomic>
#include <chrono>
#include <cstdio>

#include "base/time.h"

namespace wayside {
namespace {

std::atomic<LogLevel> g_level = LogLevel::kInfo;

const char* name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warning";
    default:
      return "error";
  }
}

}  // namespace

void set_log_level(LogLevel level) { g_level = level; }

void log_line(LogLevel level, std::string_view text) {
  if (level < g_level) return;
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch());
  const std::string line =
      fmt::format("{} {} {}\n", format_rfc3339(now.count()), name_of(level), text);
  std::fwrite(line.data(), 1, line.size(), stderr);  // unbuffered: one write a line
}

}  // namespace wayside
