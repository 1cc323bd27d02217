// What recovery does about damage: gaps in the journal, a store that has to be made again from it,
// and telling people.
#include <algorithm>
#include <tuple>

#include "firmware-gw/replaying.h"

namespace wayside {
namespace {

constexpr size_t kIncidentsMax = 8;  // of one start

std::string range_text(uint64_t from, uint64_t to) {
  return from == to ? "entry " + std::to_string(from) + " is"
                    : "entries " + std::to_string(from) + " to " + std::to_string(to) + " are";
}

}  // namespace

// ---- what is found

std::vector<uint64_t> Loop::rows_after(const Group& group) {
  std::vector<uint64_t> rows = group.rows_before;
  for (size_t s = 0; s < rows.size(); ++s) rows[s] += group.batches[s].rows();
  return rows;
}

uint64_t Loop::rows_between(const std::vector<uint64_t>& before, const Group& behind) {
  uint64_t lost = 0;
  for (size_t s = 0; s < before.size(); ++s) {
    lost += behind.rows_before[s] - std::min(before[s], behind.rows_before[s]);
  }
  return lost;
}

// Of the same range the report with more to say is kept: what looks torn may be known to have been
// whole.
void Loop::report(Damage damage) {
  for (Damage& known : damage_) {
    if (damage.from != 0 ? known.from != damage.from || known.to != damage.to
                         : known.what != damage.what) {
      continue;
    }
    if (std::tie(damage.kind, damage.readings) > std::tie(known.kind, known.readings)) {
      known = std::move(damage);
    }
    return;
  }
  add_damage(damage_, std::move(damage));
}

void Loop::report_gap(uint64_t from, uint64_t to, uint64_t readings) {
  report({Damage::Kind::kLoss,
          "journal " + range_text(from, to) + " damaged; " +
              (readings > 0 ? std::to_string(readings) + " readings are lost"
                            : "their readings are lost"),
          from, to, readings, 0, ""});
}

void Loop::note_gap(Replay& replay, uint64_t from, uint64_t to, const Group* behind) {
  const uint64_t readings = replay.rows && behind ? rows_between(*replay.rows, *behind) : 0;
  replay.rows.reset();
  report_gap(from, to, readings);
  replay.differs("journal " + range_text(from, to) + " damaged, and what they led to is lost");
}

// Called while the group is empty: what the scrub has found becomes part of the next one.
void Loop::hear_scrub() {
  for (const auto& gap : scrub_->take_findings()) {
    report_gap(gap.first, gap.second, 0);
    const auto found = std::find_if(damage_.begin(), damage_.end(), [&](const Damage& d) {
      return d.from == gap.first && d.to == gap.second;
    });
    if (found != damage_.end() && told_.add(*found)) tell_damage(*found);
  }
}

// Also called while the group is empty.
void Loop::hear_damage(Damage damage) {
  log_error("{}; kept as {}", damage.what, damage.kept_as);
  tell_damage(damage);
  report(std::move(damage));
}

// What should be folders or files, and is not.
Status Loop::make_room() {
  const std::string path = state_dir_ + "/journal";
  WS_ASSIGN(const std::vector<std::string> names, disk_.list(state_dir_));
  if (!std::binary_search(names.begin(), names.end(), "journal")) return {};
  const auto file = disk_.open(path, Disk::Mode::kRead);
  char byte = 0;
  if (!file.ok() || !(*file)->read_at(0, &byte, 1).ok()) return {};  // a folder, as it should be
  const std::string aside = aside_name(names, "journal");
  WS_TRY(disk_.rename(path, state_dir_ + '/' + aside));
  report({Damage::Kind::kLoss, "there was a file in the place of the folder journal", 0, 0, 0, 0,
          aside});
  return {};
}

// The store may remember entries that the journal no longer has.
void Loop::find_lost_end(Replay& replay) {
  const Store::Recovered& from = replay.from;
  uint64_t known = std::max(from.checkpoint.at.entry, from.outbox.entry);
  for (const auto& [name, mark] : from.marks) known = std::max({known, mark.raw.entry, mark.entry});
  const uint64_t last = journal_->last_sequence();
  if (known > last) {
    report({Damage::Kind::kLoss,
            "the journal ends before what the store remembers: " + range_text(last + 1, known) +
                " gone",
            last + 1, known, 0, 0, ""});
    replay.differs("the journal ends before what the store remembers");
    replay.last_entry = known;
  }
  for (const Damage& d : journal_->damage()) {
    const bool behind = d.to == 0 || d.to > from.checkpoint.at.entry;
    if (d.kind == Damage::Kind::kLoss && behind) replay.differs(d.what);
  }
}

// ---- a store that is made again

std::string Loop::encode_preamble() const {
  Preamble p;
  p.last_sequence = before_.last_sequence;
  p.epochs = epochs_;
  const std::vector<std::string>& uplinks = engine_->uplinks();
  for (size_t bit = 0; bit < uplinks.size(); ++bit) {
    p.emitted.emplace_back(uplinks[bit], bit < before_.emitted.size() ? before_.emitted[bit] : 0);
  }
  for (size_t s = 0; s < engine_->schemas().size(); ++s) {
    p.rows_before.emplace_back(engine_->schemas()[s].source, engine_->group().rows_before[s]);
  }
  return p.encode(kPreambleMax);
}

void Loop::load_preambles() {
  for (const std::string& bytes : journal_->preambles()) {
    preambles_.push_back(Preamble::decode(bytes).value_or(Preamble()));
  }
}

void Loop::tell_rebuilt(Replay& replay) {
  const std::string entry = std::to_string(replay.expected);
  const std::string why = copied_ ? "the journal was copied" : "wayside.db was lost";
  if (snapshot_ > 0) {
    if (copied_) return;
    report({Damage::Kind::kLoss,
            why + " and is made again from the state behind journal entry " +
                std::to_string(snapshot_) +
                "; what was said up to there and is not delivered yet is lost",
            0, 0, 0, 0, ""});
    return;
  }
  if (replay.rebuilt_after > 0) {
    replay.differs(why + ", and the state that journal entries before " + entry +
                   " led to is not there");
    report({Damage::Kind::kLoss,
            why + (copied_ ? "" : " and is made again") + " from journal entry " + entry +
                " on; windows open before it are incomplete",
            0, 0, 0, 0, ""});
    return;
  }
  const bool told = std::any_of(damage_.begin(), damage_.end(),
                                [](const Damage& d) { return d.what.starts_with("wayside.db"); });
  if (told || copied_) return;
  // A power cut may take a young store, whose log was not synced yet: nothing is lost, nobody has
  // to know.
  report({Damage::Kind::kTorn, "wayside.db was not there and is made again from the journal", 0, 0,
          0, 0, ""});
}

// The journal says what it can: all of it if it is there from entry 1 on, or behind a snapshot;
// else epochs and numbers are those that its oldest file knows.
Status Loop::start_rebuilt(Replay& replay) {
  if (snapshot_ == 0) replay.expected = journal_->oldest_sequence();
  // Only of the last entry it is not sure, unless somebody else knows.
  replay.said_upto = replay.last_entry - (copied_ && copied_->said ? 0 : 1);
  replay.rebuilt_after = replay.expected - 1;
  replay.rebuilt_rows.resize(engine_->schemas().size());
  tell_rebuilt(replay);
  if (preambles_.empty()) return {};
  for (const Preamble& p : preambles_) {
    for (const Epoch& epoch : p.epochs) {
      if (!has_epoch(epochs_, epoch.name)) epochs_.push_back(epoch);
    }
  }
  for (const Epoch& epoch : epochs_) {
    Store::Changes changes;
    changes.new_epoch = epoch;
    WS_TRY(store_->apply(changes, 0));
  }
  if (snapshot_ > 0) return {};
  const Preamble& first = preambles_.front();
  std::vector<uint64_t> emitted(engine_->uplinks().size());
  for (const auto& [name, n] : first.emitted) {
    for (size_t bit = 0; bit < emitted.size(); ++bit) {
      if (!name.empty() && engine_->uplinks()[bit] == name) emitted[bit] = n;
    }
  }
  engine_->emissions().restore(first.last_sequence, std::move(emitted));
  for (const auto& [name, n] : first.rows_before) {
    for (size_t s = 0; s < replay.rebuilt_rows.size(); ++s) {
      if (engine_->schemas()[s].source == name) replay.rebuilt_rows[s] = n;
    }
  }
  if (!first.rows_before.empty()) replay.rows = replay.rebuilt_rows;
  return {};
}

// From the middle of the replay on, what is said is new: behind all numbers that were given.
Status Loop::begin_epoch_within(Replay& replay) {
  EmissionBuffer& emissions = engine_->emissions();
  const std::span<Emission> pending = emissions.pending();
  const uint64_t base = emissions.last_sequence() - pending.size();
  emissions.restore(base, emissions.emitted());
  pass_given(replay.from);
  const uint64_t shift = emissions.last_sequence() - base;
  for (Emission& e : pending) e.sequence += shift;
  WS_TRY(begin_epoch(replay.why, replay.last_entry + 1));
  emissions.restore(base + shift + pending.size(), emissions.emitted());
  replay.renumbered = true;
  return {};
}

// ---- what follows from it

// An account that cannot be carried on is opened anew: what was emitted is what was delivered,
// dropped, or is still to be delivered.
Status Loop::settle_ledger(size_t bit, const Mark& mark) {
  WS_ASSIGN(uint64_t n, store_->pending(static_cast<uint32_t>(bit), mark));
  WS_ASSIGN(const uint64_t readings, readings_behind(engine_->forwarded(bit), mark));
  n += mark.settled() + readings;
  EmissionBuffer& emissions = engine_->emissions();
  std::vector<uint64_t> emitted = emissions.emitted();
  emitted.resize(std::max(emitted.size(), bit + 1));
  emitted[bit] = n;
  emissions.restore(emissions.last_sequence(), std::move(emitted));
  return {};
}

// How many readings an uplink will still deliver or count as dropped.
Result<uint64_t> Loop::readings_behind(const std::vector<bool>& forwarded, const Mark& mark) {
  uint64_t waiting = 0;
  for (const BacklogPart& part : mark.backlog) waiting += part.raw_end.seen - part.raw.seen;
  JournalReader reader(disk_, state_dir_ + "/journal");
  uint64_t oldest = 0;
  WS_TRY(reader.seek(mark.raw.entry + 1, oldest));
  JournalEntry entry;
  while (true) {
    WS_ASSIGN(const bool there, reader.next(entry));
    if (!there) return waiting;
    Group group = engine_->admission().make_group();
    if (!decode_group(entry.block, engine_->schemas(), engine_->connections(), group).ok())
      continue;
    const uint64_t before = forwarded_rows(group.rows_before, forwarded);
    const uint64_t all = forwarded_rows(engine_->group().rows_before, forwarded) - before;
    if (entry.sequence != mark.raw.entry + 1) {
      return waiting + all + before - std::min(before, mark.raw.seen);
    }
    const std::vector<ReadingPlace> places = reading_places(group);
    const auto done = std::count_if(places.begin(), place_behind(places, mark.raw.rows),
                                    [&](const ReadingPlace& p) { return forwarded[p.source]; });
    return waiting + all - static_cast<uint64_t>(done);
  }
}

// Sinks tell what they have when they are open. Which accounts are settled is saved with the next
// checkpoint, as the accounts are.
void Loop::settle_accounts() {
  for (size_t i = 0; i < workers_.size(); ++i) {
    Account& account = accounts_[workers_[i]->name()];
    if (account.settled) continue;
    const UplinkWorker::Progress progress = workers_[i]->progress();
    if (!progress.connected || !settle_ledger(worker_bits_[i], progress.mark).ok()) continue;
    account = {true, sources_of(worker_bits_[i])};
    before_ = reached(journal_->last_sequence());
  }
}

// Readings that the journal has lost at its end count on: positions of uplinks are in them.
void Loop::pass_seen(const std::vector<bool>& forwarded, const Mark& mark) {
  std::vector<uint64_t>& rows = engine_->group().rows_before;
  const uint64_t seen = forwarded_rows(rows, forwarded);
  const auto some =
      static_cast<size_t>(std::find(forwarded.begin(), forwarded.end(), true) - forwarded.begin());
  if (some < rows.size() && seen < mark.raw.seen) rows[some] += mark.raw.seen - seen;
}

void Loop::tell_damage(const Damage& damage) {
  const char* name = damage.what.starts_with("wayside.db") ? "store" : "journal";
  engine_->group().notes.push_back({Note::Kind::kDamage, 0, name, damage.what});
  told_changed_ = true;
}

Status Loop::settle_damage(Replay& replay, const std::string& told) {
  // In a store that was there already they are in its outbox, or were delivered; a copy gets those
  // of the original's.
  if (replay.left_out > 0 && replay.rebuilt && !copied_) {
    report({Damage::Kind::kLoss,
            std::to_string(replay.left_out) +
                " emissions could not be made again; those that no uplink has delivered are lost",
            0, 0, 0, 0, ""});
  }
  told_ = Told(told, journal_->oldest_sequence());
  size_t incidents = 0;
  for (const Damage& d : damage_) {
    (d.kind == Damage::Kind::kTorn)
        ? log_warn("{}", d.what)
        : log_error("{}{}", d.what, d.kept_as.empty() ? "" : "; kept as " + d.kept_as);
    if (d.kind == Damage::Kind::kTorn) continue;
    if (told_.add(d) && ++incidents <= kIncidentsMax) tell_damage(d);
  }
  told_changed_ = told_.save() != told;
  if (replay.exact && !replay.rebuilt) return {};
  for (size_t bit = 0; bit < engine_->uplinks().size(); ++bit) {
    const std::string& name = engine_->uplinks()[bit];
    if (name.empty()) continue;
    accounts_[name].settled = false;
    if (!marks_.contains(name)) continue;
    pass_seen(engine_->forwarded(bit), marks_[name]);
    WS_TRY(settle_ledger(bit, marks_[name]));
  }
  return {};
}

// Forwarding begins with what comes from now on. If our store was lost it begins with what the
// journal has, and the sink's own mark says what of that it knows.
Mark Loop::first_mark(const Replay& replay, size_t bit) const {
  Mark mark;
  mark.raw.entry = replay.rebuilt ? replay.rebuilt_after : journal_->last_sequence();
  const std::vector<bool>& forwarded = engine_->forwarded(bit);
  mark.raw.seen = forwarded_rows(
      replay.rebuilt ? replay.rebuilt_rows : engine_->group().rows_before, forwarded);
  if (!replay.rebuilt) return mark;
  // Before the journal lies what was thinned out.
  const auto thinned = find_thinned(disk_, thinned_dir(state_dir_), 1, engine_->schemas());
  if (!thinned.ok() || !*thinned || (*thinned)->first > mark.raw.entry) return mark;
  if (!has_epoch(epochs_, (*thinned)->epoch)) return mark;
  mark.raw = {(*thinned)->first - 1, 0, forwarded_rows((*thinned)->kept.rows_before, forwarded)};
  return mark;
}

// Where the store now is becomes durable if it is new or has learnt of an uplink, so that neither
// seems new once more; and if the way here was long or led over damage, no later start goes it.
Status Loop::complete_store(const Replay& replay) {
  Store::Changes changes;
  for (size_t bit = 0; bit < engine_->uplinks().size(); ++bit) {
    const std::string& name = engine_->uplinks()[bit];
    if (name.empty() || marks_.contains(name)) continue;
    marks_[name] = changes.marks[name] = first_mark(replay, bit);
    accounts_[name].sources = sources_of(bit);
    WS_TRY(settle_ledger(bit, marks_[name]));
  }
  std::erase_if(accounts_, [&](const auto& account) { return !marks_.contains(account.first); });
  before_ = reached(journal_->last_sequence());
  const bool is_new = begun_ || !changes.marks.empty();
  if (replay.exact && !is_new) return {};
  changes.checkpoint = checkpoint(journal_->last_sequence());
  WS_TRY(store_->apply(changes, 0));
  engine_->pipeline().saved();
  return is_new ? store_->make_durable() : Status();
}

}  // namespace wayside
