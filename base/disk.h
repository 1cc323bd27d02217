// The seam between the daemon and the file system: every file the daemon writes goes through a
// Disk, SQLite's by the VFS that it names, so that a test can make any single operation fail.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wayside {

// One open file. Not thread-safe; positions are explicit.
class File {
 public:
  virtual ~File() = default;
  virtual Status write_at(uint64_t offset, std::string_view bytes) = 0;  // all of it, or an error
  // Bytes read; fewer than `size` only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, char* into, size_t size) = 0;
  virtual Status sync_data() = 0;
  // What is read from now on comes from the device, but for what was written and not synced yet, as
  // far as the system can do that. After a sync that failed it is how to learn what is there.
  virtual void drop_cache() {}
  virtual Status truncate(uint64_t size) = 0;
  virtual Result<uint64_t> size() = 0;
};

class Disk {
 public:
  enum class Mode { kRead, kReadWrite, kCreate };  // kCreate: made when absent, kept when not

  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  virtual Status make_dirs(const std::string& path) = 0;
  virtual Status sync_dir(const std::string& path) = 0;
  // Names in a folder, sorted; no folder is an empty list.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  // The name of the VFS by which SQLite reaches the same files; null for SQLite's own.
  virtual const char* sqlite_vfs() const { return nullptr; }
  // What may still be written to the file system of `path`.
  virtual Result<uint64_t> free_bytes(const std::string& path) = 0;

  // What this process has cost the device since it began, SQLite's part included; what the file
  // system writes for its own sake is not in it.
  struct Use {
    uint64_t written_bytes = 0;
    uint64_t flushes = 0;
  };
  virtual Use use() const { return {}; }
};

Disk& posix_disk();

Result<std::string> read_file(Disk& disk, const std::string& path);

}  // namespace wayside
