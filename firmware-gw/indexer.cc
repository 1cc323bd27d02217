#include "firmware-gw/indexer.h"

#include "base/log.h"

namespace wayside {
namespace {

constexpr auto kBetween = std::chrono::milliseconds(100);  // two files, so that others may work

}  // namespace

Indexer::Indexer(Disk& disk, std::string state_dir, uint64_t min_free,
                 std::chrono::milliseconds pause)
    : disk_(disk), state_dir_(std::move(state_dir)), min_free_(min_free), pause_(pause) {}

Indexer::~Indexer() { stop(); }

void Indexer::start() {
  thread_ = std::thread([this] { run(); });
}

void Indexer::stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool Indexer::stopped() const {
  std::lock_guard lock(mutex_);
  return stop_;
}

// Whatever fails is tried again with the next look: questions are answered without an index, too,
// only later.
void Indexer::run() {
  std::string trouble;
  std::unique_lock lock(mutex_);
  for (auto pause = pause_; !wake_.wait_for(lock, pause, [&] { return stop_; });) {
    lock.unlock();
    const auto more =
        index_some(disk_, state_dir_, min_free_, known_, [this] { return !stopped(); });
    const std::string failed = more.ok() ? "" : more.error().message;
    if (!failed.empty() && failed != trouble) log_warn("the index of history: {}", failed);
    trouble = failed;
    pause = more.ok() && *more ? std::min(kBetween, pause_) : pause_;
    lock.lock();
  }
}

}  // namespace wayside
