// The inside of questions that go over a TCP connection: for http_poll.cc and modbus_poll.cc only.
// The io thread.
#pragma once

#include <memory>
#include <string>

#include "base/asio.h"
#include "sensors/poll.h"

namespace wayside {

class TcpPoll : public Poll, public std::enable_shared_from_this<TcpPoll> {
 public:
  TcpPoll(boost::asio::io_context& io, const InputOptions& options);

  void begin(Done done) override;
  void cancel() override;

 protected:
  // There is a connection.
  virtual void ask() = 0;
  // What ends the question. The connection stays open after an answer, if it is to be used again.
  void answer(std::string_view text, bool keep);
  void fail(const std::string& why);
  // A connection that was open before has failed without a byte of the answer: the device may have
  // closed it meanwhile, so that a new one is tried, once.
  void fail_or_reconnect(const std::string& why);

  // A handler that does nothing once the question is another one, or none.
  template <class Then>
  auto in_this(Then then) {
    return [self = shared_from_this(), now = attempt_, then](boost::system::error_code error,
                                                             auto... more) {
      if (self->attempt_ == now) then(error, more...);
    };
  }

  const InputOptions options_;
  const InputUrl url_;
  TcpSocket socket_;

 private:
  void connect();
  void close();
  void end(const Result<std::string_view>& result);

  TcpResolver resolver_;
  Done done_;
  uint64_t attempt_ = 0;
  bool is_used_again_ = false;
};

}  // namespace wayside
