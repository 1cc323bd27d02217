// Preloaded into a gateway by tests: tells what was written to journal files, and when it was synced.
//
// Appends to $SYNCWATCH_LOG, in the order of the calls, for files *.wsj
//   w <offset> <path>                        before a pwrite
//   s <CLOCK_MONOTONIC ns at return> <path>  after an fdatasync that succeeded
// $SYNCWATCH_DELAY_US holds each of these syncs up before the time is taken, so that an acknowledgement that does not
// wait for it is seen to be early. A journal that is written or synced by other calls looks as if it never were.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { kPathMax = 4096 };

static void note(const char* line, int n) {
  static int fd = -1;
  const char* path = getenv("SYNCWATCH_LOG");
  if (fd < 0 && path) fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (write(fd, line, (size_t)n) != n) abort();
}

// The name it has now: a spare is renamed while it is open.
static int is_journal(int fd, char path[kPathMax]) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, kPathMax - 1);
  if (n < 4) return 0;
  path[n] = '\0';
  return strcmp(path + n - 4, ".wsj") == 0;
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  static ssize_t (*real)(int, const void*, size_t, off_t);
  if (!real) real = (ssize_t(*)(int, const void*, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
  char path[kPathMax];
  char line[kPathMax + 64];
  if (is_journal(fd, path)) note(line, snprintf(line, sizeof line, "w %lld %s\n", (long long)offset, path));
  return real(fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  return pwrite(fd, bytes, size, offset);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  char path[kPathMax];
  char line[kPathMax + 64];
  int rc = real(fd);
  if (rc != 0 || !is_journal(fd, path)) return rc;
  const char* delay = getenv("SYNCWATCH_DELAY_US");
  if (delay) usleep((useconds_t)atoi(delay));
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const long long now_ns = (long long)now.tv_sec * 1000000000 + now.tv_nsec;
  note(line, snprintf(line, sizeof line, "s %lld %s\n", now_ns, path));
  return rc;
}
