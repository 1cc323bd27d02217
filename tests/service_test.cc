#include "firmware-gw/service.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "firmware-gw/gateway.h"
#include "tests/config_text.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

// A service manager: what it hears, and the environment that it gives.
class Manager {
 public:
  explicit Manager(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    const timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~Manager() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    ::close(fd_);
  }
  std::string hear() const {
    char text[200];
    const ssize_t size = ::recv(fd_, text, sizeof text, 0);
    return size < 0 ? "nothing" : std::string(text, static_cast<size_t>(size));
  }
  std::string hear_other_than(const std::string& known) const {
    std::string heard = hear();
    while (heard == known) heard = hear();
    return heard;
  }

 private:
  const int fd_;
};

TEST(Service, without_a_manager_nobody_watches) {
  EXPECT_EQ(Service::from_environment().watchdog().count(), 0);
}

TEST(Service, a_watchdog_for_another_process_is_not_ours) {
  const TempFolder folder;
  const Manager manager(folder / "notify");
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(Service::from_environment().watchdog(), std::chrono::seconds(30));
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(Service::from_environment().watchdog().count(), 0);
}

TEST(Service, hears_that_the_gateway_is_ready_alive_and_ends) {
  const TempFolder folder;
  const Manager manager(folder / "notify");
  ::setenv("WATCHDOG_USEC", "1000000", 1);
  auto config =
      parse_good(with("\"truck-17\"", "\"truck-17\"\nstate_dir = \"" + folder.path() + "\""));
  ASSERT_TRUE(config);
  std::thread gateway([&] { EXPECT_TRUE(run_gateway(*config).ok()); });
  const std::string first = manager.hear();
  EXPECT_EQ(first, "READY=1\nWATCHDOG_USEC=1000000");
  if (first == "nothing") return gateway.join();  // it has ended, and a signal would be for us
  EXPECT_EQ(manager.hear(), "WATCHDOG=1");
  EXPECT_EQ(manager.hear(), "WATCHDOG=1");
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(manager.hear_other_than("WATCHDOG=1"), "STOPPING=1");
  gateway.join();
}

}  // namespace
}  // namespace wayside
