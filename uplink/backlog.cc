#include "uplink/backlog.h"

#include <algorithm>

#include "base/log.h"
#include "pipeline/emission_codec.h"

namespace wayside {

Result<std::unique_ptr<Backlog>> Backlog::open(Disk& disk, BacklogOptions options) {
  WS_ASSIGN(auto outbox, OutboxReader::open(disk, options.store_dir));
  return std::unique_ptr<Backlog>(new Backlog(disk, std::move(options), std::move(outbox)));
}

Status Backlog::next(const Mark& from, const Committed& committed, uint64_t bytes,
                     std::vector<Message>& messages, Mark& after) {
  messages.clear();
  bytes_ = 0;
  bytes_max_ = bytes;
  ended_ = false;
  after = from;
  after.entry = committed.entry;
  after.chain = committed.chain;
  WS_ASSIGN(epochs_, outbox_->epochs());
  WS_TRY(add_emissions(Lane::kAlarm, after.delivered_upto[0], committed.sequence, messages, after));
  if (messages.empty()) {
    WS_TRY(
        add_emissions(Lane::kResult, after.delivered_upto[1], committed.sequence, messages, after));
    WS_TRY(add_readings(live_, after.raw, kNoEnd, committed.entry, messages, after));
    WS_TRY(add_waiting(committed.entry, messages, after));
  }
  after.delivered += messages.size();
  return {};
}

// What waited, oldest first.
Status Backlog::add_waiting(uint64_t committed_entry, std::vector<Message>& messages, Mark& after) {
  const size_t news = messages.size();
  while (!after.backlog.empty() && !full(messages)) {
    BacklogPart& part = after.backlog.front();
    WS_TRY(add_emissions(Lane::kResult, part.result_upto, part.result_end, messages, after));
    WS_TRY(add_readings(waiting_, part.raw, part.raw_end, committed_entry, messages, after));
    if (full(messages) && (part.result_upto < part.result_end || part.raw != part.raw_end)) break;
    if (part.raw.entry < part.raw_end.entry) {
      const uint64_t lost = part.raw_end.seen - std::min(part.raw_end.seen, part.raw.seen);
      log_error("journal entries after {} are gone before they were forwarded: {} readings dropped",
                part.raw.entry, lost);
      after.dropped += lost;
    }
    after.backlog.erase(after.backlog.begin());
  }
  if (after.backlog.empty()) waiting_.reset();
  for (size_t i = news; i < messages.size(); ++i) messages[i].waited = true;
  return {};
}

Result<bool> Backlog::cut(Mark& mark, const Committed& committed, uint64_t more_than) const {
  if (mark.backlog.size() >= Mark::kPartsMax) return false;
  BacklogPart part{mark.delivered_upto[1], committed.sequence, mark.raw, mark.raw};
  part.raw_end.entry = std::max(mark.raw.entry, committed.entry);
  if (forwards() && part.raw_end.entry > mark.raw.entry) {
    WS_ASSIGN(const auto last, read_entry(disk_, options_.journal_dir, committed.entry));
    // Without that entry nobody knows how much waits; then it is delivered as if it were new.
    if (!last || last->sequence != committed.entry) return false;
    const Result<Group> group = decode(*last);
    if (!group.ok()) return false;
    part.raw_end.seen = seen_at(*group, UINT64_MAX);
  }
  part.raw_end.rows = 0;
  const uint64_t results = part.result_end - std::min(part.result_end, part.result_upto);
  const uint64_t readings = part.raw_end.seen - std::min(part.raw_end.seen, part.raw.seen);
  if (results + readings <= more_than) return false;
  mark.delivered_upto[1] = std::max(part.result_upto, part.result_end);
  mark.raw = part.raw_end;
  mark.backlog.push_back(part);
  return true;
}

Result<bool> Backlog::is_ours(const Mark& mark, const Committed& committed) const {
  if (mark.raw.entry > committed.entry || mark.delivered_upto[0] > committed.sequence ||
      mark.delivered_upto[1] > committed.sequence || mark.entry > committed.entry) {
    return false;
  }
  if (mark.entry == 0 || mark.chain == 0) return true;
  WS_ASSIGN(const auto entry, read_entry(disk_, options_.journal_dir, mark.entry));
  return !entry || entry->sequence != mark.entry || chain_of(entry->hash) == mark.chain;
}

Status Backlog::add_emissions(Lane lane, uint64_t& upto, uint64_t end,
                              std::vector<Message>& messages, Mark& after) {
  if (full(messages) || upto >= end) return {};
  // What is there and what a limit took have to be seen at one moment.
  WS_TRY(outbox_->begin_view());
  Status added = pass_gap(lane, upto, end, messages, after);
  if (added.ok() && !full(messages)) added = add_from_outbox(lane, upto, end, messages, after);
  Status ended = outbox_->end_view();
  return added.ok() ? ended : added;
}

// A limit takes the oldest of a lane, so that what it took lies before what is left.
Status Backlog::pass_gap(Lane lane, uint64_t& upto, uint64_t end,
                         const std::vector<Message>& messages, Mark& after) {
  WS_ASSIGN(const OutboxReader::Gap gap, outbox_->gap(lane, upto, end, options_.bit));
  if (gap.dropped == 0 || drop(gap.dropped, messages, after)) upto = std::max(upto, gap.last);
  return {};
}

// True: that is what the batch tells. False: that is for the next one, this one has messages.
bool Backlog::drop(uint64_t n, const std::vector<Message>& messages, Mark& after) {
  ended_ = true;
  if (!messages.empty()) return false;
  after.dropped += n;
  return true;
}

Status Backlog::add_from_outbox(Lane lane, uint64_t& upto, uint64_t end,
                                std::vector<Message>& messages, Mark& after) {
  const size_t room = options_.batch_messages - messages.size();
  WS_ASSIGN(auto rows, outbox_->next(lane, upto, end, options_.bit, room));
  bool last = rows.size() < room;
  for (OutboxReader::Row& row : rows) {
    if (full(messages)) {
      last = false;
      break;
    }
    auto decoded = decode_emission(row.message);
    upto = row.sequence;
    if (!decoded.ok()) {
      log_error("outbox: emission {}: {}; it is left out", row.sequence, decoded.error().message);
      ++after.dropped;
      continue;
    }
    Message m;
    m.id = options_.gateway + '/' + epoch_at(epochs_, &Epoch::first_sequence, row.sequence) + '/' +
           std::to_string(row.sequence);
    if (options_.format == ValueFormat::kProtobuf) {
      m.value = with_id(m.id, row.message);
    } else {
      append_json(*decoded, m.id, options_.envelope, m.value);
    }
    m.type = std::move(decoded->type);
    m.block = std::move(decoded->block);
    m.key = std::move(decoded->key);
    m.time_ms = decoded->time_ms;
    m.clock_unset = decoded->clock_unset;
    m.cause = decoded->cause;
    m.config = decoded->config;
    bytes_ += m.value.size();
    messages.push_back(std::move(m));
  }
  // Others' emissions may be the last ones; those are passed, too.
  if (last && end != UINT64_MAX) upto = end;
  return {};
}

bool Backlog::forwards() const {
  return std::find(options_.forwarded.begin(), options_.forwarded.end(), true) !=
         options_.forwarded.end();
}

Status Backlog::add_readings(std::unique_ptr<Cursor>& cursor, RawPosition& at,
                             const RawPosition& end, uint64_t committed_entry,
                             std::vector<Message>& messages, Mark& after) {
  committed_entry = std::min(committed_entry, end.entry);
  if (!forwards()) {
    if (at.entry < committed_entry) at = {committed_entry, 0, at.seen};
    return {};
  }
  while (!full(messages) && at.entry < committed_entry) {
    if (!cursor) cursor = std::make_unique<Cursor>(disk_, options_.journal_dir);
    if (cursor->entry != at.entry + 1) {
      WS_ASSIGN(bool there, load_next(*cursor, at, end, committed_entry, messages, after));
      if (!there) return {};
    }
    if (!add_rows(*cursor, at, messages)) return {};
    at.entry = cursor->entry;
    at.rows = 0;
  }
  return {};
}

Result<Group> Backlog::decode(const JournalEntry& entry) const {
  Group group;
  for (const NamedSchema& s : options_.sources) group.batches.emplace_back(s.schema);
  group.duplicates.resize(options_.sources.size());
  group.rows_before.resize(options_.sources.size());
  WS_TRY(decode_group(entry.block, options_.sources, {}, group));
  return group;
}

uint64_t Backlog::forwarded_before(const Group& group) const {
  return forwarded_rows(group.rows_before, options_.forwarded);
}

uint64_t Backlog::seen_at(const Group& group, uint64_t rows) const {
  const std::vector<ReadingPlace> places = reading_places(group);
  const auto is_forwarded = [&](const ReadingPlace& p) { return options_.forwarded[p.source]; };
  const auto seen = std::count_if(places.begin(), place_behind(places, rows), is_forwarded);
  return forwarded_before(group) + static_cast<uint64_t>(seen);
}

Status Backlog::recount(Mark& mark, const Committed& committed) {
  if (!std::exchange(options_.recount, false)) return {};
  std::vector<RawPosition*> positions{&mark.raw};
  for (BacklogPart& part : mark.backlog)
    positions.insert(positions.end(), {&part.raw, &part.raw_end});
  for (RawPosition* at : positions) {
    if (Status counted = count_seen(*at, committed); !counted.ok()) {
      options_.recount = true;
      return counted;
    }
  }
  return {};
}

// By the entry behind it; where that is not there nobody knows what was lost before the next one.
Status Backlog::count_seen(RawPosition& at, const Committed& committed) const {
  const bool at_end = at.entry >= committed.entry;
  WS_ASSIGN(const auto entry,
            read_entry(disk_, options_.journal_dir, at_end ? committed.entry : at.entry + 1));
  if (!entry) return {};
  const Result<Group> group = decode(*entry);
  if (!group.ok()) return {};
  const bool all = entry->sequence <= at.entry;
  const bool some = entry->sequence == at.entry + 1;
  at.seen = seen_at(*group, all ? UINT64_MAX : some ? at.rows : 0);
  return {};
}

// Loads the entry that follows `at`. When it is gone the oldest one that is there takes its place,
// and what lay between is counted as dropped. False: there is none up to `end`, or none yet, or the
// batch ends here.
Result<bool> Backlog::load_next(Cursor& cursor, RawPosition& at, const RawPosition& end,
                                uint64_t committed_entry, const std::vector<Message>& messages,
                                Mark& after) {
  const uint64_t wanted = at.entry + 1;
  const bool follows = cursor.entry != 0 && cursor.entry + 1 == wanted;
  cursor.entry = 0;  // nothing is loaded until all of it is
  JournalEntry entry;
  bool there = false;
  if (follows) {
    WS_ASSIGN(there, cursor.reader.next(entry));
  }
  if (!there) {
    uint64_t oldest = 0;
    WS_TRY(cursor.reader.seek(wanted, oldest));
    WS_ASSIGN(there, cursor.reader.next(entry));
  }
  while (there) {
    Result<Group> group = decode(entry);
    if (group.ok()) {
      cursor.group = std::move(*group);
      break;
    }
    log_error("journal entry {}: {}; it counts as lost", entry.sequence, group.error().message);
    WS_ASSIGN(there, cursor.reader.next(entry));
  }
  // Damaged to its end, so far: what comes next tells how much is lost.
  if (!there || (entry.sequence > committed_entry && committed_entry < end.entry)) return false;
  if (entry.sequence != wanted) {
    RawPosition next{entry.sequence - 1, 0, forwarded_before(cursor.group)};
    if (next.entry >= end.entry) next = end;
    const uint64_t lost = next.seen > at.seen ? next.seen - at.seen : 0;
    if (lost > 0 && !drop(lost, messages, after)) return false;
    log_error(
        "journal entries {} to {} were recycled or damaged before they were forwarded: {} readings "
        "dropped",
        wanted, next.entry, lost);
    at = next;
    if (lost > 0) return false;
    if (at == end) return false;
  }
  cursor.rows = reading_places(cursor.group);
  at.seen = seen_at(cursor.group, at.rows);  // a mark of another epoch may not know
  cursor.epoch = epoch_at(epochs_, &Epoch::first_entry, entry.sequence);
  cursor.entry = entry.sequence;
  return true;
}

// False: the batch is full before the entry is through.
bool Backlog::add_rows(const Cursor& cursor, RawPosition& at, std::vector<Message>& messages) {
  for (auto next = place_behind(cursor.rows, at.rows); next != cursor.rows.end(); ++next) {
    const auto& [source, row, clock_unset, place] = *next;
    if (!options_.forwarded[source]) continue;
    if (full(messages)) return false;
    at.rows = place + 1;
    ++at.seen;
    const ReadingBatch& batch = cursor.group.batches[source];
    const NamedSchema& named = options_.sources[source];
    Message& m = messages.emplace_back();
    m.id = reading_id(options_.gateway, cursor.epoch, cursor.entry, place);
    if (options_.format == ValueFormat::kProtobuf) {
      std::string encoded;
      encode_emission(as_emission(batch, named.schema, named.source, row, clock_unset), encoded);
      m.value = with_id(m.id, encoded);
    } else {
      append_json(batch, named.schema, named.source, row, clock_unset, m.id, options_.envelope,
                  m.value);
    }
    m.type = "reading";
    m.block = named.source;
    // Without a key: the entry was written when the configuration had another one.
    if (const uint32_t key = batch.keys()[row]; key != Interner::kNone)
      m.key = batch.texts.text(key);
    m.time_ms = batch.times[row];
    m.clock_unset = clock_unset;
    bytes_ += m.value.size();
  }
  return true;
}

}  // namespace wayside
