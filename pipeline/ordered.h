// Puts readings of a key into the order of their event time: a reading leaves when the watermark
// has passed it. Rules and detectors see readings through this, so that their answers do not depend
// on the order of arrival. What a block needs of a reading is computed when it arrives (a number
// for each), only that is kept.
//
// At most kMaxWaiting readings of a key wait. When one more comes, those leave that the watermark
// has passed, and if that does not help the oldest one leaves before its watermark: a device whose
// clock stands still is seen in its order of arrival. What comes later and is older than that one
// is refused as late. This hangs on single readings, not on how they are cut into slices.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "sensors/options.h"
#include "sensors/reading.h"

namespace wayside {

class OrderedReadings {
 public:
  static constexpr size_t kMaxWaiting = 10'000;  // readings of a key

  // In source mode the keys are also kept by their oldest reading, for add_due_keys().
  OrderedReadings(size_t values, WatermarkMode mode)
      : values_(values), by_source_(mode == WatermarkMode::kSource) {}

  // A reading whose values are `values[i][row]`. False: too late, its place in the order is gone.
  bool add(uint32_t key, int64_t time, const std::vector<const double*>& values, size_t row);

  // Hands over what is at or before the watermark, in order; equal times in order of arrival.
  // It refers to a function that outlives the call.
  class Consumer {
   public:
    template <class Function>
    Consumer(const Function& function)  // NOLINT: an argument is given as it is
        : function_(&function), call_([](const void* f, int64_t time, const double* values) {
            (*static_cast<const Function*>(f))(time, values);
          }) {}
    void operator()(int64_t time, const double* values) const { call_(function_, time, values); }

   private:
    const void* function_;
    void (*call_)(const void*, int64_t, const double*);
  };
  void release(uint32_t key, int64_t watermark, const Consumer& consumer);
  // Readings up to here are late from now on.
  void refuse_until(uint32_t key, int64_t watermark) {
    Key& k = state(key);
    k.released = std::max(k.released, watermark);
  }
  int64_t refused_until(uint32_t key) const {
    return key < keys_.size() ? keys_[key].released : kTimeMin;
  }
  // More than kMaxWaiting readings of the key wait: hands some over early, see above.
  bool is_over_limit(uint32_t key) const { return keys_[key].waiting() > kMaxWaiting; }
  void shorten(uint32_t key, int64_t watermark, const Consumer& consumer);
  // Those after `limit_ms` are gone without being seen.
  void drop_ahead(uint32_t key, int64_t limit_ms);
  // Hands over all: the key is silent, nothing older is expected.
  void release_all(uint32_t key, const Consumer& consumer);

  // Source mode: adds the keys for which release() would hand over something.
  void add_due_keys(int64_t watermark, std::vector<uint32_t>& keys) const;

  size_t waiting() const { return waiting_; }
  uint64_t evicted() const { return evicted_; }  // that the limit has handed over early
  void set_evicted(uint64_t n) { evicted_ = n; }
  std::vector<uint32_t> waiting_keys() const;
  int64_t newest() const;              // of all that wait; kTimeMin: none does
  std::vector<uint32_t> keys() const;  // of which it knows something
  void forget_key(uint32_t key);
  bool save_key(uint32_t key, ByteWriter& out) const;
  void load_key(uint32_t key, ByteReader& in);

 private:
  struct Key {
    // Those before `first` have left; they go together, so that none costs a move of all others.
    size_t first = 0;
    std::vector<int64_t> times;   // ascending
    std::vector<double> values;   // values_ each
    int64_t released = kTimeMin;  // what comes now and is not behind it is late
    size_t waiting() const { return times.size() - first; }
    auto begin() const { return times.begin() + static_cast<ptrdiff_t>(first); }
  };
  Key& state(uint32_t key);
  void hand_over(uint32_t key, size_t n, const Consumer& consumer);
  void mark(uint32_t key);    // puts the key's oldest reading into oldest_,
  void unmark(uint32_t key);  // or takes it out, before it changes
  void shrink(Key& key) const;

  size_t values_;
  std::vector<Key> keys_;
  size_t waiting_ = 0;
  uint64_t evicted_ = 0;
  bool by_source_;
  using Oldest = std::set<std::pair<int64_t, uint32_t>>;
  Oldest oldest_;           // source mode: of each key that waits
  Oldest::node_type node_;  // that was taken out last, for the next one
};

}  // namespace wayside
