#include "base/counted_vfs.h"

#include <sqlite3.h>

#include <array>
#include <mutex>

namespace wayside {
namespace {

constexpr const char* kName = "wayside-counted";

std::atomic<uint64_t> syncs{0};

// The methods of one kind of file (SQLite has a few) with xSync replaced. A file's pMethods points
// at `counted`, the first member, and so leads back to the original.
struct Methods {
  sqlite3_io_methods counted{};
  const sqlite3_io_methods* original = nullptr;
};
std::array<Methods, 8> kinds;
std::mutex kinds_mutex;

int counted_sync(sqlite3_file* file, int flags) {
  syncs.fetch_add(1, std::memory_order_relaxed);
  return reinterpret_cast<const Methods*>(file->pMethods)->original->xSync(file, flags);
}

// Null: more kinds than we know of; those files stay uncounted.
const sqlite3_io_methods* counted(const sqlite3_io_methods* original) {
  std::lock_guard lock(kinds_mutex);
  for (Methods& m : kinds) {
    if (m.original == original) return &m.counted;
    if (m.original) continue;
    m.counted = *original;
    m.counted.xSync = counted_sync;
    m.original = original;
    return &m.counted;
  }
  return nullptr;
}

sqlite3_vfs* system_vfs() {
  static sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  return vfs;
}

int counted_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  const int rc = system_vfs()->xOpen(system_vfs(), name, file, flags, out_flags);
  if (rc != SQLITE_OK || !file->pMethods) return rc;
  if (const sqlite3_io_methods* methods = counted(file->pMethods)) file->pMethods = methods;
  return rc;
}

int counted_delete(sqlite3_vfs*, const char* name, int sync_dir) {
  if (sync_dir) syncs.fetch_add(1, std::memory_order_relaxed);
  return system_vfs()->xDelete(system_vfs(), name, sync_dir);
}

}  // namespace

const char* counted_vfs() {
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs copy = *system_vfs();  // its other functions look at pAppData alone
    copy.zName = kName;
    copy.pNext = nullptr;
    copy.xOpen = counted_open;
    copy.xDelete = counted_delete;
    return copy;
  }();
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  return registered == SQLITE_OK ? kName : nullptr;
}

const std::atomic<uint64_t>& counted_syncs() { return syncs; }

}  // namespace wayside
