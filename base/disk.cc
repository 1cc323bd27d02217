#include "base/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/counted_vfs.h"

namespace wayside {
namespace {

std::atomic<uint64_t> flushes{0};

Error io_error(const char* operation, const std::string& path, int error_number = errno) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  // A folder where a file should be does not go away by itself.
  const ErrorCode code = error_number == EISDIR ? ErrorCode::kBadData
                         : full                 ? ErrorCode::kFull
                                                : ErrorCode::kIo;
  return {code, std::string(operation) + " " + path + ": " + std::strerror(error_number)};
}

class PosixFile : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Status write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return io_error("write", path_);
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

  Result<size_t> read_at(uint64_t offset, char* into, size_t size) override {
    size_t done = 0;
    while (done < size) {
      ssize_t n = ::pread(fd_, into + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return io_error("read", path_);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Status sync_data() override {
    flushes.fetch_add(1, std::memory_order_relaxed);
    if (::fdatasync(fd_) != 0) return io_error("fdatasync", path_);
    return {};
  }

  void drop_cache() override { (void)::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED); }

  Status truncate(uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return io_error("truncate", path_);
    return {};
  }

  Result<uint64_t> size() override {
    struct stat s {};
    if (::fstat(fd_, &s) != 0) return io_error("stat", path_);
    return static_cast<uint64_t>(s.st_size);
  }

 private:
  int fd_;
  std::string path_;
};

// What the kernel says that this process made it write; 0 where it keeps no such account.
uint64_t written_bytes() {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> io(std::fopen("/proc/self/io", "re"),
                                                     std::fclose);
  unsigned long long bytes = 0;
  char line[64];
  while (io && std::fgets(line, sizeof line, io.get())) {
    if (std::sscanf(line, "write_bytes: %llu", &bytes) == 1) break;
  }
  return bytes;
}

class PosixDisk : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    int flags = mode == Mode::kRead ? O_RDONLY : mode == Mode::kCreate ? O_RDWR | O_CREAT : O_RDWR;
    int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0640);
    if (fd < 0) return io_error("open", path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
  }
  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return io_error("rename", from);
    return {};
  }
  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return io_error("remove", path);
    return {};
  }
  Status make_dirs(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return io_error("create folder", path, error.value());
    return {};
  }
  Status sync_dir(const std::string& path) override {
    int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return io_error("open folder", path);
    flushes.fetch_add(1, std::memory_order_relaxed);
    int rc = ::fsync(fd);
    int error_number = errno;
    ::close(fd);
    if (rc != 0) return io_error("sync folder", path, error_number);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
      names.push_back(entry->path().filename().string());
    }
    if (error && error != std::errc::no_such_file_or_directory) {
      return io_error("list", path, error.value());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  const char* sqlite_vfs() const override { return counted_vfs(); }
  Result<uint64_t> free_bytes(const std::string& path) override {
    struct statvfs s {};
    if (::statvfs(path.c_str(), &s) != 0) return io_error("statvfs", path);
    return uint64_t{s.f_bavail} * s.f_frsize;
  }
  Use use() const override { return {written_bytes(), flushes + counted_syncs()}; }
};

}  // namespace

Disk& posix_disk() {
  static PosixDisk disk;
  return disk;
}

Result<std::string> read_file(Disk& disk, const std::string& path) {
  WS_ASSIGN(std::unique_ptr<File> file, disk.open(path, Disk::Mode::kRead));
  WS_ASSIGN(uint64_t size, file->size());
  std::string bytes(size, '\0');
  WS_ASSIGN(size_t n, file->read_at(0, bytes.data(), bytes.size()));
  bytes.resize(n);
  return bytes;
}

}  // namespace wayside
