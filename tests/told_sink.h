// A sink around another one that tells when it was opened, whether that went well or not: a loop
// that stops before its sinks are open never sees them deliver.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "uplink/sink.h"

namespace wayside {

// Of all sinks of a life. Any thread.
class SinksOpened {
 public:
  void count() {
    std::lock_guard lock(mutex_);
    ++opened_;
    one_more_.notify_all();
  }
  // And forgets them.
  void await(size_t n) {
    std::unique_lock lock(mutex_);
    one_more_.wait_for(lock, std::chrono::seconds(10), [&] { return opened_ >= n; });
    opened_ = 0;
  }

 private:
  std::mutex mutex_;
  std::condition_variable one_more_;
  size_t opened_ = 0;
};

class ToldSink : public Sink {
 public:
  ToldSink(SinksOpened& opened, std::unique_ptr<Sink> sink)
      : opened_(opened), sink_(std::move(sink)) {}
  Result<Mark> open(const Mark& local) override {
    auto mark = sink_->open(local);
    opened_.count();
    return mark;
  }
  Status deliver(std::span<const Message> messages, Mark& after) override {
    return sink_->deliver(messages, after);
  }
  bool has_backlog_lane() const override { return sink_->has_backlog_lane(); }

 private:
  SinksOpened& opened_;
  std::unique_ptr<Sink> sink_;
};

}  // namespace wayside
