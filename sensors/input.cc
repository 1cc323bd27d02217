#include "sensors/input.h"

#include "base/features.h"
#include "sensors/http_input.h"
#include "sensors/poll_input.h"
#include "sensors/stream_input.h"

namespace wayside {

std::unique_ptr<Input> make_input(boost::asio::io_context& io, const InputOptions& options,
                                  uint32_t connection, const std::vector<std::string>& topics,
                                  InputHandler handler) {
  const InputUrl url = *parse_input_url(options.url);
  if constexpr (kHasHttp) {
    if (url.kind == InputUrl::Kind::kHttp) {
      return HttpInput::make(io, options, connection, topics, std::move(handler));
    }
  }
  if (url.is_polled()) return PollInput::make(io, options, connection, std::move(handler));
  return StreamInput::make(io, options, connection, std::move(handler));
}

}  // namespace wayside
