// Watermarks: how far event time has come. After a reading at t the watermark of its key (or of the
// source) is at least t − max_disorder − 1 ms, as in Flink's BoundedOutOfOrdernessWatermarks; it
// never goes back.
//
// Idleness runs on the timer clock: a key (in source mode: the source) that was silent for
// idle_after is idle. A key is forgotten when it was silent for forget_after, in either mode.
// Timers act on a grid of ticks.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "pipeline/key_origin.h"
#include "pipeline/stream.h"
#include "sensors/clean.h"
#include "sensors/options.h"

namespace wayside {

class WatermarkTracker final : public EventTime, public KeyOrigin {
 public:
  WatermarkTracker(const SourceOptions& options, int64_t tick_ms);

  // Fills after[i] with the watermark (of the row's key, or of the source) once row i has come.
  void advance(const BatchView& view, int64_t timer_ms, std::vector<int64_t>& after);

  // kTimeMin while nothing came. In source mode the key does not matter.
  int64_t watermark(uint32_t key) const override;
  bool is_idle(uint32_t key) const override;
  bool knows(uint32_t key) const override { return key < keys_.size() && keys_[key].known; }
  void prefetch(uint32_t key) const {
    if (key < keys_.size()) __builtin_prefetch(&keys_[key]);
  }
  size_t known_keys() const { return known_keys_; }
  int64_t newest_ms(uint32_t key) const override { return keys_[key].newest_ms; }
  int64_t heard_ms(uint32_t key) const override { return keys_[key].heard_ms; }
  int64_t newest_ms() const;  // of all keys; kTimeMin for none
  size_t deadlines() const { return deadlines_.size(); }

  // Keys whose event time is beyond `limit_ms`, for the caller to forget; in source mode all of
  // them if the source is, and its watermark begins anew. None: nothing is beyond it.
  std::optional<std::vector<uint32_t>> take_ahead(int64_t limit_ms);

  // Timers. Keys that became idle, or are to be forgotten, at or before `timer_ms`, in no order. In
  // source mode the source is idle as a whole, see is_idle(), and `idle` stays empty.
  void expire(int64_t timer_ms, std::vector<uint32_t>& idle, std::vector<uint32_t>& forgotten);
  // The next instant of the grid at which expire() has something to say; kTimeMax for never.
  int64_t next_timer();
  // For a source that has never been heard: from when its silence counts.
  void start(int64_t timer_ms);

  bool by_key() const override { return by_key_; }
  void forget_key(uint32_t key) override;

  bool save_key(uint32_t key, ByteWriter& out) const;
  void load_key(uint32_t key, ByteReader& in);
  void save_totals(ByteWriter& out) const;
  void load_totals(ByteReader& in);

 private:
  struct Key {
    bool known = false;
    bool idle = false;
    int64_t newest_ms = kTimeMin;   // largest event time
    int64_t heard_ms = 0;           // timer clock
    int64_t watched_ms = kTimeMax;  // its place among deadlines_
  };
  // When a key is looked at next. A reading does not move it: what is found to be too early is put
  // back, so that it costs nothing a reading.
  struct Deadline {
    int64_t at_ms;
    uint32_t key;
    bool operator>(const Deadline& other) const { return at_ms > other.at_ms; }
  };
  int64_t on_grid(int64_t deadline_ms) const;
  int64_t behind(int64_t newest_ms) const {
    return newest_ms == kTimeMin ? kTimeMin : newest_ms - disorder_ms_ - 1;
  }
  void hear(uint32_t key, int64_t timer_ms);
  int64_t deadline(const Key& key) const;
  void watch(uint32_t key);
  Deadline take_first();
  void drop_void_deadlines();
  void settle_first();  // the first deadline is one that holds, or there is none

  bool by_key_;
  int64_t disorder_ms_;
  int64_t idle_after_ms_;
  int64_t forget_after_ms_;
  int64_t tick_ms_;
  std::vector<Key> keys_;
  std::vector<Deadline> deadlines_;  // a heap, the first in front; others than watched_ms are void
  size_t known_keys_ = 0;
  // Source mode: the source as a whole.
  int64_t source_newest_ms_ = kTimeMin;
  int64_t source_heard_ms_ = 0;
  bool source_started_ = false;
  bool source_idle_ = false;
};

}  // namespace wayside
