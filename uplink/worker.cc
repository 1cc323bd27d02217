#include "uplink/worker.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "base/log.h"

namespace wayside {

using std::chrono::milliseconds;

UplinkWorker::UplinkWorker(const UplinkOptions& options, const Mark& local,
                           std::unique_ptr<Sink> sink, std::unique_ptr<Backlog> backlog)
    : options_(options), sink_(std::move(sink)), backlog_(std::move(backlog)) {
  progress_.mark = local;
}

UplinkWorker::~UplinkWorker() { stop(false); }

void UplinkWorker::start() {
  thread_ = std::thread([this] { run(); });
}

void UplinkWorker::request_stop(bool drain, milliseconds drain_time) {
  std::lock_guard lock(mutex_);
  if (stop_) return;
  stop_ = true;
  drain_ = drain;
  end_by_ = std::chrono::steady_clock::now() + drain_time;
  sink_->hurry(end_by_);
  wake_.notify_all();
}

void UplinkWorker::stop(bool drain) {
  request_stop(drain);
  if (thread_.joinable()) thread_.join();
}

void UplinkWorker::notify(uint64_t committed_entry, bool urgent, uint64_t last_sequence) {
  std::lock_guard lock(mutex_);
  committed_entry_ = committed_entry;
  last_sequence_ = last_sequence;
  notified_ = true;
  news_ = true;
  urgent_ |= urgent;
  wake_.notify_all();
}

UplinkWorker::Progress UplinkWorker::progress() const {
  std::lock_guard lock(mutex_);
  return progress_;
}

void UplinkWorker::run() {
  {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return stop_ || notified_; });
    if (stop_) return;
    known_entry_ = committed_entry_;
    known_sequence_ = last_sequence_;
  }
  while (true) {
    const bool worked = work();
    std::unique_lock lock(mutex_);
    if (must_end(worked)) return;
    if (worked) continue;
    lock.unlock();
    wait_for_news();
    lock.lock();
    if (stop_ && !open_) return;
  }
}

bool UplinkWorker::must_end(bool worked) const {
  return stop_ && (!drain_ || !worked || std::chrono::steady_clock::now() >= end_by_);
}

// Sleeps through the back-off after a failure; else until something is committed, and then a little
// longer, so that more comes along, unless it is an alarm.
void UplinkWorker::wait_for_news() {
  std::unique_lock lock(mutex_);
  if (backoff_ms_ > 0) {
    wake_.wait_for(lock, milliseconds(backoff_ms_), [&] { return stop_; });
    return;
  }
  wake_.wait(lock, [&] { return stop_ || news_; });
  wake_.wait_for(lock, milliseconds(options_.linger_ms), [&] { return stop_ || urgent_; });
  news_ = false;
  urgent_ = false;
}

bool UplinkWorker::work() {
  Mark mark;
  uint64_t committed;
  uint64_t sequence;
  {
    std::lock_guard lock(mutex_);
    mark = progress_.mark;
    committed = committed_entry_;
    sequence = last_sequence_;
  }
  if (!open_) {
    auto opened = sink_->open(mark);
    if (!opened.ok()) return fail(opened.error()), false;
    if (is_ahead(*opened)) {
      return fail({ErrorCode::kUnavailable,
                   "the sink is ahead of this store: it was restored from an older copy, or "
                   "another gateway has its id"}),
             false;
    }
    mark = *opened;
    open_ = true;
    backoff_ms_ = 0;
    log_info("uplink {}: ready, {} delivered so far", options_.name, mark.delivered);
    std::lock_guard lock(mutex_);
    progress_ = {mark, true, "", false};
  }
  Mark after;
  known_entry_ = std::max(known_entry_, committed);
  known_sequence_ = std::max(known_sequence_, sequence);
  if (Status read = backlog_->next(mark, committed, messages_, after); !read.ok()) {
    if (read.error().code == ErrorCode::kBadData) {
      std::lock_guard lock(mutex_);
      progress_.store_damaged = true;
    }
    return fail(read.error()), false;
  }
  // The outbox may be further than the last notify().
  for (uint64_t upto : after.delivered_upto) known_sequence_ = std::max(known_sequence_, upto);
  if (!messages_.empty()) {
    if (Status sent = sink_->deliver(messages_, after); !sent.ok())
      return fail(sent.error()), false;
  }
  backoff_ms_ = 0;
  std::lock_guard lock(mutex_);
  progress_ = {after, true, "", false};
  return !messages_.empty();
}

bool UplinkWorker::is_ahead(const Mark& mark) const {
  return mark.raw_entry > known_entry_ || mark.delivered_upto[0] > known_sequence_ ||
         mark.delivered_upto[1] > known_sequence_;
}

void UplinkWorker::fail(const Error& error) {
  static thread_local std::minstd_rand jitter(std::random_device{}());
  open_ = false;
  backoff_ms_ = std::clamp(backoff_ms_ * 2, options_.retry_min_ms, options_.retry_max_ms);
  backoff_ms_ = backoff_ms_ * 3 / 4 + static_cast<int64_t>(jitter()) % (backoff_ms_ / 2 + 1);
  backoff_ms_ = std::max<int64_t>(backoff_ms_, 1);  // 0 would wait for news instead
  log_warn("uplink {}: {}; trying again in {} ms", options_.name, error.message, backoff_ms_);
  std::lock_guard lock(mutex_);
  progress_.connected = false;
  progress_.trouble = error.message;
}

}  // namespace wayside
