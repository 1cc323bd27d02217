// Preloaded into the gateway by kill.py: tells when a journal file was synced, and up to where.
//
// Appends to $SYNCWATCH_LOG, for each fdatasync of a *.wsj that succeeded, a line
//   <CLOCK_MONOTONIC ns of the return> <end of the last pwrite on this descriptor> <path>
// The journal only appends, so what the last pwrite ended with covers all before it. (The highest byte would not do: a
// spare file is filled with zeros through the descriptor that later appends.) $SYNCWATCH_DELAY_US holds each of these
// syncs up before the time is taken, so that an acknowledgement that does not wait for it is seen to be early.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { kDescriptors = 1024 };
static off_t last_end[kDescriptors];  // one thread writes the journal; others use other descriptors

static void remember(int fd, off_t end) {
  if (fd >= 0 && fd < kDescriptors) last_end[fd] = end;
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  static ssize_t (*real)(int, const void*, size_t, off_t);
  if (!real) real = (ssize_t(*)(int, const void*, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
  ssize_t n = real(fd, bytes, size, offset);
  if (n > 0) remember(fd, offset + n);
  return n;
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  return pwrite(fd, bytes, size, offset);
}

int close(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "close");
  remember(fd, 0);
  return real(fd);
}

static int log_descriptor(void) {
  static int fd = -1;
  const char* path = getenv("SYNCWATCH_LOG");
  if (fd < 0 && path) fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  return fd;
}

// The name it has now: a spare is renamed while it is open.
static int is_journal(int fd, char* path, size_t size) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, size - 1);
  if (n < 4) return 0;
  path[n] = '\0';
  return strcmp(path + n - 4, ".wsj") == 0;
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  char path[4096];
  char line[4200];
  off_t end = fd >= 0 && fd < kDescriptors ? last_end[fd] : 0;
  int rc = real(fd);
  if (rc != 0 || !is_journal(fd, path, sizeof path)) return rc;
  const char* delay = getenv("SYNCWATCH_DELAY_US");
  if (delay) usleep((useconds_t)atoi(delay));
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int n = snprintf(line, sizeof line, "%lld %lld %s\n", (long long)now.tv_sec * 1000000000 + now.tv_nsec,
                   (long long)end, path);
  if (write(log_descriptor(), line, (size_t)n) != n) abort();
  return rc;
}
