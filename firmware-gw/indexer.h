// Makes the indexes of history while the gateway runs, behind its back: a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "storage/history_index.h"

namespace wayside {

class Indexer {
 public:
  // It looks every `pause`, for the first time after one: a start has better things to do.
  // `min_free` stays free on the disk.
  Indexer(Disk& disk, std::string state_dir, uint64_t min_free,
          std::chrono::milliseconds pause = std::chrono::seconds(30));
  ~Indexer();

  void start();
  void stop();

 private:
  void run();
  bool stopped() const;

  Disk& disk_;
  const std::string state_dir_;
  const uint64_t min_free_;
  const std::chrono::milliseconds pause_;
  KnownIndexes known_;  // the thread's
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace wayside
