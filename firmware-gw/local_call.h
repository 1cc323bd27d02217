// Asking a gateway on this machine: a question and its answer over a socket of the file system,
// within a time.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wayside {

class LocalCall {
 public:
  // `timeout` is for all of it. kUnavailable: nobody listens at `path`. Errors say why, not where.
  static Result<LocalCall> begin(const std::string& path, std::chrono::milliseconds timeout);
  LocalCall(LocalCall&& other) noexcept;
  ~LocalCall();

  // Sends all of `question`, then takes what comes until the other side ends.
  Result<std::string> ask(std::string_view question);

 private:
  using Clock = std::chrono::steady_clock;
  LocalCall(int fd, std::chrono::milliseconds timeout)
      : fd_(fd), timeout_(timeout), end_(Clock::now() + timeout) {}
  bool limit_next() const;
  bool send(std::string_view question) const;
  Error failed(int error_number) const;

  int fd_;
  std::chrono::milliseconds timeout_;
  Clock::time_point end_;
};

}  // namespace wayside
