// One uplink at work, on a thread of its own: takes what is committed from the backlog and gives it
// to the sink, with back-off while that fails. What it tells back is how far it has come, nothing
// else.
#pragma once

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

  void start();
  // Ends after the delivery under way. With `drain` it first delivers what is there, unless the
  // sink fails.
  void stop(bool drain);

  // Something new is committed, up to this journal entry. `urgent`: an alarm is among it. Any
  // thread.
  void notify(uint64_t committed_entry, bool urgent);

  struct Progress {
    Mark mark;
    bool connected = false;
    std::string trouble;  // the last error, "" when all is well
  };
  Progress progress() const;  // any thread
  const std::string& name() const { return options_.name; }

 private:
  void run();
  bool work();  // one batch; false: nothing to do or a failure
  void fail(const Error& error);
  void wait_for_news();

  const UplinkOptions options_;
  // The worker's thread.
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Backlog> backlog_;
  bool open_ = false;
  int64_t backoff_ms_ = 0;
  std::vector<Message> messages_;
  // Shared.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Progress progress_;
  uint64_t committed_entry_ = 0;
  bool news_ = false;
  bool urgent_ = false;
  bool stop_ = false;
  bool drain_ = false;
  std::thread thread_;
};

}  // namespace wayside
