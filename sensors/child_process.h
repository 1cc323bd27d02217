// A program that runs beside us: without a shell, in a process group of its own, with nothing of
// ours open, and with no variables but a few, since ours may hold secrets. The io thread; it keeps
// itself until it is reaped.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/asio.h"
#include "base/result.h"

namespace wayside {

class ChildProcess : public std::enable_shared_from_this<ChildProcess> {
 public:
  // `argv` begins with the path of the program.
  static Result<std::shared_ptr<ChildProcess>> start(boost::asio::io_context& io,
                                                     const std::vector<std::string>& argv);
  // Use start().
  ChildProcess(boost::asio::io_context& io, pid_t pid)
      : output(io), errors(io), exit_(io), pid_(pid) {}

  // Calls `then` when it has ended.
  void await_end(std::function<void()> then);
  // How it has ended: "" for exit code 0.
  std::string trouble() const;
  // Nobody waits for it any more: it and those that it has started are killed.
  void abandon();

  StreamDescriptor output;
  StreamDescriptor errors;

 private:
  void reap();

  StreamDescriptor exit_;  // readable when it has ended
  const pid_t pid_;
  bool has_ended_ = false;
  bool is_abandoned_ = false;
  int code_ = 0;    // CLD_EXITED or how else
  int status_ = 0;  // the exit code or the signal
};

}  // namespace wayside
