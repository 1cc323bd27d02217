// Windows that have a pane each: those that do not overlap, sessions, one for all times, and all
// that speak before their end or forget what they told.
//
// Early results are those of Flink's ContinuousEventTimeTrigger and CountTrigger: each `early_ms`
// on its own grid from a window's first reading on, and at each early_count-th reading.
#pragma once

#include <vector>

#include "pipeline/id_list.h"
#include "pipeline/keyed_windows.h"
#include "pipeline/panes.h"
#include "pipeline/window_grid.h"

namespace wayside {

class PanedWindows final : public KeyedWindows {
 public:
  // The panes and the listener outlive it.
  PanedWindows(const WindowOptions& options, WindowGrid grid, Panes& panes,
               WindowListener& listener);

  void prefetch(uint32_t key) const override {
    if (key < keys_.size()) __builtin_prefetch(&keys_[key]);
  }
  void prefetch_panes(uint32_t key) const override {
    if (key >= keys_.size() || keys_[key].panes.empty()) return;
    const uint32_t pane = keys_[key].panes.back();
    __builtin_prefetch(&heads_[pane]);
    if (is_session_) __builtin_prefetch(&ends_[pane]);
    panes_.prefetch(pane);
  }
  Take take(uint32_t key, int64_t time, uint32_t row, int64_t watermark) override;
  int64_t due(uint32_t key) const override {
    return key < keys_.size() ? keys_[key].due : kTimeMax;
  }
  void advance(uint32_t key, int64_t watermark) override;
  void tell(uint32_t key) override;
  void close(uint32_t key) override;
  void drop(uint32_t key) override;
  void close_ahead(uint32_t key, int64_t limit) override;
  bool missed(int64_t time, int64_t& start, int64_t& end) const override;
  int64_t over_at(uint32_t key) const override;
  bool empty(uint32_t key) const override {
    return key >= keys_.size() || keys_[key].panes.empty();
  }
  size_t open() const override { return panes_.used(); }
  void save(uint32_t key, ByteWriter& out) const override;
  void load(uint32_t key, ByteReader& in) override;

 private:
  struct Key {
    int64_t due = kTimeMax;
    IdList panes;  // by start
  };
  struct Head {  // of a pane
    int64_t start = 0;
    uint32_t revision = 0;      // of its next result
    uint32_t complete : 1 = 0;  // the watermark has passed its end
    uint32_t changed : 1 = 0;   // readings came since its last result
    uint32_t empty : 1 = 0;     // nothing came since it was purged
    uint32_t told : 1 = 0;      // at its end
  };
  struct Early {
    int64_t next = kTimeMax;  // when it speaks; of a complete one never
    uint32_t readings = 0;    // since it last spoke because of them
  };

  int64_t end(uint32_t pane) const {
    return is_session_ ? ends_[pane] : grid_.end(heads_[pane].start);
  }
  int64_t last(uint32_t pane) const { return last_of(end(pane)); }
  static int64_t last_of(int64_t end) { return end == kTimeMax ? kTimeMax : end - 1; }
  int64_t cleanup_of(int64_t end) const { return saturating_add(last_of(end), lateness_); }
  int64_t next_event(uint32_t pane) const;
  uint32_t first_open(const Key& key) const;
  void set_due(Key& key);
  uint32_t lower_bound(const Key& key, int64_t start) const;
  uint32_t make(Key& key, uint32_t at, int64_t start);
  void drop_pane(Key& key, uint32_t at);
  void drop_old(uint32_t key, int64_t now);
  bool take_fixed(uint32_t key, int64_t start, int64_t time, uint32_t row, int64_t watermark);
  bool take_session(uint32_t key, int64_t time, uint32_t row, int64_t watermark);
  void merge_sessions(Key& key, uint32_t at);
  void count(uint32_t key, uint32_t pane, int64_t time, uint32_t row, int64_t watermark);
  void speak(uint32_t key, uint32_t pane, bool final);

  const WindowGrid grid_;
  const bool is_session_;
  const bool overlaps_;
  const int64_t gap_;
  const int64_t lateness_;
  const int64_t early_ms_;
  const uint32_t early_count_;
  const bool at_end_;
  const bool purge_;
  const bool retract_;
  Panes& panes_;
  WindowListener& listener_;
  std::vector<Key> keys_;
  std::vector<Head> heads_;    // by pane
  std::vector<int64_t> ends_;  // by pane; of sessions
  std::vector<Early> early_;   // by pane, if there are such results
};

}  // namespace wayside
