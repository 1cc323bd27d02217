#include "sensors/device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace wayside {
namespace {

constexpr off_t kReadAhead = 256 << 10;
constexpr off_t kWhereItIs = -1;  // of preadv2: the descriptor's own place, which moves

constexpr std::pair<uint32_t, speed_t> kSpeeds[] = {
    {1200, B1200},   {2400, B2400},   {4800, B4800},     {9600, B9600},     {19200, B19200},
    {38400, B38400}, {57600, B57600}, {115200, B115200}, {230400, B230400}, {460800, B460800}};

}  // namespace

bool is_serial_speed(uint32_t baud) {
  for (const auto& speed : kSpeeds) {
    if (speed.first == baud) return true;
  }
  return false;
}

int open_serial(const std::string& device, uint32_t baud) {
  const int fd = ::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return fd;
  termios settings{};
  (void)::tcgetattr(fd, &settings);  // what is no terminal cannot be set either
  ::cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS | CSTOPB);
  for (const auto& [rate, speed] : kSpeeds) {
    if (rate == baud) ::cfsetspeed(&settings, speed);
  }
  if (::tcsetattr(fd, TCSANOW, &settings) == 0) {
    ::tcflush(fd, TCIFLUSH);
    return fd;
  }
  const int why = errno;
  ::close(fd);
  errno = why;
  return -1;
}

int open_input_file(const std::string& path) {
  if (path == "-") return ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return -1;
  if (S_ISDIR(about.st_mode)) {
    errno = EISDIR;
    return -1;
  }
  // For reading alone a FIFO would be at its end whenever nobody writes.
  const int mode = S_ISFIFO(about.st_mode) ? O_RDWR : O_RDONLY;
  return ::open(path.c_str(), mode | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

bool is_stream(int fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) return false;
  return S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode) || ::isatty(fd) == 1;
}

ssize_t read_file(int fd, char* to, size_t bytes, bool may_wait) {
  iovec room{to, bytes};
  if (may_wait) return ::readv(fd, &room, 1);
  const ssize_t n = ::preadv2(fd, &room, 1, kWhereItIs, RWF_NOWAIT);
  if (n >= 0) return n;
  if (errno == EOPNOTSUPP || errno == ENOSYS) return ::readv(fd, &room, 1);  // as on overlays
  const int why = errno;
  if (why == EAGAIN) {
    (void)::posix_fadvise(fd, ::lseek(fd, 0, SEEK_CUR), kReadAhead, POSIX_FADV_WILLNEED);
  }
  errno = why;
  return n;
}

}  // namespace wayside
