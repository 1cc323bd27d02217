#include "uplink/worker.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "base/log.h"

namespace wayside {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr uint64_t kBatchBytesMin = 4'096;
constexpr uint64_t kBatchBytesFirst = 65'536;  // over a link of which nothing is known

}  // namespace

UplinkWorker::UplinkWorker(const UplinkOptions& options, const Mark& local,
                           std::unique_ptr<Sink> sink, std::unique_ptr<Backlog> backlog)
    : options_(options),
      sink_(std::move(sink)),
      backlog_(std::move(backlog)),
      batch_bytes_(options.batch_bytes) {
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

void UplinkWorker::notify(const Committed& committed, bool urgent) {
  std::lock_guard lock(mutex_);
  committed_ = committed;
  notified_ = true;
  news_ = true;
  urgent_ |= urgent;
  wake_.notify_all();
}

std::string UplinkWorker::take_news() {
  std::lock_guard lock(mutex_);
  return std::exchange(untold_, {});
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
  // What was committed since work() looked is still to be delivered.
  const bool done = !worked && !news_;
  return stop_ && (!drain_ || done || std::chrono::steady_clock::now() >= end_by_);
}

// Sleeps through the back-off after a failure; else until something is committed, and then a little
// longer, so that more comes along, unless it is an alarm.
void UplinkWorker::wait_for_news() {
  std::unique_lock lock(mutex_);
  if (progress_.needs_epoch) {
    wake_.wait(lock, [&] { return stop_; });
    return;
  }
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
  Committed committed;
  {
    std::lock_guard lock(mutex_);
    mark = progress_.mark;
    committed = committed_;
  }
  if (!open_) {
    const auto begun = steady_clock::now();
    if (Status opened = open(mark, committed); !opened.ok()) {
      // Whoever looks for its server for long may try often meanwhile: it rests half as long.
      const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun);
      return fail(opened.error(), took / 2), false;
    }
  }
  if (Status cut = cut_backlog(mark, committed); !cut.ok()) return fail(cut.error()), false;
  Mark after;
  if (Status read = backlog_->next(mark, committed, batch_bytes_, messages_, after); !read.ok()) {
    if (read.error().code == ErrorCode::kBadData) {
      std::lock_guard lock(mutex_);
      progress_.store_damaged = true;
    }
    return fail(read.error()), false;
  }
  // A sink that finds its place by what it has must know of a gap before it has what follows.
  const bool more = !messages_.empty() || after.settled() != mark.settled();
  if (more) {
    if (Status sent = deliver(after); !sent.ok()) return fail(sent.error()), false;
  }
  backoff_ms_ = 0;
  std::lock_guard lock(mutex_);
  progress_ = {after, true, "", false, false, true};
  return more;
}

Status UplinkWorker::open(Mark& mark, Committed& committed) {
  auto opened = sink_->open(mark);
  std::string news = sink_->take_news();
  if (!news.empty()) {
    log_error("uplink {}: {}", options_.name, news);
    std::lock_guard lock(mutex_);
    untold_ = std::move(news);
  }
  if (!opened.ok()) return opened.error();
  {
    std::lock_guard lock(mutex_);
    committed = committed_;  // opening may have taken long
  }
  WS_ASSIGN(const bool ours, backlog_->is_ours(*opened, committed));
  if (!ours) {
    std::lock_guard lock(mutex_);
    progress_.needs_epoch = true;
    return Error{ErrorCode::kUnavailable,
                 "the sink holds what this store never gave: the store was restored from an older "
                 "copy, or another gateway has its id"};
  }
  WS_TRY(backlog_->recount(*opened, committed));
  mark = *opened;
  open_ = true;
  was_away_ = true;
  backoff_ms_ = 0;
  batch_bytes_ = std::min(batch_bytes_, kBatchBytesFirst);
  log_info("uplink {}: ready, {} delivered so far", options_.name, mark.delivered);
  std::lock_guard lock(mutex_);
  progress_ = {mark, true, "", false, false, true};
  return {};
}

Status UplinkWorker::cut_backlog(Mark& mark, const Committed& committed) {
  if (!std::exchange(was_away_, false) || !sink_->has_backlog_lane()) return {};
  WS_ASSIGN(const bool cut, backlog_->cut(mark, committed, options_.backlog_after));
  if (cut) log_info("uplink {}: what waited follows behind what is new", options_.name);
  return {};
}

// Over a slow link a batch has to be small: an alarm waits for the one that is under way, and
// readers of a transaction for its end.
Status UplinkWorker::deliver(Mark& after) {
  const auto begun = steady_clock::now();
  Status sent = sink_->deliver(messages_, after);
  const auto took = steady_clock::now() - begun;
  const auto allowed = milliseconds(options_.batch_time_ms);
  was_away_ = took > allowed;  // the link may have been, without an error
  if (took > allowed) batch_bytes_ = std::max(batch_bytes_ / 2, kBatchBytesMin);
  if (sent.ok() && took < allowed / 2)
    batch_bytes_ = std::min(batch_bytes_ * 2, options_.batch_bytes);
  return sent;
}

void UplinkWorker::fail(const Error& error, milliseconds pause) {
  static thread_local std::minstd_rand jitter(std::random_device{}());
  open_ = false;
  backoff_ms_ = std::clamp(backoff_ms_ * 2, options_.retry_min_ms, options_.retry_max_ms);
  if (sink_->has_rival()) backoff_ms_ = options_.retry_max_ms;
  backoff_ms_ = backoff_ms_ * 3 / 4 + static_cast<int64_t>(jitter()) % (backoff_ms_ / 2 + 1);
  const int64_t least_ms = std::min<int64_t>(pause.count(), options_.retry_max_ms);
  backoff_ms_ = std::max<int64_t>({backoff_ms_, least_ms, 1});  // 0 would wait for news instead
  std::lock_guard lock(mutex_);
  if (progress_.needs_epoch) {
    log_warn("uplink {}: {}", options_.name, error.message);
  } else {
    log_warn("uplink {}: {}; trying again in {} ms", options_.name, error.message, backoff_ms_);
  }
  progress_.connected = false;
  progress_.trouble = error.message;
}

}  // namespace wayside
