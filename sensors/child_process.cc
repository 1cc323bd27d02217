#include "sensors/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace wayside {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr const char* kKeptVariables[] = {"PATH", "HOME", "LANG", "TZ"};

struct Descriptor {
  int fd = -1;
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  void give_to(StreamDescriptor& owner, error_code& error) {
    owner.assign(fd, error);
    if (!error) fd = -1;
  }
};

struct Pipe {
  Descriptor read, write;
  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read.fd = ends[0];
    write.fd = ends[1];
    return true;
  }
};

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (const char* name : kKeptVariables) {
    if (const char* value = std::getenv(name)) all.push_back(std::string(name) + "=" + value);
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// 0, or why not.
int spawn(std::vector<std::string> argv, int output, int errors, pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &all);
  posix_spawnattr_setpgroup(&how, 0);
  posix_spawnattr_setflags(&how,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> variables = environment();
  const int why = ::posix_spawn(&pid, argv[0].c_str(), &files, &how, pointers(argv).data(),
                                pointers(variables).data());
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  return why;
}

Error trouble_of(const char* what, int why) {
  return {ErrorCode::kUnavailable, std::string(what) + ": " + std::strerror(why)};
}

}  // namespace

Result<std::shared_ptr<ChildProcess>> ChildProcess::start(asio::io_context& io,
                                                          const std::vector<std::string>& argv) {
  Pipe output, errors;
  if (!output.open() || !errors.open()) return trouble_of("no pipe", errno);
  // Under qemu's user mode posix_spawn would not tell of it.
  if (::faccessat(AT_FDCWD, argv[0].c_str(), X_OK, AT_EACCESS) != 0)
    return trouble_of("it cannot be run", errno);
  pid_t pid = -1;
  if (const int why = spawn(argv, output.write.fd, errors.write.fd, pid); why != 0) {
    return trouble_of("it cannot be run", why);
  }
  const auto child = std::make_shared<ChildProcess>(io, pid);
  Descriptor watch;  // a kernel before 5.3 has none
  watch.fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  error_code error(watch.fd < 0 ? errno : 0, boost::system::system_category());
  if (!error) watch.give_to(child->exit_, error);
  if (!error) output.read.give_to(child->output, error);
  if (!error) errors.read.give_to(child->errors, error);
  if (!error) return child;
  (void)::kill(-pid, SIGKILL);
  (void)::waitpid(pid, nullptr, 0);
  return trouble_of("it cannot be watched", error.value());
}

void ChildProcess::await_end(std::function<void()> then) {
  exit_.async_wait(StreamDescriptor::wait_read,
                   [self = shared_from_this(), then = std::move(then)](error_code error) {
                     if (error) return;
                     siginfo_t how{};
                     // Until it is reaped its number is nobody else's.
                     (void)::waitid(P_PID, static_cast<id_t>(self->pid_), &how, WEXITED | WNOWAIT);
                     self->code_ = how.si_code;
                     self->status_ = how.si_status;
                     self->has_ended_ = true;
                     self->is_abandoned_ ? self->reap() : then();
                   });
}

std::string ChildProcess::trouble() const {
  if (code_ != CLD_EXITED) return "it was ended by signal " + std::to_string(status_);
  return status_ == 0 ? "" : "it ends with exit code " + std::to_string(status_);
}

void ChildProcess::abandon() {
  if (is_abandoned_) return;
  is_abandoned_ = true;
  error_code ignored;
  output.close(ignored);
  errors.close(ignored);
  (void)::kill(-pid_, SIGKILL);
  if (has_ended_) reap();
}

void ChildProcess::reap() {
  (void)::waitpid(pid_, nullptr, WNOHANG);
  error_code ignored;
  exit_.close(ignored);
}

}  // namespace wayside
