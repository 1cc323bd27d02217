// Messages out of bytes that come by themselves: lines of a TCP connection, of gpsd, of a serial
// port, of a file or of standard input; and datagrams. Nothing is acknowledged: what comes while
// the gateway is away is lost, or kept by who sends it.
#pragma once

#include <memory>

#include "sensors/input.h"

namespace wayside {

class StreamInput final : public Input {
 public:
  static std::unique_ptr<Input> make(boost::asio::io_context& io, const InputOptions& options,
                                     uint32_t connection, InputHandler handler);
  ~StreamInput() override;

  void start() override;
  void resume() override;
  void stop() override;

 private:
  struct Core;
  explicit StreamInput(std::shared_ptr<Core> core);
  const std::shared_ptr<Core> core_;
};

}  // namespace wayside
