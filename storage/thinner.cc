#include "storage/thinner.h"

#include <algorithm>

#include "base/log.h"

namespace wayside {
namespace {

constexpr size_t kPieceRows = 20'000;  // kept, in memory and in a file

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
                 const std::vector<NamedSchema>& sources, std::vector<bool> wanted)
    : disk_(disk),
      dir_(thinned_dir(state_dir)),
      state_dir_(state_dir),
      options_(options),
      sources_(sources),
      wanted_(std::move(wanted)),
      wants_any_(std::find(wanted_.begin(), wanted_.end(), true) != wanted_.end()) {}

// Files behind what the journal has are another journal's.
Status Thinner::open(const Journal& journal) {
  files_.clear();
  bytes_ = 0;
  WS_ASSIGN(const std::vector<uint64_t> firsts, thinned_files(disk_, dir_));
  for (size_t i = 0; i < firsts.size(); ++i) {
    const std::string path = thinned_path(dir_, firsts[i]);
    if (firsts[i] > journal.last_sequence()) {
      WS_TRY(disk_.remove(path));
      continue;
    }
    WS_ASSIGN(const auto file, disk_.open(path, Disk::Mode::kRead));
    WS_ASSIGN(const uint64_t size, file->size());
    files_[firsts[i]] = {i + 1 < firsts.size() ? firsts[i + 1] - 1 : firsts[i], size};
    bytes_ += size;
  }
  open_ = files_.empty();
  if (open_) return {};
  auto& [first, newest] = *files_.rbegin();
  WS_ASSIGN(const auto thinned, read_thinned(disk_, dir_, first, sources_));
  if (thinned) done_ = newest.last = thinned->last;
  open_ = true;
  return {};
}

Status Thinner::work(const Journal& journal, uint64_t needed, size_t entries) {
  if (!open_) WS_TRY(open(journal));
  const bool on = options_.thin_to_ms != 0 && wants_any_;
  const Status thinned = on ? thin(journal, needed, entries) : Status();
  const Status kept = forget(needed);
  return thinned.ok() ? kept : thinned;
}

Status Thinner::thin(const Journal& journal, uint64_t needed, size_t entries) {
  for (; entries > 0; --entries) {
    if (!reader_) {
      WS_ASSIGN(const bool begun, begin(journal, needed));
      if (!begun) return {};
    }
    const auto more = read_next();
    if (more.ok() && *more) continue;
    const Status ended = more.ok() ? end_piece() : Status(more.error());
    piece_.reset();
    reader_.reset();
    done_ = upto_;
    WS_TRY(ended);
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
Result<bool> Thinner::read_next() {
  JournalEntry entry;
  WS_ASSIGN(const bool there, reader_->next(entry));
  if (!there || entry.sequence > upto_) return false;
  Group group;
  for (const NamedSchema& s : sources_) group.batches.emplace_back(s.schema);
  group.duplicates.resize(sources_.size());
  group.rows_before.resize(sources_.size());
  // What cannot be read is lost otherwise; a file stands for what lies beside each other.
  const Status decoded = decode_group(entry.block, sources_, {}, group);
  const bool follows = piece_ && entry.sequence == piece_->last + 1;
  const bool full = piece_ && piece_->origins.size() >= kPieceRows;
  if (piece_ && (!decoded.ok() || !follows || full)) WS_TRY(end_piece());
  if (decoded.ok()) add(entry, group);
  return entry.sequence < upto_;
}

void Thinner::add(const JournalEntry& entry, const Group& group) {
  if (!piece_) {
    piece_.emplace();
    piece_->first = entry.sequence;
    for (const NamedSchema& s : sources_) piece_->kept.batches.emplace_back(s.schema);
    piece_->kept.duplicates.resize(sources_.size());
    piece_->kept.rows_before = group.rows_before;
  }
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
  const int64_t stretch = stretch_of(batch.times[row], options_.thin_to_ms);
  if (key < kept.stretch.size() && kept.stretch[key] == stretch) return false;
  kept.stretch.resize(std::max<size_t>(kept.stretch.size(), key + 1));
  kept.stretch[key] = stretch;
  return true;
}

// It has to be safe before the journal's file may go.
Status Thinner::end_piece() {
  if (!piece_) return {};
  const ThinnedReadings piece = std::move(*piece_);
  piece_.reset();
  WS_ASSIGN(const std::string bytes, encode_thinned(piece, sources_));
  WS_ASSIGN(const uint64_t free_bytes, disk_.free_bytes(state_dir_));
  if (free_bytes < options_.min_free + bytes.size()) {
    return Error{ErrorCode::kFull, "less than storage.min_free would stay free"};
  }
  WS_TRY(write(bytes, piece.first));
  FileInfo& file = files_[piece.first];
  bytes_ += bytes.size() - file.bytes;
  file = {piece.last, bytes.size()};
  return {};
}

Status Thinner::write(const std::string& bytes, uint64_t first) {
  const std::string draft = dir_ + "/draft";
  WS_TRY(disk_.make_dirs(dir_));
  WS_ASSIGN(const auto out, disk_.open(draft, Disk::Mode::kCreate));
  WS_TRY(out->truncate(0));
  WS_TRY(out->write_at(0, bytes));
  WS_TRY(out->sync_data());
  WS_TRY(disk_.rename(draft, thinned_path(dir_, first)));
  return disk_.sync_dir(dir_);
}

Status Thinner::forget(uint64_t needed) {
  while (!files_.empty()) {
    const auto& [first, file] = *files_.begin();
    const bool is_needed = file.last >= needed;
    if (is_needed && bytes_ <= options_.thin_bytes) return {};
    if (is_needed && lost) {
      WS_ASSIGN(const auto thinned, read_thinned(disk_, dir_, first, sources_));
      if (thinned && thinned->first == first) lost(*thinned);
    }
    WS_TRY(disk_.remove(thinned_path(dir_, first)));
    bytes_ -= file.bytes;
    files_.erase(files_.begin());
  }
  return {};
}

}  // namespace wayside
