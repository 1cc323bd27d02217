#include "storage/history.h"

namespace wayside {

Status History::list_files() {
  if (!files_.empty()) return {};
  WS_ASSIGN(files_, first_sequences(disk_, state_dir_ + "/journal"));
  indexes_.resize(files_.size());
  return {};
}

Result<const HistoryIndex*> History::index_of(size_t file, const std::function<bool()>& expired) {
  std::optional<HistoryIndex>& index = indexes_[file];
  // An index that cannot be read is as good as none.
  if (!index) {
    if (auto loaded = load_index(disk_, state_dir_, files_[file]); loaded.ok()) index = *loaded;
  }
  if (!index) {
    WS_ASSIGN(index,
              index_file(disk_, state_dir_ + "/journal", files_[file], [&] { return !expired(); }));
  }
  return index ? &*index : nullptr;
}

Result<std::unique_ptr<History::Scan>> History::scan(Range range, std::function<bool()> expired) {
  WS_TRY(list_files());
  range.last_entry = std::min(range.last_entry, last_entry_);
  return std::unique_ptr<Scan>(new Scan(*this, std::move(range), std::move(expired)));
}

History::Scan::Scan(History& history, Range range, std::function<bool()> expired)
    : history_(history),
      range_(std::move(range)),
      expired_(std::move(expired)),
      reader_(history.disk_, history.state_dir_ + "/journal") {
  decoded_ = history.sources_;
  if (range_.source) {
    first_source_ = static_cast<uint32_t>(*range_.source);
    decoded_ = {history.sources_[first_source_]};
  }
  group_ = make_group(decoded_);
}

Result<bool> History::Scan::next() {
  ++at_;
  while (at_ >= found_.size()) {
    at_ = 0;
    found_.clear();
    WS_ASSIGN(const bool there, next_entry());
    if (!there) return false;
    find_readings();
  }
  return true;
}

// The next one that may hold readings of the range.
Result<bool> History::Scan::next_entry() {
  for (; file_ < history_.files_.size(); ++file_, listed_ = 0) {
    const std::vector<uint64_t>& files = history_.files_;
    if (files[file_] > range_.last_entry) return end_at(range_.last_entry);
    if (file_ + 1 < files.size() && files[file_ + 1] <= range_.first_entry) continue;
    WS_ASSIGN(const HistoryIndex* const index, history_.index_of(file_, expired_));
    if (expired_()) return Error{ErrorCode::kUnavailable, "the time for it is over"};
    if (expected_ == 0) expected_ = std::max(files[file_], range_.first_entry);
    while (index && listed_ < index->entries.size()) {
      const size_t i = listed_++;
      const HistoryIndex::Entry& listed = index->entries[i];
      if (listed.sequence < range_.first_entry) continue;
      history_.note_gap(expected_, std::min(listed.sequence - 1, range_.last_entry));
      expected_ = listed.sequence + 1;
      if (listed.sequence > range_.last_entry) return false;
      if (!index->may_hold(i, range_.from_ms, range_.to_ms)) continue;
      WS_ASSIGN(const bool there, read({index->file, listed.offset, listed.sequence}));
      if (there) return true;
      history_.note_gap(listed.sequence, listed.sequence);
    }
  }
  // How many there were is known of a gateway that runs; else the last one ends the journal.
  const bool known = history_.last_entry_ != UINT64_MAX;
  return end_at(known ? std::min(range_.last_entry, history_.last_entry_) : 0);
}

// There is nothing more up to this entry; what was expected before it is damaged.
bool History::Scan::end_at(uint64_t entry) {
  if (expected_ != 0) history_.note_gap(expected_, entry);
  expected_ = 0;
  return false;
}

Result<bool> History::Scan::read(const JournalPlace& place) {
  if (expired_()) return Error{ErrorCode::kUnavailable, "the time for it is over"};
  const JournalPlace& last = entry_.place;
  if (last.file != place.file || last.sequence + 1 != place.sequence) {
    WS_TRY(reader_.seek_place(place));
  }
  WS_ASSIGN(const bool there, reader_.next(entry_));
  if (!there || entry_.sequence != place.sequence) {
    entry_.place = {};
    return false;
  }
  group_.clear();
  return decode_group(entry_.block, decoded_, {}, group_).ok();
}

void History::Scan::find_readings() {
  for (const Turn& turn : group_.turns) {
    for (const Slice& slice : turn.slices) {
      const ReadingBatch& batch = group_.batches[slice.source];
      const uint32_t key = range_.key ? batch.texts.find(*range_.key) : Interner::kNone;
      if (range_.key && key == Interner::kNone) continue;
      for (uint32_t row = slice.begin; row < slice.end; ++row) {
        const int64_t time_ms = batch.times[row];
        if (time_ms < range_.from_ms || time_ms > range_.to_ms) continue;
        if (range_.key && batch.keys()[row] != key) continue;
        found_.push_back({slice.source + first_source_, row, slice.place + (row - slice.begin),
                          turn.now.wall_ms});
      }
    }
  }
}

}  // namespace wayside
