// What a service manager that started us wants to hear, as sd_notify(3) has it: that we are ready,
// that we are alive, that we end. Without one nothing is said.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace wayside {

class Service {
 public:
  // By NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  static Service from_environment();

  // A line an assignment: "READY=1\nSTATUS=…". That nobody listens is no error of ours.
  void tell(std::string_view state) const;
  // Without "WATCHDOG=1" for so long we are killed; 0: we are not.
  std::chrono::microseconds watchdog() const { return watchdog_; }

 private:
  std::string socket_;
  std::chrono::microseconds watchdog_{0};
};

}  // namespace wayside
