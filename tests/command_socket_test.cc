// Commands from this machine, over real sockets.
#include "firmware-gw/command_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <thread>

#include "firmware-gw/command_line.h"
#include "firmware-gw/local_call.h"
#include "sensors/mqtt_packet.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 20s;  // nobody waits for so long
constexpr size_t kMaxPayload = 1'024;
constexpr const char* kSocketConfig = R"toml(
[gateway]
id = "shop"
state_dir = "@"

[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1"
max_payload = "1KiB"

[[command]]
name = "orders"
topic = "shop/{till}"
key = "till"
id = "command_id"
[command.fields]
command_id = { path = "id", type = "text" }
)toml";

// The socket of a gateway, on a thread of its own.
class CommandSocketTest : public testing::Test {
 protected:
  CommandSocketTest() {
    std::string text = kSocketConfig;
    text.replace(text.find('@'), 1, folder_.path());
    std::vector<ConfigError> errors;
    auto config = parse_config(text, "test.toml", errors);
    if (!config) throw std::logic_error(errors.front().to_text());
    config_ = *config;
  }
  ~CommandSocketTest() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  // It answers each command with its payload, unless it is silent or full.
  void serve() {
    socket_.emplace(io_, config_, [this](std::unique_ptr<Chunk> chunk) {
      if (full_) return false;
      const Frame& frame = chunk->frames.front();
      SentAnswer answer;
      answer.reply_to = mqtt::reply_to(frame.properties).topic;
      answer.json = frame.payload;
      if (!silent_) boost::asio::post(io_, [this, answer] { socket_->answer(answer); });
      return true;
    });
    ASSERT_TRUE(socket_->start(folder_.path()).ok());
    thread_ = std::thread([this] { io_.run(); });
  }
  std::string path() const { return folder_ / "command.sock"; }
  std::string ask(const std::string& request, std::chrono::milliseconds timeout = kLong) const {
    auto call = LocalCall::begin(path(), timeout);
    if (!call.ok()) return call.error().message;
    const auto answer = call->ask(request);
    return answer.ok() ? *answer : answer.error().message;
  }

  TempFolder folder_;
  Config config_;
  bool full_ = false;
  bool silent_ = false;
  boost::asio::io_context io_;
  std::optional<CommandSocket> socket_;
  std::thread thread_;
};

TEST_F(CommandSocketTest, a_command_has_its_answer) {
  serve();
  EXPECT_EQ(ask("shop/1\n{\"n\":1}"), "{\"n\":1}");
  const auto sent = send_command(folder_.path(), "shop/2", "{\"n\":2}", 20'000);
  ASSERT_TRUE(sent.ok()) << sent.error().message;
  EXPECT_EQ(*sent, "{\"n\":2}");
}

TEST_F(CommandSocketTest, what_it_does_not_take_is_answered_with_the_reason) {
  serve();
  EXPECT_EQ(ask("stock/1\n{}"), R"({"error":"no command has this topic"})");
  EXPECT_EQ(ask("shop/1\n" + std::string(kMaxPayload, 'x')), std::string(kMaxPayload, 'x'));
  EXPECT_EQ(ask("shop/1\n" + std::string(kMaxPayload + 1, 'x')),
            R"({"error":"the payload is longer than [[mqtt]] max_payload"})");
  EXPECT_EQ(ask("shop/" + std::string(65'531, 'x') + "\n{}"),
            R"({"error":"the topic is longer than MQTT allows"})");
  EXPECT_EQ(ask(std::string(1 << 20, 'x')),
            R"({"error":"longer than a topic and [[mqtt]] max_payload may be together"})");
}

TEST_F(CommandSocketTest, a_full_queue_takes_no_command) {
  full_ = true;
  serve();
  EXPECT_EQ(ask("shop/1\n{}"),
            R"({"error":"the gateway has more to do than it can hold; try again"})");
  const auto sent = run_command(config_, "orders", R"({"till":"1","id":"a"})", 20'000);
  ASSERT_FALSE(sent.ok()) << "what was not taken is not refused";
  EXPECT_EQ(sent.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(sent.error().message,
            "the gateway has not taken the command: the gateway has more to do than it can hold; "
            "try again");
}

TEST_F(CommandSocketTest, who_comes_when_too_many_wait_is_told_so) {
  serve();
  std::vector<LocalCall> waiting;
  for (size_t i = 0; i < 64; ++i) {
    auto call = LocalCall::begin(path(), kLong);
    ASSERT_TRUE(call.ok()) << call.error().message;
    waiting.push_back(std::move(*call));
  }
  EXPECT_EQ(ask("shop/1\n{}"),
            R"({"error":"too many commands wait for their answers; try again"})");
  EXPECT_EQ(*waiting.front().ask("shop/1\n{}"), "{}");
}

TEST_F(CommandSocketTest, only_the_account_of_the_gateway_may_command_whatever_the_umask) {
  const mode_t before = ::umask(0);
  serve();
  ::umask(before);
  struct stat is {};
  ASSERT_EQ(::stat(path().c_str(), &is), 0);
  EXPECT_EQ(is.st_mode & 0777, 0600u);
}

TEST_F(CommandSocketTest, it_takes_its_socket_away) {
  serve();
  ASSERT_TRUE(std::filesystem::exists(path()));
  io_.stop();
  thread_.join();
  socket_.reset();
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(CommandSocketTest, who_waits_for_a_silent_gateway_ends_in_time) {
  silent_ = true;
  serve();
  const auto sent = send_command(folder_.path(), "shop/1", "{}", 20);
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(sent.error().message, "the gateway at " + path() +
                                      " has not answered: no answer in 20ms; send the command "
                                      "again with the same id: it is carried out once");
}

// ---- without a gateway

// Listens, and takes nobody in.
class Deaf {
 public:
  explicit Deaf(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 0), 0);
  }
  ~Deaf() { ::close(fd_); }

 private:
  const int fd_;
};

TEST(LocalCall, ends_in_time_though_nobody_takes_the_call) {
  TempFolder folder;
  const Deaf deaf(folder / "s");
  auto first = LocalCall::begin(folder / "s", 20ms);
  ASSERT_TRUE(first.ok()) << first.error().message;
  const auto answer = first->ask("anyone?");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().message, "no answer in 20ms");
  const auto second = LocalCall::begin(folder / "s", 20ms);  // one may wait, not two
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().message, "no answer in 20ms");
}

TEST(LocalCall, says_whether_nobody_is_there_or_why_it_cannot_be_asked) {
  TempFolder folder;
  const auto nobody = LocalCall::begin(folder / "s", kLong);
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody.error().message, "No such file or directory");
  const auto too_long = LocalCall::begin(folder / std::string(200, 's'), kLong);
  ASSERT_FALSE(too_long.ok());
  EXPECT_EQ(too_long.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace wayside
