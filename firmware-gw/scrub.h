// Reads the journal over and over, slowly, so that a medium that rots is noticed while a backup or
// the centre still has what it held. A thread of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/journal.h"

namespace wayside {

class Scrub {
 public:
  // Every entry that is there is read within `pass_ms` of running; 0: never. The first pass goes on
  // behind `after`, as progress() gave it in a former life, and will meet entries up to `last`.
  Scrub(Disk& disk, std::string journal_dir, int64_t pass_ms, uint64_t after = 0,
        uint64_t last = 0);
  ~Scrub();

  void start();
  void stop();

  struct Progress {
    uint64_t passes = 0;   // of all the journal
    uint64_t entry = 0;    // read last
    uint64_t damaged = 0;  // entries, of this process's passes
  };
  Progress progress() const;  // any thread
  // Damaged since the last call: from this entry up to that. Any thread.
  using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;
  Ranges take_findings();

 private:
  void run();
  bool read_some();
  Status begin_pass();
  void note_gap(uint64_t from, uint64_t to);

  // The thread's.
  JournalReader reader_;
  const int64_t pass_ms_;
  uint64_t expected_ = 0;  // 0: a pass begins
  uint64_t batch_ = 1;     // entries to be read each time it wakes
  uint64_t after_ = 0;     // where the first pass goes on
  uint64_t last_ = 0;      // that was there, as far as is known
  uint64_t told_upto_ = 0;
  // Shared.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Progress progress_;
  Ranges findings_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace wayside
