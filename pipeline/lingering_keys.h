// Keys that a source has forgotten, and that blocks keep for a while longer: until their open
// windows would be over, had the key's event time gone on with the clock. Timers are on the grid of
// ticks. A name stands for each block, as state is kept under it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace wayside {

class LingeringKeys {
 public:
  explicit LingeringKeys(int64_t tick_ms) : tick_ms_(tick_ms) {}

  struct Stay {  // of a key in a block
    size_t block = 0;
    int64_t newest_ms = 0;  // its last event time
    int64_t behind_ms = 0;  // the timer clock then, less that
  };
  // By block. What is known of these blocks already does not count any more.
  void add(uint32_t key, const std::vector<Stay>& stays);
  std::vector<Stay> stays(uint32_t key) const;
  // It goes on in these blocks alone; they are looked at again at `due_ms`, or after it.
  void keep(uint32_t key, std::vector<Stay> stays, int64_t due_ms);
  bool knows(uint32_t key) const { return keys_.contains(key); }

  int64_t next_timer() const { return due_.empty() ? kTimeMax : due_.begin()->first; }
  std::vector<uint32_t> due(int64_t timer_ms) const;

  // State, under the names of the blocks; those that are gone keep nothing.
  bool save_key(uint32_t key, const std::vector<std::string>& blocks, ByteWriter& out) const;
  void load_key(uint32_t key, const std::vector<std::string>& blocks, ByteReader& in);

 private:
  struct Key {
    std::vector<Stay> stays;
    int64_t due_ms = kTimeMax;
  };
  int64_t tick_ms_;
  std::unordered_map<uint32_t, Key> keys_;
  std::set<std::pair<int64_t, uint32_t>> due_;
};

}  // namespace wayside
