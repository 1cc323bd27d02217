#include "storage/thinner.h"

#include <algorithm>

#include "base/log.h"

namespace wayside {
namespace {

constexpr uint64_t kPieceBytes = 32 << 20;  // of blocks, so that a file is never too large to read
constexpr uint64_t kReserveShare = 4;       // of a journal file, what is made from it may take
constexpr std::string_view kThinnedAside = ".bad";

int64_t stretch_of(int64_t time_ms, int64_t length_ms) {
  return time_ms / length_ms - (time_ms % length_ms < 0);
}

void copy_row(const ReadingBatch& from, uint32_t row, const Schema& schema, ReadingBatch& to) {
  to.times.push_back(from.times[row]);
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    if (schema.fields[i].type == FieldType::kText) {
      const uint32_t id = from.columns[i].texts[row];
      to.columns[i].texts.push_back(id == Interner::kNone ? id
                                                          : to.texts.intern(from.texts.text(id)));
    } else {
      to.columns[i].numbers.push_back(from.columns[i].numbers[row]);
    }
  }
}

// What turns from here on rest on, where that is not as before.
void tell_clock(ClockState clock, Group& kept) {
  const ClockState before = kept.turns.empty() ? Now().clock : kept.turns.back().now.clock;
  if (clock == before) return;
  const auto turn = static_cast<uint32_t>(kept.turns.size());
  kept.notes.push_back({Note::Kind::kClock, turn, to_text(clock), ""});
}

}  // namespace

Thinner::Thinner(Disk& disk, const std::string& state_dir, const StorageOptions& options,
                 const std::vector<NamedSchema>& sources, std::vector<bool> wanted,
                 size_t piece_rows)
    : disk_(disk),
      dir_(thinned_dir(state_dir)),
      state_dir_(state_dir),
      options_(options),
      sources_(sources),
      wanted_(std::move(wanted)),
      piece_rows_(piece_rows),
      wants_any_(std::find(wanted_.begin(), wanted_.end(), true) != wanted_.end()) {}

Status Thinner::open(const Journal& journal, const std::vector<Epoch>& epochs) {
  if (!epochs.empty()) epoch_ = epochs.back().name;
  WS_ASSIGN(const std::vector<uint64_t> firsts, thinned_files(disk_, dir_));
  folder_made_ = !firsts.empty();
  for (const uint64_t first : firsts) WS_TRY(look_at(first, journal, epochs));
  if (!files_.empty()) done_ = files_.rbegin()->second.last;
  return {};
}

Status Thinner::look_at(uint64_t first, const Journal& journal, const std::vector<Epoch>& epochs) {
  const std::string path = thinned_path(dir_, first);
  const auto thinned = read_thinned(disk_, path, sources_);
  if (!thinned.ok() && !is_damage(thinned.error())) return thinned.error();
  const bool is_ours = thinned.ok() && thinned->first == first &&
                       thinned->last <= journal.last_sequence() &&
                       has_epoch(epochs, thinned->epoch);
  if (is_ours) {
    WS_ASSIGN(const auto file, disk_.open(path, Disk::Mode::kRead));
    WS_ASSIGN(const uint64_t size, file->size());
    files_[first] = {thinned->last, size};
    bytes_ += size;
    return {};
  }
  const std::string aside = path + std::string(kThinnedAside);
  WS_TRY(disk_.rename(path, aside));
  if (thinned.ok()) {
    log_error("{} has readings of another store; kept as {}", path, aside);
  } else {
    const std::string what = path + ": " + thinned.error().message + "; its readings are lost";
    damaged({Damage::Kind::kLoss, what, 0, 0, 0, 0, aside});
  }
  return {};
}

uint64_t Thinner::reserve() const {
  if (!is_on()) return 0;
  return std::min(options_.thin_bytes - std::min(options_.thin_bytes, bytes_),
                  options_.file_bytes / kReserveShare);
}

Status Thinner::work(const Journal& journal, uint64_t needed, uint64_t bytes) {
  while (!files_.empty() && files_.begin()->second.last < needed) drop_oldest(false);
  make_room(journal, 0);
  if (!is_on()) return {};
  Status thinned = thin(journal, needed, bytes);
  if (!thinned.ok()) {
    piece_.reset();
    reader_.reset();
  }
  return thinned;
}

Status Thinner::thin(const Journal& journal, uint64_t needed, uint64_t bytes) {
  for (uint64_t done = 0; done < bytes;) {
    if (!reader_) {
      WS_ASSIGN(const bool begun, begin(journal, needed));
      if (!begun) return {};
    }
    WS_ASSIGN(const bool more, read_next(journal, done));
    if (more) continue;
    WS_TRY(end_piece(journal));
    reader_.reset();
    done_ = upto_;
  }
  return {};
}

// False: nothing has to go that is still needed.
Result<bool> Thinner::begin(const Journal& journal, uint64_t needed) {
  const auto next = journal.goes_soon(done_);
  if (!next) return false;
  upto_ = next->last;
  if (next->last < needed) {
    done_ = next->last;
    return false;
  }
  auto reader = std::make_unique<JournalReader>(disk_, state_dir_ + "/journal");
  uint64_t oldest = 0;
  WS_TRY(reader->seek(next->first, oldest));
  reader_ = std::move(reader);
  kept_.clear();
  kept_.resize(sources_.size());
  return true;
}

// False: the file is through, or gone.
Result<bool> Thinner::read_next(const Journal& journal, uint64_t& bytes) {
  JournalEntry entry;
  WS_ASSIGN(const bool there, reader_->next(entry));
  if (!there || entry.sequence > upto_) return false;
  bytes += entry.end - entry.place.offset;
  Group group = make_group(sources_);
  // What cannot be read is lost otherwise; a file stands for what lies beside each other.
  const Status decoded = decode_group(entry.block, sources_, {}, group);
  const bool follows = piece_ && entry.sequence == piece_->last + 1;
  const bool full = piece_ && (piece_->origins.size() >= piece_rows_ ||
                               piece_bytes_ + entry.block.size() > kPieceBytes);
  if (piece_ && (!decoded.ok() || !follows || full)) WS_TRY(end_piece(journal));
  if (decoded.ok()) add(entry, group);
  return entry.sequence < upto_;
}

void Thinner::add(const JournalEntry& entry, const Group& group) {
  if (!piece_) {
    piece_.emplace();
    piece_->first = entry.sequence;
    piece_->kept = make_group(sources_);
    piece_->kept.rows_before = group.rows_before;
    piece_->epoch = epoch_;
    piece_bytes_ = 0;
  }
  piece_bytes_ += entry.block.size();
  piece_->last = entry.sequence;
  piece_->rows_after = group.rows_before;
  for (size_t s = 0; s < sources_.size(); ++s) piece_->rows_after[s] += group.batches[s].rows();
  for (const Turn& turn : group.turns) add_turn(entry.sequence, turn, group);
}

void Thinner::add_turn(uint64_t entry, const Turn& turn, const Group& from) {
  Turn kept{turn.now, {}};
  for (const Slice& slice : turn.slices) {
    if (!wanted_[slice.source]) continue;
    const ReadingBatch& batch = from.batches[slice.source];
    ReadingBatch& to = piece_->kept.batches[slice.source];
    const auto begin = static_cast<uint32_t>(to.rows());
    for (uint32_t row = slice.begin; row < slice.end; ++row) {
      if (!is_first_of_its_time(slice.source, batch, row)) continue;
      copy_row(batch, row, sources_[slice.source].schema, to);
      piece_->origins.push_back({entry, slice.place + (row - slice.begin)});
    }
    const auto end = static_cast<uint32_t>(to.rows());
    if (end > begin) kept.slices.push_back({slice.source, begin, end});
  }
  if (kept.slices.empty()) return;
  tell_clock(turn.now.clock, piece_->kept);
  piece_->kept.turns.push_back(std::move(kept));
}

bool Thinner::is_first_of_its_time(uint32_t source, const ReadingBatch& batch, uint32_t row) {
  Kept& kept = kept_[source];
  const uint32_t text = batch.keys()[row];
  const uint32_t key = kept.keys.intern(text == Interner::kNone ? "" : batch.texts.text(text));
  if (key >= kept.stretches.size()) {
    kept.stretches.resize(key + 1);
    kept.stretches[key].fill(INT64_MIN);
  }
  auto& stretches = kept.stretches[key];
  const int64_t stretch = stretch_of(batch.times[row], options_.thin_to_ms);
  if (std::find(stretches.begin(), stretches.end(), stretch) != stretches.end()) return false;
  std::rotate(stretches.begin(), stretches.end() - 1, stretches.end());
  stretches.front() = stretch;
  return true;
}

// For so many bytes. The oldest goes first, but not what the journal still has.
void Thinner::make_room(const Journal& journal, uint64_t bytes) {
  while (bytes_ + bytes > options_.thin_bytes && !files_.empty() &&
         files_.begin()->second.last < journal.oldest_sequence()) {
    drop_oldest(true);
  }
}

// It has to be safe before the journal's file may go.
Status Thinner::end_piece(const Journal& journal) {
  if (!piece_) return {};
  const ThinnedReadings piece = std::move(*piece_);
  piece_.reset();
  WS_ASSIGN(const std::string bytes, encode_thinned(piece, sources_));
  make_room(journal, bytes.size());
  done_ = piece.last;
  if (bytes_ + bytes.size() > options_.thin_bytes) return {};
  WS_ASSIGN(const uint64_t free_bytes, disk_.free_bytes(state_dir_));
  Status written = free_bytes < options_.min_free + bytes.size()
                       ? Error{ErrorCode::kFull, "less than storage.min_free would stay free"}
                       : write(bytes, piece.first);
  if (!written.ok()) {
    done_ = piece.first - 1;
    return written;
  }
  FileInfo& file = files_[piece.first];
  bytes_ += bytes.size() - file.bytes;
  file = {piece.last, bytes.size()};
  return {};
}

Status Thinner::write(const std::string& bytes, uint64_t first) {
  const std::string draft = dir_ + "/draft";
  if (!folder_made_) {
    WS_TRY(disk_.make_dirs(dir_));
    WS_TRY(disk_.sync_dir(state_dir_));
    folder_made_ = true;
  }
  const auto put = [&]() -> Status {
    WS_ASSIGN(const auto out, disk_.open(draft, Disk::Mode::kCreate));
    WS_TRY(out->truncate(0));
    WS_TRY(out->write_at(0, bytes));
    WS_TRY(out->sync_data());
    WS_TRY(disk_.rename(draft, thinned_path(dir_, first)));
    return disk_.sync_dir(dir_);
  };
  Status written = put();
  if (!written.ok()) (void)disk_.remove(draft).ok();  // the room is for others
  return written;
}

// One that cannot be removed is left to the next start, and until then to those who need it.
void Thinner::drop_oldest(bool is_needed) {
  const auto [first, file] = *files_.begin();
  files_.erase(files_.begin());
  bytes_ -= file.bytes;
  const std::string path = thinned_path(dir_, first);
  const auto thinned =
      is_needed ? read_thinned(disk_, path, sources_) : Result<ThinnedReadings>(ThinnedReadings());
  if (const Status removed = disk_.remove(path); !removed.ok()) {
    log_warn("thinned readings: {}", removed.error().message);
    return;
  }
  if (is_needed && thinned.ok()) lost(*thinned);
}

}  // namespace wayside
