// How the loop keeps journal and store within their limits, and what becomes of what does not fit.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "firmware-gw/loop.h"
#include "storage/budget.h"

namespace wayside {
namespace {

constexpr int64_t kLookMs = 1'000;
constexpr uint64_t kDropBytes = 256 << 10;  // at least, so that it is not done with every commit
constexpr uint64_t kReserveCost = 3;        // in the log, in the database, and some
constexpr uint64_t kLastDropBytes = 4096;   // when there is no room at all
constexpr uint64_t kThinRate = 2;           // times what is written, so that no file is gone before

}  // namespace

Status Loop::keep_limits(Now now) {
  if (limits_ms_ != 0 && now.timer_ms - limits_ms_ < kLookMs) return {};
  limits_ms_ = now.timer_ms;
  const StorageOptions& o = config_.storage;
  WS_ASSIGN(Store::Usage store, store_->usage());
  WS_ASSIGN(uint64_t free_bytes, disk_.free_bytes(state_dir_));
  if (!std::exchange(reserved_, true) && store.unused < o.wal_bytes &&
      free_bytes > o.min_free + kReserveCost * o.wal_bytes) {
    WS_TRY(store_->make_reserve(o.wal_bytes));
    WS_ASSIGN(store, store_->usage());
    WS_ASSIGN(free_bytes, disk_.free_bytes(state_dir_));
  }
  const Room room{o.max_bytes,
                  o.min_free + (thinner_ ? thinner_->reserve() : 0),
                  free_bytes,
                  journal_->used_bytes(),
                  journal_->least_bytes(),
                  store.bytes,
                  store.unused,
                  o.wal_bytes};
  const Budget budget = budget_of(room);
  journal_->set_done(store_->durable_entry());
  WS_TRY(journal_->set_max_bytes(budget.journal_bytes));
  count_lost_readings();
  if (budget.store_excess > 0) {
    WS_TRY(shrink_store(budget.store_excess, kDropBytes));
    for (auto& worker : workers_) worker->notify(committed(), false);  // there is a gap to pass
  }

  const uint64_t waiting = waiting_readings() + store.bytes - store.unused;
  growth_.add(now.timer_ms, waiting);
  const double per_s = growth_.per_s();
  const auto left = static_cast<double>(budget.total_bytes - std::min(budget.total_bytes, waiting));
  room_.journal_bytes = journal_->used_bytes();
  room_.store_bytes = store.bytes;
  room_.limit_bytes = budget.total_bytes;
  room_.journal_share = budget.journal_bytes;
  room_.free_bytes = free_bytes;
  room_.waiting_bytes = waiting;
  room_.full_in_s = per_s > 0 ? left / per_s : -1;
  const auto turn = static_cast<uint32_t>(engine_->group().turns.size());
  for (Note& note : losses_.tell(now.timer_ms, turn)) {
    engine_->group().notes.push_back(std::move(note));
  }
  return {};
}

// Before the limit takes readings: keeps some of them. What fails is tried again with the next
// commit, and costs nothing else.
void Loop::thin_out() {
  if (!thinner_) return;  // nothing is forwarded in this life
  const uint64_t written = journal_->bytes_written() - thinned_at_;
  thinned_at_ = journal_->bytes_written();
  // Of a store that was made again only the sinks know what they have.
  bool all_open = true;
  std::vector<Mark> saved;
  for (const auto& worker : workers_) {
    all_open &= worker->progress().was_open;
    saved.push_back(marks_[worker->name()]);
  }
  const uint64_t needed = all_open ? forwarded_upto(saved) + 1 : 0;
  const Status thinned = thinner_->work(*journal_, needed, kThinRate * written);
  uint64_t held = 0;
  if (!thinned.ok() && thin_log_.allow(last_now_.timer_ms, held)) {
    log_warn("readings are not thinned out: {}", thinned.error().message);
  }
  room_.thinned_bytes = thinner_->bytes();
}

std::vector<Mark> Loop::marks_now() const {
  std::vector<Mark> marks;
  for (const auto& worker : workers_) marks.push_back(worker->progress().mark);
  return marks;
}

// Entries up to this one are through, for all uplinks that forward readings, by these marks.
uint64_t Loop::forwarded_upto(const std::vector<Mark>& marks) const {
  uint64_t upto = journal_->last_sequence();
  for (size_t i = 0; i < workers_.size(); ++i) {
    const std::vector<bool>& forwarded = engine_->forwarded(worker_bits_[i]);
    if (std::find(forwarded.begin(), forwarded.end(), true) == forwarded.end()) continue;
    upto = std::min(upto, marks[i].raw_upto().entry);
  }
  return upto;
}

// About how many bytes of the journal some uplink has still to forward.
uint64_t Loop::waiting_readings() const {
  const uint64_t last = journal_->last_sequence();
  const uint64_t oldest = std::min(journal_->oldest_sequence(), last);
  if (last == oldest) return 0;
  return journal_->used_bytes() / (last - oldest) *
         (last - std::max(oldest, forwarded_upto(marks_now())));
}

// Makes room in the store, lowest class first: what is delivered and only not yet taken away, then
// messages that became no reading, which are for people to look at, then results, then alarms, in
// steps of at least `step` bytes.
Status Loop::shrink_store(uint64_t bytes, uint64_t step) {
  WS_ASSIGN(Store::Usage store, store_->usage());
  const uint64_t wanted = store.unused + bytes;
  const auto enough = [&]() -> Result<bool> {
    WS_ASSIGN(store, store_->usage());
    return store.unused >= wanted;
  };
  Store::Changes delivered;
  const auto in_store = marks_;
  take_marks(delivered);
  if (Status kept = store_->apply(delivered, 0); !kept.ok()) {
    marks_ = in_store;
    return kept;
  }
  WS_TRY(store_->trim_outbox(engine_->uplinks(), marks_));
  WS_ASSIGN(bool done, enough());
  if (!done) {
    WS_ASSIGN(const bool halved, store_->halve_quarantine());
    if (halved) {
      WS_ASSIGN(done, enough());
    }
  }
  for (const auto& [lane, what] :
       {std::pair{Lane::kResult, LossClass::kResult}, {Lane::kAlarm, LossClass::kAlarm}}) {
    while (!done) {
      WS_ASSIGN(const Store::Dropped dropped, store_->drop_oldest(lane, step));
      if (dropped.emissions == 0) break;
      losses_.add(what, dropped.emissions, dropped.from_ms, dropped.to_ms);
      log_warn("the disk is at its limit: {} {} were dropped", dropped.emissions,
               what == LossClass::kResult ? "results" : "alarms");
      WS_ASSIGN(done, enough());
    }
  }
  return {};
}

// Readings in files that are gone, which an uplink has not come to. The uplink itself counts them
// when it meets the gap; here they are counted for people, as soon as they are gone.
void Loop::count_lost_readings() {
  const Losses::Looked former = losses_.looked;
  const uint64_t oldest = journal_->oldest_sequence();
  if (oldest == former.oldest) return;
  const auto read = read_entry(disk_, state_dir_ + "/journal", oldest);
  if (!read.ok() || !*read) return;
  const JournalEntry& entry = **read;
  Group group = engine_->admission().make_group();
  if (!decode_group(entry.block, engine_->schemas(), engine_->connections(), group).ok()) return;
  const std::vector<Mark> marks = marks_now();
  const auto lost_before = [&](const std::vector<uint64_t>& rows) {
    uint64_t lost = 0;
    for (size_t i = 0; i < workers_.size(); ++i) {
      Losses::Ranges waiting{{marks[i].raw.seen, UINT64_MAX}};
      for (const BacklogPart& p : marks[i].backlog) {
        waiting.emplace_back(p.raw.seen, p.raw_end.seen);
      }
      lost += losses_.newly_lost(workers_[i]->name(), waiting,
                                 forwarded_rows(rows, engine_->forwarded(worker_bits_[i])));
    }
    return lost;
  };
  const int64_t from_ms = former.oldest == 0 ? entry.wall_ms : former.wall_ms;
  for (uint64_t at = former.oldest; at < oldest;) {
    const auto found = find_thinned(disk_, thinned_dir(state_dir_), at, engine_->schemas());
    if (!found.ok()) return;  // the next look goes on from here
    if (!*found || (*found)->last >= oldest) break;
    const ThinnedReadings& thinned = **found;
    losses_.add(LossClass::kRaw, lost_before(thinned.kept.rows_before), from_ms, entry.wall_ms);
    const uint64_t all = lost_before(thinned.rows_after);
    losses_.add(LossClass::kThinned, all - std::min(all, still_waiting(thinned, marks)), from_ms,
                entry.wall_ms);
    at = thinned.last + 1;
  }
  losses_.add(LossClass::kRaw, lost_before(group.rows_before), from_ms, entry.wall_ms);
  losses_.looked = {oldest, entry.wall_ms};
}

// What is kept of thinned readings, and an uplink has not come to.
uint64_t Loop::still_waiting(const ThinnedReadings& thinned, const std::vector<Mark>& marks) const {
  uint64_t n = 0;
  for (size_t i = 0; i < workers_.size(); ++i) {
    n += waiting_in(thinned, engine_->forwarded(worker_bits_[i]), marks[i]);
  }
  return n;
}

void Loop::count_lost_thinned(const ThinnedReadings& thinned) {
  if (thinned.kept.turns.empty()) return;
  losses_.add(LossClass::kRaw, still_waiting(thinned, marks_now()),
              thinned.kept.turns.front().now.wall_ms, thinned.kept.turns.back().now.wall_ms);
}

// The journal has a new file at hand when it may recycle its oldest one. True: it is worth another
// attempt.
bool Loop::relieve_journal() {
  if (journal_->will_recycle()) return false;
  if (store_->make_durable().ok()) journal_->set_done(store_->durable_entry());
  return journal_->set_max_bytes(journal_->used_bytes()).ok() && journal_->will_recycle();
}

// The store needs little room, but some, also for what makes room in it.
bool Loop::relieve_store() {
  journal_->set_done(store_ ? store_->durable_entry() : 0);
  auto given = journal_->give_way();
  if (store_ && given.ok() && !*given) {
    // What the checkpoint has made superfluous may go once it is safe.
    if (store_->make_durable().ok()) journal_->set_done(store_->durable_entry());
    given = journal_->give_way();
  }
  if (given.ok() && *given) {
    log_warn("the disk is full: the journal gave way");
    return true;
  }
  // It may help the next attempt.
  if (store_) (void)store_->restart_log().ok();
  // Not during a start: what the uplinks have is not known then.
  if (!workers_.empty()) (void)shrink_store(kLastDropBytes, kLastDropBytes).ok();
  return false;
}

}  // namespace wayside
