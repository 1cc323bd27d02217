// An [[input]]: messages that come by another way than MQTT, as lines of a TCP connection or of a
// serial port, as datagrams, or from gpsd. They have its topic, and go the way of all messages.
// Nothing is acknowledged: what comes while the gateway is away is lost, or kept by who sends it.
//
// Everything runs on the io thread, but for resume(), which any thread may call.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "sensors/frame.h"
#include "sensors/options.h"

namespace boost::asio {
class io_context;
}

namespace wayside {

// Whether a serial port can be set to so many bits a second.
bool is_serial_speed(uint32_t baud);

// Read by the status snapshot; written on the io thread only.
struct InputCounters {
  std::atomic<uint64_t> connects{0};
  std::atomic<uint64_t> messages{0};
  std::atomic<bool> connected{false};
};

class Input {
 public:
  // Takes a chunk; false = full: nothing more is read until resume().
  using Handler = std::function<bool(std::unique_ptr<Chunk>)>;

  // `connection` goes into each chunk. The options are checked ones.
  Input(boost::asio::io_context& io, const InputOptions& options, uint32_t connection,
        Handler handler);
  ~Input();

  void start();   // goes on trying
  void resume();  // the handler has room again
  void stop();    // reads nothing more
  const InputOptions& options() const;
  const InputCounters& counters() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace wayside
