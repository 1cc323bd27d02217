#include "storage/journal.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/log.h"

namespace wayside {
namespace {

constexpr uint64_t kSpareStep = 256 << 10;
constexpr int kZstdLevel = 1;

}  // namespace

Journal::Journal(Disk& disk, JournalOptions options)
    : disk_(disk), options_(std::move(options)), zstd_(nullptr, ZSTD_freeCCtx) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(Disk& disk, JournalOptions options) {
  std::unique_ptr<Journal> journal(new Journal(disk, std::move(options)));
  const std::string& dir = journal->options_.dir;
  WS_TRY(disk.make_dirs(dir));
  WS_ASSIGN(const std::vector<std::string> names, disk.list(dir));
  // The folder's own name has to be safe before anything in it is acknowledged.
  if (names.empty()) {
    WS_TRY(disk.sync_dir(std::filesystem::path(dir).parent_path().string()));
  }
  WS_TRY(journal->look_at_files());
  WS_TRY(journal->find_end());
  return journal;
}

Status Journal::skip_to(uint64_t sequence) {
  last_sequence_ = sequence;
  head_ = {};
  if (!file_ || files_.back().first_sequence != sequence + 1) WS_TRY(roll());
  return sync_name();
}

size_t Journal::files_behind(uint64_t entry) const {
  const auto behind = [&](const FileInfo& file) { return file.first_sequence > entry; };
  return static_cast<size_t>(std::count_if(files_.begin(), files_.end(), behind));
}

std::vector<std::string> Journal::preambles() const {
  std::vector<std::string> all;
  for (const FileInfo& file : files_) all.push_back(file.header.preamble);
  return all;
}

uint64_t Journal::used_bytes() const {
  uint64_t bytes = 0;
  for (const FileInfo& file : files_) bytes += file.size;
  return bytes;
}

uint64_t Journal::next_loss() const {
  uint64_t bytes = options_.file_bytes;  // of the next one, and of those that may stay beside it
  for (size_t i = files_.size(); i-- > 0;) {
    bytes += files_[i].size;
    const size_t count = files_.size() - i + 1;
    if (bytes > options_.max_bytes && count > kFilesMin) return files_[i + 1].first_sequence - 1;
  }
  return 0;
}

std::optional<Journal::EntryRange> Journal::goes_soon(uint64_t after) const {
  const uint64_t loss = next_loss();
  for (size_t i = 0; loss != 0 && i + 1 < files_.size(); ++i) {
    if (files_[i].first_sequence > loss + 1) break;
    const uint64_t last = files_[i + 1].first_sequence - 1;
    if (last > after) return EntryRange{std::max(files_[i].first_sequence, after + 1), last};
  }
  return std::nullopt;
}

Status Journal::set_max_bytes(uint64_t bytes) {
  options_.max_bytes = bytes;
  spare_failed_ = false;
  if (next_loss() != 0 && file_) WS_TRY(drop_spare());
  while (files_.size() > kFilesMin && used_bytes() > bytes &&
         files_[1].first_sequence - 1 <= done_) {
    WS_TRY(drop_oldest());
  }
  return {};
}

Result<bool> Journal::give_way() {
  if (files_.size() < kFilesMin) return false;  // it will need the spare itself
  WS_ASSIGN(const bool spare, drop_spare());
  if (spare) return true;
  if (files_.size() <= kFilesMin || files_[1].first_sequence - 1 > done_) return false;
  WS_TRY(drop_oldest());
  return true;
}

Result<bool> Journal::drop_spare() {
  if (!spare_there_) return false;
  spare_.reset();
  spare_bytes_ = 0;
  WS_ASSIGN(const std::vector<std::string> names, disk_.list(options_.dir));
  const bool there = std::binary_search(names.begin(), names.end(), "spare");
  if (there) WS_TRY(disk_.remove(spare_path()));
  spare_there_ = false;
  return there;
}

Status Journal::drop_oldest() { return forget_oldest(disk_.remove(files_.front().path)); }

// After an attempt to take it away: it may be that somebody else has done that.
Status Journal::forget_oldest(const Status& taken) {
  if (!taken.ok()) {
    WS_ASSIGN(const std::vector<uint64_t> firsts, first_sequences(disk_, options_.dir));
    if (std::binary_search(firsts.begin(), firsts.end(), files_.front().first_sequence)) {
      return taken;
    }
    log_warn("journal: {}", taken.error().message);
  }
  files_.erase(files_.begin());
  return {};
}

// Zeroes the spare file a little further, so that no single append has to wait for a whole one.
Status Journal::prepare_spare(uint64_t bytes) {
  if (spare_bytes_ >= options_.file_bytes) return {};
  if (!spare_) {
    spare_there_ = true;
    WS_ASSIGN(spare_, disk_.open(spare_path(), Disk::Mode::kCreate));
  }
  if (spare_bytes_ == 0) WS_TRY(spare_->truncate(0));
  const uint64_t upto = spare_bytes_ + std::min(bytes, options_.file_bytes - spare_bytes_);
  const std::string zeros(std::min(kSpareStep, upto - spare_bytes_), '\0');
  while (spare_bytes_ < upto) {
    const auto piece = std::string_view(zeros).substr(0, upto - spare_bytes_);
    WS_TRY(spare_->write_at(spare_bytes_, piece));
    spare_bytes_ += piece.size();
  }
  if (spare_bytes_ < options_.file_bytes) return {};
  Status synced = spare_->sync_data();
  if (!synced.ok()) spare_bytes_ = 0;  // nobody knows what is there
  return synced;
}

// Goes on in a new file: the spare, or the oldest one when the journal has reached its size.
// Wherever it fails, it can be tried again.
Status Journal::roll() {
  FileHeader header;
  header.first_sequence = last_sequence_ + 1;
  header.file_bytes = options_.file_bytes;
  if (preamble) header.preamble = preamble();
  bool recycled = false;
  while (!recycled && will_recycle()) {
    const Status renamed = disk_.rename(files_.front().path, spare_path());
    WS_TRY(forget_oldest(renamed));
    recycled = renamed.ok();
  }
  if (recycled) {
    spare_there_ = true;
    spare_.reset();
    spare_bytes_ = 0;
    WS_ASSIGN(spare_, disk_.open(spare_path(), Disk::Mode::kReadWrite));
    WS_ASSIGN(const uint64_t size, spare_->size());
    header.zeroed = size < options_.file_bytes;  // too small, or cut: made anew
    if (size > options_.file_bytes) WS_TRY(spare_->truncate(options_.file_bytes));
  } else {
    header.zeroed = true;
  }
  if (header.zeroed) WS_TRY(prepare_spare(options_.file_bytes));
  // The header names the file before its name does: a name without its header never exists.
  WS_TRY(spare_->write_at(0, header.to_page()));
  WS_TRY(spare_->sync_data());
  const std::string path = path_of(header.first_sequence);
  if (Status named = disk_.rename(spare_path(), path); !named.ok()) {
    spare_.reset();  // it may be gone
    spare_bytes_ = 0;
    return named;
  }
  file_ = std::move(spare_);
  spare_there_ = false;
  spare_bytes_ = 0;
  if (!files_.empty() && files_.back().path == path) files_.pop_back();  // it held nothing
  files_.push_back({header.first_sequence, path, header, options_.file_bytes});
  offset_ = kJournalPage;
  name_synced_ = false;
  return {};
}

// No entry counts before the name of its file is safe.
Status Journal::sync_name() {
  if (name_synced_) return {};
  WS_TRY(disk_.sync_dir(options_.dir));
  name_synced_ = true;
  return {};
}

Status Journal::encode(uint64_t engine_stamp, int64_t wall_ms, const Digest& emissions,
                       std::string_view block, uint64_t said_before, Digest& hash) {
  if (!zstd_) zstd_.reset(ZSTD_createCCtx());
  if (!zstd_) return Error{ErrorCode::kInternal, "journal: no memory for zstd"};
  buffer_.resize(sizeof(EntryHeader) + ZSTD_compressBound(block.size()));
  const size_t payload_bytes = ZSTD_compressCCtx(zstd_.get(), buffer_.data() + sizeof(EntryHeader),
                                                 buffer_.size() - sizeof(EntryHeader), block.data(),
                                                 block.size(), kZstdLevel);
  if (ZSTD_isError(payload_bytes)) {
    return Error{ErrorCode::kInternal,
                 std::string("journal: zstd: ") + ZSTD_getErrorName(payload_bytes)};
  }
  EntryHeader header;
  header.payload_bytes = static_cast<uint32_t>(payload_bytes);
  header.block_bytes = static_cast<uint32_t>(block.size());
  header.sequence = last_sequence_ + 1;
  header.engine_stamp = engine_stamp;
  header.wall_ms = wall_ms;
  header.previous = head_;
  header.emissions = emissions;
  header.set_said_before(said_before);
  std::string_view payload(buffer_.data() + sizeof header, payload_bytes);
  header.crc = header.crc_of(payload);
  std::memcpy(buffer_.data(), &header, sizeof header);
  hash = header.hash_of(payload);
  buffer_.resize(sizeof header + payload_bytes);
  buffer_.resize(padded_to_page(buffer_.size()), '\0');
  return {};
}

Status Journal::append(uint64_t engine_stamp, int64_t wall_ms, const Digest& emissions,
                       std::string_view block, uint64_t said_before) {
  if (block.size() > kJournalBlockMax) {
    return Error{ErrorCode::kInternal, "journal: a group over 64 MiB"};
  }
  Digest hash;
  WS_TRY(encode(engine_stamp, wall_ms, emissions, block, said_before, hash));
  if (buffer_.size() > options_.file_bytes - kJournalPage) {
    return Error{ErrorCode::kConfig, "journal: a group is larger than storage.file_bytes"};
  }
  // What lies beyond the end as it was made is not allocated.
  const uint64_t end = file_ ? std::min(options_.file_bytes, files_.back().size) : 0;
  if (offset_ + buffer_.size() > end) {
    if (half_written_) {
      // What a failed append has left must not stand beside the entry that takes its number.
      WS_TRY(file_->write_at(offset_, std::string(kJournalPage, '\0')));
      WS_TRY(file_->sync_data());
      half_written_ = false;
    }
    WS_TRY(roll());
  }
  WS_TRY(sync_name());
  half_written_ = true;
  WS_TRY(file_->write_at(offset_, buffer_));
  WS_TRY(file_->sync_data());
  half_written_ = false;
  offset_ += buffer_.size();
  bytes_written_ += buffer_.size();
  ++last_sequence_;
  head_ = hash;
  // Where the oldest file will be recycled no spare is needed.
  if (next_loss() != 0 || spare_failed_) return {};
  // A spare that cannot be made now is tried again at the change of files, where it matters.
  if (Status spare = prepare_spare(std::max<uint64_t>(kSpareStep, 2 * buffer_.size()));
      !spare.ok()) {
    log_warn("journal: {}", spare.error().message);
    spare_failed_ = true;
    (void)drop_spare().ok();  // the last bytes are for others
  }
  return {};
}

}  // namespace wayside
