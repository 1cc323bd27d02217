// An [[input]]: messages that come by another way than MQTT. They go the way of all messages: in
// chunks into the queue, and from there into the journal.
//
// Everything runs on the io thread, but for resume() and release(), which any thread may call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sensors/input_port.h"

namespace wayside {

class Input {
 public:
  virtual ~Input() = default;

  virtual void start() = 0;   // goes on trying
  virtual void resume() = 0;  // the handler has room again
  // What came with a ticket up to this one is on disk.
  virtual void release(uint64_t) {}
  // No answer that was released is still to be written.
  virtual bool answers_written() const { return true; }
  virtual void stop() = 0;  // reads nothing more
  const InputOptions& options() const { return port_->options; }
  const InputCounters& counters() const { return port_->counters; }

 protected:
  explicit Input(std::shared_ptr<const InputPort> port) : port_(std::move(port)) {}

 private:
  const std::shared_ptr<const InputPort> port_;
};

// `connection` goes into each chunk; `topics` are the patterns of the sources that it has. The
// options are checked ones.
std::unique_ptr<Input> make_input(boost::asio::io_context& io, const InputOptions& options,
                                  uint32_t connection, const std::vector<std::string>& topics,
                                  InputHandler handler);

}  // namespace wayside
