#include "firmware-gw/restore.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "firmware-gw/committed.h"
#include "firmware-gw/loop.h"
#include "firmware-gw/state_lock.h"
#include "pipeline/emission_codec.h"
#include "storage/snapshot.h"
#include "storage/store_view.h"

namespace wayside {
namespace {

constexpr size_t kCopyBytes = 1 << 20;

struct End {
  uint64_t entry = 0;   // 0: nothing is that old
  uint64_t file = 0;    // which holds it,
  uint64_t offset = 0;  // up to here
  int64_t committed_ms = 0;
  JournalEntry behind;  // the first one later than that, if there is one
};

Result<End> find_end(const std::string& journal_dir, const Moment& until) {
  End end;
  JournalReader reader(posix_disk(), journal_dir);
  uint64_t oldest = 0;
  WS_TRY(reader.seek(1, oldest));
  while (true) {
    WS_ASSIGN(const bool there, reader.next(end.behind));
    if (!there || until.is_before(end.behind.sequence, end.behind.wall_ms)) return end;
    end.entry = end.behind.sequence;
    end.file = end.behind.place.file;
    end.offset = end.behind.end;
    end.committed_ms = end.behind.wall_ms;
  }
}

// The first `bytes` of a file; behind them it is as long, and zeros.
Status copy_file(const std::string& from_path, const std::string& to_path, uint64_t bytes) {
  WS_ASSIGN(const auto from, posix_disk().open(from_path, Disk::Mode::kRead));
  WS_ASSIGN(const auto to, posix_disk().open(to_path, Disk::Mode::kCreate));
  WS_ASSIGN(const uint64_t size, from->size());
  std::string piece(kCopyBytes, '\0');
  for (uint64_t at = 0; at < size; at += piece.size()) {
    bool unreadable = false;  // then it is no entry there either
    const size_t wanted = std::min<uint64_t>(piece.size(), size - at);
    WS_ASSIGN(const size_t n, read_pages(*from, at, piece.data(), wanted, unreadable));
    const size_t kept = std::min<uint64_t>(n, bytes - std::min(bytes, at));
    std::fill(piece.begin() + static_cast<ptrdiff_t>(kept), piece.end(), '\0');
    WS_TRY(to->write_at(at, std::string_view(piece).substr(0, wanted)));
  }
  return to->sync_data();
}

Status copy_files(const std::string& from, const std::string& to,
                  const std::vector<uint64_t>& files, const End& end) {
  for (uint64_t file : files) {
    WS_TRY(copy_file(journal_path(from, file), journal_path(to, file),
                     file == end.file ? end.offset : UINT64_MAX));
  }
  return posix_disk().sync_dir(to);
}

Status copy_journal(const std::string& from, const std::string& to, const End& end) {
  Disk& disk = posix_disk();
  WS_TRY(disk.make_dirs(to));
  WS_ASSIGN(std::vector<uint64_t> files, first_sequences(disk, from));
  std::erase_if(files, [&](uint64_t file) { return file > end.file; });
  const Status copied = copy_files(from, to, files, end);
  WS_ASSIGN(const std::vector<uint64_t> left, first_sequences(disk, from));
  if (std::includes(left.begin(), left.end(), files.begin(), files.end())) return copied;
  return Error{ErrorCode::kUnavailable,
               "the gateway recycled a journal file while it was copied; try again, or stop the "
               "gateway meanwhile"};
}

// Files beside the journal that are named by an entry, of those that are copied.
Status copy_named(const std::string& from, const std::string& to,
                  const std::vector<uint64_t>& entries, const End& end,
                  std::string (*path)(const std::string&, uint64_t)) {
  if (entries.empty()) return {};
  const std::string dir = path(to, 0);
  WS_TRY(posix_disk().make_dirs(dir.substr(0, dir.rfind('/'))));
  for (const uint64_t entry : entries) {
    if (entry > end.entry) continue;
    WS_TRY(copy_file(path(from, entry), path(to, entry), UINT64_MAX));
  }
  return posix_disk().sync_dir(dir.substr(0, dir.rfind('/')));
}

// What is copied goes on from snapshots, and its uplinks have still to deliver thinned readings
// whose journal files are gone.
Status copy_beside(const std::string& from, const std::string& to, const End& end) {
  WS_ASSIGN(const std::vector<uint64_t> snapshots, snapshot_entries(posix_disk(), from));
  WS_TRY(copy_named(from, to, snapshots, end, snapshot_path));
  WS_ASSIGN(const std::vector<uint64_t> thinned, thinned_files(posix_disk(), thinned_dir(from)));
  return copy_named(thinned_dir(from), thinned_dir(to), thinned, end, thinned_path);
}

Status check_target(const std::string& dir) {
  WS_ASSIGN(const auto names, posix_disk().list(dir));
  if (names.empty()) return posix_disk().make_dirs(dir);
  return Error{ErrorCode::kUsage, dir + " is not empty; name a folder that is, or a new one"};
}

Error nothing_so_old(const std::string& state_dir, const End& end) {
  const std::string journal = "the journal in " + state_dir;
  if (end.behind.sequence == 0) return {ErrorCode::kUnavailable, journal + " is empty"};
  return {ErrorCode::kUnavailable, journal + " begins later: with entry " +
                                       std::to_string(end.behind.sequence) + " of " +
                                       format_rfc3339(end.behind.wall_ms)};
}

// Only a store knows what was delivered, but for sinks that know it themselves.
Result<StoreView> store_of(const std::string& state_dir) {
  auto view = view_store(posix_disk(), state_dir);
  if (view.ok() || view.error().code != ErrorCode::kUnavailable) return view;
  return Error{ErrorCode::kUnavailable,
               view.error().message +
                   ", and without it nobody knows what was delivered already; start the gateway on "
                   "it once, which makes it again from the journal"};
}

Result<std::map<std::string, Mark>> marks_of(const std::string& state_dir) {
  WS_ASSIGN(auto delivered, delivered_marks(state_dir));
  if (delivered) return std::move(*delivered);
  WS_ASSIGN(auto view, store_of(state_dir));
  return std::move(view.marks);
}

// What the original said in the last entry of the copy. No digest: that is not known, and then it
// was not delivered either.
Loop::Copied said_at(const End& end, const Reached& said) {
  if (end.behind.sequence == end.entry + 1) {
    return {end.behind.emissions, end.behind.said_before.value_or(0)};
  }
  if (said.entry == end.entry) return {said.emissions, said.last_sequence};
  return {std::nullopt, said.last_sequence};
}

// ---- marks

// No further than up to these.
RawPosition no_further(const RawPosition& at, const RawPosition& end) {
  return at.entry < end.entry ? at : end;
}

Mark no_further(Mark mark, uint64_t sequence, const RawPosition& end) {
  for (uint64_t& upto : mark.delivered_upto) upto = std::min(upto, sequence);
  mark.raw = no_further(mark.raw, end);
  std::vector<BacklogPart> parts;
  for (BacklogPart& part : mark.backlog) {
    part.result_upto = std::min(part.result_upto, sequence);
    part.result_end = std::min(part.result_end, sequence);
    part.raw = no_further(part.raw, end);
    part.raw_end = no_further(part.raw_end, end);
    const bool waits = part.result_upto < part.result_end || part.raw.entry < part.raw_end.entry;
    if (waits) parts.push_back(part);
  }
  mark.backlog = std::move(parts);
  mark.entry = mark.chain = 0;
  return mark;
}

bool waits_behind(const Mark& mark, Lane lane, uint64_t sequence) {
  if (sequence > mark.delivered_upto[static_cast<size_t>(lane)]) return true;
  return lane == Lane::kResult &&
         std::any_of(mark.backlog.begin(), mark.backlog.end(), [&](const BacklogPart& part) {
           return sequence > part.result_upto && sequence <= part.result_end;
         });
}

}  // namespace

// What the copy says anew need not be what the original has said: its configuration may be another
// one. Returns how many of those that wait are for none of its uplinks.
Result<uint64_t> Loop::take_over(const Undelivered& original) {
  constexpr size_t kRows = 1'000;
  const uint64_t last = journal_->last_sequence();
  const std::vector<std::string>& names = engine_->uplinks();
  uint64_t lost = 0;
  WS_ASSIGN(const auto outbox, OutboxReader::open(disk_, original.state_dir));
  const auto targets_here = [&](Lane lane, const OutboxRow& row) {
    uint32_t targets = 0;
    for (size_t bit = 0; bit < original.uplinks.size(); ++bit) {
      const std::string& name = original.uplinks[bit];
      const auto mark = original.sent.find(name);
      const bool waits =
          mark == original.sent.end() || waits_behind(mark->second, lane, row.sequence);
      if ((row.targets >> bit & 1) == 0 || !waits) continue;
      const auto here = std::find(names.begin(), names.end(), name) - names.begin();
      here == std::ssize(names) ? ++lost : targets |= 1u << here;
    }
    return targets;
  };
  for (const Lane lane : {Lane::kAlarm, Lane::kResult}) {
    for (uint64_t after = 0;;) {
      WS_ASSIGN(std::vector<OutboxRow> rows,
                outbox->next_for(UINT32_MAX, lane, after, original.upto, kRows));
      if (rows.empty()) break;
      after = rows.back().sequence;
      std::erase_if(rows, [&](OutboxRow& row) {
        const auto e = decode_emission(row.message);
        row.targets = e.ok() && e->cause.entry <= last ? targets_here(lane, row) : 0;
        return row.targets == 0;
      });
      WS_TRY(store_->take_over(lane, rows));
    }
  }
  return lost;
}

Result<Loop::Settled> Loop::settle_copy(const Undelivered& original) {
  const uint64_t last = journal_->last_sequence();
  EmissionBuffer& emissions = engine_->emissions();
  Store::Changes changes;
  Settled settled;
  WS_ASSIGN(settled.lost, take_over(original));
  const std::map<std::string, Mark>& sent = original.sent;
  std::vector<uint64_t> emitted = emissions.emitted();
  emitted.resize(std::max(emitted.size(), engine_->uplinks().size()));
  for (size_t bit = 0; bit < engine_->uplinks().size(); ++bit) {
    const std::string& name = engine_->uplinks()[bit];
    if (name.empty()) continue;
    Mark& mark = marks_[name];
    const uint64_t seen = forwarded_rows(engine_->group().rows_before, engine_->forwarded(bit));
    const RawPosition end{last, 0, seen};
    const auto at = sent.find(name);
    // For an uplink that the original does not have, all of it is from before its time.
    mark = at != sent.end() ? no_further(at->second, emissions.last_sequence(), end) : Mark();
    if (at == sent.end()) {
      mark.delivered_upto = {emissions.last_sequence(), emissions.last_sequence()};
      mark.raw = end;
    }
    // All that the copy knows of it was said; what it need not deliver was delivered.
    WS_ASSIGN(uint64_t waiting, store_->pending(static_cast<uint32_t>(bit), mark));
    WS_ASSIGN(const uint64_t readings, readings_behind(engine_->forwarded(bit), mark));
    waiting += readings;
    mark.delivered = emitted[bit] - std::min(emitted[bit], waiting);
    mark.dropped = mark.compacted = 0;
    emitted[bit] = mark.delivered + waiting;
    changes.marks[name] = mark;
    settled.pending += waiting;
  }
  emissions.restore(emissions.last_sequence(), std::move(emitted));
  if (epochs_.back().first_entry <= last) WS_TRY(begin_epoch("", last + 1));
  changes.checkpoint = checkpoint(last);
  WS_TRY(store_->apply(changes, 0));
  WS_TRY(store_->trim_outbox(engine_->uplinks(), marks_));
  WS_TRY(store_->make_durable());
  return settled;
}

namespace {

Result<Restored> restore_into(const Config& config, const Moment& until, const std::string& dir) {
  const std::string& state_dir = config.gateway.state_dir;
  WS_ASSIGN(const uint64_t committed, committed_entry(state_dir));
  Moment upto = until;
  upto.entry = std::min(upto.entry, committed);
  WS_ASSIGN(const StoreView store, store_of(state_dir));
  WS_ASSIGN(const End end, find_end(state_dir + "/journal", upto));
  if (end.entry == 0) return nothing_so_old(state_dir, end);
  StateLock lock;
  WS_TRY(lock.take(dir));
  WS_TRY(copy_beside(state_dir, dir, end));
  WS_TRY(copy_journal(state_dir + "/journal", dir + "/journal", end));
  WS_ASSIGN(const auto sent, marks_of(state_dir));
  Config copy = config;
  copy.gateway.state_dir = dir;
  const Loop::Copied copied = said_at(end, store.said);
  WS_ASSIGN(const auto loop, Loop::recover_copy(copy, Surroundings::system(copy), copied));
  WS_ASSIGN(const Loop::Settled settled,
            loop->settle_copy({state_dir, store.uplinks, sent, copied.last_sequence}));
  return Restored{end.entry, end.committed_ms, loop->epoch(), settled.pending, settled.lost};
}

}  // namespace

Result<Restored> restore(const Config& config, const Moment& until, const std::string& dir) {
  WS_TRY(check_target(dir));
  auto restored = restore_into(config, until, dir);
  if (restored.ok()) return restored;
  // It was empty: what is there is ours, and of no use.
  WS_ASSIGN(const auto names, posix_disk().list(dir));
  std::error_code ignored;
  for (const std::string& name : names) std::filesystem::remove_all(dir + '/' + name, ignored);
  return restored;
}

}  // namespace wayside
