// One uplink at work, on a thread of its own: takes what is committed from the backlog and gives it
// to the sink, with back-off while that fails. What it tells back is how far it has come, nothing
// else.
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

  // Something new is committed, up to this journal entry and this emission (if the caller tells).
  // `urgent`: an alarm is among it. Any thread.
  //
  // The first call says where this life begins. A sink that remembers more than that was fed by
  // another store under our name: nothing is delivered to it, or what it lacks would be left out
  // in silence.
  void notify(uint64_t committed_entry, bool urgent, uint64_t last_sequence = kUnknown);
  static constexpr uint64_t kUnknown = UINT64_MAX;

  struct Progress {
    Mark mark;
    bool connected = false;
    std::string trouble;         // the last error, "" when all is well
    bool store_damaged = false;  // the outbox cannot be read, and never will be
  };
  Progress progress() const;  // any thread
  const std::string& name() const { return options_.name; }

 private:
  void run();
  bool work();  // one batch; false: nothing to do or a failure
  bool is_ahead(const Mark& mark) const;
  void fail(const Error& error);
  void wait_for_news();
  bool must_end(bool worked) const;  // mutex_ is held

  const UplinkOptions options_;
  // The worker's thread.
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Backlog> backlog_;
  bool open_ = false;
  // What this store is known to have given; it does not grow until the sink was open once.
  uint64_t known_entry_ = 0;
  uint64_t known_sequence_ = 0;
  int64_t backoff_ms_ = 0;
  std::vector<Message> messages_;
  // Shared.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Progress progress_;
  uint64_t committed_entry_ = 0;
  uint64_t last_sequence_ = 0;
  bool notified_ = false;  // for the first time: until then it knows no positions
  bool news_ = false;
  bool urgent_ = false;
  bool stop_ = false;
  bool drain_ = false;
  std::chrono::steady_clock::time_point end_by_;
  std::thread thread_;
};

}  // namespace wayside
