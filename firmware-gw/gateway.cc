#include "firmware-gw/gateway.h"

#include <malloc.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <thread>

#include "base/asio.h"
#include "base/log.h"
#include "firmware-gw/command_socket.h"
#include "firmware-gw/http_server.h"
#include "firmware-gw/local_call.h"
#include "firmware-gw/loop.h"
#include "firmware-gw/service.h"
#include "firmware-gw/state_lock.h"
#include "sensors/input.h"
#include "sensors/mqtt_source.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;

constexpr auto kAckPoll = std::chrono::milliseconds(10);
constexpr auto kAcceptRetry = std::chrono::milliseconds(200);
constexpr auto kStatusTimeout = std::chrono::seconds(5);
// In one process; the medium then damages what is written to it.
constexpr int kLivesMax = 5;
constexpr int kAckPolls = 200;  // two seconds for the last acknowledgements

std::string socket_path(const std::string& state_dir) { return state_dir + "/status.sock"; }

// Of the sources whose messages come by this connection.
std::vector<std::string> topics_of(const Config& config, const std::string& connection) {
  std::vector<std::string> topics;
  for (const SourceOptions& s : config.sources) {
    if (s.connection() == connection) topics.push_back(s.topic);
  }
  return topics;
}

class Gateway {
 public:
  Gateway(const Config& config, Loop& loop)
      : loop_(loop),
        signals_(io_, SIGINT, SIGTERM),
        poll_(io_),
        retry_(io_),
        watch_(io_),
        status_(io_) {
    const auto handler = [this](std::unique_ptr<Chunk> chunk) {
      const size_t bytes = chunk->size + chunk->frames.size() * sizeof(Frame);
      return loop_.queue().push(std::move(chunk), bytes);
    };
    for (uint32_t c = 0; c < config.mqtt.size(); ++c) {
      std::vector<std::string> filters;
      for (const std::string& topic : topics_of(config, config.mqtt[c].name)) {
        filters.push_back(TopicPattern::parse(topic)->filter());
      }
      sources_.push_back(std::make_unique<MqttSource>(io_, config.mqtt[c], c, filters, handler));
    }
    for (const InputOptions& o : config.inputs) {
      const auto c = static_cast<uint32_t>(sources_.size() + inputs_.size());
      inputs_.push_back(make_input(io_, o, c, topics_of(config, o.name), handler));
    }
    if (!config.commands.empty()) {
      commands_.emplace(io_, config, [this, handler](std::unique_ptr<Chunk> chunk) {
        if (loop_.queue().is_full()) return false;
        (void)handler(std::move(chunk));
        return true;
      });
    }
    if (config.http.listen.empty()) return;
    answers_.emplace(config, loop.engine().schemas(), loop.status());
    http_.emplace(config.http, [this](std::string_view method, std::string_view target) {
      return answers_->answer(method, target);
    });
  }

  // The loop calls back into here until it has stopped, however run() was left.
  ~Gateway() {
    if (ending_.joinable()) ending_.join();
    loop_.stop();
  }

  Status run(const std::string& state_dir) {
    WS_TRY(serve_status(state_dir));
    if (commands_) WS_TRY(commands_->start(state_dir));
    loop_.connection_status = [this] { return connection_status(); };
    loop_.start(
        {[this](uint32_t c, uint64_t ticket) {
           if (c < sources_.size()) return sources_[c]->relay().release(ticket);
           inputs_[c - sources_.size()]->release(ticket);
         },
         [this] {
           for (auto& s : sources_) s->relay().resume();
           for (auto& i : inputs_) i->resume();
         },
         [this] { asio::post(io_, [this] { begin_end(); }); },
         [this](const SentAnswer& answer) { asio::post(io_, [this, answer] { send(answer); }); },
         [this](uint32_t c, const Outgoing& message) {
           if (c >= sources_.size()) return;
           asio::post(io_, [this, c, message] {
             sources_[c]->publish(message.topic, message.payload, "");
           });
         }});
    if (http_) http_->start();
    for (auto& s : sources_) WS_TRY(s->start());
    for (auto& i : inputs_) i->start();
    signals_.async_wait([this](error_code error, int signal) {
      if (error) return;
      log_info("signal {}: ending; the next one ends at once", signal);
      error_code ignored;
      signals_.clear(ignored);
      signalled_ = true;
      begin_end();
    });
    const std::string every = std::to_string(service_.watchdog().count());
    service_.tell("READY=1\nWATCHDOG_USEC=" + every);
    feed_watchdog(nullptr);
    io_.run();
    if (ending_.joinable()) ending_.join();
    ::unlink(socket_path(state_dir).c_str());
    if (!signalled_ && !loop_.store_damage().empty()) return {};  // to be made again
    if (loop_.halted()) return Error{ErrorCode::kIo, "ended while the disk failed"};
    return {};
  }
  bool signalled() const { return signalled_; }

 private:
  // The end, in order: read nothing more, commit, acknowledge, let the acknowledgements leave,
  // disconnect.
  void begin_end() {
    if (ends_) return;
    ends_ = true;
    // To be made again in this process takes its time, and is no end.
    service_.tell(signalled_ ? "STOPPING=1" : "WATCHDOG_USEC=0");
    for (auto& s : sources_) s->relay().stop_reading();
    for (auto& i : inputs_) i->stop();
    ending_ = std::thread([this] {
      loop_.stop();
      if (http_) http_->stop();
      asio::post(io_, [this] { await_acks(0); });
    });
  }

  // The loop tells the board how it does at each turn, also while it waits for a disk that fails.
  // One that hangs is not kept alive by our thread.
  void feed_watchdog(std::shared_ptr<const Snapshot> before) {
    if (service_.watchdog().count() == 0) return;
    auto latest = loop_.status().latest();
    if (latest != before) service_.tell("WATCHDOG=1");
    watch_.expires_after(service_.watchdog() / 4);
    watch_.async_wait([this, latest](error_code stopped) {
      if (!stopped) feed_watchdog(latest);
    });
  }

  void await_acks(int polls) {
    bool written = true;
    for (auto& s : sources_) written &= s->relay().acks_written();
    for (auto& i : inputs_) written &= i->answers_written();
    if (!written && polls < kAckPolls) {
      poll_.expires_after(kAckPoll);
      poll_.async_wait([this, polls](error_code) { await_acks(polls + 1); });
      return;
    }
    ending_.join();
    ending_ = std::thread([this] {
      for (auto& s : sources_) s->disconnect();
      asio::post(io_, [this] { io_.stop(); });
    });
  }

  Status serve_status(const std::string& state_dir) {
    const std::string path = socket_path(state_dir);
    WS_TRY(make_room_for(path));
    ::unlink(path.c_str());
    error_code error;
    status_.open(stream_protocol(), error);
    if (!error) status_.bind(stream_protocol::endpoint(path), error);
    if (!error) status_.listen(8, error);
    if (error) return Error{ErrorCode::kIo, path + ": " + error.message()};
    accept_status();
    return {};
  }

  void accept_status() {
    status_.async_accept([this](error_code error, LocalSocket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {  // out of descriptors, say
        retry_.expires_after(kAcceptRetry);
        retry_.async_wait([this](error_code stopped) {
          if (!stopped) accept_status();
        });
        return;
      }
      auto snapshot = loop_.status().latest();
      auto text = std::make_shared<std::string>(snapshot ? snapshot->to_json() : "{}");
      auto peer = std::make_shared<LocalSocket>(std::move(socket));
      asio::async_write(*peer, asio::buffer(*text), [peer, text](error_code, size_t) {});
      accept_status();
    });
  }

  void send(const SentAnswer& answer) {
    const bool local = commands_ && commands_->answer(answer);
    if (answer.connection >= sources_.size()) return;
    MqttSource& source = *sources_[answer.connection];
    if (!local && !answer.reply_to.empty()) {
      source.publish(answer.reply_to, answer.json, answer.correlation);
    }
    if (!answer.topic.empty() && answer.topic != answer.reply_to) {
      source.publish(answer.topic, answer.json, answer.correlation);
    }
  }

  std::vector<ConnectionStatus> connection_status() const {
    std::vector<ConnectionStatus> all;
    for (const auto& s : sources_) {
      const RelayCounters& c = s->relay().counters();
      all.push_back({.name = s->options().name,
                     .connected = s->is_connected(),
                     .connects = c.connects,
                     .messages = c.messages,
                     .acknowledged = c.acknowledged,
                     .skipped = c.skipped,
                     .broker_dropped = c.broker_dropped,
                     .answers_lost = s->answers_lost(),
                     .refused = s->refused()});
    }
    for (const auto& i : inputs_) {
      const InputCounters& c = i->counters();
      all.push_back({.name = i->options().name,
                     .is_mqtt = false,
                     .connected = c.connected,
                     .connects = c.connects,
                     .messages = c.messages,
                     .acknowledged = c.acknowledged,
                     .failures = c.failures});
    }
    return all;
  }

  Loop& loop_;
  const Service service_ = Service::from_environment();
  asio::io_context io_{1};
  std::vector<std::unique_ptr<MqttSource>> sources_;
  std::vector<std::unique_ptr<Input>> inputs_;
  SignalSet signals_;
  SteadyTimer poll_;
  SteadyTimer retry_;
  SteadyTimer watch_;
  LocalAcceptor status_;
  std::optional<CommandSocket> commands_;
  std::optional<HttpAnswers> answers_;
  std::optional<HttpServer> http_;  // asks the other threads, so it ends before them
  std::thread ending_;
  bool ends_ = false;
  bool signalled_ = false;  // asked to end
};

}  // namespace

Status run_gateway(const Config& config) {
  // Few threads allocate: more arenas would only cost memory. Chunks come from the heap, not from
  // fresh pages.
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
  const std::string& state_dir = config.gateway.state_dir;
  WS_TRY(posix_disk().make_dirs(state_dir));
  StateLock lock;
  WS_TRY(lock.take(state_dir));
  std::string store_damage;
  for (int lives = 1;; ++lives) {
    WS_ASSIGN(auto loop,
              Loop::recover(config, Surroundings::system(config), std::move(store_damage)));
    if (Status made = loop->make_workers(); !made.ok()) {
      if (made.error().code != ErrorCode::kBadData || lives == kLivesMax) return made;
      store_damage = made.error().message;
      continue;
    }
    Gateway gateway(config, *loop);
    malloc_trim(0);  // of what the start has needed, as the configuration's text
    log_info("{}: gateway {} with state in {}", version_text(), config.gateway.id, state_dir);
    WS_TRY(gateway.run(state_dir));
    store_damage = loop->store_damage();
    if (gateway.signalled() || store_damage.empty()) return {};
    if (lives == kLivesMax) return Error{ErrorCode::kIo, "damaged again: " + store_damage};
    log_error("{}; the gateway starts anew", store_damage);
  }
}

Result<std::string> ask_status(const std::string& state_dir) {
  const std::string path = socket_path(state_dir);
  auto call = LocalCall::begin(path, kStatusTimeout);
  if (!call.ok()) {
    return Error{call.error().code, "no gateway answers at " + path + ": " + call.error().message};
  }
  auto text = call->ask("");
  if (!text.ok()) {
    return Error{ErrorCode::kIo,
                 "the gateway at " + path + " does not answer: " + text.error().message};
  }
  return text;
}

}  // namespace wayside
