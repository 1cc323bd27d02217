// One log line an event, to stderr. spdlog stays behind this header.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

namespace wayside {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

void set_log_level(LogLevel level);
void log_line(LogLevel level, std::string_view text);  // any thread

template <class... Args>
void log_debug(fmt::format_string<Args...> f, Args&&... args) {
  log_line(LogLevel::kDebug, fmt::format(f, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> f, Args&&... args) {
  log_line(LogLevel::kInfo, fmt::format(f, std::forward<Args>(args)...));
}
template <class... Args>
void log_warn(fmt::format_string<Args...> f, Args&&... args) {
  log_line(LogLevel::kWarn, fmt::format(f, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> f, Args&&... args) {
  log_line(LogLevel::kError, fmt::format(f, std::forward<Args>(args)...));
}

// Lets one line a period through and counts the rest. Owned by one thread.
class LogLimiter {
 public:
  explicit LogLimiter(int64_t period_ms = 10'000) : period_ms_(period_ms) {}

  // True when a line may be written; `suppressed` is then the number held back since the last one.
  bool allow(int64_t timer_ms, uint64_t& suppressed) {
    if (started_ && timer_ms - last_ms_ < period_ms_) {
      ++held_;
      return false;
    }
    started_ = true;
    last_ms_ = timer_ms;
    suppressed = held_;
    held_ = 0;
    return true;
  }

 private:
  int64_t period_ms_;
  int64_t last_ms_ = 0;
  uint64_t held_ = 0;
  bool started_ = false;
};

}  // namespace wayside
