// In a build without commands: nobody gets here, for `check` refuses [[command]].
#include "firmware-gw/command_socket.h"

namespace wayside {

class CommandSocket::Session {};

CommandSocket::CommandSocket(boost::asio::io_context& io, const Config&, Push)
    : io_(io), acceptor_(io), retry_(io) {}
CommandSocket::~CommandSocket() = default;
Status CommandSocket::start(const std::string&) { return {}; }
bool CommandSocket::answer(const SentAnswer&) { return false; }

Result<std::string> send_command(const std::string&, const std::string&, const std::string&,
                                 int64_t) {
  return Error{ErrorCode::kUsage, "this build has no commands"};
}

}  // namespace wayside
