#include "sensors/http_input.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/text.h"
#include "sensors/http_session.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr int kBacklog = 64;
constexpr auto kHttpAcceptPause = milliseconds(100);

}  // namespace

void HttpInput::Core::listen() {
  error_code error;
  const tcp::endpoint at(asio::ip::make_address(url.host), url.port);
  acceptor.open(at.protocol(), error);
  if (!error) acceptor.set_option(TcpAcceptor::reuse_address(true), error);
  if (!error) acceptor.bind(at, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (!error) {
    counters.connected = true;
    log_info("input {}: listening on {}", options.name, options.url);
    return accept();
  }
  error_code ignored;
  acceptor.close(ignored);
  tell_trouble(error.message(), options.retry_ms);
  retry.expires_after(milliseconds(options.retry_ms));
  retry.async_wait([self = shared_from_this()](error_code stopped) {
    if (!stopped && !self->has_ended) self->listen();
  });
}

// As many as there may be: the others wait until one of them has ended.
void HttpInput::Core::accept() {
  acceptor.async_accept([self = shared_from_this()](error_code error, TcpSocket socket) {
    if (self->has_ended) return;
    if (error) return self->accept_later();
    ++self->counters.connects;
    std::make_shared<HttpSession>(self, std::move(socket))->read();
    if (self->sessions < self->options.connections) self->accept();
  });
}

// Out of descriptors, say: the connection still waits, and trying at once would keep us busy.
void HttpInput::Core::accept_later() {
  retry.expires_after(kHttpAcceptPause);
  retry.async_wait([self = shared_from_this()](error_code stopped) {
    if (!stopped && !self->has_ended) self->accept();
  });
}

void HttpInput::Core::session_ended() {
  if (sessions-- == options.connections && !has_ended) accept();
}

bool HttpInput::Core::takes(std::string_view topic) const {
  std::vector<std::string_view> levels;
  return std::any_of(topics.begin(), topics.end(),
                     [&](const TopicPattern& t) { return t.match(topic, levels); });
}

void HttpInput::Core::tell_refusal(const std::string& peer, unsigned status, std::string_view why) {
  ++counters.failures;
  uint64_t held = 0;
  if (!refusals.allow(boot_clock_ms(), held)) return;
  log_warn("input {}: a request from {} was refused: {} {}; {} more since the last such line",
           options.name, peer, status, printable(why), held);
}

void HttpInput::Core::answer_released() {
  release_posted = false;
  const uint64_t upto = released;
  while (!waiting.empty() && waiting.front().ticket <= upto) {
    const std::shared_ptr<HttpSession> session = std::move(waiting.front().session);
    waiting.pop_front();
    session->committed();
  }
}

HttpInput::HttpInput(std::shared_ptr<Core> core) : Input(core), core_(std::move(core)) {}

std::unique_ptr<Input> HttpInput::make(asio::io_context& io, const InputOptions& options,
                                       uint32_t connection, const std::vector<std::string>& topics,
                                       InputHandler handler) {
  auto core = std::make_shared<Core>(io, options, connection, std::move(handler));
  for (const std::string& topic : topics) core->topics.push_back(*TopicPattern::parse(topic));
  return std::unique_ptr<Input>(new HttpInput(std::move(core)));
}

// Who waits keeps the core: without a commit that would be for ever.
HttpInput::~HttpInput() {
  HttpInput::stop();
  core_->waiting.clear();
}

void HttpInput::start() { core_->listen(); }

void HttpInput::resume() {
  asio::post(core_->io, [core = core_] { core->is_full = false; });
}

void HttpInput::release(uint64_t ticket) {
  if (core_->released.exchange(ticket) == ticket || core_->release_posted.exchange(true)) return;
  asio::post(core_->io, [core = core_] { core->answer_released(); });
}

bool HttpInput::answers_written() const {
  const bool waits = !core_->waiting.empty() && core_->waiting.front().ticket <= core_->released;
  return !waits && core_->unwritten == 0;
}

// Answers still leave.
void HttpInput::stop() {
  core_->has_ended = true;
  core_->counters.connected = false;
  core_->retry.cancel();
  error_code ignored;
  core_->acceptor.close(ignored);
}

}  // namespace wayside
