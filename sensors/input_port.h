// What every input has, whatever its messages come by: its options, its counters, and the way to
// the queue. The io thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sensors/frame.h"
#include "sensors/input_url.h"
#include "sensors/options.h"
#include "sensors/splitter.h"

namespace boost::asio {
class io_context;
}

namespace wayside {

// Read by the status snapshot; written on the io thread only.
struct InputCounters {
  std::atomic<uint64_t> connects{0};
  std::atomic<uint64_t> messages{0};
  std::atomic<uint64_t> acknowledged{0};  // requests that were told that theirs is on disk
  std::atomic<uint64_t> failures{0};      // of opening and asking, and requests that were refused
  std::atomic<bool> connected{false};
};

// Takes a chunk; false = full: nothing more is read until resume().
using InputHandler = std::function<bool(std::unique_ptr<Chunk>)>;

struct InputPort {
  // `io` has to outlive it.
  InputPort(boost::asio::io_context& io_, const InputOptions& options_, uint32_t connection_,
            InputHandler handler_)
      : io(io_),
        options(options_),
        url(*parse_input_url(options_.url)),
        connection(connection_),
        handler(std::move(handler_)) {}

  // All in one chunk. Afterwards `is_full` says whether there is room for more.
  void send(std::string_view topic, std::span<const Splitter::Message> messages,
            uint64_t ticket = 0, bool window_full = false);
  // Something did not work: told in the log once, as long as it is the same.
  void tell_trouble(const std::string& why, int64_t again_ms);

  boost::asio::io_context& io;
  const InputOptions options;
  const InputUrl url;
  const uint32_t connection;
  const InputHandler handler;
  InputCounters counters;
  std::string last_trouble;
  bool is_full = false;
};

}  // namespace wayside
