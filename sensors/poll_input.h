// Messages that are asked for, every so often: what a program says, a page of a server, registers
// of a Modbus device. One question at a time; one that takes too long is given up, and one for
// whose answer the queue has no room is not asked.
#pragma once

#include <memory>

#include "sensors/input.h"

namespace wayside {

class PollInput final : public Input {
 public:
  static std::unique_ptr<Input> make(boost::asio::io_context& io, const InputOptions& options,
                                     uint32_t connection, InputHandler handler);
  ~PollInput() override;

  void start() override;
  void resume() override;
  void stop() override;

 private:
  struct Core;
  explicit PollInput(std::shared_ptr<Core> core);
  const std::shared_ptr<Core> core_;
};

}  // namespace wayside
