// The journal: the truth. Preallocated files that are recycled, never shortened; an entry is a
// header and a zstd block, padded to 4 KiB so that no acknowledged byte is ever written again; one
// write and one fdatasync an entry. Each entry carries the hash of its predecessor, so that an
// entry that was left over in a recycled file, or changed later, cannot pass. docs/architecture.md
// draws the format.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/hash.h"
#include "base/result.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace wayside {

constexpr uint64_t kJournalPage = 4096;

struct JournalEntry {
  uint64_t sequence = 0;      // counts from 1 without gaps
  uint64_t engine_stamp = 0;  // determinism holds between equal ones
  int64_t wall_ms = 0;
  Digest previous{};   // hash of the entry before
  Digest emissions{};  // of what the entry before made the pipeline say
  Digest hash{};       // of this entry
  std::string block;   // uncompressed
};

struct JournalOptions {
  std::string dir;
  uint64_t file_bytes = 8 << 20;
  uint64_t max_bytes = 256ull << 20;
};

// Reads entries in order. Any thread, one thread each; sees what the writer has synced.
class JournalReader {
 public:
  JournalReader(Disk& disk, std::string dir);
  ~JournalReader();

  // The next read gives this entry. False: it is gone (recycled, skipped or damaged); `oldest` is
  // then the first that is there behind it.
  Result<bool> seek(uint64_t sequence, uint64_t& oldest);
  // False: there is no further entry.
  Result<bool> next(JournalEntry& entry);

 private:
  friend class Journal;
  // Reads the entry at `offset_` if it is a whole one with this sequence.
  Result<bool> read_here(uint64_t sequence, JournalEntry& entry);
  Result<bool> open_file(uint64_t first_sequence);
  Result<bool> go_to(uint64_t first, uint64_t sequence);

  Disk& disk_;
  std::string dir_;
  std::unique_ptr<File> file_;
  uint64_t offset_ = 0;
  uint64_t next_ = 0;
  std::optional<Digest> last_hash_;
  std::string buffer_;
  std::unique_ptr<ZSTD_DCtx_s, size_t (*)(ZSTD_DCtx_s*)> zstd_;
};

// The writer. Owned by the loop thread.
class Journal {
 public:
  // Finds the end of the chain; makes folder and first file when there are none.
  static Result<std::unique_ptr<Journal>> open(Disk& disk, JournalOptions options);
  ~Journal();

  // Once this returns, the entry survives a power cut. On an error nothing was appended, and the
  // same append may be tried again.
  Status append(uint64_t engine_stamp, int64_t wall_ms, const Digest& emissions,
                std::string_view block);

  // Goes on after `sequence` in a new file; for a journal that is behind what its store remembers.
  Status skip_to(uint64_t sequence);

  uint64_t last_sequence() const { return last_sequence_; }  // 0: empty
  const Digest& head() const { return head_; }               // hash of the last entry
  uint64_t oldest_sequence() const { return files_.front().first_sequence; }
  // Where the last file but one begins: from there on is enough to know what came lately.
  uint64_t tail_sequence() const {
    return files_[files_.size() > 1 ? files_.size() - 2 : 0].first_sequence;
  }
  uint64_t bytes_written() const { return bytes_written_; }
  uint64_t used_bytes() const;
  // What the next change of files will take away: the last sequence of the oldest file, 0 for
  // nothing. Whoever still needs those entries has to be done with them before append() is called.
  uint64_t next_loss() const;

 private:
  struct FileInfo {
    uint64_t first_sequence;
    std::string path;
  };
  Journal(Disk& disk, JournalOptions options);
  Status find_end();
  Status roll();
  Status sync_name();
  Status prepare_spare(uint64_t bytes);
  std::string path_of(uint64_t first_sequence) const;
  std::string spare_path() const { return options_.dir + "/spare"; }
  void encode(uint64_t engine_stamp, int64_t wall_ms, const Digest& emissions,
              std::string_view block, Digest& hash);

  Disk& disk_;
  JournalOptions options_;
  std::vector<FileInfo> files_;  // oldest first; the last one is being written
  std::unique_ptr<File> file_;
  bool name_synced_ = true;  // of the file that is being written
  uint64_t offset_ = 0;
  uint64_t last_sequence_ = 0;
  Digest head_{};
  std::unique_ptr<File> spare_;
  uint64_t spare_bytes_ = 0;  // already zeroed
  std::string buffer_;
  uint64_t bytes_written_ = 0;
  std::unique_ptr<ZSTD_CCtx_s, size_t (*)(ZSTD_CCtx_s*)> zstd_;
};

}  // namespace wayside
