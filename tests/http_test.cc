// The read-only HTTP server, over real sockets.
#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <future>

#include "firmware-gw/http_answers.h"
#include "firmware-gw/http_server.h"
#include "firmware-gw/loop.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr const char* kView = R"toml(
[[view]]
name = "latest"
from = "climate"
select = { temp_c = "temp_c", door = "door" }

[[view]]
name = "doors"
from = "climate"
by = ["zone", "vehicle"]
select = { zone = "CAST(door AS TEXT)", key = "CAST('k' AS TEXT)", limit_c = "temp_c" }

[[view]]
name = "keyed"
from = "climate"
by = ["zone", "key"]
select = { zone = "CAST('z' AS TEXT)", key = "CAST(vehicle || '!' AS TEXT)", limit_c = "temp_c" }

[http]
listen = "127.0.0.1:0"
max_rows = 2
max_request = "1KiB"
query_time = "2s"
)toml";

class Http : public testing::Test {
 protected:
  Http() {
    auto loop = Loop::recover(config_, Surroundings::system(config_));
    EXPECT_TRUE(loop.ok());
    loop_ = std::move(*loop);
    const std::vector<TestMessage> messages{
        {"fleet/v1/climate", R"({"ts":1000,"t":14.5,"door":"it's open"})", 1},
        {"fleet/v2/climate", R"({"ts":2000,"t":50})", 2},
        {"fleet/v3/climate", R"({"ts":3000,"t":5})", 3}};
    push_chunks(loop_->queue(), messages, 20);
    loop_->start({[](uint32_t, uint64_t) {}, [] {}});
    loop_->stop();
    answers_.emplace(config_, loop_->engine().schemas(), loop_->status());
  }
  HttpAnswer get(const std::string& target) const { return answers_->answer("GET", target); }

  TempFolder folder_;
  const Config config_ = climate_config(folder_ / "state", std::string(kSmallConfig) + kView);
  std::unique_ptr<Loop> loop_;
  std::optional<HttpAnswers> answers_;
};

TEST_F(Http, answers_what_there_is_and_says_what_is_wrong_with_a_question) {
  const std::string v1 =
      R"({"vehicle":"v1","temp_c":14.5,"door":"it's open","time":1000,"entry":1})";
  const std::string v2 = R"({"vehicle":"v2","temp_c":50,"door":null,"time":2000,"entry":1})";
  const std::string fault = "expected two hex digits behind each %";
  struct Row {
    std::string target;
    unsigned status;
    std::string body;
  };
  const Row rows[] = {
      {"/views", 200,
       R"({"views":[{"name":"doors","rows":1,"evicted":0,"by":["zone","vehicle"],)"
       R"("values":["key","limit_c","time","entry"]},)"
       R"({"name":"keyed","rows":3,"evicted":0,"by":["zone","key"],)"
       R"("values":["limit_c","time","entry"]},{"name":"latest","rows":3,"evicted":0,"by":["vehicle"],)"
       R"("values":["temp_c","door","time","entry"]}]})"},
      {"/views/latest", 200, "{\"rows\":[" + v1 + "," + v2 + "],\"complete\":false}"},
      {"/views/latest?limit=1", 200, "{\"rows\":[" + v1 + "],\"complete\":false}"},
      {"/views/latest?key=v2", 200, "{\"rows\":[" + v2 + "],\"complete\":true}"},
      {"/views/latest?vehicle=v%32&limit=9", 200, "{\"rows\":[" + v2 + "],\"complete\":true}"},
      {"/views/latest?key=it's+none", 200, R"({"rows":[],"complete":true})"},
      {"/views/lates", 404, R"({"error":"there is no view 'lates'; did you mean 'latest'?"})"},
      {"/views/latest?door=open", 400,
       R"({"error":"there is no parameter 'door': limit, and the columns that name a row, are"})"},
      {"/views/latest?limit=few", 400, R"({"error":"limit: expected a number of rows"})"},
      {"/views/latest?key=%2", 400, "{\"error\":\"'key=%2': " + fault + "\"}"},
      {"/views%2", 400, "{\"error\":\"" + fault + " of the path\"}"},
      {"/query?sql=SELECT%20count(*)+AS+n+FROM+climate", 200,
       R"({"rows":[{"n":3}],"complete":true})"},
      {"/query?sql=SELECT+door+FROM+latest+WHERE+vehicl='v1'", 400,
       R"({"error":"there is no column 'vehicl'; did you mean 'vehicle'?"})"},
      {"/query?sql=DELETE+FROM+latest", 400,
       R"({"error":"only reading is possible here, with one SELECT"})"},
      {"/query?sql=ATTACH+'/etc/x'+AS+x", 400,
       R"({"error":"only reading is possible here, with one SELECT"})"},
      {"/query", 400, R"({"error":"expected one parameter, sql"})"},
      {"/query?sql=SELECT+1&sql=SELECT+2", 400, R"({"error":"parameter 'sql' is there twice"})"},
      {"/elsewhere", 404,
       R"({"error":"there are /status, /views, /views/NAME and /query?sql=SELECT…"})"},
  };
  for (const Row& row : rows) {
    const HttpAnswer answer = get(row.target);
    EXPECT_EQ(answer.status, row.status) << row.target;
    EXPECT_EQ(answer.body, row.body) << row.target;
  }
  EXPECT_TRUE(get("/status").body.starts_with("{\"gateway\":\"truck-17\","));
}

TEST_F(Http, a_column_goes_before_a_parameter_of_its_name) {
  const std::string v2 = R"({"zone":"z","key":"v2!","limit_c":50,"time":2000,"entry":1})";
  EXPECT_EQ(get("/views/keyed?key=v2!").body, "{\"rows\":[" + v2 + "],\"complete\":true}");
  EXPECT_EQ(
      get("/views/doors?key=it's+open").body,
      R"({"error":"there is no parameter 'key': limit, and the columns that name a row, are"})");
  EXPECT_EQ(get("/views/doors?zone=it's+open&limit=1").status, 200u);
}

TEST_F(Http, values_may_hold_any_byte) {
  EXPECT_EQ(get("/views/latest?key=v1%00").body, R"({"rows":[],"complete":true})");
}

TEST_F(Http, events_are_for_another_process) {
  const HttpAnswer answer = get("/query?sql=SELECT+count(*)+FROM+events+WHERE+block='w'");
  EXPECT_EQ(answer.status, 400u);
  EXPECT_NE(answer.body.find("ask for them with `wayside sql`"), std::string::npos) << answer.body;
}

TEST_F(Http, a_damaged_table_of_views_is_told) {
  for (const char* damage :
       {"UPDATE views SET keys = 1000000", "UPDATE views SET rows = rows + 1"}) {
    {
      auto db =
          Database::open(config_.gateway.state_dir + "/wayside.db", Database::Mode::kReadWrite);
      ASSERT_TRUE((*db)->exec(damage).ok());
    }
    for (const char* target : {"/views", "/views/latest", "/query?sql=SELECT+1"}) {
      EXPECT_EQ(get(target).status, 500u) << target;
      EXPECT_EQ(get(target).body, R"({"error":"wayside.db: a row of table views is damaged"})");
    }
  }
}

TEST_F(Http, ends_a_question_that_takes_too_long_or_needs_too_much) {
  const std::string endless =
      "/query?sql=WITH+RECURSIVE+n(i)+AS+(SELECT+1+UNION+ALL+SELECT+i%2B1+FROM+n)+SELECT+";
  EXPECT_EQ(get(endless + "sum(i)+FROM+n").body,
            R"({"error":"the question was ended after 2s; ask for less, by time, key or entry, )"
            R"(or give it longer with [http] query_time"})");
  EXPECT_EQ(get("/query?sql=SELECT+hex(zeroblob(100000000))").status, 503u);
}

// ---- over sockets

class SocketClient {
 public:
  explicit SocketClient(uint16_t port) : socket_(io_) {
    socket_.connect({asio::ip::make_address("127.0.0.1"), port});
  }
  void send(const std::string& text) { asio::write(socket_, asio::buffer(text)); }
  // One answer: its head, a blank, its body.
  std::string receive() {
    const size_t head_size = asio::read_until(socket_, asio::dynamic_buffer(in_), "\r\n\r\n");
    const std::string head = in_.substr(0, head_size);
    in_.erase(0, head_size);
    const size_t at = head.find("Content-Length: ");
    const size_t size = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    if (in_.size() < size) {
      asio::read(socket_, asio::dynamic_buffer(in_), asio::transfer_exactly(size - in_.size()));
    }
    const std::string body = in_.substr(0, size);
    in_.erase(0, size);
    return head.substr(0, head.find("\r\n")) + " " + body;
  }
  std::string receive_all() {
    boost::system::error_code error;
    asio::read(socket_, asio::dynamic_buffer(in_), error);
    return in_;
  }
  // Whether the server has ended the connection.
  bool at_end() {
    boost::system::error_code error;
    char c;
    asio::read(socket_, asio::buffer(&c, 1), error);
    return error == asio::error::eof || error == asio::error::connection_reset;
  }

 private:
  asio::io_context io_;
  tcp::socket socket_;
  std::string in_;
};

class HttpOverSockets : public testing::Test {
 protected:
  uint16_t serve(HttpServer::Handler handler) {
    server_ = std::make_unique<HttpServer>(options_, std::move(handler));
    server_->start();
    while (server_->port() == 0) std::this_thread::yield();
    return server_->port();
  }
  static HttpAnswer echo(std::string_view method, std::string_view target) {
    return {200, std::string(method) + " " + std::string(target)};
  }

  HttpOptions options_ = [] {
    HttpOptions options;
    options.listen = "127.0.0.1:0";
    options.request_bytes = 1024;
    options.timeout_ms = 200;
    return options;
  }();
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpOverSockets, requests_follow_each_other_on_one_connection) {
  SocketClient client(serve(echo));
  client.send("GET /a?b=c HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
  EXPECT_EQ(client.receive(), "HTTP/1.1 200 OK GET /a?b=c\n");
  client.send(
      "GET /1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /2 HTTP/1.1\r\nHost: [::1]:80\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_EQ(client.receive(), "HTTP/1.1 200 OK GET /1\n");
  EXPECT_EQ(client.receive(), "HTTP/1.1 200 OK GET /2\n");
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpOverSockets, what_it_does_not_take_is_refused_and_ended) {
  Config config;
  StatusBoard board;
  const HttpAnswers answers(config, {}, board);
  const uint16_t port =
      serve([&](auto method, auto target) { return answers.answer(method, target); });
  const std::pair<std::string, std::string> rows[] = {
      {"nonsense\r\n\r\n", "HTTP/1.1 400"},
      {"GET / HTTP/1.1\r\nX: " + std::string(2'000, 'x') + "\r\n\r\n", "HTTP/1.1 431"},
      {"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
       "HTTP/1.1 405 Method Not Allowed {\"error\":\"only reading is possible here: GET or "
       "HEAD\"}\n"},
      {"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\nhello",
       "HTTP/1.1 405"},
  };
  for (const auto& [request, status] : rows) {
    SocketClient client(port);
    client.send(request);
    EXPECT_TRUE(client.receive().starts_with(status)) << request;
    EXPECT_TRUE(client.at_end()) << request;
  }
}

TEST_F(HttpOverSockets, a_page_of_the_web_cannot_ask_under_a_name_of_its_own) {
  SocketClient client(serve(echo));
  client.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_TRUE(client.receive().starts_with("HTTP/1.1 400"));
}

TEST_F(HttpOverSockets, a_page_of_another_site_cannot_ask) {
  SocketClient client(serve(echo));
  const std::pair<const char*, const char*> rows[] = {
      {"Origin: https://evil.example", "HTTP/1.1 403"},
      {"Origin: http://192.0.2.1", "HTTP/1.1 403"},
      {"Origin: null", "HTTP/1.1 403"},
      {"Sec-Fetch-Site: cross-site", "HTTP/1.1 403"},
      {"Origin: http://localhost:3000", "HTTP/1.1 200"},
      {"Origin: http://[::1]:3000", "HTTP/1.1 200"},
      {"Sec-Fetch-Site: none", "HTTP/1.1 200"},
  };
  for (const auto& [header, status] : rows) {
    client.send(std::string("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n") + header + "\r\n\r\n");
    EXPECT_TRUE(client.receive().starts_with(status)) << header;
  }
}

TEST_F(HttpOverSockets, this_machine_has_its_name_in_any_spelling) {
  SocketClient client(serve(echo));
  for (const char* host : {"LocalHost", "localhost.:80", "127.0.0.1:80"}) {
    client.send(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n");
    EXPECT_TRUE(client.receive().starts_with("HTTP/1.1 200")) << host;
  }
}

TEST_F(HttpOverSockets, what_fails_badly_is_told_and_ends_no_thread) {
  SocketClient client(serve([](std::string_view, std::string_view target) {
    if (target == "/bad") throw std::bad_alloc();
    return HttpAnswer{200, "good"};
  }));
  client.send("GET /bad HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.receive(),
            "HTTP/1.1 500 Internal Server Error {\"error\":\"std::bad_alloc\"}\n");
  client.send("GET /good HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.receive(), "HTTP/1.1 200 OK good\n");
}

TEST_F(HttpOverSockets, a_mistake_behind_a_head_has_its_body) {
  SocketClient client(serve(echo));
  client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.send("nonsense\r\n\r\n");
  const std::string both = client.receive_all();
  EXPECT_NE(both.find("this is no HTTP request"), std::string::npos) << both;
}

TEST_F(HttpOverSockets, a_silent_connection_is_ended_and_makes_room_for_the_next) {
  options_.connections = 1;
  const uint16_t port = serve(echo);
  SocketClient silent(port);
  SocketClient waiting(port);
  waiting.send("GET /w HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(waiting.receive(), "HTTP/1.1 200 OK GET /w\n");
  EXPECT_TRUE(silent.at_end());
}

TEST_F(HttpOverSockets, it_ends_while_a_connection_is_open) {
  SocketClient client(serve(echo));
  server_->stop();
  server_.reset();
  EXPECT_TRUE(client.at_end());
}

}  // namespace
}  // namespace wayside
