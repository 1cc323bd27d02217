// Messages that devices POST, each answered when it is safe: 200 after its commit, or 202 at once
// where `async` is wanted. The path of a request says the topic. When the queue is full a request
// is refused with 429, so that the sender keeps what it has.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sensors/input.h"

namespace wayside {

class HttpInput final : public Input {
 public:
  static std::unique_ptr<Input> make(boost::asio::io_context& io, const InputOptions& options,
                                     uint32_t connection, const std::vector<std::string>& topics,
                                     InputHandler handler);
  ~HttpInput() override;

  void start() override;
  void resume() override;
  void release(uint64_t ticket) override;
  bool answers_written() const override;
  void stop() override;

 private:
  friend class HttpSession;
  struct Core;
  explicit HttpInput(std::shared_ptr<Core> core);
  const std::shared_ptr<Core> core_;
};

}  // namespace wayside
