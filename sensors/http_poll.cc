// A page of an HTTP server, got anew each time.
#include <boost/beast.hpp>
#include <optional>

#include "sensors/tcp_poll.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

class HttpPoll final : public TcpPoll {
 public:
  HttpPoll(asio::io_context& io, const InputOptions& options);

 private:
  using Parser = http::response_parser<http::string_body>;

  void ask() override;
  void read();
  void take(error_code error);

  std::string request_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
};

HttpPoll::HttpPoll(asio::io_context& io, const InputOptions& options)
    : TcpPoll(io, options), buffer_(options.max_header_bytes) {
  constexpr uint16_t kUsualPort = 80;
  const bool is_v6 = url_.host.find(':') != std::string::npos;
  request_ = "GET " + url_.path + " HTTP/1.1\r\nHost: ";
  request_ += is_v6 ? '[' + url_.host + ']' : url_.host;
  if (url_.port != kUsualPort) request_ += ':' + std::to_string(url_.port);
  request_ += "\r\nUser-Agent: wayside\r\nConnection: close\r\n";
  if (!options.token.empty()) request_ += "Authorization: Bearer " + options.token + "\r\n";
  request_ += "\r\n";
}

void HttpPoll::ask() {
  asio::async_write(socket_, asio::buffer(request_), in_this([this](error_code error, size_t) {
                      error ? fail(error.message()) : read();
                    }));
}

void HttpPoll::read() {
  buffer_.clear();
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(options_.max_header_bytes));
  parser_->body_limit(options_.max_output_bytes);
  http::async_read(socket_, buffer_, *parser_,
                   in_this([this](error_code error, size_t) { take(error); }));
}

void HttpPoll::take(error_code error) {
  if (error == http::error::body_limit) return fail("the answer is longer than max_output");
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return fail("the header of the answer is longer than max_header");
  }
  if (error) return fail(error.message());
  const unsigned status = parser_->get().result_int();
  constexpr unsigned kOk = 200, kNoContent = 204;
  if (status != kOk && status != kNoContent) {
    return fail("the server answers with " + std::to_string(status));
  }
  answer(parser_->get().body(), false);
}

}  // namespace

std::shared_ptr<Poll> make_http_poll(asio::io_context& io, const InputOptions& options) {
  return std::make_shared<HttpPoll>(io, options);
}

}  // namespace wayside
