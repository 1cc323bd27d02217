#include "firmware-gw/journal_replay.h"

#include <algorithm>

#include "base/disk.h"
#include "base/log.h"
#include "firmware-gw/learn.h"
#include "firmware-gw/lookup_files.h"
#include "storage/snapshot.h"
#include "storage/store_view.h"
#include "uplink/message.h"

namespace wayside {
namespace {

// Where the store has the same ones, with its bits: entries of before recorded them.
std::vector<std::string> uplinks_by_bit(const Config& config,
                                        const std::vector<std::string>& kept) {
  std::vector<std::string> names = uplink_names(config);
  std::vector<std::string> known = kept;
  std::erase(known, "");
  std::sort(known.begin(), known.end());
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  return sorted == known ? kept : names;
}

// What only the store knows of a journal whose beginning is gone. It may be damaged, or away.
void ask_store(const std::string& state_dir, JournalReplay::Past& past) {
  const auto store = view_store(posix_disk(), state_dir);
  if (!store.ok()) return;
  past.uplinks = store->uplinks;
  if (past.oldest <= 1) return;
  const auto reader = OutboxReader::open(posix_disk(), state_dir);
  const auto epochs =
      reader.ok() ? (*reader)->epochs() : Result<std::vector<Epoch>>(reader.error());
  if (!epochs.ok()) return;
  std::vector<Epoch> all = *epochs;
  for (const Epoch& noted : past.epochs) {
    std::erase_if(all, [&](const Epoch& e) { return e.name == noted.name; });
  }
  all.insert(all.end(), past.epochs.begin(), past.epochs.end());
  std::stable_sort(all.begin(), all.end(),
                   [](const Epoch& a, const Epoch& b) { return a.first_entry < b.first_entry; });
  past.epochs = std::move(all);
}

Error time_is_over() {
  return {ErrorCode::kUnavailable,
          "the time for it is over; --timeout gives it more, or ask about less of the journal"};
}

// For readings before the journal tells what a table held, those of a new look-up above all.
void read_lookups(const Config& config, Pipeline& pipeline) {
  for (const LookupOptions& lookup : config.lookups) {
    const auto contents = read_lookup(lookup);
    if (!contents.ok()) log_warn("{}", contents.error().message);
    if (contents.ok()) pipeline.set_lookup_contents(lookup.name, contents->encode());
  }
}

}  // namespace

std::vector<std::string> uplink_names(const Config& config) {
  std::vector<std::string> names;
  for (const UplinkOptions& u : config.uplinks) names.push_back(u.name);
  return names;
}

uint32_t version_noted(const Group& group) {
  for (const Note& n : group.notes) {
    if (n.kind == Note::Kind::kConfig) return parse_version_digits(n.name);
  }
  return 0;
}

JournalReplay::JournalReplay(const Config& config, const std::string& state_dir, Past past,
                             Moment until, Expired expired)
    : gateway_(config.gateway.id),
      past_(std::move(past)),
      until_(until),
      expired_(std::move(expired)),
      reader_(posix_disk(), state_dir + "/journal") {}

Result<std::unique_ptr<JournalReplay>> JournalReplay::open(const Config& config,
                                                           const std::string& state_dir, Past past,
                                                           Moment until, Expired expired,
                                                           Witness* witness) {
  std::unique_ptr<JournalReplay> replay(
      new JournalReplay(config, state_dir, std::move(past), until, std::move(expired)));
  WS_ASSIGN(replay->engine_,
            Engine::make(config, uplinks_by_bit(config, replay->past_.uplinks), witness));
  read_lookups(config, replay->engine_->pipeline());
  const uint64_t oldest = replay->past_.oldest;
  if (oldest > 1 && replay->past_.with_snapshot) WS_TRY(replay->load_snapshot(config, state_dir));
  if (oldest > 1 && replay->snapshot_ == 0) {
    log_warn(
        "journal entries before {} are gone: this begins without the state they led to, so results "
        "differ from what was sent",
        oldest);
  }
  replay->expected_ = replay->first_entry();
  uint64_t first = 0;
  WS_TRY(replay->reader_.seek(std::max<uint64_t>(replay->expected_, 1), first));
  WS_ASSIGN(replay->has_behind_, replay->reader_.next(replay->behind_));
  return replay;
}

Result<JournalReplay::Past> JournalReplay::look_at(const std::string& state_dir,
                                                   uint64_t last_entry, const Expired& expired,
                                                   const Visit& visit) {
  Past past;
  JournalReader reader(posix_disk(), state_dir + "/journal");
  uint64_t oldest = 0;
  WS_ASSIGN(const bool first, reader.seek(1, oldest));
  if (first) oldest = 1;
  for (JournalEntry entry;;) {
    if (expired()) return time_is_over();
    WS_ASSIGN(const bool there, reader.next(entry));
    if (!there || entry.sequence > last_entry) break;
    Group group;
    if (!decode_group(entry.block, {}, {}, group).ok()) continue;
    past.oldest = oldest;
    if (visit) visit(entry, group);
    for (const Note& note : group.notes) {
      if (note.kind != Note::Kind::kNewEpoch) continue;
      const bool earlier = note.first_sequence > 0;
      past.epochs.push_back({note.name, earlier ? note.first_sequence : UINT64_MAX,
                             earlier ? note.first_entry : entry.sequence});
    }
  }
  ask_store(state_dir, past);
  return past;
}

Status JournalReplay::load_snapshot(const Config& config, const std::string& state_dir) {
  WS_ASSIGN(const uint64_t entry,
            first_snapshot(posix_disk(), state_dir, past_.oldest, until_.entry));
  if (entry == 0) return {};
  WS_ASSIGN(const auto led_here, read_entry(posix_disk(), state_dir + "/journal", entry));
  if (!led_here || until_.is_before(entry, (*led_here).wall_ms)) return {};
  const auto read = [&](const auto& take) {
    return read_snapshot(posix_disk(), state_dir, entry, take);
  };
  WS_ASSIGN(const Store::Recovered from,
            load_state(config, engine_->uplinks(), posix_disk(), *engine_, read));
  engine_->emissions().restore(from.checkpoint.at.last_sequence, from.checkpoint.at.emitted);
  snapshot_ = entry;
  log_info("journal entries before {} are gone: this begins with the state behind entry {}",
           past_.oldest, entry);
  return {};
}

// Decodes the next entry that can be.
Result<bool> JournalReplay::read() {
  while (true) {
    if (expired_()) return time_is_over();
    if (!has_behind_) return false;
    std::swap(entry_, behind_);
    WS_ASSIGN(has_behind_, reader_.next(behind_));
    group_ = engine_->admission().make_group();
    std::vector<JournaledSource> journaled;
    const Status decoded =
        decode_group(entry_.block, engine_->schemas(), engine_->connections(), group_, &journaled);
    if (!decoded.ok()) continue;
    compare(journaled);
    return true;
  }
}

void JournalReplay::compare(const std::vector<JournaledSource>& journaled) {
  for (const JournaledSource& then : journaled) {
    const auto now = std::find_if(engine_->schemas().begin(), engine_->schemas().end(),
                                  [&](const NamedSchema& s) { return s.source == then.source; });
    if (now == engine_->schemas().end()) {
      unknown_[then.source] += then.rows;
      continue;
    }
    for (const Field& field : now->schema.fields) {
      const bool there = std::any_of(then.fields.begin(), then.fields.end(), [&](const Field& f) {
        return f.name == field.name && f.type == field.type;
      });
      if (!there) lacking_[{then.source, field.name}] += then.rows;
    }
  }
}

std::vector<std::string> JournalReplay::left_out() const {
  std::vector<std::string> lines;
  for (const auto& [source, readings] : unknown_) {
    lines.push_back(std::to_string(readings) + " readings are of source '" + source +
                    "', which this configuration does not have: they are left out");
  }
  for (const auto& [field, readings] : lacking_) {
    lines.push_back("in " + std::to_string(readings) + " readings of '" + field.first +
                    "' the field '" + field.second +
                    "' is NULL: when they came it was not configured, or of another type");
  }
  return lines;
}

Result<bool> JournalReplay::next() {
  WS_ASSIGN(const bool there, read());
  if (!there || until_.is_before(entry_.sequence, entry_.wall_ms)) return false;
  EmissionBuffer& emissions = engine_->emissions();
  told_ += emissions.pending().size();
  // Whatever the entries before it have said here: numbers go on from those that were given.
  if (entry_.said_before) emissions.restore(*entry_.said_before, emissions.emitted());
  first_sequence_ = emissions.last_sequence() + 1;
  if (entry_.sequence != expected_) {
    log_warn("journal entries {} to {} are damaged or gone: results differ from here on", expected_,
             entry_.sequence - 1);
  }
  expected_ = entry_.sequence + 1;
  find_epochs();
  engine_->replay(group_, entry_.sequence);
  as_sent_ = says_what_was_sent();
  // Then nobody was sent it, and it is this configuration that says it.
  if (!as_sent_) {
    for (Emission& e : emissions.pending()) e.config = engine_->config_version();
  }
  return true;
}

// Where they begin that the entry tells of.
void JournalReplay::find_epochs() {
  for (const Note& note : group_.notes) {
    if (note.kind != Note::Kind::kNewEpoch) continue;
    for (Epoch& e : past_.epochs) {
      if (e.name == note.name) e.first_sequence = std::min(e.first_sequence, first_sequence_);
    }
  }
}

// Of the newest entry that is not known yet: then it is so if this configuration ran.
bool JournalReplay::says_what_was_sent() const {
  if (has_behind_ && behind_.sequence == entry_.sequence + 1) {
    return engine_->has_said(behind_.emissions);
  }
  const uint32_t then = version_noted(group_);
  return then == 0 || then == engine_->config_version();
}

std::string JournalReplay::epoch_of(uint64_t Epoch::*first, uint64_t number) const {
  const std::string name = epoch_at(past_.epochs, first, number);
  return name.empty() ? "replay" : name;
}

std::string JournalReplay::id_of(const Emission& emission) const {
  if (!as_sent_) {
    const uint64_t number = told_ + (emission.sequence - first_sequence_) + 1;
    return gateway_ + "/replay/" + std::to_string(number);
  }
  return gateway_ + '/' + epoch_of(&Epoch::first_sequence, emission.sequence) + '/' +
         std::to_string(emission.sequence);
}

std::string JournalReplay::id_of(const Cause& cause) const {
  return gateway_ + '/' + epoch_of(&Epoch::first_entry, cause.entry) + '/' + to_text(cause);
}

std::string JournalReplay::id_of_reading(size_t place) const {
  return reading_id(gateway_, epoch_of(&Epoch::first_entry, entry_.sequence), entry_.sequence,
                    place);
}

}  // namespace wayside
