// Inputs that are streams of bytes, and datagrams.
#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "sensors/input_url.h"
#include "tests/input_fixture.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;

class InputTest : public InputFixture {
 protected:
  InputTest() : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {
    options_.topic = "vehicle/nmea";
  }
  void start_tcp(const std::string& scheme = "tcp") {
    start(scheme + "://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()));
  }
  tcp::socket accept() {
    tcp::socket socket(io_);
    bool accepted = false;
    acceptor_.async_accept(socket, [&](boost::system::error_code) { accepted = true; });
    EXPECT_TRUE(run_until([&] { return accepted && input_->counters().connected; }));
    return socket;
  }

  tcp::acceptor acceptor_;
};

TEST_F(InputTest, lines_of_a_connection_are_messages_and_a_lost_one_is_made_again) {
  start_tcp();
  {
    tcp::socket far = accept();
    asio::write(far, asio::buffer(std::string("one\ntwo\nthr")));
    ASSERT_TRUE(run_until_messages(2));
  }
  tcp::socket far = accept();
  asio::write(far, asio::buffer(std::string("four\n")));
  ASSERT_TRUE(run_until_messages(3));
  EXPECT_EQ(got_, (Texts{"one", "two", "four"}));
  EXPECT_EQ(topics_, Texts(3, "vehicle/nmea"));
  EXPECT_EQ(input_->counters().connects, 2u);
  EXPECT_EQ(input_->counters().messages, 3u);
}

TEST_F(InputTest, a_burst_is_a_message_after_its_pause_or_its_connection_s_end) {
  options_.split = Split::kBurst;
  options_.quiet_ms = 1;
  start_tcp();
  tcp::socket far = accept();
  asio::write(far, asio::buffer(std::string("$GPGGA\r\n$GPRMC\r\n")));
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_EQ(got_, Texts{"$GPGGA\r\n$GPRMC"});
}

TEST_F(InputTest, what_comes_before_the_end_of_a_connection_is_a_whole_burst) {
  options_.split = Split::kBurst;
  options_.quiet_ms = 3'600'000;
  start_tcp();
  {
    tcp::socket far = accept();
    asio::write(far, asio::buffer(std::string("$GPGGA\r\n$GPRMC\r\n")));
  }
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_EQ(got_, Texts{"$GPGGA\r\n$GPRMC"});
}

TEST_F(InputTest, nothing_is_read_while_there_is_no_room) {
  start_tcp();
  tcp::socket far = accept();
  has_room_ = false;
  asio::write(far, asio::buffer(std::string("one\n")));
  ASSERT_TRUE(run_until_messages(1));
  asio::write(far, asio::buffer(std::string("two\n")));
  io_.restart();
  io_.poll();
  EXPECT_EQ(got_, Texts{"one"});
  has_room_ = true;
  input_->resume();
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(got_, (Texts{"one", "two"}));
}

TEST_F(InputTest, a_burst_is_not_cut_because_there_is_no_room_for_the_rest) {
  options_.split = Split::kBurst;
  options_.quiet_ms = 1;
  start_tcp();
  tcp::socket far = accept();
  has_room_ = false;
  asio::write(far, asio::buffer(std::string("$GPGGA\r\n")));
  ASSERT_TRUE(run_until_messages(1));  // and from here on nothing is read
  asio::write(far, asio::buffer(std::string("$GPRMC\r\n$GPVTG\r\n")));
  has_room_ = true;
  input_->resume();
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(got_, (Texts{"$GPGGA", "$GPRMC\r\n$GPVTG"}));
}

TEST_F(InputTest, nothing_comes_of_a_connection_behind_the_end) {
  start_tcp();
  input_->stop();
  for (int turns = 0; turns < 50; ++turns) io_.poll();
  EXPECT_FALSE(input_->counters().connected);
  EXPECT_EQ(input_->counters().connects, 0u);
}

TEST_F(InputTest, a_line_over_the_limit_is_told_as_such) {
  options_.max_payload_bytes = 16;
  start_tcp();
  tcp::socket far = accept();
  asio::write(far, asio::buffer(std::string(100'000, 'x') + "\nok\n"));
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(got_, (Texts{"<oversized>", "ok"}));
}

TEST_F(InputTest, gpsd_is_asked_for_sentences_and_what_it_says_of_itself_is_left_out) {
  start_tcp("gpsd");
  tcp::socket far = accept();
  const std::string expected = "?WATCH={\"enable\":true,\"nmea\":true}\n";
  std::string asked(expected.size(), '\0');
  bool read = false;
  asio::async_read(far, asio::buffer(asked),
                   [&](boost::system::error_code, size_t) { read = true; });
  ASSERT_TRUE(run_until([&] { return read; }));
  EXPECT_EQ(asked, expected);
  asio::write(far, asio::buffer(std::string("{\"class\":\"VERSION\"}\r\n$GPGGA,1\r\n")));
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_EQ(got_, Texts{"$GPGGA,1"});
}

TEST_F(InputTest, each_datagram_is_a_message) {
  udp::socket far(io_, udp::v4());
  udp::socket probe(io_, {asio::ip::address_v4::loopback(), 0});
  const udp::endpoint to = probe.local_endpoint();
  probe.close();
  options_.max_payload_bytes = 16;
  start("udp://127.0.0.1:" + std::to_string(to.port()));
  for (const std::string& text : Texts{"one\n", "two\nlines\n", std::string(17, 'x'), "end"}) {
    far.send_to(asio::buffer(text), to);
  }
  ASSERT_TRUE(run_until_messages(4));
  EXPECT_EQ(got_, (Texts{"one\n", "two\nlines\n", "<oversized>", "end"}));
}

TEST_F(InputTest, a_serial_port_is_read_until_its_device_is_pulled_out) {
  int ours = -1, theirs = -1;
  char name[64];
  ASSERT_EQ(::openpty(&ours, &theirs, name, nullptr, nullptr), 0);
  start(std::string("serial:") + name);
  ASSERT_TRUE(input_->counters().connected);
  ASSERT_EQ(::write(ours, "$GPGGA\r\n", 8), 8);
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_EQ(got_, Texts{"$GPGGA"});
  ::close(theirs);
  ::close(ours);  // pulled out
  ASSERT_TRUE(run_until([&] { return !input_->counters().connected; }));
}

TEST_F(InputTest, a_file_is_read_once_to_its_end) {
  const TempFolder folder;
  std::string all;
  for (int i = 0; i < 10'000; ++i) all += std::to_string(i) + "\n";
  std::ofstream(folder / "log") << all << "last";  // without the end of its line
  start("file:" + folder / "log");
  ASSERT_TRUE(run_until_messages(10'001));
  EXPECT_EQ(got_[9'999], "9999");
  EXPECT_EQ(got_.back(), "last");
  run_ready();
  EXPECT_FALSE(input_->counters().connected);
  EXPECT_EQ(input_->counters().failures, 0u);
}

TEST_F(InputTest, a_file_is_not_read_on_while_there_is_no_room) {
  const TempFolder folder;
  std::ofstream(folder / "log") << std::string(100'000, 'x') + "\n"
                                << "end\n";
  options_.max_payload_bytes = 16;
  has_room_ = false;
  start("file:" + folder / "log");
  ASSERT_TRUE(run_until_messages(1));
  for (int turns = 0; turns < 50; ++turns) run_ready();
  EXPECT_EQ(got_, Texts{"<oversized>"});
  has_room_ = true;
  input_->resume();
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(got_.back(), "end");
}

TEST_F(InputTest, a_file_that_is_not_there_is_read_when_it_is) {
  const TempFolder folder;
  start("file:" + folder / "log");
  ASSERT_TRUE(run_until([&] { return input_->counters().failures >= 2; }));
  std::ofstream(folder / "log") << "one\n";
  EXPECT_TRUE(run_until_messages(1));
}

TEST_F(InputTest, writers_of_a_fifo_come_and_go) {
  const TempFolder folder;
  const std::string path = folder / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  start("file:" + path);
  for (const char* text : {"one\n", "two\n"}) {
    const size_t before = got_.size();
    std::ofstream(path) << text;
    ASSERT_TRUE(run_until_messages(before + 1));
  }
  EXPECT_EQ(got_, (Texts{"one", "two"}));
  EXPECT_EQ(input_->counters().connects, 1u);
}

TEST_F(InputTest, standard_input_is_read_to_its_end_and_left_as_it_was) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int ours = ::dup(STDIN_FILENO);
  ASSERT_EQ(::dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
  start("-");
  ASSERT_EQ(::write(ends[1], "one\ntwo", 7), 7);
  ASSERT_TRUE(run_until_messages(1));
  ::close(ends[1]);
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(got_, (Texts{"one", "two"}));
  ASSERT_TRUE(run_until([&] { return !input_->counters().connected; }));
  EXPECT_EQ(::fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
  ::dup2(ours, STDIN_FILENO);
  ::close(ours);
  ::close(ends[0]);
}

TEST_F(InputTest, where_nothing_answers_it_goes_on_trying) {
  const std::string port = std::to_string(acceptor_.local_endpoint().port());
  acceptor_.close();
  start("tcp://127.0.0.1:" + port);
  io_.restart();
  for (int turns = 0; turns < 50; ++turns) io_.run_one();
  EXPECT_FALSE(input_->counters().connected);
  acceptor_ = tcp::acceptor(io_, {asio::ip::address_v4::loopback(), uint16_t(std::stoi(port))});
  tcp::socket far = accept();
  asio::write(far, asio::buffer(std::string("one\n")));
  EXPECT_TRUE(run_until_messages(1));
}

TEST(InputUrl, says_where_messages_come_from) {
  const auto read = [](const std::string& text) -> std::string {
    const auto url = parse_input_url(text);
    if (!url.ok()) return "";
    return url->path + "@" + url->host + ":" + std::to_string(url->port);
  };
  EXPECT_EQ(read("tcp://depot:10110"), "@depot:10110");
  EXPECT_EQ(read("gpsd://localhost"), "@localhost:2947");
  EXPECT_EQ(read("gpsd://[::1]:3000"), "@::1:3000");
  EXPECT_EQ(read("udp://0.0.0.0:10110"), "@0.0.0.0:10110");
  EXPECT_EQ(read("serial:/dev/ttyS1"), "/dev/ttyS1@:0");
  EXPECT_EQ(read("http://[::1]:8088/in/"), "/in@::1:8088");
  EXPECT_EQ(read("http://0.0.0.0:8088"), "@0.0.0.0:8088");
  EXPECT_EQ(read("http-poll://weather/now?at=1"), "/now?at=1@weather:80");
  EXPECT_EQ(read("http-poll://weather:81"), "/@weather:81");
  EXPECT_EQ(read("modbus://meter"), "@meter:502");
  EXPECT_EQ(read("exec:/usr/bin/sensors"), "/usr/bin/sensors@:0");
  EXPECT_EQ(read("file:/var/log/x"), "/var/log/x@:0");
  EXPECT_EQ(read("-"), "-@:0");
  for (const char* bad :
       {"", "tcp://depot", "tcp://:1", "tcp://depot:0", "tcp://depot:70000", "tcp://[::1:99",
        "tcp://fe80::1:99", "udp://localhost:10110", "tcp://depot:1x", "serial:ttyS1",
        "http://depot:1", "udp://a/b:1", "http://127.0.0.1/in", "http://127.0.0.1:80/a%20b",
        "http-poll://x/a b", "exec:ls", "file:log", "modbus://", "--"}) {
    EXPECT_EQ(read(bad), "") << bad;
  }
}

}  // namespace
}  // namespace wayside
