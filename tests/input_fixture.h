// An input over real sockets, all in one thread. Nothing sleeps: a test runs the io_context until
// what it waits for has happened.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "sensors/input.h"

namespace wayside {

class InputFixture : public testing::Test {
 protected:
  using tcp = boost::asio::ip::tcp;
  using Texts = std::vector<std::string>;
  static constexpr uint32_t kConnection = 7;

  InputFixture() {
    set_log_level(LogLevel::kError);
    options_.name = "in";
    options_.retry_ms = 1;
  }
  ~InputFixture() override {
    input_.reset();
    io_.poll();
  }

  void start(const std::string& url, const Texts& topics = {}) {
    options_.url = url;
    input_ = make_input(io_, options_, kConnection, topics, [this](std::unique_ptr<Chunk> chunk) {
      for (const Frame& f : chunk->frames) {
        topics_.emplace_back(f.topic);
        got_.push_back(f.fault == Frame::Fault::kNone ? std::string(f.payload) : "<oversized>");
      }
      EXPECT_EQ(chunk->connection, kConnection);
      EXPECT_GT(chunk->read_ms, 0);
      ticket_ = chunk->ticket;
      window_full_ = chunk->window_full;
      return has_room_;
    });
    input_->start();
  }
  bool run_until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    io_.restart();
    while (!done()) {
      if (io_.run_one_until(limit) == 0) return false;
    }
    return true;
  }
  bool run_until_messages(size_t count) {
    return run_until([&] { return got_.size() >= count; });
  }
  // What is to be done at once.
  void run_ready() {
    io_.restart();
    io_.poll();
  }
  uint16_t free_port() {
    return tcp::acceptor(io_, {boost::asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
  }

  boost::asio::io_context io_;
  InputOptions options_;
  std::unique_ptr<Input> input_;
  Texts got_;
  Texts topics_;  // of each
  uint64_t ticket_ = 0;
  bool window_full_ = false;
  bool has_room_ = true;
};

}  // namespace wayside
