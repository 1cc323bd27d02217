#include "uplink/backlog.h"

#include <algorithm>

#include "base/log.h"
#include "pipeline/emission_codec.h"

namespace wayside {

Result<std::unique_ptr<Backlog>> Backlog::open(Disk& disk, BacklogOptions options) {
  WS_ASSIGN(auto outbox, OutboxReader::open(disk, options.store_dir));
  return std::unique_ptr<Backlog>(new Backlog(disk, std::move(options), std::move(outbox)));
}

Status Backlog::next(const Mark& from, uint64_t committed_entry, std::vector<Message>& messages,
                     Mark& after) {
  messages.clear();
  bytes_ = 0;
  after = from;
  WS_ASSIGN(epochs_, outbox_->epochs());
  WS_TRY(add_emissions(Lane::kAlarm, messages, after));
  WS_TRY(add_emissions(Lane::kResult, messages, after));
  WS_TRY(add_readings(committed_entry, messages, after));
  after.delivered += messages.size();
  return {};
}

// The name of the epoch that `number`, a sequence or a journal entry, belongs to.
std::string Backlog::epoch_of(uint64_t Epoch::*first, uint64_t number) const {
  std::string name;
  for (const Epoch& e : epochs_) {
    if (e.*first <= number) name = e.name;
  }
  return name;
}

Status Backlog::add_emissions(Lane lane, std::vector<Message>& messages, Mark& after) {
  if (full(messages)) return {};
  uint64_t& upto = after.delivered_upto[static_cast<size_t>(lane)];
  WS_ASSIGN(auto rows,
            outbox_->next(lane, upto, options_.bit, options_.batch_messages - messages.size()));
  for (OutboxReader::Row& row : rows) {
    if (full(messages)) break;
    auto decoded = decode_emission(row.message);
    upto = row.sequence;
    if (!decoded.ok()) {
      log_error("outbox: emission {}: {}; it is left out", row.sequence, decoded.error().message);
      ++after.dropped;
      continue;
    }
    Message m;
    m.id = options_.gateway + '/' + epoch_of(&Epoch::first_sequence, row.sequence) + '/' +
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
    bytes_ += m.value.size();
    messages.push_back(std::move(m));
  }
  return {};
}

Status Backlog::add_readings(uint64_t committed_entry, std::vector<Message>& messages,
                             Mark& after) {
  if (std::find(options_.forwarded.begin(), options_.forwarded.end(), true) ==
      options_.forwarded.end()) {
    after.raw_entry = std::max(after.raw_entry, committed_entry);
    return {};
  }
  while (!full(messages) && after.raw_entry < committed_entry) {
    if (entry_.sequence != after.raw_entry + 1) {
      WS_ASSIGN(bool there, load_entry(after.raw_entry + 1, committed_entry, after));
      if (!there) return {};
    }
    add_rows(messages, after);
    if (after.raw_rows < rows_.size()) return {};
    after.raw_entry = entry_.sequence;
    after.raw_rows = 0;
  }
  return {};
}

// Reads one entry. When it is gone the oldest one that is there takes its place, and what lay
// between is counted as dropped.
Result<bool> Backlog::load_entry(uint64_t wanted, uint64_t committed_entry, Mark& after) {
  const bool follows = entry_.sequence != 0 && entry_.sequence + 1 == wanted;
  entry_.sequence = 0;  // nothing is loaded until all of it is
  JournalEntry entry;
  bool there = false;
  if (follows) {
    WS_ASSIGN(there, journal_.next(entry));
  }
  if (!there) {
    uint64_t oldest = 0;
    WS_ASSIGN(bool found, journal_.seek(wanted, oldest));
    if (!found) {
      WS_ASSIGN(found, journal_.seek(oldest, oldest));
    }
    if (!found) return false;
    WS_ASSIGN(there, journal_.next(entry));
  }
  while (there) {
    group_ = {};
    for (const NamedSchema& s : options_.sources) group_.batches.emplace_back(s.schema);
    group_.duplicates.resize(options_.sources.size());
    group_.rows_before.resize(options_.sources.size());
    const Status decoded = decode_group(entry.block, options_.sources, {}, group_);
    if (decoded.ok()) break;
    log_error("journal entry {}: {}; it counts as lost", entry.sequence, decoded.error().message);
    WS_ASSIGN(there, journal_.next(entry));
  }
  if (!there || entry.sequence > committed_entry) {
    // Damaged to its end, so far: what comes next tells how much is lost.
    return false;
  }
  rows_ = reading_places(group_);
  uint64_t seen = 0;
  for (size_t s = 0; s < options_.sources.size(); ++s) {
    if (options_.forwarded[s]) seen += group_.rows_before[s];
  }
  if (entry.sequence != wanted) {
    const uint64_t lost = seen > after.raw_seen ? seen - after.raw_seen : 0;
    log_error(
        "journal entries {} to {} were recycled or damaged before they were forwarded: {} readings "
        "dropped",
        wanted, entry.sequence - 1, lost);
    after.dropped += lost;
    after.raw_entry = entry.sequence - 1;
    after.raw_rows = 0;
    after.raw_seen = seen;
  }
  entry_epoch_ = epoch_of(&Epoch::first_entry, entry.sequence);
  entry_ = std::move(entry);
  return true;
}

void Backlog::add_rows(std::vector<Message>& messages, Mark& after) {
  for (; after.raw_rows < rows_.size(); ++after.raw_rows) {
    const auto [source, row, clock_unset] = rows_[after.raw_rows];
    if (!options_.forwarded[source]) continue;
    if (full(messages)) return;
    ++after.raw_seen;
    const ReadingBatch& batch = group_.batches[source];
    const NamedSchema& named = options_.sources[source];
    Message& m = messages.emplace_back();
    m.id = reading_id(options_.gateway, entry_epoch_, entry_.sequence, after.raw_rows);
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
}

}  // namespace wayside
