// SQLite over a Disk, so that a simulated disk holds the store as well: registered as a VFS for as
// long as the object lives. Locks and the log's index are kept in memory, for the connections of
// this process alone; a power cut ends with them.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "base/disk.h"

namespace wayside {

class DiskVfs {
 public:
  // `seed`: of SQLite's random numbers, those of the whole process.
  DiskVfs(Disk& disk, uint64_t seed);
  ~DiskVfs();
  DiskVfs(const DiskVfs&) = delete;
  DiskVfs& operator=(const DiskVfs&) = delete;

  const char* name() const { return name_.c_str(); }
  Disk& disk() { return disk_; }
  // What a write that fails is called.
  void set_full(bool full) { full_ = full; }
  bool full() const { return full_; }
  char random_byte() { return static_cast<char>(random_()); }

  // What the connections to one database share.
  struct Shared {
    std::mutex mutex;
    int readers = 0;                               // with SHARED or more
    int level = SQLITE_LOCK_NONE;                  // the highest lock that one of them holds
    std::vector<std::unique_ptr<char[]>> regions;  // of the log's index
    int slots[SQLITE_SHM_NLOCK] = {};              // holders; -1: one alone
  };
  std::shared_ptr<Shared> shared(const std::string& path);

 private:
  Disk& disk_;
  std::atomic<bool> full_{false};
  std::mt19937_64 random_;
  std::string name_;
  sqlite3_vfs vfs_{};
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Shared>> shared_;
};

}  // namespace wayside
