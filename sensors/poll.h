// A question that is asked again and again: run a program, get a page, read registers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sensors/input_url.h"
#include "sensors/options.h"

namespace boost::asio {
class io_context;
}

namespace wayside {

// The io thread. Held by a shared_ptr, for what it has begun may outlive its user.
class Poll {
 public:
  // The answer is there during the call only.
  using Done = std::function<void(const Result<std::string_view>& answer)>;

  virtual ~Poll() = default;
  // Once `done` was called, or after cancel(), it may begin anew.
  virtual void begin(Done done) = 0;
  // `done` is not called any more, and nothing goes on.
  virtual void cancel() = 0;
};

// The options are checked ones.
std::shared_ptr<Poll> make_exec_poll(boost::asio::io_context& io, const InputOptions& options);
std::shared_ptr<Poll> make_http_poll(boost::asio::io_context& io, const InputOptions& options);
std::shared_ptr<Poll> make_modbus_poll(boost::asio::io_context& io, const InputOptions& options);

inline Error poll_error(std::string why) { return {ErrorCode::kUnavailable, std::move(why)}; }

}  // namespace wayside
