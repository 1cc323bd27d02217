// How the loop gets to where it was: the only start there is.
#include <algorithm>
#include <random>

#include "firmware-gw/loop.h"

namespace wayside {
namespace {

constexpr uint64_t kLearnEntries = 2'000;

}  // namespace

std::string Loop::random_name() {
  std::random_device device;
  char name[16];
  std::snprintf(name, sizeof name, "%08x", device());
  return name;
}

Result<std::unique_ptr<Loop>> Loop::recover(const Config& config, Surroundings around) {
  std::unique_ptr<Loop> loop(new Loop(config, std::move(around)));
  WS_TRY(loop->open_storage());
  WS_TRY(loop->restore());
  return loop;
}

Status Loop::open_storage() {
  WS_TRY(disk_.make_dirs(state_dir_));
  JournalOptions options{state_dir_ + "/journal", config_.storage.file_bytes,
                         config_.storage.max_bytes};
  WS_ASSIGN(journal_, Journal::open(disk_, options));
  auto opened = Store::open(disk_, state_dir_, config_.storage.wal_bytes);
  if (!opened.ok() && opened.error().code == ErrorCode::kBadData) {
    // The journal is the truth: a store that is damaged is set aside and made again from it.
    const std::string path = state_dir_ + "/wayside.db";
    const std::string aside = path + ".bad-" + random_name();
    log_error("{}; it is kept as {} and made again from the journal", opened.error().message,
              aside);
    WS_TRY(disk_.rename(path, aside));
    for (const char* rest : {"-wal", "-shm"}) (void)disk_.rename(path + rest, aside + rest).ok();
    opened = Store::open(disk_, state_dir_, config_.storage.wal_bytes);
  }
  if (!opened.ok()) return opened.error();
  store_ = std::move(*opened);
  return {};
}

Status Loop::restore() {
  std::vector<std::string> names;
  for (const UplinkOptions& u : config_.uplinks) names.push_back(u.name);
  WS_ASSIGN(Store::Bits bits, store_->assign_bits(names));
  if (bits.removed > 0) {
    log_warn("{} emissions were for uplinks that are no longer configured; they are gone",
             bits.removed);
  }
  WS_ASSIGN(engine_, Engine::make(config_, bits.names));

  WS_ASSIGN(Store::Recovered from, store_->recover());
  for (size_t bit : bits.fresh) {  // another uplink's count is not theirs
    for (Reached* at : {&from.checkpoint.at, &from.outbox}) {
      if (bit < at->emitted.size()) at->emitted[bit] = 0;
    }
  }
  marks_ = from.marks;
  epochs_ = from.epochs;
  const Reached& at = from.checkpoint.at;
  engine_->pipeline().load(from.checkpoint.rows);
  engine_->emissions().restore(at.last_sequence, at.emitted);
  engine_->set_digest(at.emissions);

  const bool cut = journal_->last_sequence() < at.entry;
  if (cut) WS_TRY(journal_->skip_to(at.entry));
  WS_ASSIGN(std::string why, replay_journal(from));
  if (cut) why = "the journal ends before the store's checkpoint";
  former_digest_ = engine_->digest();
  WS_TRY(learn_duplicates());
  clock_ = around_.make_clock(from.checkpoint.clock, last_now_);
  return settle_epoch(from, std::move(why));
}

// What was sent may differ from what we would say now: then new ids from here on, and old ones are
// never given again.
Status Loop::settle_epoch(const Store::Recovered& from, std::string why) {
  if (pass_given(from) && why.empty()) why = "the replay says less than was said before";
  if (!why.empty() || epochs_.empty()) return begin_epoch(why);
  if (epochs_.back().first_entry > journal_->last_sequence()) {
    // The former life ended before its first commit: the store knows the epoch, the journal does
    // not yet.
    const std::string text =
        epochs_.size() > 1 ? "begun by a start that ended before its first commit" : "";
    engine_->group().notes.push_back({Note::Kind::kNewEpoch, 0, epochs_.back().name, text});
  }
  return {};
}

// Moves on to behind every number that was ever given. True: there were some that the replay has
// not come to.
bool Loop::pass_given(const Store::Recovered& from) {
  EmissionBuffer& emissions = engine_->emissions();
  uint64_t given = from.outbox.last_sequence;
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

// The answer says why ids must change, and is empty if they need not.
Result<std::string> Loop::replay_journal(const Store::Recovered& from) {
  const uint64_t first = from.checkpoint.at.entry + 1;
  JournalReader reader(disk_, state_dir_ + "/journal");
  uint64_t oldest = 0;
  WS_ASSIGN(bool there, reader.seek(first, oldest));
  bool verify = true;  // is the state that of the entry before?
  if (!there && oldest > first) {
    pass_given(from);
    WS_TRY(begin_epoch("journal entries before " + std::to_string(oldest) +
                       " are gone, and so is the state they led to"));
    WS_ASSIGN(there, reader.seek(oldest, oldest));
    verify = false;
  }
  JournalEntry entry;
  uint64_t replayed = 0;
  bool same = true;
  while (there) {
    WS_ASSIGN(there, reader.next(entry));
    if (!there) break;
    same &= !verify || entry.emissions == engine_->digest();
    WS_TRY(replay_entry(entry));
    const bool last_said = verify && entry.sequence == from.outbox.entry;
    same &= !last_said || from.outbox.emissions == engine_->digest();
    verify = true;
    ++replayed;
  }
  engine_->emissions().clear();
  if (replayed > 0) {
    log_info("recovered: {} journal entries replayed after entry {}", replayed, first - 1);
  }
  return std::string(same ? "" : "the replay differs from what was said before");
}

Status Loop::replay_entry(const JournalEntry& entry) {
  Group group = engine_->admission().make_group();
  WS_TRY(decode_group(entry.block, engine_->schemas(), engine_->connections(), group));
  Store::Changes changes;
  for (const Note& note : group.notes) {
    const bool known = std::any_of(epochs_.begin(), epochs_.end(),
                                   [&](const Epoch& e) { return e.name == note.name; });
    if (note.kind != Note::Kind::kNewEpoch || known) continue;
    epochs_.push_back({note.name, engine_->emissions().last_sequence() + 1, entry.sequence});
    if (note.first_sequence > 0) {
      epochs_.back() = {note.name, note.first_sequence, note.first_entry};
    }
    changes.new_epoch = epochs_.back();
  }
  engine_->replay(group);
  if (!group.turns.empty()) last_now_ = group.turns.back().now;
  changes.emissions = &engine_->emissions().pending();
  changes.said = reached(entry.sequence);
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
  WS_ASSIGN(bool there, reader.seek(from, from));
  JournalEntry entry;
  while (there) {
    WS_ASSIGN(bool more, reader.next(entry));
    if (!more) break;
    Group group = engine_->admission().make_group();
    WS_TRY(decode_group(entry.block, engine_->schemas(), engine_->connections(), group));
    engine_->admission().remember(group);
    for (size_t s = 0; s < group.batches.size(); ++s) {
      engine_->group().rows_before[s] = group.rows_before[s] + group.batches[s].rows();
    }
    if (!group.turns.empty()) last_now_ = group.turns.back().now;
  }
  return {};
}

Status Loop::begin_epoch(const std::string& why) {
  Epoch epoch{random_name(), engine_->emissions().last_sequence() + 1,
              journal_->last_sequence() + 1};
  if (!why.empty()) log_error("new epoch {}: {}", epoch.name, why);
  engine_->group().notes.push_back({Note::Kind::kNewEpoch, 0, epoch.name, why});
  epochs_.push_back(epoch);
  Store::Changes changes;
  changes.new_epoch = epoch;
  return store_->apply(changes, 0);
}

}  // namespace wayside
