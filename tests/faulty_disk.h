// A disk in memory that fails like a real one: at the n-th call, or for good from there on, as when
// the power goes. What was written and not synced is then lost, kept or torn, sector by sector;
// names of files that were made, changed or removed since the last sync of their folder come back
// in order, up to some point; folders are there at once and for good. Any thread.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/disk.h"

namespace wayside {

class FaultyDisk : public Disk {
 public:
  explicit FaultyDisk(uint64_t seed = 1) : random_(seed) {}

  // Which calls a fault is for. A full disk still reads and syncs.
  enum class Fault { kAny, kFull, kRead };
  // The n-th of them from now on fails, counted from 1; it may leave half a write behind. 0: none.
  void fail_call(uint64_t n) { fail_calls(n, 1); }
  // And so do those that follow it, `count` in all, or until heal().
  void fail_calls(uint64_t n, uint64_t count, Fault fault = Fault::kAny) {
    std::lock_guard lock(mutex_);
    until_fault_ = n;
    fail_count_ = n == 0 ? 0 : count;
    fault_ = fault;
  }
  void heal() { fail_calls(0, 0); }
  uint64_t failures() const {
    std::lock_guard lock(mutex_);
    return failures_;
  }
  // From the n-th call on everything fails, until power_cycle().
  void lose_power_at(uint64_t n) {
    std::lock_guard lock(mutex_);
    dark_at_ = n == 0 ? 0 : calls_ + n;
  }
  bool is_dark() const {
    std::lock_guard lock(mutex_);
    return dark();
  }
  // That a fault of this kind may strike.
  uint64_t calls(Fault kind = Fault::kAny) const {
    std::lock_guard lock(mutex_);
    return kind == Fault::kAny ? calls_ : calls_of_[size_t(kind)];
  }
  // Runs `action` if there is still power, as one with the disk's calls.
  bool with_power(const std::function<void()>& action) {
    std::lock_guard lock(mutex_);
    if (dark()) return false;
    action();
    return true;
  }
  // Syncs of files whose path `lies` says yes to succeed and do nothing.
  void lie_about(std::function<bool(const std::string& path)> lies) { lies_ = std::move(lies); }

  // Files that were open are dead after it.
  void power_cycle() {
    std::lock_guard lock(mutex_);
    ++life_;
    dark_at_ = fail_count_ = 0;
    const size_t kept = changes_.empty() ? 0 : random_() % (changes_.size() + 1);
    for (size_t i = 0; i < kept; ++i) apply(changes_[i], durable_names_);
    changes_.clear();
    names_ = durable_names_;
    for (auto& [path, inode] : names_) {
      tear(*inode);
      inode->seen = inode->durable;
    }
  }

  // Behind the back of whoever uses the disk; durable at once.
  bool has(const std::string& path) const { return names_.contains(path); }
  std::string contents(const std::string& path) const { return names_.at(path)->seen; }
  void set_contents(const std::string& path, std::string bytes) {
    auto& inode = names_[path];
    if (!inode) inode = std::make_shared<Inode>();
    durable_names_[path] = inode;
    inode->seen = inode->durable = std::move(bytes);
    inode->unsynced.clear();
  }
  void drop(const std::string& path) {
    names_.erase(path);
    durable_names_.erase(path);
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> all;
    for (const auto& [path, inode] : names_) all.push_back(path);
    return all;
  }

  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    std::lock_guard lock(mutex_);
    if (!alive(names_.contains(path) ? Fault::kRead : Fault::kFull)) return error("open", path);
    if (!names_.contains(path)) {
      if (mode != Mode::kCreate) return error("open", path);
      change({"", path, std::make_shared<Inode>()});
    }
    return std::unique_ptr<File>(std::make_unique<OpenFile>(*this, names_.at(path), path));
  }
  Status rename(const std::string& from, const std::string& to) override {
    std::lock_guard lock(mutex_);
    if (!alive() || !names_.contains(from)) return error("rename", from);
    change({from, to, names_.at(from)});
    return {};
  }
  Status remove(const std::string& path) override {
    std::lock_guard lock(mutex_);
    if (!alive() || !names_.contains(path)) return error("remove", path);
    change({path, "", nullptr});
    return {};
  }
  Status make_dirs(const std::string& path) override {
    std::lock_guard lock(mutex_);
    if (!alive()) return error("create folder", path);
    return {};
  }
  Status sync_dir(const std::string& path) override {
    std::lock_guard lock(mutex_);
    if (!alive()) return error("sync folder", path);
    std::vector<NameChange> elsewhere;
    for (NameChange& c : changes_) {
      if (folder_of(c.to.empty() ? c.from : c.to) == path) {
        apply(c, durable_names_);
      } else {
        elsewhere.push_back(std::move(c));
      }
    }
    changes_ = std::move(elsewhere);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    std::lock_guard lock(mutex_);
    if (!alive()) return error("list", path);
    std::vector<std::string> found;
    for (const auto& [name, inode] : names_) {
      if (!name.starts_with(path + '/')) continue;
      std::string rest = name.substr(path.size() + 1);
      rest.resize(std::min(rest.find('/'), rest.size()));
      if (found.empty() || found.back() != rest) found.push_back(std::move(rest));
    }
    return found;
  }
  // From the n-th call on there is no room for more than there is then. 0: there is again.
  void fill_at(uint64_t n) {
    std::lock_guard lock(mutex_);
    full_at_ = n == 0 ? 0 : calls_ + n;
    if (n == 0) capacity_ = 0;
  }
  // A device of this size: what would grow beyond it fails as on a full disk. 0: no limit.
  void set_capacity(uint64_t bytes) {
    std::lock_guard lock(mutex_);
    capacity_ = bytes;
  }
  uint64_t used_bytes() const {
    std::lock_guard lock(mutex_);
    return used();
  }
  // Writes that found no room.
  uint64_t refused() const {
    std::lock_guard lock(mutex_);
    return refused_;
  }
  Result<uint64_t> free_bytes(const std::string&) override {
    std::lock_guard lock(mutex_);
    if (!alive()) return error("statvfs", "");
    if (capacity_ == 0) return uint64_t{1} << 40;
    return capacity_ - std::min(capacity_, used());
  }

 private:
  struct Write {
    uint64_t offset = 0;  // of a truncation: the new size
    std::string bytes;
    bool truncates = false;
  };
  struct Inode {
    std::string seen;     // by those who read it
    std::string durable;  // what a power cut leaves at least
    std::vector<Write> unsynced;
    uint64_t worn_from = 0;
    uint64_t worn_to = 0;
    bool is_worn(uint64_t offset, uint64_t size) const {
      return offset < worn_to && offset + size > worn_from;
    }
  };
  struct NameChange {
    std::string from;  // "": a new file
    std::string to;    // "": removed
    std::shared_ptr<Inode> inode;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  class OpenFile : public File {
   public:
    OpenFile(FaultyDisk& disk, std::shared_ptr<Inode> inode, std::string path)
        : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), life_(disk.life_) {}
    Status write_at(uint64_t offset, std::string_view bytes) override {
      std::lock_guard lock(disk_.mutex_);
      const bool good = alive(Fault::kFull);
      const bool may_be_torn = !disk_.dark() || disk_.calls_ == disk_.dark_at_;
      if (!good && (life_ != disk_.life_ || !may_be_torn)) return error("write", "");
      if (!good) bytes = bytes.substr(0, bytes.size() / 2);
      if (!disk_.has_room(*inode_, offset + bytes.size())) {
        ++disk_.refused_;
        return Error{ErrorCode::kFull, "write " + path_ + ": no room"};
      }
      put(inode_->seen, {offset, std::string(bytes), false});
      inode_->unsynced.push_back({offset, std::string(bytes), false});
      return good ? Status() : error("write", "");
    }
    Result<size_t> read_at(uint64_t offset, char* into, size_t size) override {
      std::lock_guard lock(disk_.mutex_);
      if (!alive(Fault::kRead) || inode_->is_worn(offset, size)) {
        return error("read", "");
      }
      const std::string& all = inode_->seen;
      if (offset >= all.size()) return size_t{0};
      return all.copy(into, size, offset);
    }
    Status sync_data() override {
      std::lock_guard lock(disk_.mutex_);
      if (!alive()) {
        // As Linux has it: pages that could not be written are taken for clean, a later sync does
        // not try again.
        if (life_ == disk_.life_ && !disk_.dark()) disk_.tear(*inode_);
        return error("fdatasync", "");
      }
      if (disk_.lies_ && disk_.lies_(path_)) return {};
      for (const Write& w : inode_->unsynced) put(inode_->durable, w);
      inode_->unsynced.clear();
      return {};
    }
    void drop_cache() override {
      std::lock_guard lock(disk_.mutex_);
      if (life_ != disk_.life_) return;
      inode_->seen = inode_->durable;
      for (const Write& w : inode_->unsynced) put(inode_->seen, w);
    }
    Status truncate(uint64_t size) override {
      std::lock_guard lock(disk_.mutex_);
      if (!alive()) return error("truncate", "");
      put(inode_->seen, {size, "", true});
      inode_->unsynced.push_back({size, "", true});
      return {};
    }
    Result<uint64_t> size() override {
      std::lock_guard lock(disk_.mutex_);
      if (!alive()) return error("stat", "");
      return uint64_t{inode_->seen.size()};
    }

   private:
    bool alive(Fault kind = Fault::kAny) { return disk_.alive(kind) && life_ == disk_.life_; }
    FaultyDisk& disk_;
    std::shared_ptr<Inode> inode_;
    const std::string path_;
    const uint64_t life_;
  };

  static Error error(const char* what, const std::string& path) {
    return {ErrorCode::kIo, std::string(what) + ' ' + path + ": the disk was told to fail"};
  }
  bool dark() const { return dark_at_ != 0 && calls_ >= dark_at_; }
  bool alive(Fault kind = Fault::kAny) {
    ++calls_;
    ++calls_of_[size_t(kind)];
    if (dark()) return false;
    if (full_at_ != 0 && calls_ >= full_at_) capacity_ = used(), full_at_ = 0;
    if (fail_count_ == 0 || (fault_ != Fault::kAny && fault_ != kind)) return true;
    if (until_fault_ > 1) return --until_fault_, true;
    --fail_count_;
    ++failures_;
    return false;
  }
  static std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
  void change(NameChange c) {
    apply(c, names_);
    changes_.push_back(std::move(c));
  }
  static void apply(const NameChange& c, Names& names) {
    if (!c.from.empty()) names.erase(c.from);
    if (!c.to.empty()) names[c.to] = c.inode;
  }
  static void put(std::string& file, const Write& w) {
    if (w.truncates) return file.resize(w.offset);
    if (w.bytes.empty()) return;
    file.resize(std::max<uint64_t>(file.size(), w.offset + w.bytes.size()));
    file.replace(w.offset, w.bytes.size(), w.bytes);
  }
  static uint64_t blocks(uint64_t bytes) { return (bytes + 4095) / 4096 * 4096; }
  uint64_t used() const {
    uint64_t used = 0;
    for (const auto& [path, inode] : names_) used += blocks(inode->seen.size());
    return used;
  }
  bool has_room(const Inode& inode, uint64_t size) const {
    if (capacity_ == 0 || size <= blocks(inode.seen.size())) return true;
    return used() + blocks(size) - blocks(inode.seen.size()) <= capacity_;
  }
  void tear(Inode& inode) {
    constexpr uint64_t kSector = 512;
    const uint64_t mood =
        random_() % 4;  // all lost, all kept, some lost, some of the lost turned to rubbish
    for (const Write& w : inode.unsynced) {
      if (mood == 0 || (w.truncates && random_() % 2)) continue;
      if (mood == 1 || w.truncates) {
        put(inode.durable, w);
        continue;
      }
      for (uint64_t at = 0; at < w.bytes.size();) {
        const uint64_t n = std::min(w.bytes.size() - at, kSector - (w.offset + at) % kSector);
        std::string sector = w.bytes.substr(at, n);
        const bool rubbish = mood == 3 && random_() % 3 == 0;
        if (rubbish) std::generate(sector.begin(), sector.end(), [&] { return char(random_()); });
        if (rubbish || random_() % 2) put(inode.durable, {w.offset + at, sector, false});
        at += n;
      }
    }
    inode.unsynced.clear();
  }

  std::mt19937_64 random_;
  Names names_;
  Names durable_names_;
  std::vector<NameChange> changes_;  // since the last sync of their folders
  uint64_t life_ = 0;
  uint64_t calls_ = 0;
  uint64_t calls_of_[3] = {};  // by kind
  Fault fault_ = Fault::kAny;
  uint64_t until_fault_ = 0;  // calls
  uint64_t fail_count_ = 0;
  uint64_t failures_ = 0;
  uint64_t dark_at_ = 0;
  uint64_t capacity_ = 0;
  uint64_t full_at_ = 0;
  uint64_t refused_ = 0;
  std::function<bool(const std::string&)> lies_;
  mutable std::mutex mutex_;

 public:
  // Reads of this part of this file fail, always, under whatever name. No bytes: no longer.
  void wear_out(const std::string& path, uint64_t offset, uint64_t bytes) {
    std::lock_guard lock(mutex_);
    Inode& inode = *names_.at(path);
    inode.worn_from = offset;
    inode.worn_to = offset + bytes;
  }
};

}  // namespace wayside
