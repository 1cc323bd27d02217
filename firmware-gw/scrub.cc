#include "firmware-gw/scrub.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"

namespace wayside {
namespace {

constexpr int64_t kSteps = 1'000;  // it wakes so often in a pass
constexpr int64_t kStepMinMs = 1;

}  // namespace

Scrub::Scrub(Disk& disk, std::string journal_dir, int64_t pass_ms, uint64_t after, uint64_t last)
    : reader_(disk, std::move(journal_dir)), pass_ms_(pass_ms), after_(after), last_(last) {
  progress_.entry = after;
}

Scrub::~Scrub() { stop(); }

void Scrub::start() {
  if (pass_ms_ > 0) thread_ = std::thread([this] { run(); });
}

void Scrub::stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Scrub::Progress Scrub::progress() const {
  std::lock_guard lock(mutex_);
  return progress_;
}

Scrub::Ranges Scrub::take_findings() {
  std::lock_guard lock(mutex_);
  return std::exchange(findings_, {});
}

void Scrub::run() {
  const auto pause = std::chrono::milliseconds(std::max(pass_ms_ / kSteps, kStepMinMs));
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    bool more = true;
    for (uint64_t n = 0; n < batch_ && more; ++n) more = read_some();
    lock.lock();
    wake_.wait_for(lock, pause, [&] { return stop_; });
  }
}

Status Scrub::begin_pass() {
  WS_ASSIGN(const bool found, reader_.seek(1, expected_));
  if (found) expected_ = 1;
  // Twice as fast as needed: the journal grows meanwhile.
  const uint64_t entries = last_ - std::min(last_, expected_ - 1);
  batch_ = std::max<uint64_t>((2 * entries + kSteps - 1) / kSteps, 1);
  const uint64_t first = std::exchange(after_, 0) + 1;
  if (first <= expected_ || first > last_) return {};
  WS_ASSIGN(const bool there, reader_.seek(first, expected_));
  if (there) expected_ = first;
  return {};
}

// False: the end of a pass, or the disk fails; then it is tried again later.
bool Scrub::read_some() {
  if (expected_ == 0 && !begin_pass().ok()) return expected_ = 0, false;
  JournalEntry entry;
  auto there = reader_.next(entry);
  if (!there.ok()) return false;
  if (!*there) {
    last_ = expected_ - 1;
    expected_ = 0;
    std::lock_guard lock(mutex_);
    ++progress_.passes;
    return false;
  }
  if (entry.sequence > expected_) note_gap(expected_, entry.sequence - 1);
  expected_ = entry.sequence + 1;
  std::lock_guard lock(mutex_);
  progress_.entry = entry.sequence;
  return true;
}

// Each range is told once.
void Scrub::note_gap(uint64_t from, uint64_t to) {
  if (to <= told_upto_) return;
  // What was recycled while it was read is no damage.
  uint64_t oldest = 0;
  JournalEntry entry;
  auto found = reader_.seek(1, oldest);
  if (found.ok() && !*found && oldest > from) {
    (void)reader_.seek(to + 1, oldest).ok();
    (void)reader_.next(entry).ok();
    return;
  }
  (void)reader_.seek(to + 1, oldest).ok();
  (void)reader_.next(entry).ok();
  told_upto_ = to;
  log_error("journal entries {} to {} are damaged", from, to);
  std::lock_guard lock(mutex_);
  progress_.damaged += to - from + 1;
  findings_.emplace_back(from, to);
}

}  // namespace wayside
