#include "firmware-gw/local_call.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/time.h"

namespace wayside {

Result<LocalCall> LocalCall::begin(const std::string& path, std::chrono::milliseconds timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorCode::kIo, "the path is longer than that of a socket may be"};
  }
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  LocalCall call(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), timeout);
  if (call.fd_ < 0) return call.failed(errno);
  // It waits where more have called than the other side has taken.
  if (!call.limit_next()) return call.failed(EAGAIN);
  if (::connect(call.fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return call;
  const bool nobody = errno == ENOENT || errno == ECONNREFUSED;
  Error error = call.failed(errno);
  if (nobody) error.code = ErrorCode::kUnavailable;
  return error;
}

LocalCall::LocalCall(LocalCall&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), timeout_(other.timeout_), end_(other.end_) {}

LocalCall::~LocalCall() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::string> LocalCall::ask(std::string_view question) {
  // Who takes no more of it may have answered nevertheless.
  const bool sent = send(question);
  if (!sent && errno != EPIPE && errno != ECONNRESET) return failed(errno);
  (void)::shutdown(fd_, SHUT_WR);
  std::string answer;
  char piece[16 << 10];
  while (limit_next()) {
    const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
    if (n > 0) {
      answer.append(piece, static_cast<size_t>(n));
      continue;
    }
    if (n == 0 || (errno == ECONNRESET && !answer.empty())) return answer;
    if (errno != EINTR) return failed(errno);
  }
  return failed(EAGAIN);
}

bool LocalCall::send(std::string_view question) const {
  while (!question.empty()) {
    if (!limit_next()) {
      errno = EAGAIN;
      return false;
    }
    const ssize_t n = ::send(fd_, question.data(), question.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      question.remove_prefix(static_cast<size_t>(n));
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

// What the next call may wait for, connect() included; false: nothing is left of the time.
bool LocalCall::limit_next() const {
  using std::chrono::microseconds;
  const auto left = std::chrono::duration_cast<microseconds>(end_ - Clock::now()).count();
  if (left <= 0) return false;
  const timeval limit{left / 1'000'000, left % 1'000'000};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return true;
}

Error LocalCall::failed(int error_number) const {
  if (error_number == EAGAIN || error_number == EWOULDBLOCK) {
    return {ErrorCode::kIo, "no answer in " + format_duration(timeout_.count())};
  }
  return {ErrorCode::kIo, std::strerror(error_number)};
}

}  // namespace wayside
