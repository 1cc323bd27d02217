// Commands from this machine: a socket in the state folder, one command a connection. They go the
// way of those from a broker, through the queue and the journal. The io thread.
#pragma once

#include <boost/asio.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "firmware-gw/answers.h"
#include "sensors/frame.h"
#include "sensors/topic.h"

namespace wayside {

class CommandSocket {
 public:
  using Push = std::function<void(std::unique_ptr<Chunk>)>;
  CommandSocket(boost::asio::io_context& io, const Config& config, Push push);

  Status start(const std::string& state_dir);
  // False: it is not for one of its connections.
  bool answer(const SentAnswer& answer);

 private:
  class Session;
  using stream_protocol = boost::asio::local::stream_protocol;
  void accept();
  bool submit(const std::string& request, const std::string& place);

  boost::asio::io_context& io_;
  const size_t request_max_;
  std::vector<TopicPattern> topics_;  // of commands
  const Push push_;
  stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  uint64_t last_number_ = 0;
  std::map<std::string, std::weak_ptr<Session>> waiting_;  // by where the answer goes
};

// Sends a command to the gateway that runs on this folder, and waits for its answer.
// kUnavailable: none runs, or it does not answer in time.
Result<std::string> send_command(const std::string& state_dir, const std::string& topic,
                                 const std::string& payload, int64_t timeout_ms);

}  // namespace wayside
