// The journal: the truth. Preallocated files that are recycled, never shortened; an entry is a
// header and a zstd block, padded to 4 KiB so that no acknowledged byte is ever written again; one
// write and one fdatasync an entry. Each entry carries the hash of its predecessor, so that an
// entry that was left over in a recycled file, or changed later, cannot pass. What is damaged is
// passed over: the next whole entry behind it is found, whatever lies between.
// docs/architecture.md draws the format.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/hash.h"
#include "base/result.h"
#include "storage/damage.h"
#include "storage/journal_format.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace wayside {

// Where an entry begins, for those who want to come back to it.
struct JournalPlace {
  uint64_t file = 0;  // its first sequence
  uint64_t offset = 0;
  uint64_t sequence = 0;
};

struct JournalEntry {
  uint64_t sequence = 0;      // counts from 1 without gaps
  uint64_t engine_stamp = 0;  // determinism holds between equal ones
  int64_t wall_ms = 0;
  Digest previous{};                    // hash of the entry before
  Digest emissions{};                   // of what the entry before made the pipeline say
  std::optional<uint64_t> said_before;  // the last emission's number before this entry
  Digest hash{};                        // of this entry
  JournalPlace place;
  uint64_t end = 0;   // where the next one begins, if it is in the same file
  std::string block;  // uncompressed
};

struct JournalOptions {
  std::string dir;
  uint64_t file_bytes = 8 << 20;
  uint64_t max_bytes = 256ull << 20;
  uint32_t damaged_files = 4;  // as many are kept that hold nothing readable
};

// Reads entries in order. Any thread, one thread each; sees what was written, also what may not be
// synced yet: those who must not act on that stop at the entry that is committed.
class JournalReader {
 public:
  JournalReader(Disk& disk, std::string dir);
  ~JournalReader();

  // The next read gives this entry, or the first one behind it that can be read. True: it is there,
  // or nothing is there behind it. False: it is gone (recycled, skipped or damaged); `oldest` is
  // then the one that comes next.
  Result<bool> seek(uint64_t sequence, uint64_t& oldest);
  // The next read gives the entry at this place, or, if it is not there any more, the first one
  // behind it that can be read.
  Status seek_place(const JournalPlace& place);
  // The next entry. One that does not follow the last: what lies between cannot be read. False:
  // there is no further entry.
  Result<bool> next(JournalEntry& entry);
  // Whether there was something, in whichever file, that the medium did not give back.
  bool met_unreadable() const { return met_unreadable_ || unreadable_; }

 private:
  friend class Journal;
  struct Scan {
    bool found = false;
    bool nonzero = false;     // something lay between that is no entry of this place
    bool unreadable = false;  // or that the medium does not give back
  };
  // The entry at `offset_`, if it is whole and has this sequence.
  Result<bool> read_expected(JournalEntry& entry);
  // The next whole entry of this file, before `limit`.
  Result<Scan> scan(uint64_t limit, JournalEntry& entry);
  Result<bool> read_at(uint64_t offset, uint64_t from, uint64_t limit, JournalEntry& entry);
  Result<bool> open_file(uint64_t first_sequence);
  // The file behind `first`, 0 for none; `there`: whether `first` itself still is.
  Result<uint64_t> file_behind(uint64_t first, bool& there);
  Result<bool> next_in_files(JournalEntry& entry);

  Disk& disk_;
  std::string dir_;
  std::unique_ptr<File> file_;
  uint64_t first_ = 0;  // of the file, or of the last one
  uint64_t offset_ = 0;
  uint64_t next_ = 0;
  std::optional<Digest> last_hash_;
  bool unreadable_ = false;            // something in this file was, so far
  bool met_unreadable_ = false;        // or in one before
  std::optional<JournalEntry> ahead_;  // read already, not given yet
  std::string buffer_;
  std::string page_;
  std::unique_ptr<ZSTD_DCtx_s, size_t (*)(ZSTD_DCtx_s*)> zstd_;
};

// The entry with this sequence, or the first one behind it that can be read; none: there is none.
Result<std::optional<JournalEntry>> read_entry(Disk& disk, const std::string& dir,
                                               uint64_t sequence);

// The writer. Owned by the loop thread.
class Journal {
 public:
  // Finds the last entry and makes the folder when there is none. Whatever the files hold, it
  // opens: what cannot be read is set aside or passed over, and told by damage().
  static Result<std::unique_ptr<Journal>> open(Disk& disk, JournalOptions options);
  ~Journal();

  // Once this returns, the entry survives a power cut. On an error nothing was appended, and the
  // same append may be tried again. `said_before`: the last emission's number before it.
  Status append(uint64_t engine_stamp, int64_t wall_ms, const Digest& emissions,
                std::string_view block, uint64_t said_before = 0);

  // Goes on after `sequence` in a new file; for a journal that is behind what its store remembers.
  Status skip_to(uint64_t sequence);

  uint64_t last_sequence() const { return last_sequence_; }  // 0: empty
  const Digest& head() const { return head_; }               // hash of the last entry
  uint64_t oldest_sequence() const {
    return files_.empty() ? last_sequence_ + 1 : files_.front().first_sequence;
  }
  // Where the last file but one begins: from there on is enough to know what came lately.
  uint64_t tail_sequence() const {
    if (files_.empty()) return last_sequence_ + 1;
    return files_[files_.size() > 1 ? files_.size() - 2 : 0].first_sequence;
  }
  // The one that is written to: the number of its first entry; 0: there is none yet.
  uint64_t newest_file() const { return files_.empty() ? 0 : files_.back().first_sequence; }
  // Files that begin behind this entry.
  size_t files_behind(uint64_t entry) const;
  // What was found when it was opened.
  const std::vector<Damage>& damage() const { return damage_; }
  // What each new file says about the time before it; called when one is made.
  std::function<std::string()> preamble;
  // Of the files that are there, oldest first; "" where there is none.
  std::vector<std::string> preambles() const;
  uint64_t bytes_written() const { return bytes_written_; }
  uint64_t used_bytes() const;
  uint64_t least_bytes() const { return kFilesMin * options_.file_bytes; }
  // What the next change of files will take away, to be within the limit: the last sequence of the
  // oldest files, 0 for nothing.
  uint64_t next_loss() const;
  struct EntryRange {
    uint64_t first = 0;
    uint64_t last = 0;
  };
  // Of the oldest whole file that has entries behind this one those, if the limit takes it with the
  // next change of files, or with the one after that.
  std::optional<EntryRange> goes_soon(uint64_t after) const;
  // The next change of files needs no room.
  bool will_recycle() const { return next_loss() != 0 && files_[1].first_sequence - 1 <= done_; }
  // Entries up to here are no longer needed: their files may go, others never do, even if that
  // means to exceed the limit. Without a call all may go.
  void set_done(uint64_t sequence) { done_ = sequence; }

  // A new limit; what is beyond it goes at once, or when it is done with.
  Status set_max_bytes(uint64_t bytes);
  // For a disk that is full: gives it the spare file, or else the oldest one that nobody needs.
  // False: there is nothing to give.
  Result<bool> give_way();

 private:
  static constexpr size_t kFilesMin = 2;
  struct FileInfo {
    uint64_t first_sequence;
    std::string path;
    FileHeader header;
    uint64_t size = 0;
    bool sound = true;  // the header
  };
  Journal(Disk& disk, JournalOptions options);
  Status look_at_files();
  Status sort_in(uint64_t name, FileLook look);
  Status find_end();
  Status settle(const FileInfo& file);
  Status set_hollow_aside();
  Result<bool> holds_entries(uint64_t first, uint64_t limit);
  Result<bool> read_to_end(size_t file, uint64_t limit);
  void report_unreadable_end(const FileInfo& file);
  Status check_rest(const FileInfo& file, bool found, uint64_t offset, bool nonzero);
  Status set_aside(const std::string& name, Damage damage);
  Status repair_headers();
  Status roll();
  Status sync_name();
  Status prepare_spare(uint64_t bytes);
  Result<bool> drop_spare();
  Status drop_oldest();
  Status forget_oldest(const Status& taken);
  std::string path_of(uint64_t first_sequence) const {
    return journal_path(options_.dir, first_sequence);
  }
  std::string spare_path() const { return options_.dir + "/spare"; }
  Status encode(uint64_t engine_stamp, int64_t wall_ms, const Digest& emissions,
                std::string_view block, uint64_t said_before, Digest& hash);

  Disk& disk_;
  JournalOptions options_;
  std::vector<FileInfo> files_;  // oldest first; the last one is being written
  std::vector<Damage> damage_;
  std::unique_ptr<File> file_;  // null: the next entry begins a new one
  bool name_synced_ = false;    // of the file that is being written; a former life's may not be
  bool worn_ = false;           // the medium does not give back all of it
  bool half_written_ = false;   // an append failed
  uint64_t offset_ = 0;
  uint64_t last_sequence_ = 0;
  Digest head_{};
  std::unique_ptr<File> spare_;
  uint64_t spare_bytes_ = 0;   // already zeroed
  bool spare_there_ = true;    // or may be, left by a former life
  bool spare_failed_ = false;  // there was no room for it
  uint64_t done_ = UINT64_MAX;
  std::string buffer_;
  uint64_t bytes_written_ = 0;
  std::unique_ptr<ZSTD_CCtx_s, size_t (*)(ZSTD_CCtx_s*)> zstd_;
};

}  // namespace wayside
