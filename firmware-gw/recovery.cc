// How the loop gets to where it was: the only start there is.
#include <algorithm>
#include <filesystem>
#include <random>

#include "firmware-gw/journal_replay.h"
#include "firmware-gw/learn.h"
#include "firmware-gw/replaying.h"
#include "storage/snapshot.h"

namespace wayside {
namespace {

constexpr uint64_t kLearnEntries = 2'000;

// The store was begun with it, and that failed. One that is damaged goes.
Status forget_snapshot(Disk& disk, const std::string& state_dir, uint64_t entry, const Error& why) {
  log_error("the snapshot behind journal entry {} is not used: {}", entry, why.message);
  WS_TRY(Store::remove(disk, state_dir));
  return why.code == ErrorCode::kFull ? Status() : disk.remove(snapshot_path(state_dir, entry));
}

}  // namespace

std::string Loop::random_name() {
  std::random_device device;
  char name[16];
  std::snprintf(name, sizeof name, "%08x", device());
  return name;
}

Result<std::unique_ptr<Loop>> Loop::recover(const Config& config, const Surroundings& around,
                                            std::string store_damage) {
  std::vector<Damage> found;
  bool unreadable = false;
  bool full = false;
  bool with_snapshot = true;
  for (bool again = false;;) {
    if (!store_damage.empty()) {
      // The journal is the truth: a store that is damaged is set aside and made again from it.
      WS_ASSIGN(const std::string kept, Store::set_aside(*around.disk, config.gateway.state_dir,
                                                         config.storage.damaged_files));
      const std::string what =
          "wayside.db was damaged (" + store_damage + ") and is made again from the journal";
      add_damage(found, {Damage::Kind::kRepaired, what, 0, 0, 0, 0, kept});
      store_damage.clear();
    }
    std::unique_ptr<Loop> loop(new Loop(config, around));
    loop->damage_ = found;
    Status status = loop->open_storage(with_snapshot);
    if (status.ok()) status = loop->restore();
    if (status.ok()) return loop;
    ErrorCode code = status.error().code;
    // What the medium does not give back at the second attempt either, while it does give the
    // journal, is damaged.
    const bool store_unreadable = code == ErrorCode::kUnreadable && loop->journal_;
    if (store_unreadable && std::exchange(unreadable, true)) code = ErrorCode::kBadData;
    const uint64_t snapshot = loop->snapshot_;
    if (snapshot != 0 && (code == ErrorCode::kBadData || code == ErrorCode::kFull)) {
      found = loop->damage_;
      loop.reset();
      WS_TRY(forget_snapshot(*around.disk, config.gateway.state_dir, snapshot, status.error()));
      with_snapshot = code != ErrorCode::kFull;
    } else if (code == ErrorCode::kBadData && !again) {
      again = true;
      store_damage = status.error().message;
    } else if (code == ErrorCode::kUnreadable && store_unreadable) {
      log_warn("{}; it is tried again", status.error().message);
    } else if (code != ErrorCode::kFull || !loop->journal_ ||
               (!loop->relieve_store() && std::exchange(full, true))) {
      return status.error();
    }
    if (loop) found = loop->damage_;
  }
}

Result<std::unique_ptr<Loop>> Loop::recover_copy(const Config& config, const Surroundings& around,
                                                 const Copied& copied) {
  std::unique_ptr<Loop> loop(new Loop(config, around));
  loop->copied_ = copied;
  WS_TRY(loop->open_storage(true));
  WS_TRY(loop->restore());
  return loop;
}

Status Loop::open_storage(bool with_snapshot) {
  WS_TRY(disk_.make_dirs(state_dir_));
  WS_TRY(make_room());
  JournalOptions options{state_dir_ + "/journal", config_.storage.file_bytes,
                         config_.storage.max_bytes, config_.storage.damaged_files};
  WS_ASSIGN(journal_, Journal::open(disk_, options));
  journal_->preamble = [this] { return encode_preamble(); };
  for (const Damage& d : journal_->damage()) report(d);
  WS_ASSIGN(store_, Store::open(disk_, state_dir_, config_.storage.wal_bytes));
  WS_TRY(snapshots_.open(*journal_));
  WS_ASSIGN(const bool complete, store_->is_complete());
  if (complete) return {};
  begun_ = true;
  WS_TRY(begin_store(with_snapshot));
  WS_TRY(disk_.sync_dir(state_dir_));  // its name
  // That of the folder is in a folder which may be another's.
  (void)disk_.sync_dir(std::filesystem::path(state_dir_).parent_path().string()).ok();
  return {};
}

// With what recycled entries led to, if that is known. A former life may have made the store, and
// ended before it was where the journal is.
Status Loop::begin_store(bool with_snapshot) {
  if (with_snapshot && journal_->oldest_sequence() > 1) {
    WS_ASSIGN(snapshot_, first_snapshot(disk_, state_dir_, journal_->oldest_sequence(),
                                        journal_->last_sequence()));
  }
  if (snapshot_ == 0) return store_->is_new() ? Status() : store_->clear();
  store_.reset();
  WS_TRY(Store::remove(disk_, state_dir_));
  WS_TRY(begin_with_snapshot(disk_, state_dir_, snapshot_));
  WS_ASSIGN(store_, Store::open(disk_, state_dir_, config_.storage.wal_bytes));
  return {};
}

Status Loop::restore() {
  std::vector<std::string> names;
  for (const UplinkOptions& u : config_.uplinks) names.push_back(u.name);
  const bool rebuilt = begun_ && journal_->last_sequence() > 0;
  if (rebuilt) load_preambles();
  std::vector<std::string> former;
  for (const Preamble& p : preambles_) {
    if (p.emitted.empty()) continue;
    former.clear();
    for (const auto& [name, n] : p.emitted) former.push_back(name);
  }
  WS_ASSIGN(Store::Bits bits, store_->assign_bits(names, former));
  if (bits.removed > 0) {
    log_warn("{} emissions were for uplinks that are no longer configured; they are gone",
             bits.removed);
  }
  WS_ASSIGN(engine_, Engine::make(config_, bits.names));

  Pipeline& pipeline = engine_->pipeline();
  pipeline.set_pages(pages_);
  WS_ASSIGN(Store::Recovered from,
            load_state(config_, bits.names, disk_, *engine_,
                       [&](const auto& take) { return store_->recover(take); }));
  for (size_t bit : bits.fresh) {  // another uplink's count is not theirs
    for (Reached* at : {&from.checkpoint.at, &from.outbox}) {
      if (bit < at->emitted.size()) at->emitted[bit] = 0;
    }
  }
  marks_ = from.marks;
  flash_.restore(from.checkpoint.flash);
  losses_.restore(from.checkpoint.losses);
  accounts_ = from.checkpoint.accounts;
  epochs_ = from.epochs;
  const Reached& at = from.checkpoint.at;
  WS_TRY(store_->set_views(pipeline.view_shapes()));
  engine_->emissions().restore(at.last_sequence, at.emitted);

  journal_->set_done(store_->durable_entry());
  Replay replay(from);
  replay.expected = at.entry + 1;
  replay.last_entry = journal_->last_sequence();
  replay.said_upto = from.outbox.entry;
  replay.rebuilt = rebuilt;
  if (rebuilt) WS_TRY(start_rebuilt(replay));
  find_lost_end(replay);
  WS_TRY(replay_journal(replay));
  WS_TRY(learn_duplicates());
  WS_TRY(recount_marks());
  engine_->resume();
  start_clock(from.checkpoint.clock);
  WS_TRY(settle_epoch(replay));
  former_digest_ = engine_->digest();
  before_ = reached(journal_->last_sequence());
  if (replay.last_entry > journal_->last_sequence()) {
    WS_TRY(journal_->skip_to(replay.last_entry));
  }
  scrub_ = std::make_unique<Scrub>(disk_, state_dir_ + "/journal", config_.storage.scrub_ms,
                                   from.checkpoint.scrubbed, journal_->last_sequence());
  WS_TRY(settle_damage(replay, from.told));
  return complete_store(replay);
}

void Loop::start_clock(const std::string& saved) {
  clock_ = around_.make_clock(saved, last_now_);
  const Now now = clock_->now();
  if (last_now_.timer_ms == 0) last_now_ = now;  // our first life
  // On what a former life's time rested is not known; that it was unset is.
  if (last_now_.clock != ClockState::kUnset) last_now_.clock = now.clock;
  if (now.clock == ClockState::kUnset) {
    log_warn("the clock is not set: it goes on from {}, and events are marked until it is",
             format_rfc3339(now.wall_ms));
  }
}

// What was sent may differ from what we would say now: then new ids from here on, and old ones are
// never given again.
Status Loop::settle_epoch(Replay& replay) {
  if (pass_given(replay.from)) replay.differs("the replay says less than was said before");
  if (replay.renumbered) return {};
  if (!replay.exact || epochs_.empty()) return begin_epoch(replay.why, replay.last_entry + 1);
  if (epochs_.back().first_entry > journal_->last_sequence()) {
    // The former life ended before its first commit, or the store is a copy: it knows the epoch,
    // the journal does not yet.
    const std::string text =
        epochs_.size() > 1 ? "begun by a restore, or by a start that ended before its first commit"
                           : "";
    engine_->group().notes.push_back({Note::Kind::kNewEpoch, 0, epochs_.back().name, text});
  }
  return {};
}

// Moves on to behind every number that was ever given. True: there were some that the replay has
// not come to.
bool Loop::pass_given(const Store::Recovered& from) {
  EmissionBuffer& emissions = engine_->emissions();
  uint64_t given = std::max(from.outbox.last_sequence, copied_ ? copied_->last_sequence : 0);
  for (const auto& [name, mark] : from.marks) {
    given = std::max({given, mark.delivered_upto[0], mark.delivered_upto[1]});
  }
  if (emissions.last_sequence() >= given) return false;
  std::vector<uint64_t> emitted = emissions.emitted();
  emitted.resize(std::max(emitted.size(), from.outbox.emitted.size()));
  for (size_t bit = 0; bit < from.outbox.emitted.size(); ++bit) {
    emitted[bit] = std::max(emitted[bit], from.outbox.emitted[bit]);
  }
  emissions.restore(given, std::move(emitted));
  return true;
}

Status Loop::replay_journal(Replay& replay) {
  const uint64_t first = replay.expected;
  JournalReader reader(disk_, state_dir_ + "/journal");
  uint64_t oldest = 0;
  JournalEntry entry;
  // The entry before tells how many readings there were.
  WS_TRY(reader.seek(first > 1 ? first - 1 : first, oldest));
  WS_ASSIGN(bool there, reader.next(entry));
  if (there && entry.sequence < first) {
    Group group = engine_->admission().make_group();
    if (decode_group(entry.block, engine_->schemas(), engine_->connections(), group).ok()) {
      replay.rows = rows_after(group);
    }
    WS_ASSIGN(there, reader.next(entry));
  }
  if (there && replay.exact && entry.sequence == first &&
      entry.emissions != replay.from.checkpoint.at.emissions) {
    replay.differs("the journal does not follow what the store remembers");
  }
  uint64_t replayed = 0;
  while (there) {
    JournalEntry behind;
    WS_ASSIGN(there, reader.next(behind));
    std::optional<Digest> recorded;  // of what it said
    if (there && behind.sequence == entry.sequence + 1) {
      recorded = behind.emissions;
    } else if (replay.from.outbox.entry == entry.sequence) {
      recorded = replay.from.outbox.emissions;
    } else if (!there && copied_) {
      recorded = copied_->said;
    }
    WS_TRY(replay_entry(replay, entry, recorded));
    if (replay.rebuilt) WS_TRY(save_rebuilt());
    replay.expected = entry.sequence + 1;
    entry = std::move(behind);
    ++replayed;
  }
  engine_->clear_said();
  if (replayed > 0) {
    log_info("recovered: {} journal entries replayed after entry {}", replayed, first - 1);
  }
  return {};
}

// A whole journal may bring more keys than memory holds. What is written of them counts with the
// checkpoint at the end only: without that the store begins anew.
Status Loop::save_rebuilt() {
  Pipeline& pipeline = engine_->pipeline();
  if (!pipeline.wants_saving()) return {};
  WS_TRY(store_->apply_rows(pipeline.save_changes()));
  pipeline.saved();
  return {};
}

Status Loop::replay_entry(Replay& replay, const JournalEntry& entry,
                          const std::optional<Digest>& recorded) {
  Group group = engine_->admission().make_group();
  const Status decoded =
      decode_group(entry.block, engine_->schemas(), engine_->connections(), group);
  if (entry.sequence > replay.expected) {
    note_gap(replay, replay.expected, entry.sequence - 1, decoded.ok() ? &group : nullptr);
  }
  if (!decoded.ok()) {
    log_error("journal entry {}: {}", entry.sequence, decoded.error().message);
    note_gap(replay, entry.sequence, entry.sequence, nullptr);
    return {};
  }
  EmissionBuffer& emissions = engine_->emissions();
  if (!replay.renumbered &&
      entry.said_before.value_or(emissions.last_sequence()) != emissions.last_sequence()) {
    replay.differs("the replay differs from what was said before");
    emissions.restore(*entry.said_before, emissions.emitted());
  }
  if (replay.rebuilt && entry.sequence == replay.rebuilt_after + 1) {
    replay.rebuilt_rows = group.rows_before;
  }
  replay.rows = rows_after(group);
  for (const Note& note : group.notes) {
    if (note.kind != Note::Kind::kNewEpoch || has_epoch(epochs_, note.name)) continue;
    Epoch epoch{note.name, emissions.last_sequence() + 1, entry.sequence};
    if (note.first_sequence > 0) epoch = {note.name, note.first_sequence, note.first_entry};
    // One that recovery itself has begun stays the last.
    epochs_.insert(epochs_.end() - ptrdiff_t(replay.renumbered), epoch);
    Store::Changes changes;
    changes.new_epoch = epoch;
    WS_TRY(store_->apply(changes, 0));
  }
  engine_->replay(group, entry.sequence);
  WS_TRY(engine_->pipeline().page_status());
  if (!group.turns.empty()) last_now_ = group.turns.back().now;
  const bool as_recorded = recorded && engine_->has_said(*recorded);
  if (!as_recorded) said_anew(entry, group, recorded.has_value());
  const bool verified = recorded ? as_recorded : replay.exact;
  if (!verified) replay.differs("the replay differs from what was said before");
  // It is left out, and what was said then stays what the next entry records of this one.
  if (!verified && recorded && entry.sequence <= replay.said_upto) engine_->set_digest(*recorded);
  return apply_replayed(replay, entry, group, verified);
}

// What is not known to be what was said then is said by the configuration of today.
void Loop::said_anew(const JournalEntry& entry, const Group& group, bool recorded) {
  const uint32_t today = engine_->config_version();
  for (Emission& e : engine_->emissions().pending()) e.config = today;
  // Nobody had recorded it, so it is recorded as said today: what the entry itself notes is another
  // configuration.
  if (recorded || version_noted(group) == today) return;
  engine_->group().notes.push_back(
      {Note::Kind::kConfig, 0, version_digits(today), std::to_string(entry.sequence)});
}

Status Loop::apply_replayed(Replay& replay, const JournalEntry& entry, const Group& group,
                            bool verified) {
  EmissionBuffer& emissions = engine_->emissions();
  Store::Changes changes;
  if (!verified && entry.sequence <= replay.said_upto) {
    // Something else was said with these numbers.
    replay.left_out += emissions.pending().size();
    emissions.clear();
  } else if (!verified && !replay.renumbered) {
    WS_TRY(begin_epoch_within(replay));
  }
  changes.emissions = emissions.pending();
  changes.said = reached(entry.sequence);
  changes.views = &emissions.views();
  changes.quarantine = quarantined(group, entry.sequence);
  return store_->apply(changes, config_.storage.quarantine_rows);
}

// Redelivered messages are known by the journal's tail, and so is how many readings each source has
// had, and the last time that was journaled.
Status Loop::learn_duplicates() {
  if (journal_->last_sequence() == 0) return {};
  const uint64_t last = journal_->last_sequence();
  uint64_t from =
      std::max({journal_->tail_sequence(), last > kLearnEntries ? last - kLearnEntries : 1});
  JournalReader reader(disk_, state_dir_ + "/journal");
  WS_TRY(reader.seek(from, from));
  JournalEntry entry;
  std::optional<std::vector<uint64_t>> rows;
  for (uint64_t expected = from;; expected = entry.sequence + 1) {
    WS_ASSIGN(bool more, reader.next(entry));
    if (!more) return {};
    Group group = engine_->admission().make_group();
    if (!decode_group(entry.block, engine_->schemas(), engine_->connections(), group).ok()) {
      rows.reset();
      report_gap(entry.sequence, entry.sequence, 0);
      continue;
    }
    if (entry.sequence > expected) {
      report_gap(expected, entry.sequence - 1, rows ? rows_between(*rows, group) : 0);
    }
    rows = rows_after(group);
    engine_->admission().remember(group);
    engine_->group().rows_before = *rows;
    if (!group.turns.empty()) last_now_ = group.turns.back().now;
  }
}

Status Loop::begin_epoch(const std::string& why, uint64_t first_entry) {
  Epoch epoch{random_name(), engine_->emissions().last_sequence() + 1, first_entry};
  if (!why.empty()) log_error("new epoch {}: {}", epoch.name, why);
  engine_->group().notes.push_back({Note::Kind::kNewEpoch, 0, epoch.name, why});
  epochs_.push_back(epoch);
  Store::Changes changes;
  changes.new_epoch = epoch;
  return store_->apply(changes, 0);
}

}  // namespace wayside
