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
                     MessageBatch& messages, Mark& after) {
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
Status Backlog::add_waiting(uint64_t committed_entry, MessageBatch& messages, Mark& after) {
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
  if (options_.raw.any() && part.raw_end.entry > mark.raw.entry) {
    WS_ASSIGN(const auto last, read_entry(disk_, options_.raw.journal_dir, committed.entry));
    // Without that entry nobody knows how much waits; then it is delivered as if it were new.
    if (!last || last->sequence != committed.entry) return false;
    const Result<Group> group = options_.raw.decode(*last);
    if (!group.ok()) return false;
    part.raw_end.seen = options_.raw.seen_at(*group, UINT64_MAX);
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
  WS_ASSIGN(const auto entry, read_entry(disk_, options_.raw.journal_dir, mark.entry));
  return !entry || entry->sequence != mark.entry || chain_of(entry->hash) == mark.chain;
}

Status Backlog::add_emissions(Lane lane, uint64_t& upto, uint64_t end, MessageBatch& messages,
                              Mark& after) {
  if (full(messages) || upto >= end) return {};
  // What is there and what a limit took have to be seen at one moment.
  WS_TRY(outbox_->begin_view());
  Status added = pass_gap(lane, upto, end, messages, after);
  if (added.ok() && !full(messages)) added = add_from_outbox(lane, upto, end, messages, after);
  Status ended = outbox_->end_view();
  return added.ok() ? ended : added;
}

// A limit takes the oldest of a lane, so that what it took lies before what is left.
Status Backlog::pass_gap(Lane lane, uint64_t& upto, uint64_t end, const MessageBatch& messages,
                         Mark& after) {
  WS_ASSIGN(const OutboxReader::Gap gap, outbox_->gap(lane, upto, end, options_.bit));
  if (gap.dropped == 0 || settle(after.dropped, gap.dropped, messages))
    upto = std::max(upto, gap.last);
  return {};
}

// True: that is what the batch tells. False: that is for the next one, this one has messages.
bool Backlog::settle(uint64_t& account, uint64_t n, const MessageBatch& messages) {
  ended_ = true;
  if (!messages.empty()) return false;
  account += n;
  return true;
}

Status Backlog::add_from_outbox(Lane lane, uint64_t& upto, uint64_t end, MessageBatch& messages,
                                Mark& after) {
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
    Message& m = messages.add();
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
  }
  // Others' emissions may be the last ones; those are passed, too.
  if (last && end != UINT64_MAX) upto = end;
  return {};
}

Status Backlog::add_readings(std::unique_ptr<RawCursor>& cursor, RawPosition& at,
                             const RawPosition& end, uint64_t committed_entry,
                             MessageBatch& messages, Mark& after) {
  committed_entry = std::min(committed_entry, end.entry);
  if (!options_.raw.any()) {
    if (at.entry < committed_entry) at = {committed_entry, 0, at.seen};
    return {};
  }
  while (!full(messages) && at.entry < committed_entry) {
    if (!cursor) cursor = std::make_unique<RawCursor>(disk_, options_.raw);
    RawPosition behind;
    WS_ASSIGN(const auto found, cursor->load(at, end, committed_entry, behind));
    if (found == RawCursor::Found::kNothing) return {};
    if (found == RawCursor::Found::kGap) {
      pass_lost(at, behind, messages, after);
      continue;
    }
    if (!add_rows(*cursor, at, end, messages)) return {};
    RawPosition next = at;
    const uint64_t thinned_out = cursor->pass(next, end);
    if (thinned_out == 0 || settle(after.compacted, thinned_out, messages)) at = next;
  }
  return {};
}

void Backlog::pass_lost(RawPosition& at, const RawPosition& behind, const MessageBatch& messages,
                        Mark& after) {
  const uint64_t lost = behind.seen - std::min(behind.seen, at.seen);
  if (lost > 0 && !settle(after.dropped, lost, messages)) return;
  log_error(
      "journal entries {} to {} were recycled or damaged before they were forwarded: {} readings "
      "dropped",
      at.entry + 1, behind.entry, lost);
  at = behind;
}

Status Backlog::recount(Mark& mark, const Committed& committed) {
  if (!std::exchange(options_.recount, false)) return {};
  std::vector<RawPosition*> positions{&mark.raw};
  for (BacklogPart& part : mark.backlog)
    positions.insert(positions.end(), {&part.raw, &part.raw_end});
  for (RawPosition* at : positions) {
    if (Status counted = count_seen(disk_, options_.raw, committed.entry, *at); !counted.ok()) {
      options_.recount = true;
      return counted;
    }
  }
  return {};
}

// False: the batch is full before what is loaded is through.
bool Backlog::add_rows(const RawCursor& cursor, RawPosition& at, const RawPosition& end,
                       MessageBatch& messages) {
  uint64_t entry = 0;
  std::string id_head;  // of that entry's readings
  for (auto row = cursor.row_behind(at); row != cursor.rows_end(); ++row) {
    if (row->entry > end.entry) break;
    if (!options_.raw.forwarded[row->source]) continue;
    if (full(messages)) return false;
    at = {row->entry - 1, row->place + uint64_t{1}, at.seen + 1};
    if (std::exchange(entry, row->entry) != row->entry) {
      id_head =
          reading_id_head(options_.gateway, epoch_at(epochs_, &Epoch::first_entry, entry), entry);
    }
    Message& m = messages.add();
    m.id.append(id_head).append(std::to_string(row->place));
    write_message(cursor.group(), *row, m);
    bytes_ += m.value.size();
  }
  return true;
}

// What follows its id.
void Backlog::write_message(const Group& group, const RawCursor::Row& at, Message& m) const {
  const ReadingBatch& batch = group.batches[at.source];
  const NamedSchema& named = options_.raw.sources[at.source];
  if (options_.format == ValueFormat::kProtobuf) {
    std::string encoded;
    encode_emission(as_emission(batch, named.schema, named.source, at.row, at.clock_unset),
                    encoded);
    m.value = with_id(m.id, encoded);
  } else {
    append_json(batch, named.schema, named.source, at.row, at.clock_unset, m.id, options_.envelope,
                m.value);
  }
  m.type = "reading";
  m.block = named.source;
  // Without a key: the entry was written when the configuration had another one.
  if (const uint32_t key = batch.keys()[at.row]; key != Interner::kNone)
    m.key = batch.texts.text(key);
  m.time_ms = batch.times[at.row];
  m.clock_unset = at.clock_unset;
}

}  // namespace wayside
