#include "tests/disk_vfs.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace wayside {
namespace {

constexpr int kSectorBytes = 512;

struct OpenDb {
  sqlite3_file base;  // first, as SQLite has it
  DiskVfs* vfs;
  std::unique_ptr<File> file;
  std::shared_ptr<DiskVfs::Shared> shared;
  std::string path;
  int level = SQLITE_LOCK_NONE;
  unsigned read_slots = 0;  // bit by slot: held together with others
  unsigned own_slots = 0;   // held alone
  bool delete_on_close = false;
  bool name_unsynced = false;
};

OpenDb& open_db(sqlite3_file* file) { return *reinterpret_cast<OpenDb*>(file); }

DiskVfs& vfs_of(sqlite3_vfs* vfs) { return *static_cast<DiskVfs*>(vfs->pAppData); }

int read(sqlite3_file* f, void* into, int size, sqlite3_int64 offset) {
  const auto bytes = static_cast<size_t>(size);
  auto n = open_db(f).file->read_at(static_cast<uint64_t>(offset), static_cast<char*>(into), bytes);
  if (!n.ok()) return SQLITE_IOERR_READ;
  if (*n == bytes) return SQLITE_OK;
  std::memset(static_cast<char*>(into) + *n, 0, bytes - *n);
  return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* f, const void* bytes, int size, sqlite3_int64 offset) {
  OpenDb& db = open_db(f);
  const std::string_view all(static_cast<const char*>(bytes), static_cast<size_t>(size));
  const Status written = db.file->write_at(static_cast<uint64_t>(offset), all);
  if (written.ok()) return SQLITE_OK;
  const bool full = db.vfs->full() || written.error().code == ErrorCode::kFull;
  return full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

int truncate(sqlite3_file* f, sqlite3_int64 size) {
  return open_db(f).file->truncate(static_cast<uint64_t>(size)).ok() ? SQLITE_OK
                                                                     : SQLITE_IOERR_TRUNCATE;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// The name of a log is synced with its contents, as SQLite's own VFS does it.
int sync(sqlite3_file* f, int) {
  OpenDb& db = open_db(f);
  if (!db.file->sync_data().ok()) return SQLITE_IOERR_FSYNC;
  if (!db.name_unsynced) return SQLITE_OK;
  if (!db.vfs->disk().sync_dir(folder_of(db.path)).ok()) return SQLITE_IOERR_DIR_FSYNC;
  db.name_unsynced = false;
  return SQLITE_OK;
}

int file_size(sqlite3_file* f, sqlite3_int64* size) {
  auto n = open_db(f).file->size();
  if (!n.ok()) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(*n);
  return SQLITE_OK;
}

// ---- locks of the database file

int lock(sqlite3_file* f, int level) {
  OpenDb& db = open_db(f);
  if (db.level >= level) return SQLITE_OK;
  std::lock_guard guard(db.shared->mutex);
  int& highest = db.shared->level;
  if (level == SQLITE_LOCK_SHARED) {
    if (highest >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
    ++db.shared->readers;
    highest = std::max(highest, level);
  } else {
    if (highest > db.level && highest >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
    highest = level == SQLITE_LOCK_EXCLUSIVE ? SQLITE_LOCK_PENDING : level;
    if (level == SQLITE_LOCK_EXCLUSIVE) {
      db.level = SQLITE_LOCK_PENDING;
      if (db.shared->readers > 1) return SQLITE_BUSY;
      highest = level;
    }
  }
  db.level = level;
  return SQLITE_OK;
}

int unlock(sqlite3_file* f, int level) {
  OpenDb& db = open_db(f);
  if (db.level <= level) return SQLITE_OK;
  std::lock_guard guard(db.shared->mutex);
  if (db.level >= SQLITE_LOCK_RESERVED) db.shared->level = SQLITE_LOCK_SHARED;
  if (level == SQLITE_LOCK_NONE && --db.shared->readers == 0) {
    db.shared->level = SQLITE_LOCK_NONE;
  }
  db.level = level;
  return SQLITE_OK;
}

int check_reserved(sqlite3_file* f, int* reserved) {
  OpenDb& db = open_db(f);
  std::lock_guard guard(db.shared->mutex);
  *reserved = db.shared->level >= SQLITE_LOCK_RESERVED;
  return SQLITE_OK;
}

// ---- the log's index

int shm_map(sqlite3_file* f, int region, int size, int extend, void volatile** at) {
  OpenDb& db = open_db(f);
  std::lock_guard guard(db.shared->mutex);
  auto& regions = db.shared->regions;
  const auto index = static_cast<size_t>(region);
  *at = nullptr;
  if (regions.size() <= index && !extend) return SQLITE_OK;
  while (regions.size() <= index) {
    regions.push_back(std::make_unique<char[]>(static_cast<size_t>(size)));
  }
  *at = regions[index].get();
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* f, int first, int count, int flags) {
  OpenDb& db = open_db(f);
  std::lock_guard guard(db.shared->mutex);
  const bool alone = flags & SQLITE_SHM_EXCLUSIVE;
  for (int slot = first; flags & SQLITE_SHM_LOCK && slot < first + count; ++slot) {
    const bool mine = db.read_slots >> slot & 1;
    const int holders = db.shared->slots[slot];
    if (alone ? holders != 0 && !(holders == 1 && mine) : holders < 0) return SQLITE_BUSY;
  }
  for (int slot = first; slot < first + count; ++slot) {
    const unsigned bit = 1u << slot;
    unsigned& held = alone ? db.own_slots : db.read_slots;
    int& holders = db.shared->slots[slot];
    if (bool(held & bit) == bool(flags & SQLITE_SHM_LOCK)) continue;
    held ^= bit;
    if (alone) {
      holders = held & bit ? -1 : 0;
    } else {
      holders += held & bit ? 1 : -1;
    }
  }
  return SQLITE_OK;
}

void shm_barrier(sqlite3_file*) { std::atomic_thread_fence(std::memory_order_seq_cst); }

int shm_unmap(sqlite3_file* f, int drop) {
  OpenDb& db = open_db(f);
  std::lock_guard guard(db.shared->mutex);
  if (drop) db.shared->regions.clear();
  return SQLITE_OK;
}

// ---- files

int close(sqlite3_file* f) {
  OpenDb& db = open_db(f);
  unlock(f, SQLITE_LOCK_NONE);
  if (db.delete_on_close) (void)db.vfs->disk().remove(db.path).ok();
  db.~OpenDb();
  return SQLITE_OK;
}

int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return kSectorBytes; }
int characteristics(sqlite3_file*) { return 0; }  // nothing is promised, not even whole sectors

constexpr sqlite3_io_methods kMethods = {2,
                                         close,
                                         read,
                                         write,
                                         truncate,
                                         sync,
                                         file_size,
                                         lock,
                                         unlock,
                                         check_reserved,
                                         control,
                                         sector_size,
                                         characteristics,
                                         shm_map,
                                         shm_lock,
                                         shm_barrier,
                                         shm_unmap,
                                         nullptr,
                                         nullptr};

int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* f, int flags, int* out_flags) {
  f->pMethods = nullptr;
  DiskVfs& self = vfs_of(vfs);
  const bool create = flags & SQLITE_OPEN_CREATE;
  const bool write_to = flags & SQLITE_OPEN_READWRITE;
  const auto mode = create     ? Disk::Mode::kCreate
                    : write_to ? Disk::Mode::kReadWrite
                               : Disk::Mode::kRead;
  const std::string name = path ? path : "/temporary";
  auto file = self.disk().open(name, mode);
  if (!file.ok()) return SQLITE_CANTOPEN;
  auto* db = new (f) OpenDb{{}, &self, std::move(*file), self.shared(name), name};
  db->delete_on_close = flags & SQLITE_OPEN_DELETEONCLOSE;
  constexpr int kLogs = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
  db->name_unsynced = create && flags & kLogs;
  f->pMethods = &kMethods;
  if (out_flags) *out_flags = flags;
  return SQLITE_OK;
}

int access(sqlite3_vfs* vfs, const char* path, int, int* there) {
  const std::string name = path;
  auto names = vfs_of(vfs).disk().list(folder_of(name));
  if (!names.ok()) return SQLITE_IOERR_ACCESS;
  *there = std::binary_search(names->begin(), names->end(), name.substr(name.rfind('/') + 1));
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  int there = 0;
  if (int rc = access(vfs, path, 0, &there); rc != SQLITE_OK) return rc;
  if (!there) return SQLITE_IOERR_DELETE_NOENT;
  Disk& disk = vfs_of(vfs).disk();
  if (!disk.remove(path).ok()) return SQLITE_IOERR_DELETE;
  if (sync_folder && !disk.sync_dir(folder_of(path)).ok()) return SQLITE_IOERR_DIR_FSYNC;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int size, char* out) {
  return sqlite3_snprintf(size, out, "%s", path) ? SQLITE_OK : SQLITE_CANTOPEN;
}

int randomness(sqlite3_vfs* vfs, int size, char* out) {
  std::generate_n(out, size, [&] { return vfs_of(vfs).random_byte(); });
  return size;
}

int sleep(sqlite3_vfs*, int microseconds) {
  return sqlite3_vfs_find(nullptr)->xSleep(sqlite3_vfs_find(nullptr), microseconds);
}

int current_time(sqlite3_vfs*, double* days) {
  return sqlite3_vfs_find(nullptr)->xCurrentTime(sqlite3_vfs_find(nullptr), days);
}

int last_error(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

DiskVfs::DiskVfs(Disk& disk, uint64_t seed) : disk_(disk), random_(seed) {
  // SQLite asks its default VFS for the seed of its own numbers, unless it is told one; 0 is none.
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed | 1), nullptr);
  static std::atomic<int> count{0};
  name_ = "disk-" + std::to_string(++count);
  vfs_.iVersion = 1;
  vfs_.szOsFile = sizeof(OpenDb);
  vfs_.mxPathname = 512;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = open;
  vfs_.xDelete = remove;
  vfs_.xAccess = access;
  vfs_.xFullPathname = full_path;
  vfs_.xRandomness = randomness;
  vfs_.xSleep = sleep;
  vfs_.xCurrentTime = current_time;
  vfs_.xGetLastError = last_error;
  sqlite3_vfs_register(&vfs_, 0);
}

DiskVfs::~DiskVfs() { sqlite3_vfs_unregister(&vfs_); }

std::shared_ptr<DiskVfs::Shared> DiskVfs::shared(const std::string& path) {
  std::lock_guard guard(mutex_);
  std::weak_ptr<Shared>& known = shared_[path];
  std::shared_ptr<Shared> shared = known.lock();
  if (!shared) known = shared = std::make_shared<Shared>();
  return shared;
}

}  // namespace wayside
