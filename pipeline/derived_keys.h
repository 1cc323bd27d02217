// The keys that a block gives its readings, and when they end: a key is forgotten when no reading
// had it for forget_after, on the timer clock and its grid, as with those of a source.
#pragma once

#include <cstdint>
#include <list>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "pipeline/key_origin.h"

namespace wayside {

class DerivedKeys final : public KeyOrigin {
 public:
  DerivedKeys(int64_t forget_after_ms, int64_t tick_ms, uint32_t max_keys)
      : forget_after_ms_(forget_after_ms), tick_ms_(tick_ms), max_keys_(max_keys) {}

  // What comes from here on came at this time of the timer clock.
  void set_clock(int64_t timer_ms) { clock_ms_ = timer_ms; }
  bool is_full() const { return known_keys_ >= max_keys_; }
  void hear(uint32_t key, int64_t time_ms);

  bool knows(uint32_t key) const override { return key < keys_.size() && keys_[key].known; }
  int64_t newest_ms(uint32_t key) const override { return keys_[key].newest_ms; }
  int64_t heard_ms(uint32_t key) const override { return keys_[key].heard_ms; }
  void forget_key(uint32_t key) override;

  // Keys to be forgotten at or before `timer_ms`.
  std::vector<uint32_t> expired(int64_t timer_ms) const;
  int64_t next_timer() const;  // kTimeMax for never
  // Keys whose event time is beyond `limit_ms`.
  std::vector<uint32_t> ahead(int64_t limit_ms) const;

  // Of a key that it knows.
  void save_key(uint32_t key, ByteWriter& out) const;
  void load_key(uint32_t key, ByteReader& in);
  void loaded();  // after the last load_key

 private:
  struct Key {
    bool known = false;
    int64_t newest_ms = kTimeMin;  // largest event time
    int64_t heard_ms = 0;          // timer clock
    std::list<uint32_t>::iterator place;
  };
  int64_t end_of(uint32_t key) const;

  int64_t forget_after_ms_;
  int64_t tick_ms_;
  uint32_t max_keys_;
  int64_t clock_ms_ = 0;
  std::vector<Key> keys_;
  std::list<uint32_t> by_silence_;  // the most silent first
  size_t known_keys_ = 0;
};

}  // namespace wayside
