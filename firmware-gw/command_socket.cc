#include "firmware-gw/command_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "firmware-gw/state_lock.h"
#include "sensors/admission.h"
#include "sensors/mqtt_packet.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;

constexpr const char* kPlace = "#local/";  // no topic begins like this
constexpr size_t kTopicMax = 65'535;
constexpr size_t kWaitingMax = 64;
constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kAcceptRetry = std::chrono::milliseconds(200);
constexpr int kBacklog = 8;

std::string socket_path(const std::string& state_dir) { return state_dir + "/command.sock"; }

size_t largest_payload(const Config& config) {
  uint64_t largest = 0;
  for (const MqttOptions& m : config.mqtt) largest = std::max(largest, m.max_payload_bytes);
  return largest;
}

}  // namespace

// One command: its topic, a line's end, its payload; then the answer, as long as it is waited for.
class CommandSocket::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(CommandSocket& owner, stream_protocol::socket socket)
      : owner_(owner),
        socket_(std::move(socket)),
        deadline_(owner.io_),
        number_(++owner.last_number_) {}

  void read() {
    deadline_.expires_after(kPatience);
    deadline_.async_wait([self = shared_from_this()](error_code stopped) {
      error_code ignored;
      if (!stopped) self->socket_.close(ignored);
    });
    asio::async_read(socket_, asio::dynamic_buffer(request_, owner_.request_max_),
                     [self = shared_from_this()](error_code error, size_t) {
                       if (error == asio::error::eof) return self->submit();
                       self->deadline_.cancel();
                     });
  }
  void write(std::string text) {
    deadline_.cancel();
    request_ = std::move(text);
    asio::async_write(socket_, asio::buffer(request_),
                      [self = shared_from_this()](error_code, size_t) {});
  }

 private:
  void submit() {
    const std::string place = kPlace + std::to_string(number_);
    std::erase_if(owner_.waiting_, [](const auto& w) { return w.second.expired(); });
    if (owner_.waiting_.size() >= kWaitingMax) {
      return write(R"({"error":"too many commands wait for their answers"})");
    }
    if (!owner_.submit(request_, place)) {
      return write(R"({"error":"no command has this topic"})");
    }
    owner_.waiting_[place] = weak_from_this();
  }

  CommandSocket& owner_;
  stream_protocol::socket socket_;
  asio::steady_timer deadline_;
  const uint64_t number_;
  std::string request_;  // then the answer
};

CommandSocket::CommandSocket(asio::io_context& io, const Config& config, Push push)
    : io_(io),
      request_max_(kTopicMax + 1 + largest_payload(config)),
      push_(std::move(push)),
      acceptor_(io),
      retry_(io) {
  for (const CommandOptions& c : config.commands) topics_.push_back(*TopicPattern::parse(c.topic));
}

Status CommandSocket::start(const std::string& state_dir) {
  const std::string path = socket_path(state_dir);
  WS_TRY(make_room_for(path));
  ::unlink(path.c_str());
  error_code error;
  acceptor_.open(stream_protocol(), error);
  if (!error) acceptor_.bind(stream_protocol::endpoint(path), error);
  if (!error) acceptor_.listen(kBacklog, error);
  if (error) return Error{ErrorCode::kIo, path + ": " + error.message()};
  accept();
  return {};
}

void CommandSocket::accept() {
  acceptor_.async_accept([this](error_code error, stream_protocol::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      std::make_shared<Session>(*this, std::move(socket))->read();
      return accept();
    }
    retry_.expires_after(kAcceptRetry);
    retry_.async_wait([this](error_code stopped) {
      if (!stopped) accept();
    });
  });
}

// False: it is no command.
bool CommandSocket::submit(const std::string& request, const std::string& place) {
  const size_t end = std::min(request.find('\n'), request.size());
  const std::string topic = request.substr(0, end);
  const std::string payload = request.substr(std::min(end + 1, request.size()));
  std::vector<std::string_view> levels;
  if (!std::any_of(topics_.begin(), topics_.end(),
                   [&](const TopicPattern& t) { return t.match(topic, levels); })) {
    return false;
  }
  const std::string properties = mqtt::properties_with({place, ""});
  auto chunk = std::make_unique<Chunk>(topic.size() + properties.size() + payload.size());
  char* at = chunk->bytes.get();
  const auto put = [&](const std::string& text) {
    const std::string_view placed(at, text.size());
    at = std::copy(text.begin(), text.end(), at);
    return placed;
  };
  Frame frame;
  frame.topic = put(topic);
  frame.properties = put(properties);
  frame.payload = put(payload);
  chunk->frames.push_back(frame);
  chunk->connection = Admission::kAnyConnection;
  push_(std::move(chunk));
  return true;
}

bool CommandSocket::answer(const SentAnswer& answer) {
  if (!answer.reply_to.starts_with(kPlace)) return false;
  const auto found = waiting_.find(answer.reply_to);
  if (found == waiting_.end()) return true;  // nobody waits any more
  if (const auto session = found->second.lock()) session->write(answer.json);
  waiting_.erase(found);
  return true;
}

Result<std::string> send_command(const std::string& state_dir, const std::string& topic,
                                 const std::string& payload, int64_t timeout_ms) {
  const std::string path = socket_path(state_dir);
  asio::io_context io;
  stream_protocol::socket socket(io);
  error_code error;
  socket.connect(stream_protocol::endpoint(path), error);
  if (error) {
    return Error{ErrorCode::kUnavailable, "no gateway takes commands at " + path + ": " +
                                              error.message() +
                                              "; is it running, with a [[command]]?"};
  }
  const timeval timeout{timeout_ms / 1'000, timeout_ms % 1'000 * 1'000};
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  asio::write(socket, asio::buffer(topic + '\n' + payload), error);
  if (!error) socket.shutdown(stream_protocol::socket::shutdown_send, error);
  std::string answer;
  if (!error) asio::read(socket, asio::dynamic_buffer(answer), error);
  if (error == asio::error::eof && !answer.empty()) return answer;
  return Error{ErrorCode::kUnavailable,
               "the gateway at " + path +
                   " has not answered; send the command again with the same "
                   "id: it is carried out once"};
}

}  // namespace wayside
