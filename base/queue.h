// A bounded queue between two threads. Its bound is in bytes; its free bytes are the credits of
// whoever fills it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace wayside {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Never waits and never refuses: the producer looks at the answer, false = stop producing until
  // the consumer has called drain(). One item may thus exceed the bound. Any thread.
  bool push(T item, size_t bytes) {
    std::lock_guard lock(mutex_);
    items_.emplace_back(std::move(item), bytes);
    used_bytes_ += bytes;
    ready_.notify_one();
    return full_ = used_bytes_ >= limit_bytes_, !full_;
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
    full_ = full_ && !was_full;
  }

  void wake() {
    std::lock_guard lock(mutex_);
    woken_ = true;
    ready_.notify_one();
  }

  size_t used_bytes() const {
    std::lock_guard lock(mutex_);
    return used_bytes_;
  }
  bool is_full() const { return used_bytes() >= limit_bytes_; }

 private:
  const size_t limit_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::pair<T, size_t>> items_;
  size_t used_bytes_ = 0;
  bool full_ = false;
  bool woken_ = false;
};

}  // namespace wayside
