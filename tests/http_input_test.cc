#include <memory>

#include "tests/input_fixture.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Sends what it is told, and keeps what comes.
class Client {
 public:
  Client(asio::io_context& io, uint16_t port) : socket_(io) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    read();
  }
  ~Client() { *is_gone_ = true; }
  void send(const std::string& text) {
    error_code ignored;  // who is refused may not be read to the end
    asio::write(socket_, asio::buffer(text), ignored);
  }
  void close() { socket_.close(); }
  const std::string& received() const { return received_; }
  bool is_closed() const { return closed_; }
  size_t answers() const {
    size_t n = 0;
    for (size_t at = 0; (at = received_.find("HTTP/1.1 ", at)) != std::string::npos; ++at) ++n;
    return n;
  }

 private:
  void read() {
    socket_.async_read_some(asio::buffer(room_),
                            [this, gone = is_gone_](error_code error, size_t n) {
                              if (*gone) return;
                              if (error) {
                                closed_ = true;
                                return;
                              }
                              received_.append(room_, n);
                              read();
                            });
  }
  std::shared_ptr<bool> is_gone_ = std::make_shared<bool>(false);
  tcp::socket socket_;
  char room_[4096];
  std::string received_;
  bool closed_ = false;
};

std::string post(const std::string& target, const std::string& body, const std::string& more = "") {
  return "POST " + target + " HTTP/1.1\r\nHost: gateway\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const std::string kAccepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

class HttpInputs : public InputFixture {
 protected:
  void listen(const std::string& path = "/in") {
    port_ = free_port();
    start("http://127.0.0.1:" + std::to_string(port_) + path, {"fleet/{vehicle}/climate"});
    ASSERT_TRUE(input_->counters().connected);
  }
  std::unique_ptr<Client> connect() { return std::make_unique<Client>(io_, port_); }
  // Of one request, on a connection of its own.
  std::string answer_to(const std::string& request) {
    auto client = connect();
    client->send(request);
    EXPECT_TRUE(run_until([&] { return client->answers() > 0 || client->is_closed(); }));
    return client->received();
  }
  void commit() {
    input_->release(ticket_);
    run_ready();
  }

  uint16_t port_ = 0;
};

TEST_F(HttpInputs, a_post_is_answered_with_200_when_it_is_committed_and_not_before) {
  listen();
  auto client = connect();
  client->send(post("/in/fleet/truck-1/climate", "{\"t\":4}"));
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_EQ(got_, Texts{"{\"t\":4}"});
  EXPECT_EQ(topics_, Texts{"fleet/truck-1/climate"});
  run_ready();
  EXPECT_EQ(client->received(), "");
  EXPECT_EQ(input_->counters().acknowledged, 0u);
  commit();
  ASSERT_TRUE(run_until([&] { return client->answers() == 1; }));
  EXPECT_EQ(client->received(), kOk);
  EXPECT_EQ(input_->counters().acknowledged, 1u);
  EXPECT_EQ(input_->counters().failures, 0u);
}

TEST_F(HttpInputs, a_commit_answers_those_that_it_has_and_no_others) {
  listen();
  auto first = connect(), second = connect();
  first->send(post("/in/fleet/1/climate", "a"));
  ASSERT_TRUE(run_until_messages(1));
  const uint64_t of_first = ticket_;
  second->send(post("/in/fleet/2/climate", "b"));
  ASSERT_TRUE(run_until_messages(2));
  input_->release(of_first);
  ASSERT_TRUE(run_until([&] { return first->answers() == 1; }));
  run_ready();
  EXPECT_EQ(second->received(), "");
  commit();
  EXPECT_TRUE(run_until([&] { return second->answers() == 1; }));
}

TEST_F(HttpInputs, with_async_it_is_answered_with_202_at_once) {
  options_.async = true;
  listen();
  EXPECT_EQ(answer_to(post("/in/fleet/1/climate", "a")), kAccepted);
  EXPECT_EQ(got_, Texts{"a"});
}

TEST_F(HttpInputs, while_the_queue_is_full_a_post_is_refused_and_not_lost_silently) {
  options_.async = true;
  listen();
  has_room_ = false;
  EXPECT_EQ(answer_to(post("/in/fleet/1/climate", "a")), kAccepted);  // the one that filled it
  auto client = connect();
  client->send(post("/in/fleet/1/climate", "b"));
  ASSERT_TRUE(run_until([&] { return client->answers() == 1; }));
  EXPECT_TRUE(
      client->received().starts_with("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n"))
      << client->received();
  EXPECT_TRUE(client->received().ends_with("\r\n\r\n{\"error\":\"the queue is full\"}\n"));
  EXPECT_EQ(got_, Texts{"a"});
  EXPECT_EQ(input_->counters().failures, 1u);
  has_room_ = true;
  input_->resume();
  client->send(post("/in/fleet/1/climate", "c"));  // on the same connection
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(got_, (Texts{"a", "c"}));
}

TEST_F(HttpInputs, lines_are_messages_where_the_type_or_the_configuration_says_so) {
  listen();
  auto client = connect();
  const std::string lines = "{\"t\":1}\r\n\n{\"t\":2}\n{\"t\":3}";
  const std::string type = "Content-Type: application/x-ndjson; charset=utf-8\r\n";
  client->send(post("/in/fleet/1/climate", lines, type));
  ASSERT_TRUE(run_until_messages(3));
  EXPECT_EQ(got_, (Texts{"{\"t\":1}", "{\"t\":2}", "{\"t\":3}"}));
  got_.clear();
  input_.reset();
  options_.split = Split::kLine;
  listen();
  client = connect();
  client->send(post("/in/fleet/1/climate", "a\nb\n"));
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(got_, (Texts{"a", "b"}));
}

TEST_F(HttpInputs, what_it_cannot_take_is_refused_with_the_reason) {
  options_.max_payload_bytes = 16;
  options_.max_header_bytes = 1024;
  options_.token = "s3cret";
  listen();
  const std::string key = "Authorization: bearer s3cret\r\n";
  const std::string to = "/in/fleet/1/climate";
  struct Row {
    std::string request;
    std::string status;
    std::string why;
  };
  const Row rows[] = {
      {"nonsense\r\n\r\n", "400 Bad Request", "this is no HTTP request: bad method"},
      {post(to, "a"), "401 Unauthorized",
       "expected Authorization: Bearer with the token of this input"},
      {post(to, "a", "Authorization: Bearer s3cre\r\n"), "401 Unauthorized",
       "expected Authorization: Bearer with the token of this input"},
      {post(to, "a", key + "Origin: http://web\r\n"), "403 Forbidden",
       "pages of the web may not post"},
      {post("/fleet/1/climate", "a", key), "404 Not Found", "expected POST /in/TOPIC"},
      {post("/in", "a", key), "404 Not Found", "expected POST /in/TOPIC"},
      {post("/in/fleet/1/door", "a", key), "404 Not Found",
       "no source with input = \\\"in\\\" takes the topic 'fleet/1/door'"},
      {post("/in/fleet/%2/climate", "a", key), "400 Bad Request",
       "expected two hex digits behind each % of the path"},
      {post("/in/fleet/%23/climate", "a", key), "400 Bad Request",
       "the path is no topic: 'fleet/#/climate'"},
      {"GET " + to + " HTTP/1.1\r\n" + key + "\r\n", "405 Method Not Allowed",
       "only POST is possible"},
      {"POST " + to + " HTTP/1.1\r\n" + key + "\r\n", "411 Length Required",
       "Content-Length is missing"},
      {post(to, "", key), "400 Bad Request", "the body is empty"},
      {post(to, std::string(17, 'x'), key), "413 Payload Too Large",
       "the body is longer than max_payload, 16B"},
      {"POST " + to + " HTTP/1.1\r\n" + key + "Transfer-Encoding: chunked\r\n\r\n" +
           "9\r\n123456789\r\n9\r\n123456789\r\n0\r\n\r\n",
       "413 Payload Too Large", "the body is longer than max_payload, 16B"},
      {post(to, "a", key + "Content-Encoding: gzip\r\n"), "415 Unsupported Media Type",
       "Content-Encoding: bodies are taken as they are only"},
      {post(to, "a", key + "Content-Type: multipart/form-data; boundary=x\r\n"),
       "415 Unsupported Media Type", "Content-Type: the body of a form is no payload"},
      {post(to, "a", key + "X: " + std::string(1024, 'x') + "\r\n"),
       "431 Request Header Fields Too Large", "the header is longer than max_header"},
  };
  uint64_t refused = 0;
  for (const Row& row : rows) {
    const std::string answer = answer_to(row.request);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + row.status + "\r\n")) << row.why << "\n" << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n{\"error\":\"" + row.why + "\"}\n")) << answer;
    EXPECT_EQ(input_->counters().failures, ++refused);
  }
  EXPECT_TRUE(got_.empty());
  auto client = connect();
  client->send(post(to + "?x=1", "a", key));
  EXPECT_TRUE(run_until_messages(1));
}

TEST_F(HttpInputs, a_path_is_without_escapes_and_may_be_one_for_all) {
  listen("");
  auto client = connect();
  client->send(post("/fleet/truck%201/climate", "a"));
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_EQ(topics_, Texts{"fleet/truck 1/climate"});
  input_.reset();
  options_.topic = "fleet/truck-9/climate";
  listen("/one");
  client = connect();
  client->send(post("/one", "a"));
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(topics_.back(), "fleet/truck-9/climate");
  EXPECT_TRUE(answer_to(post("/one/fleet/1/climate", "a")).ends_with("\"expected POST /one/\"}\n"));
}

TEST_F(HttpInputs, requests_that_are_sent_at_once_are_taken_one_after_the_other) {
  listen();
  auto client = connect();
  std::string all;
  for (const char* body : {"a", "b", "c"}) all += post("/in/fleet/1/climate", body);
  client->send(all);
  for (size_t n = 1; n <= 3; ++n) {
    ASSERT_TRUE(run_until_messages(n));
    run_ready();
    EXPECT_EQ(got_.size(), n) << "the next one waits for the answer";
    commit();
    ASSERT_TRUE(run_until([&] { return client->answers() == n; }));
  }
  EXPECT_EQ(got_, (Texts{"a", "b", "c"}));
  EXPECT_EQ(client->received(), kOk + kOk + kOk);
}

TEST_F(HttpInputs, who_asks_whether_to_send_the_body_is_answered_first) {
  listen();
  auto client = connect();
  client->send(
      "POST /in/fleet/1/climate HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return client->answers() == 1; }));
  EXPECT_EQ(client->received(), "HTTP/1.1 100 Continue\r\n\r\n");
  client->send("a");
  EXPECT_TRUE(run_until_messages(1));
  const std::string refused =
      answer_to("POST /in/nowhere HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 404 ")) << refused;
}

TEST_F(HttpInputs, an_answer_comes_also_to_a_sender_that_is_not_read_to_its_end) {
  listen();
  auto client = connect();
  const std::string big(300'000, 'x');
  client->send(post("/in/fleet/1/climate", big).substr(0, 100'000));
  ASSERT_TRUE(run_until([&] { return client->answers() == 1; }));
  EXPECT_TRUE(client->received().starts_with("HTTP/1.1 413 ")) << client->received();
  EXPECT_NE(client->received().find("Connection: close\r\n"), std::string::npos);
  client->close();
}

TEST_F(HttpInputs, a_connection_without_a_whole_request_is_closed) {
  options_.timeout_ms = 20;
  listen();
  auto idle = connect(), slow = connect();
  slow->send("POST /in/fleet/1/climate HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc");
  EXPECT_TRUE(run_until([&] { return idle->is_closed() && slow->is_closed(); }));
  EXPECT_TRUE(got_.empty());
}

TEST_F(HttpInputs, no_time_is_too_long_to_wait_for_a_commit) {
  options_.timeout_ms = 20;
  listen();
  auto client = connect(), idle = connect();
  client->send(post("/in/fleet/1/climate", "a"));
  ASSERT_TRUE(run_until_messages(1));
  ASSERT_TRUE(run_until([&] { return idle->is_closed(); }));  // a later start, and over
  EXPECT_FALSE(client->is_closed());
  commit();
  EXPECT_TRUE(run_until([&] { return client->answers() == 1; }));
}

TEST_F(HttpInputs, connections_beyond_the_limit_wait_for_others_to_end) {
  options_.connections = 2;
  listen();
  auto first = connect(), second = connect(), third = connect();
  first->send(post("/in/fleet/1/climate", "a"));
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_FALSE(window_full_);
  third->send(post("/in/fleet/3/climate", "c"));
  second->send(post("/in/fleet/2/climate", "b"));
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_TRUE(window_full_) << "all that may come are waiting: it is no use to wait for more";
  run_ready();
  EXPECT_EQ(got_, (Texts{"a", "b"}));
  commit();
  ASSERT_TRUE(run_until([&] { return first->answers() == 1; }));
  first->close();
  ASSERT_TRUE(run_until_messages(3));
  EXPECT_EQ(got_, (Texts{"a", "b", "c"}));
}

TEST_F(HttpInputs, at_the_end_nothing_more_is_taken_and_what_is_committed_is_answered) {
  listen();
  auto waits = connect(), comes = connect();
  waits->send(post("/in/fleet/1/climate", "a"));
  ASSERT_TRUE(run_until_messages(1));
  input_->stop();
  EXPECT_TRUE(input_->answers_written()) << "what was not released need not be";
  comes->send(post("/in/fleet/1/climate", "b"));
  ASSERT_TRUE(run_until([&] { return comes->answers() == 1; }));
  EXPECT_TRUE(comes->received().starts_with("HTTP/1.1 503 ")) << comes->received();
  input_->release(ticket_);
  EXPECT_FALSE(input_->answers_written());
  ASSERT_TRUE(run_until([&] { return input_->answers_written(); }));
  ASSERT_TRUE(run_until([&] { return waits->answers() == 1; }));
  EXPECT_TRUE(waits->received().starts_with("HTTP/1.1 200 OK\r\nConnection: close\r\n"));
  EXPECT_EQ(got_, Texts{"a"});
}

TEST_F(HttpInputs, where_the_port_is_taken_it_goes_on_trying) {
  auto taken =
      std::make_unique<tcp::acceptor>(io_, tcp::endpoint{asio::ip::address_v4::loopback(), 0});
  const uint16_t port = taken->local_endpoint().port();
  start("http://127.0.0.1:" + std::to_string(port));
  ASSERT_TRUE(run_until([&] { return input_->counters().failures >= 2; }));
  EXPECT_FALSE(input_->counters().connected);
  taken.reset();
  EXPECT_TRUE(run_until([&] { return input_->counters().connected.load(); }));
}

}  // namespace
}  // namespace wayside
