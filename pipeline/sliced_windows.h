// Overlapping windows over slices that they share: a reading goes into one slice, whatever the
// overlap, and a result costs a few merges, amortised, out of order or not.
//
// The slices of a key lie in four stretches, oldest first:
//   done    in no window to come; kept while allowed_lateness may still revise an older one
//   front   each with the sum of itself and all of the front behind it (suffix)
//   back    complete, and summed up in one pane
//   open    not summed up yet
// A window that closes is suffix(first slice of it) + back. When the front is used up, the back
// becomes the front: the sums are made from its end to its begin. So each slice is merged twice in
// its life, once into the back and once into a suffix ("two stacks"; Tangwongsan et al. 2015,
// General Incremental Sliding-Window Aggregation). Nothing is subtracted: a reading that comes late
// is added to all the sums it belongs to. docs/decisions has the reasons.
//
// Without lateness a slice of the front is not needed itself, and its pane holds the suffix.
#pragma once

#include <deque>
#include <unordered_map>
#include <vector>

#include "pipeline/id_list.h"
#include "pipeline/keyed_windows.h"
#include "pipeline/panes.h"
#include "pipeline/window_grid.h"

namespace wayside {

class SlicedWindows final : public KeyedWindows {
 public:
  // The panes and the listener outlive it.
  SlicedWindows(const WindowOptions& options, WindowGrid grid, Panes& panes,
                WindowListener& listener);

  void prefetch(uint32_t key) const override {
    if (key < keys_.size()) __builtin_prefetch(&keys_[key]);
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
    return key >= keys_.size() || keys_[key].slices.empty();
  }
  size_t open() const override { return panes_.used() - 1; }  // without scratch_
  void save(uint32_t key, ByteWriter& out) const override;
  void load(uint32_t key, ByteReader& in) override;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr int64_t kNever = kTimeMax;

  struct Key {
    int64_t due = kNever;
    int64_t next = kNever;        // start of the window that closes next
    int64_t back_start = kNever;  // of the oldest slice in the back's sum
    IdList slices;                // their panes, by start
    IdList suffixes;              // of the front, where slices are kept as well
    uint32_t done = 0;            // slices in each stretch; the others are open
    uint32_t front = 0;
    uint32_t back = 0;
    uint32_t back_sum = kNone;
    uint32_t open_begin() const { return done + front + back; }
  };
  struct Told {  // a window that has spoken and may speak again
    int64_t start = 0;
    uint32_t revision = 0;
    bool changed = false;
    bool at_end = false;
  };

  int64_t last(int64_t start) const { return grid_.end(start) - 1; }
  int64_t cleanup(int64_t start) const { return saturating_add(last(start), lateness_); }
  uint32_t suffix(const Key& key, uint32_t i) const {  // of slice done + i
    return keeps_slices_ ? key.suffixes[i] : key.slices[key.done + i];
  }
  uint32_t lower_bound(const Key& key, int64_t start) const;
  uint32_t make(int64_t start);
  void set_due(Key& key) const;
  void set_next(Key& key, int64_t slice, int64_t watermark) const;
  uint32_t insert(Key& key, uint32_t at, int64_t start);
  void add_row(Key& key, uint32_t at, uint32_t row);
  void mark_changed(uint32_t key, int64_t slice);
  void revise(uint32_t key, int64_t slice, int64_t watermark);
  void sum_before(const Key& key, uint32_t first, uint32_t end);
  void close_next(uint32_t key);
  uint32_t sum_of_next(Key& key);
  void pass_front(Key& key);
  void flip(Key& key);
  void skip_empty(Key& key) const;
  void drop_old(uint32_t key, int64_t watermark);
  void drop_first(Key& key);
  uint32_t sum_between(const Key& key, int64_t start, int64_t end);
  static std::deque<Told>::iterator told_from(std::deque<Told>& all, int64_t start);
  Told& told(uint32_t key, int64_t start);
  void speak(uint32_t key, int64_t start, bool final, uint32_t pane);

  const WindowGrid grid_;
  const int64_t lateness_;
  const bool keeps_slices_;  // beside their suffixes
  const bool retract_;
  Panes& panes_;
  WindowListener& listener_;
  std::vector<int64_t> starts_;   // by pane
  uint32_t scratch_;              // a pane for sums
  std::vector<uint32_t> before_;  // panes of revise()
  std::vector<Key> keys_;
  std::unordered_map<uint32_t, std::deque<Told>> told_;  // by key, by start; mostly empty
};

}  // namespace wayside
