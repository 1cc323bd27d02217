// Inputs that are asked for, over real programs and real servers.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <optional>

#include "tests/input_fixture.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class PollInputs : public InputFixture {
 protected:
  PollInputs() {
    options_.topic = "t";
    options_.every_ms = 3'600'000;  // once, unless a test wants more
  }
  void run_shell(const std::string& script) {
    options_.args = {"-c", script};
    start("exec:/bin/sh");
  }
  bool run_until_failures(uint64_t count) {
    return run_until([&] { return input_->counters().failures >= count; });
  }
};

TEST_F(PollInputs, what_a_program_says_are_messages_by_line) {
  run_shell("echo one; echo; printf two");
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(got_, (Texts{"one", "two"}));
  EXPECT_EQ(topics_, Texts(2, "t"));
  EXPECT_TRUE(input_->counters().connected);
  EXPECT_EQ(input_->counters().connects, 1u);
  EXPECT_EQ(input_->counters().failures, 0u);
}

TEST_F(PollInputs, or_all_of_it_is_one) {
  options_.split = Split::kAll;
  options_.max_payload_bytes = 16;
  run_shell("printf '{\\n}\\n'");
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_EQ(got_, Texts{"{\n}\n"});
  run_shell("printf '0123456789abcdef0'");
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(got_.back(), "<oversized>");
}

TEST_F(PollInputs, a_program_is_run_again_and_again) {
  options_.every_ms = 1;
  run_shell("echo x");
  ASSERT_TRUE(run_until_messages(3));
  EXPECT_EQ(got_[2], "x");
}

TEST_F(PollInputs, a_program_gets_its_arguments_as_they_are_and_little_of_ours) {
  ::setenv("WAYSIDE_TEST_SECRET", "hidden", 1);
  options_.args = {
      "-c",
      R"(printf '%s\n' "$@"; echo "<$WAYSIDE_TEST_SECRET>"; cat; ls /proc/self/fd | wc -l)",
      "sh",
      "a b",
      "$HOME",
      "*"};
  start("exec:/bin/sh");
  ASSERT_TRUE(run_until_messages(5));
  ::unsetenv("WAYSIDE_TEST_SECRET");
  EXPECT_EQ(got_, (Texts{"a b", "$HOME", "*", "<>", "4"})) << "three, and that of ls itself";
}

TEST_F(PollInputs, what_a_program_says_counts_only_if_it_ends_well) {
  const auto expect_failure = [&](const std::string& script) {
    run_shell(script);
    EXPECT_TRUE(run_until_failures(1)) << script;
    EXPECT_FALSE(input_->counters().connected);
  };
  testing::internal::CaptureStderr();
  set_log_level(LogLevel::kWarn);
  expect_failure("echo one; echo first >&2; echo no such sensor >&2; exit 3");
  expect_failure("echo one; kill -9 $$");
  options_.max_output_bytes = 16;
  expect_failure("echo 0123456789abcdef; exec sleep 1000");
  options_.args.clear();
  start("exec:/no/such/program");
  EXPECT_TRUE(run_until_failures(1));
  set_log_level(LogLevel::kError);
  const std::string log = testing::internal::GetCapturedStderr();
  for (const char* why :
       {"it ends with exit code 3: no such sensor", "it was ended by signal 9",
        "it says more than max_output", "it cannot be run: No such file or directory"}) {
    EXPECT_NE(log.find(why), std::string::npos) << why << "\n" << log;
  }
  EXPECT_EQ(log.find("first"), std::string::npos) << "only the last line";
  EXPECT_TRUE(got_.empty());
}

bool is_running(const std::string& pid) {
  std::ifstream about("/proc/" + pid + "/stat");
  std::string number, name, state;
  return about >> number >> name >> state && state != "Z";
}

TEST_F(PollInputs, a_program_that_takes_too_long_is_ended_with_what_it_has_started) {
  const TempFolder folder;
  options_.timeout_ms = 1'000;
  run_shell("sleep 1000 & echo $! > " + folder / "pid" + "; wait");
  ASSERT_TRUE(run_until_failures(1));
  std::string pid;
  ASSERT_TRUE(std::ifstream(folder / "pid") >> pid);
  EXPECT_TRUE(run_until([&] {
    asio::post(io_, [] {});  // there is no event of a stranger's end
    return !is_running(pid);
  }));
}

TEST_F(PollInputs, the_end_does_not_wait_for_a_program) {
  const TempFolder folder;
  const std::string path = folder / "pid";
  run_shell("echo $$ > " + path + ".new; mv " + path + ".new " + path + "; exec sleep 1000");
  std::string pid;
  ASSERT_TRUE(run_until([&] {
    asio::post(io_, [] {});
    return bool(std::ifstream(path) >> pid);
  }));
  input_->stop();
  EXPECT_TRUE(run_until([&] {
    asio::post(io_, [] {});
    return !is_running(pid);
  }));
  EXPECT_TRUE(got_.empty());
}

TEST_F(PollInputs, nothing_is_asked_while_there_is_no_room) {
  const TempFolder folder;
  options_.every_ms = 1;
  has_room_ = false;
  run_shell("echo x >> " + folder / "runs" + "; echo x");
  ASSERT_TRUE(run_until_messages(1));
  for (int turns = 0; turns < 20; ++turns) ASSERT_GT(io_.run_one(), 0u);  // the timer goes on
  EXPECT_EQ(got_.size(), 1u);
  EXPECT_EQ(std::ifstream(folder / "runs").seekg(0, std::ios::end).tellg(), 2);
  has_room_ = true;
  input_->resume();
  EXPECT_TRUE(run_until_messages(2));
}

// Answers each question that comes with what is next, on the connection that it came by.
class Server {
 public:
  explicit Server(asio::io_context& io)
      : acceptor_(io, {asio::ip::address_v4::loopback(), 0}), socket_(io) {
    accept();
  }
  ~Server() { *is_gone_ = true; }
  std::string address() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

  std::vector<std::string> answers;  // "" is none; after the last one it is given again
  bool closes = false;               // after each answer
  std::string asked;
  size_t questions = 0;
  size_t connections = 0;
  void hang_up() { socket_.close(); }

 private:
  void accept() {
    acceptor_.async_accept([this, gone = is_gone_](error_code error, tcp::socket socket) {
      if (error || *gone) return;
      ++connections;
      socket_ = std::move(socket);
      read();
      accept();
    });
  }
  void read() {
    socket_.async_read_some(
        asio::buffer(room_), [this, gone = is_gone_](error_code error, size_t n) {
          if (error || *gone) return;
          asked.assign(room_.data(), n);
          const std::string answer = answers[std::min(questions++, answers.size() - 1)];
          asio::write(socket_, asio::buffer(answer));
          if (closes) return socket_.close();
          read();
        });
  }

  std::shared_ptr<bool> is_gone_ = std::make_shared<bool>(false);
  tcp::acceptor acceptor_;
  tcp::socket socket_;
  std::array<char, 4096> room_;
};

std::string page(const std::string& body, const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

TEST_F(PollInputs, a_page_is_a_message) {
  Server server(io_);
  server.answers = {page("{\n}")};
  options_.split = Split::kAll;
  options_.token = "s3cret";
  start("http-poll://" + server.address() + "/now?at=1");
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_EQ(got_, Texts{"{\n}"});
  EXPECT_EQ(server.asked, "GET /now?at=1 HTTP/1.1\r\nHost: " + server.address() +
                              "\r\nUser-Agent: wayside\r\nConnection: close\r\n"
                              "Authorization: Bearer s3cret\r\n\r\n");
}

TEST_F(PollInputs, a_page_may_be_one_without_a_length_and_by_line) {
  Server server(io_);
  server.answers = {"HTTP/1.0 200 OK\r\n\r\none\ntwo\n"};
  server.closes = true;
  start("http-poll://" + server.address());
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(got_, (Texts{"one", "two"}));
}

TEST_F(PollInputs, an_answer_that_is_no_good_page_is_none) {
  Server server(io_);
  options_.every_ms = 1;
  options_.max_output_bytes = 16;
  server.answers = {page("x", "404 Not Found"),
                    page("x", "302 Found"),
                    page(std::string(17, 'x')),
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n" +
                        std::string(18, 'x') + "\r\n0\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nX: " + std::string(9'000, 'x'),
                    "SSH-2.0-OpenSSH\r\n\r\n",
                    page("", "204 No Content"),
                    page("good")};
  start("http-poll://" + server.address());
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_EQ(got_.front(), "good");
  EXPECT_EQ(input_->counters().failures, 6u);
}

TEST_F(PollInputs, a_server_that_says_nothing_is_given_up_and_asked_again) {
  Server server(io_);
  options_.every_ms = 1;
  options_.timeout_ms = 50;
  server.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngo", page("good")};
  start("http-poll://" + server.address());
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_EQ(got_.front(), "good");
  EXPECT_GE(input_->counters().failures, 1u);
}

// Of a fixture that answers in the order of its questions: the transaction's number is known.
std::string modbus(uint8_t transaction, const std::string& from_unit_on) {
  const char head[] = {0, static_cast<char>(transaction),        0, 0,
                       0, static_cast<char>(from_unit_on.size())};
  return std::string(head, sizeof head) + from_unit_on;
}
using namespace std::string_literals;

TEST_F(PollInputs, registers_are_a_message_of_their_bytes) {
  Server server(io_);
  server.answers = {modbus(1, "\x11\x04\x04\x01\x02\x03\x04"s)};
  options_.unit_id = 17;
  options_.function = 4;
  options_.address = 0x1234;
  options_.count = 2;
  start("modbus://" + server.address());
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_EQ(server.asked, "\x00\x01\x00\x00\x00\x06\x11\x04\x12\x34\x00\x02"s);
  EXPECT_EQ(got_, Texts{"\x01\x02\x03\x04"});
}

TEST_F(PollInputs, a_modbus_connection_is_kept_and_made_again_when_the_device_has_closed_it) {
  Server server(io_);
  options_.every_ms = 1;
  server.answers = {modbus(1, "\x01\x03\x02\x00\x01"s), modbus(2, "\x01\x03\x02\x00\x02"s),
                    modbus(4, "\x01\x03\x02\x00\x03"s)};
  start("modbus://" + server.address());
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(server.connections, 1u);
  server.hang_up();
  ASSERT_TRUE(run_until_messages(3));
  EXPECT_EQ(got_, (Texts{"\x00\x01"s, "\x00\x02"s, "\x00\x03"s}));
  EXPECT_EQ(server.connections, 2u);
  EXPECT_EQ(input_->counters().failures, 0u);
}

TEST_F(PollInputs, what_a_modbus_device_must_not_answer_is_a_failure) {
  const std::string good =
      "\x01\x03\x04"
      "abcd"s;
  const std::pair<std::string, const char*> rows[] = {
      {modbus(1, "\x01\x83\x02"s), "the device answers with exception 2, illegal address"},
      {modbus(1, "\x01\x83\x0b"s), "the device answers with exception 11"},
      {modbus(9, good), "the device answers something else than was asked"},
      {"\x00\x01\x00\x01\x00\x07"s + good, "the device answers something else than was asked"},
      {"\x00\x01\x00\x00\x00\x08"s + good, "the device answers something else than was asked"},
      {modbus(1,
              "\x02\x03\x04"
              "abcd"s),
       "the device answers something else than was asked"},
      {modbus(1,
              "\x01\x04\x04"
              "abcd"s),
       "the device answers something else than was asked"},
      {modbus(1,
              "\x01\x03\xff"
              "abcd"s),
       "the device answers something else than was asked"},
      {modbus(1, good).substr(0, 8), "End of file"},
      {modbus(1, good).substr(0, 12), "End of file"},
  };
  options_.count = 2;
  for (const auto& [answer, why] : rows) {
    Server server(io_);
    server.answers = {answer};
    server.closes = true;
    testing::internal::CaptureStderr();
    set_log_level(LogLevel::kWarn);
    start("modbus://" + server.address());
    EXPECT_TRUE(run_until_failures(1)) << why;
    set_log_level(LogLevel::kError);
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_NE(log.find(why), std::string::npos) << log;
  }
  EXPECT_TRUE(got_.empty());
}

TEST_F(PollInputs, where_nothing_answers_it_goes_on_asking) {
  options_.every_ms = 1;
  start("modbus://127.0.0.1:" + std::to_string(free_port()));
  EXPECT_TRUE(run_until_failures(3));
}

}  // namespace
}  // namespace wayside
