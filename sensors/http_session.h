// The inside of the HTTP input: what its connections share, and one connection. For http_input.cc
// and http_session.cc only. The io thread.
#pragma once

#include <boost/beast.hpp>
#include <deque>
#include <memory_resource>
#include <optional>

#include "base/asio.h"
#include "base/log.h"
#include "sensors/http_input.h"
#include "sensors/topic.h"

namespace wayside {

class HttpSession;

struct HttpInput::Core : InputPort, std::enable_shared_from_this<Core> {
  Core(boost::asio::io_context& io_, const InputOptions& options_, uint32_t connection_,
       InputHandler handler_)
      : InputPort(io_, options_, connection_, std::move(handler_)), acceptor(io_), retry(io_) {}

  void listen();
  void accept();
  void accept_later();
  void session_ended();
  void answer_released();
  bool takes(std::string_view topic) const;
  void tell_refusal(const std::string& peer, unsigned status, std::string_view why);

  struct Waiting {
    uint64_t ticket;
    std::shared_ptr<HttpSession> session;
  };

  std::vector<TopicPattern> topics;
  TcpAcceptor acceptor;
  SteadyTimer retry;
  std::deque<Waiting> waiting;  // for their commit, in order
  uint64_t last_ticket = 0;
  uint32_t sessions = 0;
  uint32_t unwritten = 0;  // answers that are being written
  LogLimiter refusals;
  bool has_ended = false;
  std::atomic<uint64_t> released{0};
  std::atomic<bool> release_posted{false};
};

// A connection, kept alive by what it waits for. One request at a time: what is sent before its
// answer stays in the socket.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(std::shared_ptr<HttpInput::Core> core, TcpSocket socket);
  ~HttpSession();

  void read();
  void committed();  // what the request had is on disk

 private:
  using Allocator = std::pmr::polymorphic_allocator<char>;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body, Allocator>;
  struct Refusal {
    unsigned status = 0;  // 0: there is none
    std::string why;
    const char* header = "";  // a line more
  };

  void take_head(boost::system::error_code error);
  void take_broken(boost::system::error_code error);
  Refusal judge_head();
  Refusal judge_token() const;
  Refusal find_topic();
  void ask_for_body();
  void read_body();
  void take_body();
  bool is_by_line() const;
  void split_body(bool by_line);
  void refuse(const Refusal& refusal, bool keep);
  void answer(unsigned status, std::string_view why, const char* header, bool keep);
  void drain();
  std::string_view field(boost::beast::http::field name) const;

  // What the headers of a usual request take.
  static constexpr size_t kArenaBytes = 2 << 10;

  const std::shared_ptr<HttpInput::Core> core_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  char arena_bytes_[kArenaBytes];
  std::pmr::monotonic_buffer_resource arena_{arena_bytes_, sizeof arena_bytes_};
  std::optional<Parser> parser_;
  std::string topic_;
  std::string body_;  // its room, between requests
  std::string out_;
  std::vector<Splitter::Message> messages_;
};

}  // namespace wayside
