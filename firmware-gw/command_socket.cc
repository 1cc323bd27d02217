#include "firmware-gw/command_socket.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "firmware-gw/local_call.h"
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
constexpr size_t kSessionsMax = 64;
constexpr auto kPatience = std::chrono::seconds(60);      // with the command, and with its decision
constexpr auto kWritePatience = std::chrono::seconds(5);  // with who asked, once there is an answer
constexpr auto kSocketAcceptRetry = std::chrono::milliseconds(200);
constexpr int kSocketBacklog = 8;
constexpr const char* kTooMany =
    R"({"error":"too many commands wait for their answers; try again"})";
constexpr const char* kNoCommand = R"({"error":"no command has this topic"})";
constexpr const char* kTooLong =
    R"({"error":"longer than a topic and [[mqtt]] max_payload may be together"})";
constexpr const char* kPayloadTooLong =
    R"({"error":"the payload is longer than [[mqtt]] max_payload"})";
constexpr const char* kTopicTooLong = R"({"error":"the topic is longer than MQTT allows"})";
constexpr const char* kBusy =
    R"({"error":"the gateway has more to do than it can hold; try again"})";

std::string socket_path(const std::string& state_dir) { return state_dir + "/command.sock"; }

uint64_t max_payload_of(const SourceOptions& command, const Config& config) {
  for (const MqttOptions& m : config.mqtt) {
    if (m.name == command.mqtt) return m.max_payload_bytes;
  }
  return 0;
}

}  // namespace

// One command: its topic, a line's end, its payload; then the answer, as long as it is waited for.
class CommandSocket::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(CommandSocket& owner, LocalSocket socket)
      : owner_(owner),
        socket_(std::move(socket)),
        deadline_(owner.io_),
        number_(++owner.last_number_) {}

  void read() {
    end_after(kPatience);
    asio::async_read(socket_, asio::dynamic_buffer(request_, owner_.request_max_ + 1),
                     [self = shared_from_this()](error_code error, size_t) {
                       if (error == asio::error::eof) return self->submit();
                       if (!error) return self->write(kTooLong);
                       self->deadline_.cancel();
                     });
  }
  void write(std::string text) {
    end_after(kWritePatience);
    request_ = std::move(text);
    asio::async_write(
        socket_, asio::buffer(request_),
        [self = shared_from_this()](error_code, size_t) { self->deadline_.cancel(); });
  }

 private:
  // The deadline keeps it alive while it waits.
  void end_after(std::chrono::seconds time) {
    deadline_.expires_after(time);
    deadline_.async_wait([self = shared_from_this()](error_code stopped) {
      error_code ignored;
      if (!stopped) self->socket_.close(ignored);
    });
  }
  void submit() {
    const std::string place = kPlace + std::to_string(number_);
    if (const char* refused = owner_.submit(request_, place)) return write(refused);
    owner_.waiting_[place] = weak_from_this();
  }

  CommandSocket& owner_;
  LocalSocket socket_;
  SteadyTimer deadline_;
  const uint64_t number_;
  std::string request_;  // then the answer
};

CommandSocket::CommandSocket(asio::io_context& io, const Config& config, Push push)
    : io_(io), push_(std::move(push)), acceptor_(io), retry_(io) {
  for (const SourceOptions& s : config.sources) {
    if (!s.is_answered) continue;
    const uint64_t max_payload_bytes = max_payload_of(s, config);
    commands_.push_back({*TopicPattern::parse(s.topic), max_payload_bytes});
    request_max_ = std::max<size_t>(request_max_, kTopicMax + 1 + max_payload_bytes);
  }
}

CommandSocket::~CommandSocket() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Status CommandSocket::start(const std::string& state_dir) {
  const std::string path = socket_path(state_dir);
  WS_TRY(make_room_for(path));
  ::unlink(path.c_str());
  error_code error;
  acceptor_.open(stream_protocol(), error);
  if (!error) acceptor_.bind(stream_protocol::endpoint(path), error);
  // Whatever the umask is; until it listens nobody gets in.
  if (!error && ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) {
    error.assign(errno, boost::system::system_category());
  }
  if (!error) acceptor_.listen(kSocketBacklog, error);
  if (error) return Error{ErrorCode::kIo, path + ": " + error.message()};
  path_ = path;
  accept();
  return {};
}

void CommandSocket::accept() {
  acceptor_.async_accept([this](error_code error, LocalSocket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      begin(std::move(socket));
      return accept();
    }
    retry_.expires_after(kSocketAcceptRetry);
    retry_.async_wait([this](error_code stopped) {
      if (!stopped) accept();
    });
  });
}

void CommandSocket::begin(LocalSocket socket) {
  std::erase_if(sessions_, [](const auto& s) { return s.expired(); });
  std::erase_if(waiting_, [](const auto& w) { return w.second.expired(); });
  const auto session = std::make_shared<Session>(*this, std::move(socket));
  if (sessions_.size() >= kSessionsMax) return session->write(kTooMany);
  sessions_.push_back(session);
  session->read();
}

// Null: it is on its way; else what is wrong.
const char* CommandSocket::submit(std::string_view request, const std::string& place) {
  const size_t end = std::min(request.find('\n'), request.size());
  const std::string_view topic = request.substr(0, end);
  const std::string_view payload = request.substr(std::min(end + 1, request.size()));
  if (topic.size() > kTopicMax) return kTopicTooLong;
  std::vector<std::string_view> levels;
  const auto command = std::find_if(commands_.begin(), commands_.end(),
                                    [&](const Command& c) { return c.topic.match(topic, levels); });
  if (command == commands_.end()) return kNoCommand;
  if (payload.size() > command->max_payload_bytes) return kPayloadTooLong;
  const std::string properties = mqtt::properties_with({place, ""});
  auto chunk = std::make_unique<Chunk>(topic.size() + properties.size() + payload.size());
  char* at = chunk->bytes.get();
  const auto put = [&](std::string_view text) {
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
  return push_(std::move(chunk)) ? nullptr : kBusy;
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
  auto call = LocalCall::begin(path, std::chrono::milliseconds(timeout_ms));
  if (!call.ok()) {
    return Error{ErrorCode::kUnavailable, "no gateway takes commands at " + path + ": " +
                                              call.error().message +
                                              "; is it running, with a [[command]], and may this "
                                              "account write to its socket?"};
  }
  auto answer = call->ask(topic + '\n' + payload);
  if (answer.ok() && !answer->empty()) return answer;
  return Error{ErrorCode::kUnavailable,
               "the gateway at " + path + " has not answered: " +
                   (answer.ok() ? "it ended the connection" : answer.error().message) +
                   "; send the command again with the same id: it is carried out once"};
}

}  // namespace wayside
