#include "firmware-gw/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/disk.h"
#include "base/log.h"

namespace wayside {

Status make_room_for(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return {};
  std::string aside = path + ".bad";
  for (int n = 2; std::filesystem::exists(aside, error); ++n) {
    aside = path + ".bad-" + std::to_string(n);
  }
  log_warn("{} is a folder; it is kept as {}", path, aside);
  return posix_disk().rename(path, aside);
}

Status StateLock::take(const std::string& state_dir) {
  const std::string path = state_dir + "/lock";
  WS_TRY(make_room_for(path));
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd_ < 0) return Error{ErrorCode::kIo, "open " + path + ": " + std::strerror(errno)};
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return {};
  return Error{ErrorCode::kUnavailable, "another wayside runs on " + state_dir};
}

StateLock::~StateLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace wayside
