#include "firmware-gw/http_server.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/beast.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "base/asio.h"
#include "base/log.h"
#include "base/release.h"
#include "base/text.h"
#include "config/values.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kRetry = std::chrono::seconds(5);
constexpr int kBacklog = 16;
constexpr int kNiceness = 10;  // readings go before questions

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, std::min(host.find(']') + 1, host.size()));
  host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool is_address(std::string_view host) {
  return host.starts_with('[') || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

// A page of the web that calls itself by a name of its own must not read what is here.
bool is_own_name(std::string_view host) {
  host = without_port(host);
  return same_name(host, "localhost") || is_address(host);
}

// Nor may it ask what it cannot read: questions take time. Browsers say where a request is from.
bool is_from_elsewhere(std::string_view origin, std::string_view site) {
  if (site == "cross-site") return true;
  constexpr std::string_view kSlashes = "://";
  const size_t at = origin.find(kSlashes);
  if (at == std::string_view::npos) return !origin.empty();  // "null"
  const std::string_view host = without_port(origin.substr(at + kSlashes.size()));
  const bool is_loopback = is_address(host) && (host.starts_with("127.") || host == "[::1]");
  return !is_loopback && !same_name(host, "localhost");
}

// No exception leaves the thread.
HttpAnswer answer_of(const HttpServer::Handler& handler, std::string_view method,
                     std::string_view target) {
  try {
    return handler(method, target);
  } catch (const std::exception& error) {
    log_error("http: {}: {}", target, error.what());
    return http_error(500, error.what());
  }
}

}  // namespace

class HttpServer::Listener {
 public:
  Listener(const HttpOptions& options, Handler handler, std::atomic<uint16_t>& port)
      : options_(options),
        listen_(*parse_listen(options.listen)),
        handler_(std::move(handler)),
        port_(port),
        acceptor_(io_),
        retry_(io_) {}

  ~Listener() { ending_ = true; }

  void run() {
    ::setpriority(PRIO_PROCESS, 0, kNiceness);  // of this thread
    listen();
    io_.run();
  }
  void stop() { io_.stop(); }

 private:
  class Session;

  void listen() {
    const tcp::endpoint at(asio::ip::make_address(listen_.address), listen_.port);
    error_code error;
    acceptor_.open(at.protocol(), error);
    if (!error) acceptor_.set_option(TcpAcceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(at, error);
    if (!error) acceptor_.listen(kBacklog, error);
    if (error) {
      error_code ignored;
      acceptor_.close(ignored);
      if (!std::exchange(told_, true)) {
        log_error("http: cannot listen on {}: {}; it is tried again", options_.listen,
                  error.message());
      }
      return wait_and(&Listener::listen);
    }
    port_ = acceptor_.local_endpoint(error).port();
    const std::string address = at.address().to_string();
    log_info("http: listening on {}:{}", at.address().is_v6() ? '[' + address + ']' : address,
             port_.load());
    accept();
  }

  void wait_and(void (Listener::*go_on)()) {
    retry_.expires_after(kRetry);
    retry_.async_wait([this, go_on](error_code stopped) {
      if (!stopped) (this->*go_on)();
    });
  }

  void accept();
  void begin(TcpSocket socket);
  void ended() {
    if (sessions_-- == options_.connections && !ending_) accept();
  }

  const HttpOptions& options_;
  const ListenAddress listen_;
  const Handler handler_;
  std::atomic<uint16_t>& port_;
  uint32_t sessions_ = 0;
  bool ending_ = false;  // connections that are left end with the context
  asio::io_context io_{1};
  TcpAcceptor acceptor_;
  SteadyTimer retry_;
  bool told_ = false;
};

// A connection, kept alive by what it waits for.
class HttpServer::Listener::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Listener& listener, TcpSocket socket)
      : listener_(listener),
        socket_(std::move(socket)),
        deadline_(socket_.get_executor()),
        buffer_(listener.options_.request_bytes) {}
  ~Session() { listener_.ended(); }

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(listener_.options_.request_bytes));
    parser_->body_limit(boost::none);  // none is read
    is_head_ = false;
    end_in_time();
    http::async_read_header(
        socket_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->take(error); });
  }

 private:
  void take(error_code error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return write(http_error(431, "the request is longer than [http] max_request"), false);
    }
    // What is no HTTP gets an answer that it may not understand; who has gone gets none.
    if (error && error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      return write(http_error(400, "this is no HTTP request: " + error.message()), false);
    }
    if (error) return;
    const auto& request = parser_->get();
    const std::string_view method(request.method_string().data(), request.method_string().size());
    const std::string_view target(request.target().data(), request.target().size());
    const std::string_view host = field(request, http::field::host);
    is_head_ = request.method() == http::verb::head;
    // What a body would say is of no use, and would stand before the next request.
    const bool keep = request.keep_alive() && parser_->is_done();
    if (!is_own_name(host)) {
      return write(http_error(400, "Host: expected localhost or an address"), keep);
    }
    if (is_from_elsewhere(field(request, http::field::origin), field(request, "Sec-Fetch-Site"))) {
      return write(http_error(403, "pages of another site may not ask"), keep);
    }
    write(answer_of(listener_.handler_, method, target), keep);
  }
  template <class Name>
  static std::string_view field(const http::fields& fields, Name name) {
    const auto value = fields[name];
    return {value.data(), value.size()};
  }

  void write(HttpAnswer answer, bool keep) {
    answer.body += '\n';
    response_ =
        "HTTP/1.1 " + std::to_string(answer.status) + ' ' + reason(answer.status) +
        "\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: " +
        std::to_string(answer.body.size()) + "\r\n";
    if (answer.status == 405) response_ += "Allow: GET, HEAD\r\n";
    if (!keep) response_ += "Connection: close\r\n";
    response_ += "\r\n";
    if (!is_head_) response_ += answer.body;
    end_in_time();
    asio::async_write(socket_, asio::buffer(response_),
                      [self = shared_from_this(), keep](error_code error, size_t) {
                        release(self->response_);  // an idle connection holds no answer
                        if (!error && keep) return self->read();
                        error_code ignored;
                        self->socket_.shutdown(TcpSocket::shutdown_send, ignored);
                      });
  }
  static std::string reason(unsigned status) {
    return std::string(http::obsolete_reason(http::int_to_status(status)));
  }

  // What is begun now has so long. The connection need not live for that: with it the timer ends.
  void end_in_time() {
    deadline_.expires_after(std::chrono::milliseconds(listener_.options_.timeout_ms));
    deadline_.async_wait([weak = weak_from_this()](error_code stopped) {
      const auto self = stopped ? nullptr : weak.lock();
      error_code ignored;
      if (self) self->socket_.close(ignored);
    });
  }

  Listener& listener_;
  TcpSocket socket_;
  SteadyTimer deadline_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  std::string response_;
  bool is_head_ = false;
};

void HttpServer::Listener::begin(TcpSocket socket) {
  ++sessions_;
  std::make_shared<Session>(*this, std::move(socket))->read();
}

// As many as there may be: the others wait until one of them has ended.
void HttpServer::Listener::accept() {
  acceptor_.async_accept([this](error_code error, TcpSocket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) return wait_and(&Listener::accept);  // out of descriptors, say
    begin(std::move(socket));
    if (sessions_ < options_.connections) accept();
  });
}

HttpServer::HttpServer(const HttpOptions& options, Handler handler)
    : listener_(std::make_unique<Listener>(options, std::move(handler), port_)) {}

HttpServer::~HttpServer() { stop(); }

void HttpServer::start() {
  thread_ = std::thread([this] { listener_->run(); });
}

void HttpServer::stop() {
  if (!thread_.joinable()) return;
  listener_->stop();
  thread_.join();
}

}  // namespace wayside
