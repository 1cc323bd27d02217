// What answers at a gateway's status socket, for those who ask it.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>

namespace wayside {

class StatusSocket {
 public:
  // `type`: SOCK_DGRAM for one that refuses who connects.
  StatusSocket(const std::string& state_dir, std::function<std::string()> status,
               int type = SOCK_STREAM)
      : status_(std::move(status)), fd_(::socket(AF_UNIX, type, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = state_dir + "/status.sock";
    EXPECT_LT(path.size(), sizeof address.sun_path);
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    if (type != SOCK_STREAM) return;
    EXPECT_EQ(::listen(fd_, 8), 0);
    thread_ = std::thread([this] { answer(); });
  }
  ~StatusSocket() {
    ::shutdown(fd_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(fd_);
  }

 private:
  void answer() {
    while (true) {
      const int peer = ::accept(fd_, nullptr, nullptr);
      if (peer < 0) return;
      const std::string text = status_();
      EXPECT_EQ(::send(peer, text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
      ::close(peer);
    }
  }

  std::function<std::string()> status_;
  const int fd_;
  std::thread thread_;
};

}  // namespace wayside
