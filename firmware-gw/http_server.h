// The transport of the read-only HTTP server: a thread of its own, one request after the other, so
// that a slow question holds up nobody but those who ask. Beast stays behind it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>

#include "config/config.h"
#include "firmware-gw/http_answers.h"

namespace wayside {

class HttpServer {
 public:
  // Called on the server's thread.
  using Handler = std::function<HttpAnswer(std::string_view method, std::string_view target)>;
  HttpServer(const HttpOptions& options, Handler handler);
  ~HttpServer();

  // While its address is taken it tries again and says so in the log: the gateway does its work
  // without it.
  void start();
  // Waits for the answer that is being made.
  void stop();
  uint16_t port() const { return port_; }  // 0: it does not listen yet. Any thread.

 private:
  class Listener;
  std::unique_ptr<Listener> listener_;
  std::atomic<uint16_t> port_{0};
  std::thread thread_;
};

}  // namespace wayside
