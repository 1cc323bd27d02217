#include "sensors/poll_input.h"

#include <chrono>
#include <utility>

#include "base/asio.h"
#include "base/features.h"
#include "base/log.h"
#include "sensors/poll.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::shared_ptr<Poll> make_poll(asio::io_context& io, const InputOptions& options,
                                InputUrl::Kind kind) {
  if constexpr (kHasHttp) {
    if (kind == InputUrl::Kind::kHttpPoll) return make_http_poll(io, options);
  }
  return kind == InputUrl::Kind::kModbus ? make_modbus_poll(io, options)
                                         : make_exec_poll(io, options);
}

}  // namespace

struct PollInput::Core : InputPort, std::enable_shared_from_this<Core> {
  Core(asio::io_context& io_, const InputOptions& options_, uint32_t connection_,
       InputHandler handler_)
      : InputPort(io_, options_, connection_, std::move(handler_)),
        poll(make_poll(io_, options_, url.kind)),
        // Its end says that the last line is whole.
        splitter(true, options_.max_payload_bytes),
        next(io_),
        limit(io_) {}

  void wait();
  void ask();
  void take(const Result<std::string_view>& answer);
  void take_good(std::string_view answer);
  void cancel();

  const std::shared_ptr<Poll> poll;
  Splitter splitter;
  SteadyTimer next;
  SteadyTimer limit;
  steady_clock::time_point due;
  bool is_asking = false;
  bool has_ended = false;
};

// On a grid that begins with the first one; what was missed is left out.
void PollInput::Core::wait() {
  const auto every = milliseconds(options.every_ms);
  const auto late = steady_clock::now() - due;
  due += every * (late / every + 1);
  next.expires_at(due);
  next.async_wait([self = shared_from_this()](error_code error) {
    if (!error && !self->has_ended) self->ask();
  });
}

void PollInput::Core::ask() {
  wait();
  if (is_full || is_asking) return;
  is_asking = true;
  limit.expires_after(milliseconds(options.timeout_ms));
  limit.async_wait([self = shared_from_this()](error_code error) {
    if (error || !self->is_asking) return;
    self->cancel();
    self->take(poll_error("no answer within timeout"));
  });
  poll->begin([weak = weak_from_this()](const Result<std::string_view>& answer) {
    if (const auto self = weak.lock()) self->take(answer);
  });
}

void PollInput::Core::take(const Result<std::string_view>& answer) {
  is_asking = false;
  limit.cancel();
  counters.connected = answer.ok();
  if (!answer.ok()) return tell_trouble(answer.error().message, options.every_ms);
  if (!std::exchange(last_trouble, "").empty()) log_info("input {}: it answers", options.name);
  ++counters.connects;
  take_good(*answer);
}

void PollInput::Core::take_good(std::string_view answer) {
  if (answer.empty()) return;
  if (options.split == Split::kAll || url.kind == InputUrl::Kind::kModbus) {
    const bool is_oversized = answer.size() > options.max_payload_bytes;
    const Splitter::Message message{is_oversized ? std::string_view() : answer, is_oversized};
    return send(options.topic, {&message, 1});
  }
  splitter.reset();
  splitter.add(answer);
  splitter.add("\n");
  send(options.topic, splitter.take());
}

void PollInput::Core::cancel() {
  is_asking = false;
  limit.cancel();
  poll->cancel();
}

PollInput::PollInput(std::shared_ptr<Core> core) : Input(core), core_(std::move(core)) {}

std::unique_ptr<Input> PollInput::make(asio::io_context& io, const InputOptions& options,
                                       uint32_t connection, InputHandler handler) {
  auto core = std::make_shared<Core>(io, options, connection, std::move(handler));
  return std::unique_ptr<Input>(new PollInput(std::move(core)));
}

PollInput::~PollInput() { PollInput::stop(); }

void PollInput::start() {
  core_->due = steady_clock::now();
  core_->ask();
}

void PollInput::resume() {
  asio::post(core_->io, [core = core_] { core->is_full = false; });
}

void PollInput::stop() {
  core_->has_ended = true;
  core_->next.cancel();
  core_->cancel();
}

}  // namespace wayside
