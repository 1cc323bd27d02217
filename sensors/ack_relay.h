// The ack relay sits between Paho and the broker. Paho connects to it over loopback, it connects to
// the broker and passes control packets both ways. Inbound PUBLISH of QoS 0 and 1 it keeps for
// itself: they go to the handler, a chunk a read, and their PUBACKs leave only after release(),
// that is after the commit.
//
// Conditions that keep this sound:
//  - a message that cannot be taken (too large, malformed) is still acknowledged, or a persistent
//    session would bring it again for ever; one of QoS 2 is left to Paho, without its payload if
//    that is too large;
//  - while reading stands still it answers Paho's PINGREQ itself, since PINGRESP is stuck behind
//    the data;
//  - no topic aliases (we announce none), QoS <= 1;
//  - it pauses between reads with SO_RCVLOWAT raised, since a timer alone does not keep the kernel
//    from waking us;
//  - only this very process may connect to its port.
//
// Everything runs on the io thread, but for release() and resume(), which any thread may call.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sensors/frame.h"
#include "sensors/options.h"

namespace boost::asio {
class io_context;
}

namespace wayside {

struct RelayOptions {
  std::string host;
  uint16_t port = 1883;
  TlsOptions tls;
  std::string name;         // for log lines
  uint32_t connection = 0;  // goes into each chunk
  size_t max_payload_bytes = 256 << 10;
  size_t read_bytes = 128 << 10;
  int64_t coalesce_ms = 10;         // longest pause between two reads
  uint32_t inflight_window = 1000;  // unacknowledged messages after which the broker falls silent
  std::string drops_topic;          // its messages are no readings but counts, see broker_dropped
};

// Read by the status snapshot; written on the io thread only.
struct RelayCounters {
  std::atomic<uint64_t> connects{0};
  std::atomic<uint64_t> messages{0};
  std::atomic<uint64_t> acknowledged{0};
  std::atomic<uint64_t> skipped{0};  // of QoS 2, left to Paho
  std::atomic<uint64_t> refused{0};  // strangers on the loopback port
  // By how much the broker's count has grown since it was first heard: of all its clients.
  std::atomic<uint64_t> broker_dropped{0};
  std::atomic<bool> connected{false};
};

class AckRelay {
 public:
  // Takes a chunk; false = full: nothing more is read until resume().
  using Handler = std::function<bool(std::unique_ptr<Chunk>)>;

  AckRelay(boost::asio::io_context& io, RelayOptions options, Handler handler);
  ~AckRelay();

  uint16_t port() const;  // on 127.0.0.1, for Paho
  const RelayCounters& counters() const;

  // Every message with a ticket up to this one is on disk: its PUBACK may leave. Any thread.
  void release(uint64_t ticket);
  // The handler has room again. Any thread.
  void resume();
  // Stops reading from the broker, for an orderly end; acknowledgements still leave. io thread.
  void stop_reading();
  // True when no acknowledgement that was released is still to be written. io thread.
  bool acks_written() const;

 private:
  class Link;
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace wayside
