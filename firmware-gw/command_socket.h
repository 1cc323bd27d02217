// Commands from this machine: a socket in the state folder, one command a connection. They go the
// way of those from a broker, through the queue and the journal. Who may open the folder's files as
// their owner may command. The io thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/asio.h"
#include "config/config.h"
#include "firmware-gw/answers.h"
#include "sensors/frame.h"
#include "sensors/topic.h"

namespace wayside {

class CommandSocket {
 public:
  // False: there is no room, and nothing was taken.
  using Push = std::function<bool(std::unique_ptr<Chunk>)>;
  CommandSocket(boost::asio::io_context& io, const Config& config, Push push);
  ~CommandSocket();

  Status start(const std::string& state_dir);
  // False: it is not for one of its connections.
  bool answer(const SentAnswer& answer);

 private:
  class Session;

  struct Command {
    TopicPattern topic;
    uint64_t max_payload_bytes = 0;
  };
  void accept();
  void begin(LocalSocket socket);
  const char* submit(std::string_view request, const std::string& place);

  boost::asio::io_context& io_;
  std::vector<Command> commands_;
  size_t request_max_ = 0;  // what is longer is no command at all
  const Push push_;
  std::string path_;  // "": it does not listen
  LocalAcceptor acceptor_;
  SteadyTimer retry_;
  uint64_t last_number_ = 0;
  std::vector<std::weak_ptr<Session>> sessions_;
  std::map<std::string, std::weak_ptr<Session>> waiting_;  // by where the answer goes
};

// Sends a command to the gateway that runs on this folder, and waits for its answer.
// kUnavailable: none runs, or it does not answer in time.
Result<std::string> send_command(const std::string& state_dir, const std::string& topic,
                                 const std::string& payload, int64_t timeout_ms);

}  // namespace wayside
