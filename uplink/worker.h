// One uplink at work, on a thread of its own: takes what is committed from the backlog and gives it
// to the sink, with back-off while that fails. What it tells back is how far it has come, and what
// people should hear of.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "storage/mark.h"
#include "uplink/backlog.h"
#include "uplink/sink.h"

namespace wayside {

class UplinkWorker {
 public:
  // `sink` and `backlog` are used on the worker's thread only.
  UplinkWorker(const UplinkOptions& options, const Mark& local, std::unique_ptr<Sink> sink,
               std::unique_ptr<Backlog> backlog);
  ~UplinkWorker();  // stops

  // Who stops, say by SIGTERM, waits so long for what is still to be delivered.
  static constexpr std::chrono::milliseconds kDrainTime{3'000};

  void start();
  // Asks it to end, without waiting: after the delivery under way, or with `drain` once everything
  // there is delivered, the sink fails, or `drain_time` is over; a sink that is not open is not
  // opened any more. The first call counts. Any thread.
  void request_stop(bool drain, std::chrono::milliseconds drain_time = kDrainTime);
  // Asks, unless that was done before, and waits for the end.
  void stop(bool drain);

  // Something new is committed, and the store is now so far. `urgent`: an alarm is among it. Any
  // thread.
  void notify(const Committed& committed, bool urgent);

  struct Progress {
    Mark mark;
    bool connected = false;
    std::string trouble;         // the last error, "" when all is well
    bool store_damaged = false;  // the outbox cannot be read, and never will be
    // What the sink remembers was not made by this store, or by its copy, or before it was rolled
    // back. Nothing is delivered any more: ids of this epoch may have been given by others.
    bool needs_epoch = false;
    bool was_open = false;  // the sink has told how far it is, in this life
  };
  Progress progress() const;  // any thread
  // For an incident: what happened since the last call, "" for nothing. Any thread.
  std::string take_news();
  const std::string& name() const { return options_.name; }

 private:
  void run();
  bool work();  // one batch; false: nothing to do or a failure
  Status open(Mark& mark, Committed& committed);
  Status cut_backlog(Mark& mark, const Committed& committed);
  Status deliver(Mark& after);
  // The next try comes no earlier than after `pause`, or retry_max if that is less.
  void fail(const Error& error, std::chrono::milliseconds pause = {});
  void wait_for_news();
  bool must_end(bool worked) const;  // mutex_ is held

  const UplinkOptions options_;
  // The worker's thread.
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Backlog> backlog_;
  bool open_ = false;
  bool was_away_ = false;  // so that much may have come together
  int64_t backoff_ms_ = 0;
  uint64_t batch_bytes_;  // less than the options' while the link is slow
  MessageBatch messages_;
  // Shared.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Progress progress_;
  std::string untold_;
  Committed committed_;
  bool notified_ = false;  // for the first time: until then it knows no positions
  bool news_ = false;
  bool urgent_ = false;
  bool stop_ = false;
  bool drain_ = false;
  std::chrono::steady_clock::time_point end_by_;
  std::thread thread_;
};

}  // namespace wayside
