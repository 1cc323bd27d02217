#include "uplink/raw_cursor.h"

#include <algorithm>

#include "base/log.h"

namespace wayside {

bool RawOptions::any() const {
  return std::find(forwarded.begin(), forwarded.end(), true) != forwarded.end();
}

Result<Group> RawOptions::decode(const JournalEntry& entry) const {
  Group group = make_group(sources);
  WS_TRY(decode_group(entry.block, sources, {}, group));
  return group;
}

uint64_t RawOptions::forwarded_before(const Group& group) const {
  return forwarded_rows(group.rows_before, forwarded);
}

uint64_t RawOptions::seen_at(const Group& group, uint64_t rows) const {
  const std::vector<ReadingPlace> places = reading_places(group);
  const auto is_forwarded = [&](const ReadingPlace& p) { return forwarded[p.source]; };
  const auto seen = std::count_if(places.begin(), place_behind(places, rows), is_forwarded);
  return forwarded_before(group) + static_cast<uint64_t>(seen);
}

namespace {

bool is_before(const RawPosition& at, uint64_t entry, uint64_t place) {
  return entry <= at.entry || (entry == at.entry + 1 && place < at.rows);
}

// Of readings whose entries are gone.
uint64_t seen_of_thinned(const RawOptions& options, const ThinnedReadings& thinned,
                         const RawPosition& at) {
  uint64_t seen = options.forwarded_before(thinned.kept);
  for (const ReadingPlace& p : reading_places(thinned.kept)) {
    const ThinnedReadings::Origin origin = thinned.origins[p.place];
    seen += options.forwarded[p.source] && is_before(at, origin.entry, origin.place);
  }
  return seen;
}

}  // namespace

// By the entry behind it, or by what is left of it; what was lost before the next one, if neither
// is there, counts as seen.
Status count_seen(Disk& disk, const RawOptions& options, uint64_t committed_entry,
                  RawPosition& at) {
  const bool at_end = at.entry >= committed_entry;
  WS_ASSIGN(const auto entry,
            read_entry(disk, options.journal_dir, at_end ? committed_entry : at.entry + 1));
  if (!entry) return {};
  if (entry->sequence > at.entry + 1) {
    WS_ASSIGN(const auto thinned,
              find_thinned(disk, options.thinned_dir, at.entry + 1, options.sources));
    if (thinned && thinned->first < entry->sequence) {
      at.seen = seen_of_thinned(options, *thinned, at);
      return {};
    }
  }
  const Result<Group> group = options.decode(*entry);
  if (!group.ok()) return {};
  const bool all = entry->sequence <= at.entry;
  const bool some = entry->sequence == at.entry + 1;
  at.seen = options.seen_at(*group, all ? UINT64_MAX : some ? at.rows : 0);
  return {};
}

uint64_t waiting_in(const ThinnedReadings& thinned, const std::vector<bool>& forwarded,
                    const Mark& mark) {
  const auto waits = [&](const ThinnedReadings::Origin& o) {
    bool does = !is_before(mark.raw, o.entry, o.place);
    for (const BacklogPart& part : mark.backlog) {
      does |= !is_before(part.raw, o.entry, o.place) && o.entry <= part.raw_end.entry;
    }
    return does;
  };
  uint64_t n = 0;
  for (const ReadingPlace& p : reading_places(thinned.kept)) {
    n += forwarded[p.source] && waits(thinned.origins[p.place]);
  }
  return n;
}

Result<RawCursor::Found> RawCursor::load(RawPosition& at, const RawPosition& end,
                                         uint64_t committed_entry, RawPosition& behind) {
  const uint64_t wanted = at.entry + 1;
  if (has(wanted)) return Found::kRows;
  WS_ASSIGN(const bool thinned_too, goes_on_thinned(at));
  if (thinned_too) return Found::kRows;
  JournalEntry entry;
  Group group;
  WS_ASSIGN(const bool there, read_journal(wanted, entry, group));
  // Damaged to its end, so far: what comes next tells how much is lost.
  if (!there || (entry.sequence > committed_entry && committed_entry < end.entry)) {
    return Found::kNothing;
  }
  if (entry.sequence == wanted) {
    take(entry, std::move(group), at);
    return Found::kRows;
  }
  behind = {entry.sequence - 1, 0, options_.forwarded_before(group)};
  WS_ASSIGN(auto thinned, find_thinned(disk_, options_.thinned_dir, wanted, options_.sources));
  if (thinned && thinned->first <= wanted) {
    // What the journal still has comes from there.
    const bool ends_before = thinned->last < entry.sequence;
    const uint64_t seen_after = ends_before ? seen_by_end_of(*thinned) : behind.seen;
    take(std::move(*thinned), entry.sequence - 1, seen_after, at);
    return Found::kRows;
  }
  if (thinned && thinned->first < entry.sequence) {
    behind = {thinned->first - 1, 0, options_.forwarded_before(thinned->kept)};
  }
  if (behind.entry >= end.entry) behind = end;
  return Found::kGap;
}

// Behind what was thinned out, what was, too, lies next, without a look at what the journal has.
Result<bool> RawCursor::goes_on_thinned(RawPosition& at) {
  if (!seen_after_ || last_ != at.entry) return false;
  WS_ASSIGN(const std::vector<uint64_t> files, first_sequences(disk_, options_.journal_dir));
  if (files.empty() || files.front() <= at.entry + 1) return false;
  WS_ASSIGN(auto next, find_thinned(disk_, options_.thinned_dir, at.entry + 1, options_.sources));
  if (!next || next->first > at.entry + 1) return false;
  const uint64_t seen_after = seen_by_end_of(*next);
  take(std::move(*next), UINT64_MAX, seen_after, at);
  return true;
}

// The entry that is wanted, or the first one behind it that can be read. False: there is none.
Result<bool> RawCursor::read_journal(uint64_t wanted, JournalEntry& entry, Group& group) {
  const bool follows = last_ != 0 && last_ + 1 == wanted && !seen_after_;
  first_ = 1;  // nothing is loaded until all of it is
  last_ = 0;
  bool there = false;
  if (follows) {
    WS_ASSIGN(there, reader_.next(entry));
  }
  if (!there) {
    uint64_t oldest = 0;
    WS_TRY(reader_.seek(wanted, oldest));
    WS_ASSIGN(there, reader_.next(entry));
  }
  while (there) {
    Result<Group> decoded = options_.decode(entry);
    if (decoded.ok()) {
      group = std::move(*decoded);
      return true;
    }
    log_error("journal entry {}: {}; it counts as lost", entry.sequence, decoded.error().message);
    WS_ASSIGN(there, reader_.next(entry));
  }
  return false;
}

void RawCursor::take(const JournalEntry& entry, Group group, RawPosition& at) {
  group_ = std::move(group);
  rows_.clear();
  for (const ReadingPlace& p : reading_places(group_)) rows_.push_back({p, entry.sequence});
  at.seen = options_.seen_at(group_, at.rows);  // a mark of another epoch may not know
  seen_after_.reset();
  first_ = last_ = entry.sequence;
}

uint64_t RawCursor::seen_by_end_of(const ThinnedReadings& thinned) const {
  return forwarded_rows(thinned.rows_after, options_.forwarded);
}

// Up to the entry `last`, by when so many are seen.
void RawCursor::take(ThinnedReadings thinned, uint64_t last, uint64_t seen_after, RawPosition& at) {
  group_ = std::move(thinned.kept);
  rows_.clear();
  for (ReadingPlace p : reading_places(group_)) {
    const ThinnedReadings::Origin origin = thinned.origins[p.place];
    if (origin.entry > last) break;
    p.place = origin.place;
    rows_.push_back({p, origin.entry});
  }
  // Elsewhere only the mark knows: it may have seen all that was there.
  if (at.entry + 1 == thinned.first && at.rows == 0) at.seen = options_.forwarded_before(group_);
  seen_after_ = seen_after;
  first_ = thinned.first;
  last_ = std::min(thinned.last, last);
}

std::vector<RawCursor::Row>::const_iterator RawCursor::row_behind(const RawPosition& at) const {
  return std::lower_bound(rows_.begin(), rows_.end(), at, [](const Row& row, const RawPosition& p) {
    return is_before(p, row.entry, row.place);
  });
}

uint64_t RawCursor::pass(RawPosition& at, const RawPosition& end) {
  const bool ends_within = end.entry < last_;
  const uint64_t seen = !seen_after_ ? at.seen : ends_within ? end.seen : *seen_after_;
  const uint64_t thinned_out = seen - std::min(seen, at.seen);
  at = {ends_within ? end.entry : last_, 0, std::max(seen, at.seen)};
  return thinned_out;
}

}  // namespace wayside
