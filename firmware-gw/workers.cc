// What the loop has to do with its uplinks: it starts their workers, tells them how far the store
// is, keeps their marks, and begins a new epoch when a sink holds what this store never gave.
#include <algorithm>
#include <set>

#include "firmware-gw/loop.h"

namespace wayside {

Status Loop::make_workers() {
  workers_.clear();
  worker_bits_.clear();
  for (const UplinkOptions& options : config_.uplinks) {
    const auto& names = engine_->uplinks();
    const auto bit =
        static_cast<uint32_t>(std::find(names.begin(), names.end(), options.name) - names.begin());
    BacklogOptions backlog = backlog_options(bit);
    backlog.envelope = options.type == UplinkType::kKafka ? Envelope::kOutside : Envelope::kInside;
    backlog.format = options.format;
    backlog.batch_messages = options.batch_messages;
    backlog.batch_bytes = options.batch_bytes;
    Mark local = marks_[options.name];
    local.epoch = epochs_.back().name;
    local.entry = local.chain = 0;  // a check of sinks' marks; our own is ours
    WS_ASSIGN(auto reader, Backlog::open(disk_, std::move(backlog)));
    auto sink = around_.make_sink(options, epochs_);
    workers_.push_back(
        std::make_unique<UplinkWorker>(options, local, std::move(sink), std::move(reader)));
    worker_bits_.push_back(bit);
  }
  thinner_ = std::make_unique<Thinner>(disk_, state_dir_, config_.storage, engine_->schemas(),
                                       forwarded_by_any());
  thinner_->lost = [this](const ThinnedReadings& thinned) { count_lost_thinned(thinned); };
  thinner_->damaged = [this](Damage damage) { hear_damage(std::move(damage)); };
  // Without what cannot be looked at now all else goes on.
  if (const Status open = thinner_->open(*journal_, epochs_); !open.ok()) {
    log_error("thinned readings: {}", open.error().message);
  }
  return {};
}

std::vector<bool> Loop::forwarded_by_any() const {
  std::vector<bool> any(engine_->schemas().size());
  for (const uint32_t bit : worker_bits_) {
    const std::vector<bool>& forwarded = engine_->forwarded(bit);
    for (size_t s = 0; s < any.size(); ++s) any[s] = any[s] || forwarded[s];
  }
  return any;
}

BacklogOptions Loop::backlog_options(size_t bit) const {
  BacklogOptions options;
  options.store_dir = state_dir_;
  options.gateway = config_.gateway.id;
  options.bit = static_cast<uint32_t>(bit);
  options.raw = {state_dir_ + "/journal", thinned_dir(state_dir_), engine_->schemas(),
                 engine_->forwarded(bit)};
  const auto account = accounts_.find(engine_->uplinks()[bit]);
  options.recount = account != accounts_.end() && account->second.sources != sources_of(bit);
  return options;
}

std::string Loop::sources_of(size_t bit) const {
  std::set<std::string> names;
  for (size_t s = 0; s < engine_->schemas().size(); ++s) {
    if (engine_->forwarded(bit)[s]) names.insert(engine_->schemas()[s].source);
  }
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

// A mark counts readings of the sources that its uplink forwards. When those are others than in the
// former life it counts anew, and so does its account: the sink's own mark is still an old one.
Status Loop::recount_marks() {
  for (size_t bit = 0; bit < engine_->uplinks().size(); ++bit) {
    const std::string& name = engine_->uplinks()[bit];
    if (!marks_.contains(name)) continue;
    Account& account = accounts_.try_emplace(name, Account{true, sources_of(bit)}).first->second;
    BacklogOptions options = backlog_options(bit);
    if (!options.recount) continue;
    account.settled = false;
    losses_.forget(name);
    WS_ASSIGN(auto backlog, Backlog::open(disk_, std::move(options)));
    WS_TRY(backlog->recount(marks_[name], {journal_->last_sequence(), UINT64_MAX, 0}));
    WS_TRY(settle_ledger(bit, marks_[name]));
  }
  return {};
}

Committed Loop::committed() const {
  return {journal_->last_sequence(), engine_->emissions().last_sequence(),
          chain_of(journal_->head())};
}

void Loop::start_workers() {
  for (auto& worker : workers_) {
    worker->start();
    worker->notify(committed(), true);
  }
}

void Loop::take_marks(Store::Changes& changes) {
  for (const auto& worker : workers_) {
    const Mark mark = worker->progress().mark;
    Mark& known = marks_[worker->name()];
    if (mark == known) continue;
    known = mark;
    changes.marks[worker->name()] = mark;
  }
}

// Called while the group is empty: what happened to uplinks becomes part of the next one.
void Loop::hear_workers() {
  bool needs_epoch = false;
  for (const auto& worker : workers_) {
    needs_epoch |= worker->progress().needs_epoch;
    if (std::string news = worker->take_news(); !news.empty()) {
      engine_->group().notes.push_back({Note::Kind::kUplink, 0, worker->name(), std::move(news)});
    }
  }
  if (needs_epoch && !next_epoch_) end_epoch();
}

// Another store has given ids of our epoch: a copy of ours, or ours before it was rolled back. So
// all that we have not delivered gets ids of a new one. It begins behind what each of our uplinks
// has delivered for certain; what this store and the other one had in common and only the other
// one has delivered comes twice, since nobody can tell it from what is only ours.
// False: told to end while the disk failed.
bool Loop::end_epoch() {
  for (auto& worker : workers_) worker->request_stop(false);
  for (auto& worker : workers_) worker->stop(false);
  Store::Changes marks;
  take_marks(marks);
  if (!insist("store", [&] { return store_->apply(marks, 0); })) return false;
  if (!insist("store", [&] { return store_->make_durable(); })) return false;
  Epoch epoch{random_name(), engine_->emissions().last_sequence() + 1,
              journal_->last_sequence() + 1};
  for (const auto& worker : workers_) {
    const Mark& mark = marks_[worker->name()];
    epoch.first_sequence =
        std::min({epoch.first_sequence, mark.delivered_upto[0] + 1, mark.results_upto() + 1});
    epoch.first_entry = std::min(epoch.first_entry, mark.raw_upto().entry + 1);
  }
  epoch.first_sequence = std::max(epoch.first_sequence, epochs_.back().first_sequence);
  epoch.first_entry = std::max(epoch.first_entry, epochs_.back().first_entry);
  const std::string why =
      "an uplink holds what this store never gave: the store was restored from an older copy, or "
      "another gateway has its id";
  log_error("new epoch {}: {}", epoch.name, why);
  engine_->group().notes.push_back(
      {Note::Kind::kNewEpoch, 0, epoch.name, why, 0, epoch.first_sequence, epoch.first_entry});
  next_epoch_ = epoch;
  return true;
}

// Its note is in the journal, and the epoch in the store.
void Loop::enter_epoch() {
  epochs_.push_back(*next_epoch_);
  next_epoch_.reset();
  if (insist("uplinks", [&] { return make_workers(); })) start_workers();
}

}  // namespace wayside
