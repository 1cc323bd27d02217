#include "sensors/tcp_poll.h"

#include <utility>

#include "sensors/tcp_link.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

}  // namespace

TcpPoll::TcpPoll(asio::io_context& io, const InputOptions& options)
    : options_(options), url_(*parse_input_url(options.url)), socket_(io), resolver_(io) {}

void TcpPoll::begin(Done done) {
  done_ = std::move(done);
  is_used_again_ = socket_.is_open();
  is_used_again_ ? ask() : connect();
}

void TcpPoll::connect() {
  resolve(resolver_, url_.host, url_.port,
          in_this([this](error_code error, const TcpResolver::results_type& endpoints) {
            if (error) return fail(error.message());
            const auto then =
                in_this([this](error_code failed) { failed ? fail(failed.message()) : ask(); });
            asio::async_connect(socket_, endpoints,
                                [then](error_code failed, const tcp::endpoint&) { then(failed); });
          }));
}

void TcpPoll::cancel() {
  done_ = {};
  close();
}

// What is under way comes to an end, too, and means nothing.
void TcpPoll::close() {
  ++attempt_;
  error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);
}

void TcpPoll::end(const Result<std::string_view>& result) {
  if (const Done done = std::exchange(done_, {})) done(result);
}

void TcpPoll::answer(std::string_view text, bool keep) {
  if (!keep) close();
  end(text);
}

void TcpPoll::fail(const std::string& why) {
  close();
  end(poll_error(why));
}

void TcpPoll::fail_or_reconnect(const std::string& why) {
  if (!std::exchange(is_used_again_, false)) return fail(why);
  close();
  connect();
}

}  // namespace wayside
