// Reads the journal over and over, slowly, so that a medium that rots is noticed while a backup or
// the centre still has what it held. A thread of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/journal.h"

namespace wayside {

class Scrub {
 public:
  // Every entry that is there is read within `pass_ms`; 0: never.
  Scrub(Disk& disk, std::string journal_dir, int64_t pass_ms);
  ~Scrub();

  void start();
  void stop();

  struct Progress {
    uint64_t passes = 0;   // of all the journal
    uint64_t entry = 0;    // read last
    uint64_t damaged = 0;  // entries, of this process's passes
  };
  Progress progress() const;  // any thread
  // A sentence for each range found damaged since the last call. Any thread.
  std::vector<std::string> take_findings();

 private:
  void run();
  bool read_some();
  void note_gap(uint64_t from, uint64_t to);

  // The thread's.
  JournalReader reader_;
  const int64_t pass_ms_;
  uint64_t expected_ = 0;  // 0: a pass begins
  uint64_t batch_ = 1;     // entries to be read each time it wakes
  uint64_t in_pass_ = 0;   // read so far
  uint64_t told_upto_ = 0;
  // Shared.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Progress progress_;
  std::vector<std::string> findings_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace wayside
