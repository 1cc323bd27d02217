// Reading the journal, over whatever is damaged in it.
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "storage/journal.h"

namespace wayside {
namespace {

constexpr uint64_t kScanBytes = 64 * kJournalPage;

}  // namespace

JournalReader::JournalReader(Disk& disk, std::string dir)
    : disk_(disk), dir_(std::move(dir)), zstd_(nullptr, ZSTD_freeDCtx) {}
JournalReader::~JournalReader() = default;

Result<bool> JournalReader::open_file(uint64_t first_sequence) {
  file_.reset();
  first_ = first_sequence;
  offset_ = kJournalPage;
  met_unreadable_ |= std::exchange(unreadable_, false);
  auto opened = disk_.open(journal_path(dir_, first_sequence), Disk::Mode::kRead);
  if (!opened.ok()) {
    // It may have been recycled this moment.
    bool there = false;
    WS_TRY(file_behind(first_sequence, there));
    if (there) return opened.error();
    return false;
  }
  file_ = std::move(*opened);
  return true;
}

Result<uint64_t> JournalReader::file_behind(uint64_t first, bool& there) {
  WS_ASSIGN(const std::vector<uint64_t> firsts, first_sequences(disk_, dir_));
  there = std::binary_search(firsts.begin(), firsts.end(), first);
  for (auto at = std::upper_bound(firsts.begin(), firsts.end(), first); at != firsts.end(); ++at) {
    WS_ASSIGN(const FileLook look, look_at_file(disk_, dir_, *at));
    if (look.kind == FileLook::Kind::kSound || look.kind == FileLook::Kind::kNoHeader) return *at;
  }
  return uint64_t{0};
}

Result<bool> JournalReader::seek(uint64_t sequence, uint64_t& oldest) {
  file_.reset();
  last_hash_.reset();
  ahead_.reset();
  first_ = 0;
  WS_ASSIGN(const std::vector<uint64_t> firsts, first_sequences(disk_, dir_));
  for (auto at = std::upper_bound(firsts.begin(), firsts.end(), sequence); at != firsts.begin();) {
    WS_ASSIGN(const FileLook look, look_at_file(disk_, dir_, *--at));
    if (look.kind != FileLook::Kind::kSound && look.kind != FileLook::Kind::kNoHeader) continue;
    WS_ASSIGN(const bool open, open_file(*at));
    if (open) break;
  }
  next_ = file_ ? first_ : sequence;
  oldest = sequence;
  JournalEntry entry;
  while (true) {
    WS_ASSIGN(const bool there, next_in_files(entry));
    if (!there) break;
    if (entry.sequence < sequence) continue;
    oldest = entry.sequence;
    ahead_ = std::move(entry);
    return oldest == sequence;
  }
  if (next_ < sequence) {
    next_ = sequence;
    last_hash_.reset();
  }
  return true;
}

Status JournalReader::seek_place(const JournalPlace& place) {
  last_hash_.reset();
  ahead_.reset();
  if (!file_ || first_ != place.file) {
    WS_ASSIGN(const bool open, open_file(place.file));
    if (!open) {  // recycled: what is behind it is in another file
      next_ = place.sequence;
      return {};
    }
  }
  offset_ = place.offset;
  next_ = place.sequence;
  return {};
}

Result<std::optional<JournalEntry>> read_entry(Disk& disk, const std::string& dir,
                                               uint64_t sequence) {
  JournalReader reader(disk, dir);
  uint64_t oldest = 0;
  WS_TRY(reader.seek(sequence, oldest));
  std::optional<JournalEntry> entry(std::in_place);
  WS_ASSIGN(const bool there, reader.next(*entry));
  if (!there) entry.reset();
  return entry;
}

Result<bool> JournalReader::next(JournalEntry& entry) {
  if (!ahead_) return next_in_files(entry);
  entry = std::move(*ahead_);
  ahead_.reset();
  return true;
}

Result<bool> JournalReader::next_in_files(JournalEntry& entry) {
  while (true) {
    if (file_) {
      WS_ASSIGN(const bool expected, read_expected(entry));
      if (expected) return true;
    }
    bool listed = false;
    WS_ASSIGN(const uint64_t behind, file_behind(first_, listed));
    if (file_ && listed) {
      const uint64_t offset = offset_;
      const uint64_t next = next_;
      const std::optional<Digest> last_hash = last_hash_;
      WS_ASSIGN(const Scan ahead, scan(behind == 0 ? UINT64_MAX : behind, entry));
      if (ahead.found && entry.sequence == next) return true;
      // The writer may have been at work meanwhile: it writes in order, so what is missing now
      // stays missing, unless this file has become another one.
      const uint64_t found_at = offset_;
      const std::optional<Digest> found_hash = last_hash_;
      offset_ = offset;
      next_ = next;
      last_hash_ = last_hash;
      if (ahead.found) {
        JournalEntry missing;
        WS_ASSIGN(const bool expected, read_expected(missing));
        if (expected) {
          entry = std::move(missing);
          return true;
        }
        WS_ASSIGN(const uint64_t still_behind, file_behind(first_, listed));
        if (!listed || still_behind != behind) continue;
        offset_ = found_at;
        next_ = entry.sequence + 1;
        last_hash_ = found_hash;
        return true;
      }
    }
    if (behind == 0) return false;
    // Entries are not expected before the first one of the file; that it follows is for the caller
    // to see.
    WS_ASSIGN(const bool open, open_file(behind));
    if (!open) continue;
    if (next_ < behind) {
      next_ = behind;
      last_hash_.reset();
    }
  }
}

Result<bool> JournalReader::read_expected(JournalEntry& entry) {
  return read_at(offset_, next_, next_ + 1, entry);
}

Result<JournalReader::Scan> JournalReader::scan(uint64_t limit, JournalEntry& entry) {
  Scan result;
  std::string chunk(kScanBytes, '\0');
  for (uint64_t at = offset_;; at += kScanBytes) {
    bool unreadable = false;
    WS_ASSIGN(const size_t n, read_pages(*file_, at, chunk.data(), chunk.size(), unreadable));
    result.unreadable |= unreadable;
    unreadable_ |= unreadable;
    for (size_t page = 0; page < n; page += kJournalPage) {
      const std::string_view bytes(chunk.data() + page, std::min<size_t>(kJournalPage, n - page));
      if (is_zero(bytes.substr(0, sizeof(EntryHeader))) && is_zero(bytes)) continue;
      WS_ASSIGN(result.found, read_at(at + page, next_, limit, entry));
      if (result.found) return result;
      result.nonzero = true;
    }
    if (n < chunk.size()) return result;
  }
}

// The entry at `offset` if it is a whole one whose sequence is in [from, limit). The chain holds
// between neighbours only.
Result<bool> JournalReader::read_at(uint64_t offset, uint64_t from, uint64_t limit,
                                    JournalEntry& entry) {
  page_.resize(kJournalPage);
  WS_ASSIGN(const size_t n, read_pages(*file_, offset, page_.data(), kJournalPage, unreadable_));
  EntryHeader header;
  if (n < sizeof header) return false;
  std::memcpy(&header, page_.data(), sizeof header);
  if (header.magic != EntryHeader::kMagic || header.sequence < from || header.sequence >= limit ||
      header.block_bytes > kJournalBlockMax ||
      header.payload_bytes > ZSTD_compressBound(kJournalBlockMax)) {
    return false;
  }
  if (header.sequence == next_ && last_hash_ && header.previous != *last_hash_) return false;
  const uint64_t total = header.total();
  std::string_view payload;
  if (total <= n) {
    payload = std::string_view(page_).substr(sizeof header, header.payload_bytes);
  } else {
    WS_ASSIGN(const uint64_t size, file_->size());
    if (offset + total > size) return false;
    buffer_.resize(total);
    WS_ASSIGN(const size_t all, read_pages(*file_, offset, buffer_.data(), total, unreadable_));
    if (all < total) return false;
    payload = std::string_view(buffer_).substr(sizeof header);
  }
  if (header.crc_of(payload) != header.crc) return false;

  entry.sequence = header.sequence;
  entry.engine_stamp = header.engine_stamp;
  entry.wall_ms = header.wall_ms;
  entry.previous = header.previous;
  entry.emissions = header.emissions;
  entry.said_before = header.said_before();
  entry.hash = header.hash_of(payload);
  entry.place = {first_, offset, header.sequence};
  if (!zstd_) zstd_.reset(ZSTD_createDCtx());
  if (!zstd_) return Error{ErrorCode::kInternal, "journal: no memory for zstd"};
  entry.block.resize(header.block_bytes);
  const size_t size = ZSTD_decompressDCtx(zstd_.get(), entry.block.data(), entry.block.size(),
                                          payload.data(), payload.size());
  if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) {
    return Error{ErrorCode::kInternal, "journal: no memory for zstd"};  // which is no damage
  }
  if (ZSTD_isError(size) || size != header.block_bytes) return false;
  offset_ = entry.end = offset + padded_to_page(total);
  next_ = header.sequence + 1;
  last_hash_ = entry.hash;
  return true;
}

}  // namespace wayside
