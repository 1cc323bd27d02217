// A bounded queue between two threads. Its bound is in bytes; its free bytes are the credits of
// whoever fills it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace wayside {

// How a queue stands, and how long its producers had to wait for it.
struct QueueUse {
  size_t used_bytes = 0;
  size_t limit_bytes = 0;
  bool is_full = false;  // producers wait for a sign
  uint64_t times_full = 0;
  std::chrono::milliseconds full_for{0};  // all those times together, the present one included
};

template <class T, class Clock = std::chrono::steady_clock>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Never waits and never refuses: the producer looks at the answer, false = stop producing until
  // the consumer has called drain(). One item may thus exceed the bound. Any thread; a producer may
  // still be in here when its item has been taken, and has to end before the queue does.
  bool push(T item, size_t bytes) {
    std::unique_lock lock(mutex_);
    items_.emplace_back(std::move(item), bytes);
    used_bytes_ += bytes;
    if (!full_ && used_bytes_ >= limit_bytes_) {
      full_ = true;
      full_since_ = Clock::now();
      ++times_full_;
    }
    const bool more = !full_;
    lock.unlock();  // who is woken would only wait for it
    ready_.notify_one();
    return more;
  }

  // Takes items of `limit_bytes`, at least one if there is one; waits until there is something,
  // `wake()` is called or the time is up. `was_full` tells the consumer that the producer waits for
  // a sign.
  void drain(std::vector<T>& out, size_t limit_bytes, std::chrono::milliseconds wait,
             bool& was_full) {
    out.clear();
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, wait, [&] { return !items_.empty() || woken_; });
    woken_ = false;
    for (size_t taken = 0;
         !items_.empty() && (taken == 0 || taken + items_.front().second <= limit_bytes);) {
      taken += items_.front().second;
      used_bytes_ -= items_.front().second;
      out.push_back(std::move(items_.front().first));
      items_.pop_front();
    }
    was_full = full_ && used_bytes_ < limit_bytes_;
    if (!was_full) return;
    full_ = false;
    full_before_ += Clock::now() - full_since_;
  }

  void wake() {
    std::unique_lock lock(mutex_);
    woken_ = true;
    lock.unlock();
    ready_.notify_one();
  }

  size_t used_bytes() const {
    std::lock_guard lock(mutex_);
    return used_bytes_;
  }
  bool is_full() const { return used_bytes() >= limit_bytes_; }
  QueueUse use() const {
    std::lock_guard lock(mutex_);
    const auto full_for = full_before_ + (full_ ? Clock::now() - full_since_ : Waited(0));
    return {used_bytes_, limit_bytes_, full_, times_full_,
            std::chrono::duration_cast<std::chrono::milliseconds>(full_for)};
  }

 private:
  using Waited = typename Clock::duration;

  const size_t limit_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::pair<T, size_t>> items_;
  size_t used_bytes_ = 0;
  bool full_ = false;
  typename Clock::time_point full_since_{};
  Waited full_before_{0};
  uint64_t times_full_ = 0;
  bool woken_ = false;
};

}  // namespace wayside
