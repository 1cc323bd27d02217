#include "firmware-gw/loop.h"

#include <algorithm>
#include <chrono>

#include "base/features.h"
#include "pipeline/emission_codec.h"

namespace wayside {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int64_t kPublishMs = 250;
constexpr size_t kKeysShown = 64;
constexpr size_t kRejectedMax = 10'000;  // in memory, of messages as small as they like

}  // namespace

Surroundings Surroundings::system(const Config& config) {
  const auto clock = [options = config.clock](std::string_view saved, const Now& last) {
    return std::make_unique<SystemClock>(options, saved, last);
  };
  const auto sink = [gateway = config.gateway.id](const UplinkOptions& options,
                                                  std::vector<Epoch> epochs) {
    if constexpr (kHasKafka) {
      if (options.type == UplinkType::kKafka) {
        return make_kafka_sink(options, gateway, std::move(epochs));
      }
    }
    return make_file_sink(posix_disk(), options, std::move(epochs));
  };
  return {&posix_disk(), clock, sink};
}

Loop::Loop(const Config& config, Surroundings around)
    : config_(config),
      around_(std::move(around)),
      disk_(*around_.disk),
      state_dir_(config.gateway.state_dir),
      queue_(config.gateway.queue_bytes),
      snapshots_(disk_, state_dir_, config.storage),
      indexer_(disk_, state_dir_, config.storage.min_free),
      lookup_files_(config.lookups),
      tickets_(config.connection_names().size()),
      flash_(config.storage.endurance),
      losses_(config.storage.tell_interval_ms) {}

Loop::~Loop() { stop(); }

void Loop::start(Outside outside) {
  outside_ = std::move(outside);
  start_workers();
  scrub_->start();
  if constexpr (kHasPast || kHasHttp) indexer_.start();  // who else would ask
  thread_ = std::thread([this] { run(); });
}

void Loop::stop() {
  stop_ = true;
  queue_.wake();
  if (!thread_.joinable()) return;
  thread_.join();
  scrub_->stop();
  indexer_.stop();
  for (auto& worker : workers_) worker->request_stop(true);
  for (auto& worker : workers_) {
    worker->stop(true);
    if (worker->progress().store_damaged) store_damage_ = worker->progress().trouble;
  }
  if (halted_) return;  // memory is ahead of the disk: the next start replays the journal's tail
  settle_accounts();
  Store::Changes changes;
  take_marks(changes);
  count_lost_readings();
  changes.checkpoint = checkpoint(journal_->last_sequence());
  if (Status s = store_->apply(changes, 0); !s.ok()) {
    log_error("{}", s.error().message);
    if (s.error().code == ErrorCode::kBadData) store_damage_ = s.error().message;
  }
  publish(clock_->now());
}

// ---- running

void Loop::run() {
  std::vector<std::unique_ptr<Chunk>> chunks;
  bool was_full = false;
  checkpoint_ms_ = clock_->now().timer_ms;
  pages_.insist();
  (void)store_->make_durable().ok();
  (void)keep_limits(clock_->now()).ok();
  while (true) {
    const bool stopping = stop_;
    queue_.drain(chunks, config_.storage.commit_bytes, stopping ? milliseconds(0) : wait_time(),
                 was_full);
    if (was_full) outside_.resume();
    if (engine_->group().turns.empty() && !stopping) {
      hear_workers();
      hear_scrub();
    }
    const Now now = clock_->now();
    if (engine_->group().turns.empty()) {
      read_lookups(now);
      note_anchor(now);
    }
    const bool told = !engine_->group().notes.empty() && engine_->group().turns.empty();
    const bool timer = engine_->pipeline().next_timer() <= now.timer_ms;
    if (!chunks.empty() || told || timer || clock_was_set(now)) take(chunks, now);
    const bool last = stopping && chunks.empty();
    const bool due = commit_due(now, queue_.used_bytes() == 0);
    bool good = engine_->pipeline().page_status().ok() &&
                (engine_->group().turns.empty() || !(due || last) || commit());
    publish(now);
    good = good && store_damage_.empty();
    if (!good) {
      halted_ = true;
      if (!store_damage_.empty() && outside_.damaged) outside_.damaged();
      return;
    }
    if (engine_->group().turns.empty()) settle_accounts();
    if (last && engine_->group().notes.empty()) return;  // what is told is committed
  }
}

milliseconds Loop::wait_time() const {
  const Now now = clock_->now();
  int64_t wait = 1'000;
  if (!engine_->group().turns.empty()) {
    wait = std::min(wait, commit_at_ms() - now.timer_ms);
  }
  wait = std::min(wait, engine_->pipeline().next_timer() - now.timer_ms);
  if (engine_->group().turns.empty()) {  // else they are not read
    wait = std::min(wait, lookup_files_.next_ms() - now.timer_ms);
  }
  return milliseconds(std::max<int64_t>(wait, 0));
}

void Loop::take(std::vector<std::unique_ptr<Chunk>>& chunks, const Now& now) {
  if (engine_->group().turns.empty()) {
    group_since_ms_ = now.timer_ms;
    engine_->begin_group(journal_->last_sequence() + 1);
  }
  for (const auto& chunk : chunks) {
    const int64_t age_ms = chunk->read_ms == 0 ? 0 : now.boot_ms - chunk->read_ms;
    chunk->arrival_ms = now.wall_ms - std::max<int64_t>(age_ms, 0);
  }
  engine_->tell_clock(last_now_, now, !clock_told_);
  clock_told_ = true;
  engine_->turn(now, chunks);
  for (auto& [connection, message] : engine_->admission().take_outgoing()) {
    if (outside_.publish) outside_.publish(connection, message);
  }
  for (const auto& chunk : chunks) {
    if (chunk->connection < tickets_.size()) tickets_[chunk->connection] = chunk->ticket;
    group_bytes_ += chunk->size;
    flash_.add_payload(chunk->size);
    window_full_ |= chunk->window_full;
  }
  last_now_ = now;
}

bool Loop::clock_was_set(const Now& now) const {
  return step_between(last_now_, now) != 0 || became_synced(last_now_, now);
}

int64_t Loop::commit_at_ms() const {
  return std::max(group_since_ms_ + config_.storage.commit_age_ms, pace_.rest_until_ms());
}

bool Loop::commit_due(Now now, bool queue_empty) const {
  const Group& group = engine_->group();
  const StorageOptions& o = config_.storage;
  const bool full = group_bytes_ >= o.commit_bytes || group.rows() >= o.commit_readings ||
                    group.rejected.size() >= kRejectedMax;
  const bool asked = !engine_->emissions().answers().empty();  // somebody waits
  return full || engine_->emissions().has_critical() || (asked && queue_empty) ||
         now.timer_ms >= commit_at_ms() || (window_full_ && queue_empty);
}

// Repeats what must not fail until it does not. Meanwhile the queue fills and reading stops;
// nothing is acknowledged.
bool Loop::insist(const char* what, const std::function<Status()>& action, Relief relief) {
  LogLimiter limiter;
  while (true) {
    Status status = action();
    trouble_ = status.ok() ? "" : std::string(what) + ": " + status.error().message;
    if (status.ok()) return true;
    if (status.error().code == ErrorCode::kBadData) {
      store_damage_ = status.error().message;  // to insist does not help
      return false;
    }
    // What is dropped makes room; it mends nothing else.
    if (status.error().code == ErrorCode::kFull && (this->*relief)()) continue;
    publish(clock_->now());
    uint64_t held = 0;
    if (limiter.allow(clock_->now().timer_ms, held)) {
      log_error("{}: {}; nothing is acknowledged until it succeeds", what, status.error().message);
    }
    if (stop_) return false;
    std::this_thread::sleep_for(milliseconds(config_.storage.retry_ms));
  }
}

// What the medium does not give back at the second attempt either is damaged.
Result<std::string> Loop::Pages::read(const std::string& component, const std::string& key) {
  if (!insists_) return loop_.store_->read_state(component, key);
  std::string bytes;
  bool unreadable = false;
  const bool good = loop_.insist("store", [&]() -> Status {
    auto page = loop_.store_->read_state(component, key);
    if (page.ok()) {
      bytes = std::move(*page);
      return {};
    }
    Error error = page.error();
    if (error.code == ErrorCode::kUnreadable && std::exchange(unreadable, true)) {
      error.code = ErrorCode::kBadData;
    }
    return error;
  });
  if (good) return bytes;
  return Error{ErrorCode::kIo, "state of " + component + " could not be read: " + loop_.trouble_};
}

// False: told to end while the disk failed.
bool Loop::commit() {
  const auto begun = steady_clock::now();
  int64_t attempt_ms = 0;
  Group& group = engine_->group();
  engine_->end_group();
  block_.clear();
  encode_group(group, engine_->schemas(), engine_->connections(), block_);
  journal_->set_done(store_->durable_entry());
  if (!insist(
          "journal",
          [&] {
            attempt_ms = clock_->now().timer_ms;
            return journal_->append(engine_stamp(), last_now_.wall_ms, former_digest_, block_,
                                    before_.last_sequence);
          },
          &Loop::relieve_journal)) {
    return false;
  }
  const auto& emissions = engine_->emissions().pending();
  former_digest_ = engine_->digest();
  for (uint32_t c = 0; c < tickets_.size(); ++c) outside_.release(c, tickets_[c]);
  commit_us_ =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begun).count();
  ++commits_;
  pace_.took(attempt_ms, clock_->now().timer_ms);

  const Store::Changes changes = changes_of_group(journal_->last_sequence());
  if (!insist("store", [&] { return store_->apply(changes, config_.storage.quarantine_rows); }))
    return false;
  if (changes.checkpoint) engine_->pipeline().saved();
  for (const Emission& e : emissions) {
    if (e.type == "incident")
      log_warn("incident {} {}: {}", e.block, e.key, std::get<std::string>(e.fields.front().value));
  }
  const bool urgent = std::any_of(emissions.begin(), emissions.end(),
                                  [](const Emission& e) { return e.lane == Lane::kAlarm; });
  if (next_epoch_) enter_epoch();
  for (auto& worker : workers_) worker->notify(committed(), urgent);
  answer_commands();
  // On a disk that is full from one moment to the next it would be too late for that.
  if (changes.checkpoint) {
    (void)insist("store", [&] { return store_->make_durable(); });
    keep_snapshot();
  }
  if (!changes.marks.empty()) {
    (void)insist("store", [&] { return store_->trim_outbox(engine_->uplinks(), marks_); });
  }
  engine_->next_group();
  before_ = reached(journal_->last_sequence());
  thin_out();
  if (Status kept = keep_limits(last_now_); !kept.ok()) {
    log_warn("limits of the disk: {}", kept.error().message);
    if (kept.error().code == ErrorCode::kFull) (void)relieve_store();
  }
  group_bytes_ = 0;
  window_full_ = false;
  return true;
}

std::vector<QuarantineRow> Loop::quarantined(const Group& group, uint64_t entry) const {
  std::vector<QuarantineRow> rows;
  const std::span<const Rejected> all = group.rejected;
  const size_t kept = std::min<size_t>(all.size(), config_.storage.quarantine_rows);
  const size_t first = all.size() - kept;
  for (const Rejected& r : all.subspan(first)) {
    const std::string source =
        r.source < config_.sources.size() ? config_.sources[r.source].name : "";
    rows.push_back({entry, first + rows.size(), group.turns.back().now.wall_ms, source, r.reason,
                    r.detail, r.topic, r.payload});
  }
  return rows;
}

Store::Changes Loop::changes_of_group(uint64_t entry) {
  const Group& group = engine_->group();
  Store::Changes changes;
  changes.emissions = engine_->emissions().pending();
  changes.said = reached(entry);
  changes.views = &engine_->emissions().views();
  changes.quarantine = quarantined(group, entry);
  uint64_t held = 0;
  if (!group.rejected.empty() && quarantine_log_.allow(last_now_.timer_ms, held)) {
    const Rejected& r = group.rejected.back();
    log_warn("quarantine: {} in this commit, the last from topic {}: {} {}", group.rejected.size(),
             r.topic, r.reason, r.detail);
  }
  if (std::exchange(told_changed_, false)) changes.told = told_.save();
  const bool checkpoint_now = checkpoint_due(last_now_);
  changes.new_epoch = next_epoch_;
  // Marks go with the checkpoint, since a transaction of their own costs as much; the sinks know
  // better anyway how far they have come.
  if (checkpoint_now) {
    take_marks(changes);
    changes.checkpoint = checkpoint(entry);
  }
  return changes;
}

// It is for later questions and for repair: without it all goes on.
void Loop::keep_snapshot() {
  const Status kept = snapshots_.keep(*store_, *journal_);
  if (!kept.ok()) log_warn("no snapshot of the state is kept: {}", kept.error().message);
}

bool Loop::checkpoint_due(Now now) const {
  return snapshots_.due(*journal_) ||
         now.timer_ms - checkpoint_ms_ >= config_.storage.checkpoint_interval_ms ||
         journal_->bytes_written() - checkpoint_bytes_ >= config_.storage.checkpoint_bytes ||
         journal_->next_loss() > store_->durable_entry() || engine_->pipeline().wants_saving();
}

Reached Loop::reached(uint64_t entry) const {
  const EmissionBuffer& emissions = engine_->emissions();
  return {entry, emissions.last_sequence(), emissions.emitted(), engine_->digest()};
}

Checkpoint Loop::checkpoint(uint64_t entry) {
  checkpoint_ms_ = last_now_.timer_ms;
  checkpoint_bytes_ = journal_->bytes_written();
  flash_.look(last_now_.timer_ms, disk_.use());
  return {reached(entry),          clock_->save(), engine_->pipeline().save_changes(),
          flash_.save(),           losses_.save(), accounts_,
          scrub_->progress().entry};
}

void Loop::publish(Now now) {
  const bool at_rest = stop_ && !thread_.joinable();
  if (!at_rest && now.timer_ms - published_ms_ < kPublishMs) return;
  published_ms_ = now.timer_ms;
  auto s = std::make_shared<Snapshot>();
  s->gateway = config_.gateway.id;
  s->epoch = epochs_.back().name;
  s->config = engine_->config_version();
  s->now = now;
  s->journal_entry = journal_->last_sequence();
  s->journal_head = to_hex(journal_->head());
  s->journal_bytes = journal_->bytes_written();
  s->commits = commits_;
  s->commit_us = commit_us_;
  s->trouble = trouble_;
  s->queue = queue_.use();
  flash_.look(now.timer_ms, disk_.use());
  s->flash = flash_.status();
  s->storage = room_;
  s->storage.thinned_readings = losses_.total(LossClass::kThinned);
  s->storage.lost_readings = losses_.total(LossClass::kRaw);
  s->storage.lost_results = losses_.total(LossClass::kResult);
  s->storage.lost_alarms = losses_.total(LossClass::kAlarm);
  Pipeline& pipeline = engine_->pipeline();
  s->total = pipeline.total();
  s->unrouted = pipeline.unrouted();
  s->sources = pipeline.source_status();
  s->blocks = pipeline.block_status();
  for (const ViewTables::Totals& view : store_->views()) {
    const auto block = std::find_if(s->blocks.begin(), s->blocks.end(),
                                    [&](const BlockStatus& b) { return b.name == view.name; });
    if (block == s->blocks.end()) continue;  // that of commands
    block->open = view.rows;
    block->evicted = view.evicted;
  }
  s->keys = pipeline.key_times(kKeysShown);
  const auto& emitted = engine_->emissions().emitted();
  for (size_t i = 0; i < workers_.size(); ++i) {
    const UplinkWorker::Progress p = workers_[i]->progress();
    if (p.store_damaged) store_damage_ = p.trouble;
    const uint32_t bit = worker_bits_[i];
    s->uplinks.push_back({workers_[i]->name(), p.connected, p.trouble,
                          bit < emitted.size() ? emitted[bit] : 0, p.mark.delivered,
                          p.mark.compacted, p.mark.dropped, p.mark.to_text()});
  }
  s->damage = damage_;
  s->scrub = scrub_->progress();
  if (connection_status) s->connections = connection_status();
  for (ConnectionStatus& c : s->connections) c.sessions_lost = pipeline.sessions_lost(c.name);
  board_.publish(std::move(s));
}

}  // namespace wayside
