#include "storage/journal.h"

#include <zstd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/bytes.h"
#include "base/log.h"

namespace wayside {
namespace {

constexpr uint32_t kFileMagic = 0x314a5357;   // "WSJ1"
constexpr uint32_t kEntryMagic = 0x31455357;  // "WSE1"
constexpr size_t kBlockMax = 64 << 20;
constexpr uint64_t kSpareStep = 256 << 10;
constexpr int kZstdLevel = 1;
constexpr size_t kHeaderBytes = 80;

struct EntryHeader {
  uint32_t magic = kEntryMagic;
  uint32_t flags = 0;
  uint32_t payload_bytes = 0;  // compressed
  uint32_t block_bytes = 0;    // uncompressed
  uint64_t sequence = 0;
  uint64_t engine_stamp = 0;
  int64_t wall_ms = 0;
  Digest previous{};
  Digest emissions{};
  uint32_t reserved = 0;
  uint32_t crc = 0;  // of the header up to here and the payload
};
static_assert(sizeof(EntryHeader) == kHeaderBytes);

std::string_view bytes_of(const EntryHeader& h, size_t n = sizeof(EntryHeader)) {
  return {reinterpret_cast<const char*>(&h), n};
}

uint32_t crc_of(const EntryHeader& h, std::string_view payload) {
  return crc32c(payload, crc32c(bytes_of(h, offsetof(EntryHeader, crc))));
}

uint64_t padded(uint64_t bytes) { return (bytes + kJournalPage - 1) / kJournalPage * kJournalPage; }

// "0000000000000001.wsj" → 1; 0 for anything else.
uint64_t sequence_of_name(std::string_view name) {
  uint64_t sequence = 0;
  if (name.size() != 20 || name.substr(16) != ".wsj") return 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + 16, sequence, 16);
  return error == std::errc() && end == name.data() + 16 ? sequence : 0;
}

Result<std::vector<uint64_t>> first_sequences(Disk& disk, const std::string& dir) {
  WS_ASSIGN(std::vector<std::string> names, disk.list(dir));
  std::vector<uint64_t> sequences;
  for (const std::string& name : names) {
    if (uint64_t s = sequence_of_name(name)) sequences.push_back(s);
  }
  std::sort(sequences.begin(), sequences.end());
  return sequences;
}

std::string file_path(const std::string& dir, uint64_t first_sequence) {
  char name[32];
  std::snprintf(name, sizeof name, "/%016llx.wsj", static_cast<unsigned long long>(first_sequence));
  return dir + name;
}

std::string file_header(uint64_t first_sequence) {
  std::string header;
  ByteWriter out(header);
  out.fixed(kFileMagic);
  out.fixed<uint32_t>(1);  // version
  out.fixed(first_sequence);
  out.fixed(crc32c(header));
  header.resize(kJournalPage);
  return header;
}

}  // namespace

// ---- reading

JournalReader::JournalReader(Disk& disk, std::string dir)
    : disk_(disk), dir_(std::move(dir)), zstd_(nullptr, ZSTD_freeDCtx) {}
JournalReader::~JournalReader() = default;

Result<bool> JournalReader::open_file(uint64_t first_sequence) {
  WS_ASSIGN(file_, disk_.open(file_path(dir_, first_sequence), Disk::Mode::kRead));
  buffer_.resize(kJournalPage);
  WS_ASSIGN(size_t n, file_->read_at(0, buffer_.data(), kJournalPage));
  offset_ = kJournalPage;
  return n == kJournalPage && buffer_ == file_header(first_sequence);
}

Result<bool> JournalReader::seek(uint64_t sequence, uint64_t& oldest) {
  file_.reset();
  last_hash_.reset();
  next_ = sequence;
  WS_ASSIGN(std::vector<uint64_t> firsts, first_sequences(disk_, dir_));
  oldest = firsts.empty() ? 1 : firsts.front();
  if (firsts.empty()) return true;
  auto after = std::upper_bound(firsts.begin(), firsts.end(), sequence);
  if (after != firsts.begin()) {
    WS_ASSIGN(bool there, go_to(*(after - 1), sequence));
    if (there || (file_ && after == firsts.end())) return true;
  }
  // Recycled, skipped or damaged: what comes behind it is the oldest that is there.
  oldest = firsts.back();
  for (; after != firsts.end(); ++after) {
    WS_ASSIGN(bool there, go_to(*after, *after));
    if (!there) continue;
    oldest = *after;
    break;
  }
  file_.reset();
  return false;
}

// Opens the file that begins with entry `first` and goes up to `sequence`. False: that entry is not
// there; without a good header there is no open file either.
Result<bool> JournalReader::go_to(uint64_t first, uint64_t sequence) {
  last_hash_.reset();
  WS_ASSIGN(bool good, open_file(first));
  if (!good) file_.reset();
  JournalEntry entry;
  for (uint64_t s = first; good && s < sequence; ++s) {
    WS_ASSIGN(good, read_here(s, entry));
  }
  if (!good) return false;
  const uint64_t offset = offset_;
  const std::optional<Digest> last_hash = last_hash_;
  WS_ASSIGN(bool there, read_here(sequence, entry));
  offset_ = offset;
  last_hash_ = last_hash;
  return there;
}

Result<bool> JournalReader::next(JournalEntry& entry) {
  if (file_) {
    WS_ASSIGN(bool there, read_here(next_, entry));
    if (there) {
      ++next_;
      return true;
    }
  }
  WS_ASSIGN(std::vector<uint64_t> firsts, first_sequences(disk_, dir_));
  if (!std::binary_search(firsts.begin(), firsts.end(), next_)) return false;
  WS_ASSIGN(bool good, open_file(next_));
  if (!good) return false;
  WS_ASSIGN(bool there, read_here(next_, entry));
  next_ += there;
  return there;
}

Result<bool> JournalReader::read_here(uint64_t sequence, JournalEntry& entry) {
  buffer_.resize(kJournalPage);
  WS_ASSIGN(size_t n, file_->read_at(offset_, buffer_.data(), kJournalPage));
  EntryHeader header;
  if (n < sizeof header) return false;
  std::memcpy(&header, buffer_.data(), sizeof header);
  const uint64_t total = sizeof header + uint64_t{header.payload_bytes};
  if (header.magic != kEntryMagic || header.sequence != sequence ||
      header.block_bytes > kBlockMax || header.payload_bytes > ZSTD_compressBound(kBlockMax)) {
    return false;
  }
  if (last_hash_ && header.previous != *last_hash_) return false;
  if (total > n) {
    buffer_.resize(total);
    WS_ASSIGN(size_t rest, file_->read_at(offset_ + n, buffer_.data() + n, total - n));
    if (n + rest < total) return false;
  }
  std::string_view payload(buffer_.data() + sizeof header, header.payload_bytes);
  if (crc_of(header, payload) != header.crc) return false;

  entry.sequence = header.sequence;
  entry.engine_stamp = header.engine_stamp;
  entry.wall_ms = header.wall_ms;
  entry.previous = header.previous;
  entry.emissions = header.emissions;
  entry.hash = sha256_16({bytes_of(header), payload});
  if (!zstd_) zstd_.reset(ZSTD_createDCtx());
  entry.block.resize(header.block_bytes);
  const size_t size = ZSTD_decompressDCtx(zstd_.get(), entry.block.data(), entry.block.size(),
                                          payload.data(), payload.size());
  if (ZSTD_isError(size) || size != header.block_bytes) return false;
  offset_ += padded(total);
  last_hash_ = entry.hash;
  return true;
}

// ---- writing

Journal::Journal(Disk& disk, JournalOptions options)
    : disk_(disk), options_(std::move(options)), zstd_(ZSTD_createCCtx(), ZSTD_freeCCtx) {}
Journal::~Journal() = default;

std::string Journal::path_of(uint64_t first_sequence) const {
  return file_path(options_.dir, first_sequence);
}

Result<std::unique_ptr<Journal>> Journal::open(Disk& disk, JournalOptions options) {
  std::unique_ptr<Journal> journal(new Journal(disk, std::move(options)));
  WS_TRY(disk.make_dirs(journal->options_.dir));
  WS_TRY(journal->find_end());
  return journal;
}

// Follows the newest file to its last whole entry. A newest file without any is one that was just
// made.
Status Journal::find_end() {
  WS_ASSIGN(std::vector<uint64_t> firsts, first_sequences(disk_, options_.dir));
  for (uint64_t first : firsts) files_.push_back({first, path_of(first)});
  for (size_t i = files_.size(); i-- > 0 && last_sequence_ == 0;) {
    JournalReader reader(disk_, options_.dir);
    WS_ASSIGN(bool good, reader.open_file(files_[i].first_sequence));
    JournalEntry entry;
    for (uint64_t s = files_[i].first_sequence; good; ++s) {
      WS_ASSIGN(bool there, reader.read_here(s, entry));
      if (!there) break;
      last_sequence_ = s;
      head_ = entry.hash;
      offset_ = reader.offset_;
    }
    if (last_sequence_ != 0 && i + 1 < files_.size()) {
      // The files behind hold no entry: they were made, and the power went.
      for (size_t k = i + 1; k < files_.size(); ++k) WS_TRY(disk_.remove(files_[k].path));
      files_.resize(i + 1);
    }
  }
  if (last_sequence_ == 0) {
    // Nothing was ever appended, or nothing can be read: it begins anew.
    for (const FileInfo& file : files_) WS_TRY(disk_.remove(file.path));
    files_.clear();
    return roll();
  }
  WS_ASSIGN(file_, disk_.open(files_.back().path, Disk::Mode::kReadWrite));
  // The last entry may have been written but not synced when the process ended. From now on it
  // counts.
  return file_->sync_data();
}

Status Journal::skip_to(uint64_t sequence) {
  last_sequence_ = sequence;
  head_ = {};
  if (files_.back().first_sequence != sequence + 1) WS_TRY(roll());
  return sync_name();
}

uint64_t Journal::used_bytes() const { return files_.size() * options_.file_bytes; }

uint64_t Journal::next_loss() const {
  const bool full = (files_.size() + 1) * options_.file_bytes > options_.max_bytes;
  return full && files_.size() > 1 ? files_[1].first_sequence - 1 : 0;
}

// Zeroes the spare file a little further, so that no single append has to wait for a whole one.
Status Journal::prepare_spare(uint64_t bytes) {
  if (spare_bytes_ >= options_.file_bytes) return {};
  if (!spare_) {
    WS_ASSIGN(spare_, disk_.open(spare_path(), Disk::Mode::kCreate));
  }
  const std::string zeros(std::min(bytes, options_.file_bytes - spare_bytes_), '\0');
  WS_TRY(spare_->write_at(spare_bytes_, zeros));
  spare_bytes_ += zeros.size();
  if (spare_bytes_ >= options_.file_bytes) return spare_->sync_data();
  return {};
}

// Goes on in a new file: the spare, or the oldest one when the journal has reached its size.
// Wherever it fails, it can be tried again.
Status Journal::roll() {
  const uint64_t first = last_sequence_ + 1;
  if (next_loss() != 0) {
    WS_TRY(disk_.rename(files_.front().path, spare_path()));
    files_.erase(files_.begin());
    spare_.reset();
    spare_bytes_ = 0;
    WS_ASSIGN(spare_, disk_.open(spare_path(), Disk::Mode::kReadWrite));
  } else {
    WS_TRY(prepare_spare(options_.file_bytes));
  }
  // The header names the file before its name does: a name without its header never exists.
  WS_TRY(spare_->write_at(0, file_header(first)));
  WS_TRY(spare_->sync_data());
  WS_TRY(disk_.rename(spare_path(), path_of(first)));
  file_ = std::move(spare_);
  spare_bytes_ = 0;
  files_.push_back({first, path_of(first)});
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

void Journal::encode(uint64_t engine_stamp, int64_t wall_ms, const Digest& emissions,
                     std::string_view block, Digest& hash) {
  buffer_.resize(sizeof(EntryHeader) + ZSTD_compressBound(block.size()));
  const size_t payload_bytes = ZSTD_compressCCtx(zstd_.get(), buffer_.data() + sizeof(EntryHeader),
                                                 buffer_.size() - sizeof(EntryHeader), block.data(),
                                                 block.size(), kZstdLevel);
  EntryHeader header;
  header.payload_bytes = static_cast<uint32_t>(payload_bytes);
  header.block_bytes = static_cast<uint32_t>(block.size());
  header.sequence = last_sequence_ + 1;
  header.engine_stamp = engine_stamp;
  header.wall_ms = wall_ms;
  header.previous = head_;
  header.emissions = emissions;
  std::string_view payload(buffer_.data() + sizeof header, payload_bytes);
  header.crc = crc_of(header, payload);
  std::memcpy(buffer_.data(), &header, sizeof header);
  hash = sha256_16({bytes_of(header), payload});
  buffer_.resize(sizeof header + payload_bytes);
  buffer_.resize(padded(buffer_.size()), '\0');
}

Status Journal::append(uint64_t engine_stamp, int64_t wall_ms, const Digest& emissions,
                       std::string_view block) {
  if (block.size() > kBlockMax) return Error{ErrorCode::kInternal, "journal: a group over 64 MiB"};
  Digest hash;
  encode(engine_stamp, wall_ms, emissions, block, hash);
  if (buffer_.size() > options_.file_bytes - kJournalPage) {
    return Error{ErrorCode::kConfig, "journal: a group is larger than storage.file_bytes"};
  }
  if (offset_ + buffer_.size() > options_.file_bytes) WS_TRY(roll());
  WS_TRY(sync_name());
  WS_TRY(file_->write_at(offset_, buffer_));
  WS_TRY(file_->sync_data());
  offset_ += buffer_.size();
  bytes_written_ += buffer_.size();
  ++last_sequence_;
  head_ = hash;
  if (next_loss() != 0) return {};  // the oldest file will be recycled, no spare is needed
  // A spare that cannot be made now is tried again at the change of files, where it matters.
  if (Status spare = prepare_spare(std::max<uint64_t>(kSpareStep, 2 * buffer_.size()));
      !spare.ok()) {
    log_warn("journal: {}", spare.error().message);
  }
  return {};
}

}  // namespace wayside
