// One process a state folder: two would write into each other's journal.
#pragma once

#include <string>

#include "base/result.h"

namespace wayside {

class StateLock {
 public:
  // Unavailable if another process has it.
  Status take(const std::string& state_dir);
  StateLock() = default;
  ~StateLock();
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;

 private:
  int fd_ = -1;
};

// Sets aside a folder where a file of ours should be.
Status make_room_for(const std::string& path);

}  // namespace wayside
